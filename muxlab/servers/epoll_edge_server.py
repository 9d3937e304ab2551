"""Hear of each change once, and remember the rest yourself."""

import select

from ..connection import ACCEPT_BATCH, Acceptor, Connection, echo

TURNS = 16
"""Reads that one client gets at a stretch; who has more to say waits until the others had their turn."""


def epoll_edge_server(listener, stop):
    """Echo by edge-triggered epoll: each client is registered once, for everything, and never modified.

    An edge is reported when something *arrives*, not while it lies there: read until EAGAIN, or note down that
    there is more, because epoll will not say it again (epoll(7)).

    Args:
        listener: a listening TCP socket.
        stop: has `is_set()`, and a `fileno()` that becomes readable when the server has to return.
    """
    everything = select.EPOLLIN | select.EPOLLOUT | select.EPOLLRDHUP | select.EPOLLET
    acceptor = Acceptor(listener)
    clients: dict[int, Connection] = {}  # by descriptor
    unfinished: set[int] = set()  # announced, and not read to the end yet
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
                            epoll.unregister(fd)  # before close: the number may be somebody else's after it
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
