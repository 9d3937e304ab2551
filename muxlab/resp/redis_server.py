"""A Redis-like server on level-triggered epoll: the echo server's loop, with requests and replies in it."""

import select

from ..connection import Acceptor
from .channels import Channels
from .peer import Peer
from .store import Store

MOST_UNSENT = 1024 * 1024
"""Bytes that may be unsent to a subscriber when something is published; beyond that it is disconnected, because
publishers do not wait for it. Its unread replies count, too. Redis itself allows 32 MiB."""


def redis_server(listener, stop):
    """Answer the commands of Redis, to thousands of clients in one thread.

    A wait ends when a client has news, and also when a key expires: it is forgotten then, whether anybody talks or not.

    Args:
        listener: a listening TCP socket.
        stop: has `is_set()`, and a `fileno()` that becomes readable when the server has to return.
    """
    store, channels = Store(), Channels()
    acceptor = Acceptor(listener)
    peers: dict[int, Peer] = {}  # by descriptor
    with select.epoll() as epoll:
        epoll.register(stop, select.EPOLLIN)
        epoll.register(acceptor, select.EPOLLIN)
        try:
            while not stop.is_set():
                ready = epoll.poll(shorter(acceptor.timeout, store.timeout()))
                if acceptor.rest_is_over():
                    epoll.modify(acceptor, select.EPOLLIN)
                store.forget_due()
                for fd, _ in ready:
                    if fd in peers:
                        peer = peers[fd]
                        converse(peer)
                        if peer.connection.wants != peer.watched:
                            settle(epoll, peers, peer)
                        while channels.told:  # somebody was sent something that it did not ask for
                            other, _ = channels.told.popitem()
                            settle(epoll, peers, other, told=True)
                    elif fd == acceptor.fileno():
                        for client in acceptor.accept():
                            epoll.register(client, select.EPOLLIN)
                            peers[client.fileno()] = Peer(store, channels, client)
                        if acceptor.resting:
                            epoll.modify(fd, 0)
        finally:
            for peer in peers.values():
                peer.connection.close()


def converse(peer):
    """Take one turn of the conversation: send the unsent bytes, read once, answer what has been asked by now."""
    client = peer.connection
    if client.unsent:
        client.flush()
    if client.wants_read and not peer.waiting:
        data = client.receive()
        if data:
            replies = peer.answer(data)
            if replies:
                client.send(replies)
    while peer.waiting and client.wants_read:  # it takes its replies: go on with them
        client.send(peer.answer(b""))
    if peer.leaving:
        client.ended = True  # nothing more is read, and the connection is done when all is sent
        client.flush()


def settle(epoll, peers, peer, told=False):
    """Close a client that is done, or have epoll watch it for what it wants now.

    One that was `told` what others published is closed, too, if it is too far behind: replies wait for their reader
    (backpressure), news does not.
    """
    client = peer.connection
    fd = client.fileno()
    if fd not in peers:  # closed before, in this turn
        return
    if client.done or (told and len(client.unsent) > MOST_UNSENT):
        epoll.unregister(fd)  # before close, after which the number may go to a new client
        del peers[fd]
        peer.leave()
        client.close()
    elif client.wants != peer.watched:
        epoll.modify(fd, client.wants)
        peer.watched = client.wants


def shorter(one, other):
    """Return the shorter one of two timeouts, where None is no limit."""
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)
