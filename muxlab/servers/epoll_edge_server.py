"""Wait with edge-triggered epoll: each change is reported once, and the server remembers the rest."""

import select

from ..connection import ACCEPT_BATCH, Acceptor, Connection, echo

TURNS = 16
"""Reads in a row that one client gets; if it has sent more, the others get their turn first."""


def epoll_edge_server(listener, stop):
    """Echo with edge-triggered epoll: each client is registered once, for all events, and never modified.

    Epoll reports bytes when they *arrive*, and not again while they lie in the receive queue (epoll(7)). So the
    server reads until EAGAIN, or remembers in `unfinished` that there is more.

    Args:
        listener: a listening TCP socket.
        stop: has `is_set()`, and a `fileno()` that becomes readable when the server has to return.
    """
    everything = select.EPOLLIN | select.EPOLLOUT | select.EPOLLRDHUP | select.EPOLLET
    acceptor = Acceptor(listener)
    clients: dict[int, Connection] = {}  # by descriptor
    unfinished: set[int] = set()  # reported, and not read to the end yet
    with select.epoll() as epoll:
        epoll.register(stop, select.EPOLLIN)
        epoll.register(acceptor, select.EPOLLIN | select.EPOLLET)
        try:
            while not stop.is_set():
                ready = {fd for fd, _ in epoll.poll(0 if unfinished else acceptor.timeout)} | unfinished
                unfinished.clear()
                if acceptor.rest_is_over():
                    ready.add(acceptor.fileno())
                for fd in ready:
                    if fd in clients:
                        client = clients[fd]
                        for _ in range(TURNS):
                            if not echo(client):
                                break
                        else:
                            unfinished.add(fd)
                        if client.done:
                            epoll.unregister(fd)  # before close, after which the number may go to a new client
                            del clients[fd]
                            unfinished.discard(fd)
                            client.close()
                    elif fd == acceptor.fileno():
                        accepted = acceptor.accept()
                        for client in accepted:
                            epoll.register(client, everything)
                            clients[client.fileno()] = client
                        if len(accepted) == ACCEPT_BATCH:
                            unfinished.add(fd)
        finally:
            for client in clients.values():
                client.close()
