"""The servers of chapter 12, Build a Redis: the one that its exercises end with, and its helper functions.

The exercises themselves, which lead to it step by step, are in ch12_exercises.
"""

import heapq
import re
import select
import time

from ..connection import Connection


def redis_server(listener, stop):
    listener.setblocking(False)
    epoll = select.epoll()
    values, deadlines, alarms = {}, {}, []  # for each key its value, and when it is to be forgotten
    channels, subscribed, told = {}, {}, set()  # who listens to what, and who was sent something just now
    table = commands(values, deadlines, alarms) | channel_commands(channels, subscribed, told)
    clients = {}  # for each descriptor, its client
    received = {}  # for each client, bytes that are not yet a whole request
    requests = {}  # for each client, the generator that makes requests of them
    watched = {}  # for each client, what epoll watches it for

    def welcome():
        try:
            sock, address = listener.accept()
        except OSError:
            return  # gone again already, or no descriptor left: chapter 9
        client = Connection(sock)
        clients[client.fileno()] = client
        received[client] = bytearray()
        requests[client] = parse(received[client])
        epoll.register(client, select.EPOLLIN)
        watched[client] = select.EPOLLIN

    def talk(client):
        if client.unsent:
            client.flush()
        if client.wants_read:
            received[client] += client.receive()
            respond(client, requests[client], table)

    def settle(client):
        if client.done or (client in subscribed and len(client.unsent) > 512 * 1024):
            drop(client)  # it has left; or it does not read what it has subscribed to
            return
        wanted = client.wants_read * select.EPOLLIN | client.wants_write * select.EPOLLOUT
        if wanted != watched[client]:
            epoll.modify(client, wanted)
            watched[client] = wanted

    def drop(client):
        epoll.unregister(client)
        del clients[client.fileno()], received[client], requests[client], watched[client]
        for channel in list(subscribed.get(client, ())):
            leave(client, channel, channels, subscribed)
        client.close()

    with epoll:
        epoll.register(stop, select.EPOLLIN)
        epoll.register(listener, select.EPOLLIN)
        while not stop.is_set():
            for fd, mask in epoll.poll(forget(values, deadlines, alarms)):
                if fd == listener.fileno():
                    welcome()
                elif fd in clients:
                    forget(values, deadlines, alarms)
                    talk(clients[fd])
                    told.add(clients[fd])
                    while told:
                        settle(told.pop())
    for client in clients.values():
        client.close()


def respond(client, requests, table):
    """Answer all requests that are whole, with one `send`."""
    replies, stays = [], True
    try:
        while stays and (request := next(requests)) is not None:
            replies.append(answer(table, client, request))
            stays = request[0].upper() != b"QUIT"
    except ValueError as wrong:  # nobody can tell where its next request begins
        replies.append(error(f"Protocol error: {wrong}".encode()))
        stays = False
    if replies:
        client.send(b"".join(replies))
    if not stays:
        client.ended = True  # it is not read from any more, and is done when all is sent
        client.flush()


def parse(received):
    """Yield each request as a list of words, as soon as it is whole; yield None while bytes are missing."""
    while True:
        line = yield from a_line(received, "too big inline request")
        if not line.startswith(b"*"):
            words = line.split()  # somebody types
        else:
            words = []
            for _ in range(a_length(line, 1024 * 1024, "invalid multibulk length")):
                line = yield from a_line(received, "too big bulk count string")
                if not line.startswith(b"$"):
                    raise ValueError(f"expected '$', got '{line[:1].decode('latin-1')}'")
                size = a_length(line, 512 * 2**20, "invalid bulk length")
                while len(received) < size + 2:
                    yield None
                words.append(bytes(received[:size]))
                del received[: size + 2]
        if words:
            yield words


def a_line(received, too_long):
    """Take a line off the front, without its end; yield None while it has none."""
    while (end := received.find(b"\n")) < 0:
        if len(received) > 65536:
            raise ValueError(too_long)
        yield None
    line = bytes(received[:end])
    del received[: end + 1]
    return line.removesuffix(b"\r")


def a_length(line, most, wrong):
    """Return the number behind the first byte of a line, if it is one and not above `most`."""
    number = integer(line[1:])
    if number is None or not 0 <= number <= most:
        raise ValueError(wrong)
    return number


def integer(text):
    """Return the number that these bytes spell in 64 bits; None if they spell none."""
    if not re.fullmatch(rb"0|-?[1-9][0-9]{0,18}", text):
        return None
    number = int(text)
    return number if -(2**63) <= number < 2**63 else None


def answer(table, client, request):
    """Return the reply to a request."""
    name, *arguments = request
    if name.upper() not in table:
        return error(b"unknown command '%b'" % name[:128])
    least, most, command = table[name.upper()]
    if not least <= len(arguments) <= most:
        return error(b"wrong number of arguments for '%b' command" % name.lower())
    return command(client, *arguments)


def bulk(text):
    """Return the reply that carries these bytes."""
    return b"$%d\r\n%b\r\n" % (len(text), text)


