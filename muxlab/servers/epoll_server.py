"""Wait with epoll: tell the kernel once what to watch; each wait returns only what is ready."""

import select

from ..connection import Acceptor, Connection, echo


def epoll_server(listener, stop):
    """Echo with level-triggered epoll: the kernel keeps the interest list, and a wait costs only for what is ready.

    Level-triggered: a client that is still ready is reported again by the next wait, so one read a turn is enough.

    Args:
        listener: a listening TCP socket.
        stop: has `is_set()`, and a `fileno()` that becomes readable when the server has to return.
    """
    acceptor = Acceptor(listener)
    clients: dict[int, Connection] = {}  # by descriptor
    with select.epoll() as epoll:
        epoll.register(stop, select.EPOLLIN)
        epoll.register(acceptor, select.EPOLLIN)
        try:
            while not stop.is_set():
                ready = epoll.poll(acceptor.timeout)
                if acceptor.rest_is_over():
                    epoll.modify(acceptor, select.EPOLLIN)
                for fd, _ in ready:
                    if fd in clients:
                        client = clients[fd]
                        before = client.wants  # what epoll watches it for
                        echo(client)
                        if client.done:
                            epoll.unregister(fd)  # before close, after which the number may go to a new client
                            del clients[fd]
                            client.close()
                        elif client.wants != before:
                            epoll.modify(fd, client.wants)
                    elif fd == acceptor.fileno():
                        for client in acceptor.accept():
                            epoll.register(client, select.EPOLLIN)
                            clients[client.fileno()] = client
                        if acceptor.resting:
                            epoll.modify(fd, 0)
        finally:
            for client in clients.values():
                client.close()
