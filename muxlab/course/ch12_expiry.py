"""Chapter 12, step 3: a database that forgets keys when their time is over (the exercise redis-expiry)."""

import heapq
import time

from .ch12_server import bulk, error_reply, integer


def database():
    """Return a table of commands, and a function that says how long the server may sleep."""
    values = {}
    deadlines = {}  # for each key that has one, when its time is over
    alarms = []  # a heap of (when, key)
    any_number = 1024 * 1024
    no_integer = error_reply(b"value is not an integer or out of range")

    def ping(client, *text):
        return bulk(text[0]) if text else b"+PONG\r\n"

    def echo(client, text):
        return bulk(text)

    def say_goodbye(client, *ignored):
        return b"+OK\r\n"

    def get(client, key):
        return bulk(values[key]) if key in values else b"$-1\r\n"

    def put(client, key, value):
        values[key] = value
        deadlines.pop(key, None)
        return b"+OK\r\n"

    def delete(client, *keys):
        there = [key for key in dict.fromkeys(keys) if key in values]
        for key in there:
            del values[key]
            deadlines.pop(key, None)
        return b":%d\r\n" % len(there)

    def exists(client, *keys):
        return b":%d\r\n" % sum(key in values for key in keys)

    def size(client):
        return b":%d\r\n" % len(values)

    def increment(client, key):
        number = integer(values.get(key, b"0"))
        if number is None:
            return no_integer
        if number == 2**63 - 1:
            return error_reply(b"increment or decrement would overflow")
        values[key] = b"%d" % (number + 1)
        return b":%b\r\n" % values[key]

    def expire(client, key, amount, a_second=1):
        number = integer(amount)
        if number is None:
            return no_integer
        if key not in values:
            return b":0\r\n"
        deadlines[key] = time.monotonic() + number / a_second
        heapq.heappush(alarms, (deadlines[key], key))
        ring()  # its time may be over already
        return b":1\r\n"

    def expire_soon(client, key, amount):
        return expire(client, key, amount, a_second=1000)

    def left(client, key, a_second=1):
        if key not in values:
            return b":-2\r\n"
        if key not in deadlines:
            return b":-1\r\n"
        return b":%d\r\n" % round((deadlines[key] - time.monotonic()) * a_second)

    def left_precisely(client, key):
        return left(client, key, a_second=1000)

    def ring():
        now = time.monotonic()
        while alarms and alarms[0][0] <= now:
            when, key = heapq.heappop(alarms)
            if deadlines.get(key) == when:  # or else the time was changed, or the key is gone
                del values[key], deadlines[key]
        return min(alarms[0][0] - now, 3600) if alarms else None

    table = {
        b"PING": (0, 1, ping),
        b"ECHO": (1, 1, echo),
        b"QUIT": (0, any_number, say_goodbye),
        b"GET": (1, 1, get),
        b"SET": (2, 2, put),
        b"DEL": (1, any_number, delete),
        b"EXISTS": (1, any_number, exists),
        b"DBSIZE": (0, 0, size),
        b"INCR": (1, 1, increment),
        b"EXPIRE": (2, 2, expire),
        b"PEXPIRE": (2, 2, expire_soon),
        b"TTL": (1, 1, left),
        b"PTTL": (1, 1, left_precisely),
    }
    return table, ring