def error(text):
    """Return the reply that names an error; it is one line, whatever is in the text."""
    return b"-ERR %b\r\n" % text.replace(b"\r", b" ").replace(b"\n", b" ")


def commands(values, deadlines, alarms):
    """Return the table of commands: by name, the least and the most arguments, and what to do."""
    many = 1024 * 1024
    no_integer = error(b"value is not an integer or out of range")

    def ping(client, *text):
        return bulk(text[0]) if text else b"+PONG\r\n"

    def echo(client, text):
        return bulk(text)

    def leave(client, *ignored):
        return b"+OK\r\n"

    def get(client, key):
        return bulk(values[key]) if key in values else b"$-1\r\n"

    def put(client, key, value):
        values[key] = value
        deadlines.pop(key, None)
        return b"+OK\r\n"

    def delete(client, *keys):
        there = 0
        for key in keys:
            if values.pop(key, None) is not None:
                deadlines.pop(key, None)
                there += 1
        return b":%d\r\n" % there

    def exists(client, *keys):
        return b":%d\r\n" % sum(key in values for key in keys)

    def size(client):
        return b":%d\r\n" % len(values)

    def increment(client, key):
        number = integer(values.get(key, b"0"))
        if number is None:
            return no_integer
        if number == 2**63 - 1:
            return error(b"increment or decrement would overflow")
        values[key] = b"%d" % (number + 1)
        return b":%d\r\n" % (number + 1)

    def expire(client, key, amount, a_second=1):
        number = integer(amount)
        if number is None:
            return no_integer
        if key not in values:
            return b":0\r\n"
        deadlines[key] = time.monotonic() + number / a_second
        heapq.heappush(alarms, (deadlines[key], key))
        forget(values, deadlines, alarms)
        return b":1\r\n"

    def pexpire(client, key, amount):
        return expire(client, key, amount, a_second=1000)

    def left(client, key, a_second=1):
        if key not in values:
            return b":-2\r\n"
        if key not in deadlines:
            return b":-1\r\n"
        return b":%d\r\n" % round((deadlines[key] - time.monotonic()) * a_second)

    def pleft(client, key):
        return left(client, key, a_second=1000)

    return {
        b"PING": (0, 1, ping),
        b"ECHO": (1, 1, echo),
        b"QUIT": (0, many, leave),
        b"GET": (1, 1, get),
        b"SET": (2, 2, put),
        b"DEL": (1, many, delete),
        b"EXISTS": (1, many, exists),
        b"DBSIZE": (0, 0, size),
        b"INCR": (1, 1, increment),
        b"EXPIRE": (2, 2, expire),
        b"PEXPIRE": (2, 2, pexpire),
        b"TTL": (1, 1, left),
        b"PTTL": (1, 1, pleft),
    }


def forget(values, deadlines, alarms):
    """Forget the keys whose time is over; return the seconds until the next alarm, None if there is none."""
    now = time.monotonic()
    while alarms and alarms[0][0] <= now:
        when, key = heapq.heappop(alarms)
        if deadlines.get(key) == when:  # otherwise it was put off, or called off
            del values[key], deadlines[key]
    return min(alarms[0][0] - now, 3600) if alarms else None


def channel_commands(channels, subscribed, told):
    """Return the table of the commands that connect clients with each other."""
    many = 1024 * 1024

    def listing(client, word, channel):
        count = b":%d\r\n" % len(subscribed.get(client, ()))
        return b"*3\r\n" + bulk(word) + (b"$-1\r\n" if channel is None else bulk(channel)) + count

    def subscribe(client, *names):
        replies = []
        for channel in names:
            channels.setdefault(channel, set()).add(client)
            subscribed.setdefault(client, set()).add(channel)
            replies.append(listing(client, b"subscribe", channel))
        return b"".join(replies)

    def unsubscribe(client, *names):
        replies = []
        for channel in names or list(subscribed.get(client, ())) or [None]:
            leave(client, channel, channels, subscribed)
            replies.append(listing(client, b"unsubscribe", channel))
        return b"".join(replies)

    def publish(client, channel, text):
        listeners = channels.get(channel, set())
        for listener in listeners:
            listener.send(b"*3\r\n" + bulk(b"message") + bulk(channel) + bulk(text))
        told.update(listeners)
        return b":%d\r\n" % len(listeners)

    return {
        b"SUBSCRIBE": (1, many, subscribe),
        b"UNSUBSCRIBE": (0, many, unsubscribe),
        b"PUBLISH": (2, 2, publish),
    }


def leave(client, channel, channels, subscribed):
    """Take a client off a channel; one that has not subscribed stays as it is."""
    if channel not in subscribed.get(client, ()):
        return
    subscribed[client].remove(channel)
    channels[channel].remove(client)
    if not subscribed[client]:
        del subscribed[client]
    if not channels[channel]:
        del channels[channel]  # or those that nobody listens to would pile up
