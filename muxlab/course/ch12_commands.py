"""Chapter 12, step 2: commands that count, and that are asked for with the right number of words (redis-commands)."""

from .ch12_server import bulk, error_reply, integer


def answer(table, client, request):
    """Return the reply to one request."""
    name, *arguments = request
    if name.upper() not in table:
        return error_reply(b"unknown command '%b'" % name[:128])
    least, most, command = table[name.upper()]
    if not least <= len(arguments) <= most:
        return error_reply(b"wrong number of arguments for '%b' command" % name.lower())
    return command(client, *arguments)


def database():
    """Return a table of commands, and a function that says how long the server may sleep."""
    values = {}
    any_number = 1024 * 1024

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
        return b"+OK\r\n"

    def delete(client, *keys):
        there = [key for key in dict.fromkeys(keys) if key in values]
        for key in there:
            del values[key]
        return b":%d\r\n" % len(there)

    def exists(client, *keys):
        return b":%d\r\n" % sum(key in values for key in keys)

    def size(client):
        return b":%d\r\n" % len(values)

    def increment(client, key):
        number = integer(values.get(key, b"0"))
        if number is None:
            return error_reply(b"value is not an integer or out of range")
        if number == 2**63 - 1:
            return error_reply(b"increment or decrement would overflow")
        values[key] = b"%d" % (number + 1)
        return b":%b\r\n" % values[key]

    def ring():
        return None  # until somebody has something to say

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
    }
    return table, ring
