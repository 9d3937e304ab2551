"""The server that chapter 12, Build a Redis, writes out in its text: it believes whatever it is told.

Its exercises repair and extend it, function by function: see ch12_frames, ch12_commands, ch12_expiry, ch12_pubsub.
"""

import select

from ..connection import Connection


def redis_server(listener, stop):
    listener.setblocking(False)
    epoll = select.epoll()
    table, ring = database()
    clients = {}  # for each descriptor, its client
    received = {}  # for each client, bytes that are not a whole request yet
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
        if client.done:
            drop(client)
            return
        wanted = client.wants_read * select.EPOLLIN | client.wants_write * select.EPOLLOUT
        if wanted != watched[client]:
            epoll.modify(client, wanted)
            watched[client] = wanted

    def drop(client):
        epoll.unregister(client)
        del clients[client.fileno()], received[client], requests[client], watched[client]
        client.close()

    with epoll:
        epoll.register(stop, select.EPOLLIN)
        epoll.register(listener, select.EPOLLIN)
        while not stop.is_set():
            for fd, mask in epoll.poll(ring()):
                if fd == listener.fileno():
                    welcome()
                elif fd in clients:
                    client = clients[fd]
                    talk(client)
                    settle(client)
    for client in clients.values():
        client.close()


def respond(client, requests, table):
    """Answer the requests that are whole by now, all of them with one `send`."""
    replies, stays = [], True
    while stays and (request := next(requests)) is not None:
        replies.append(answer(table, client, request))
        stays = request[0].upper() != b"QUIT"
    if replies:
        client.send(b"".join(replies))
    if not stays:
        client.ended = True  # nothing more is read from it; when all is sent, it is done
        client.flush()


def parse(received):
    """Yield each request as a list of words, once it is whole; yield None while bytes are missing."""
    while True:
        line = yield from a_line(received)
        words = []
        for _ in range(int(line[1:])):
            line = yield from a_line(received)
            size = int(line[1:])
            while len(received) < size + 2:
                yield None
            words.append(bytes(received[:size]))
            del received[: size + 2]
        yield words


def a_line(received):
    """Take the first line off the bytes, and return it without its end; yield None while it has none."""
    while (end := received.find(b"\n")) < 0:
        yield None
    line = bytes(received[:end])
    del received[: end + 1]
    return line.removesuffix(b"\r")


def answer(table, client, request):
    """Return the reply to one request."""
    name, *arguments = request
    if name.upper() not in table:
        return error_reply(b"unknown command '%b'" % name[:128])
    least, most, command = table[name.upper()]
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

    def ring():
        return None  # until somebody has something to say

    table = {
        b"PING": (0, 1, ping),
        b"ECHO": (1, 1, echo),
        b"QUIT": (0, any_number, say_goodbye),
        b"GET": (1, 1, get),
        b"SET": (2, 2, put),
    }
    return table, ring


def bulk(text):
    """Return the reply that carries these bytes."""
    return b"$%d\r\n%b\r\n" % (len(text), text)


def error_reply(text):
    """Return the reply that names an error: one line, whatever bytes are in the text."""
    return b"-ERR %b\r\n" % text.replace(b"\r", b" ").replace(b"\n", b" ")


def integer(text):
    """Return the number that these bytes spell, if it is one of 64 bits; otherwise None."""
    digits = text.removeprefix(b"-")
    if not digits.isdigit() or len(digits) > 19:
        return None
    if digits.startswith(b"0") and text != b"0":
        return None  # 007, -0
    number = int(text)
    return number if -(2**63) <= number < 2**63 else None
