"""Chapter 12, step 4: the server with channels, on which clients hear each other (the exercise redis-pubsub)."""

import select

from ..connection import Connection
from .ch12_frames import parse, respond
from .ch12_server import bulk, database


def redis_server(listener, stop):
    listener.setblocking(False)
    epoll = select.epoll()
    table, ring = database()
    channels = {}  # for each channel, the clients that listen to it
    subscribed = {}  # for each of these clients, its channels
    told = set()  # clients that somebody else has just sent something
    table |= channel_commands(channels, subscribed, told)
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
        if client.done or (client in subscribed and len(client.unsent) > 512 * 1024):
            drop(client)  # it has left, or it does not read what it has asked for
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
            for fd, mask in epoll.poll(ring()):
                if fd == listener.fileno():
                    welcome()
                elif fd in clients:
                    client = clients[fd]
                    talk(client)
                    told.add(client)
                    while told:
                        settle(told.pop())
    for client in clients.values():
        client.close()


def channel_commands(channels, subscribed, told):
    """Return the commands that let clients hear each other, as `database` returns the others."""
    any_number = 1024 * 1024

    def subscribe(client, *names):
        replies = []
        for channel in names:
            channels.setdefault(channel, set()).add(client)
            subscribed.setdefault(client, set()).add(channel)
            replies.append(notice(b"subscribe", channel, client))
        return b"".join(replies)

    def unsubscribe(client, *names):
        replies = []
        for channel in names or list(subscribed.get(client, ())) or [None]:
            leave(client, channel, channels, subscribed)
            replies.append(notice(b"unsubscribe", channel, client))
        return b"".join(replies)

    def notice(what, channel, client):
        name = b"$-1\r\n" if channel is None else bulk(channel)
        return b"*3\r\n" + bulk(what) + name + b":%d\r\n" % len(subscribed.get(client, ()))

    def publish(client, channel, text):
        listeners = channels.get(channel, ())
        for listener in listeners:
            listener.send(b"*3\r\n" + bulk(b"message") + bulk(channel) + bulk(text))
        told.update(listeners)
        return b":%d\r\n" % len(listeners)

    return {
        b"SUBSCRIBE": (1, any_number, subscribe),
        b"UNSUBSCRIBE": (0, any_number, unsubscribe),
        b"PUBLISH": (2, 2, publish),
    }


def leave(client, channel, channels, subscribed):
    """Take a client off a channel, and forget a channel that nobody listens to any more."""
    if channel in subscribed.get(client, ()):
        channels[channel].remove(client)
        subscribed[client].remove(channel)
        if not channels[channel]:
            del channels[channel]
        if not subscribed[client]:
            del subscribed[client]
