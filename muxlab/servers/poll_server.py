"""Wait with poll: a list of numbers, without select's limit of 1024; the kernel still walks all of it."""

import select

from ..connection import Acceptor, Connection, echo


def poll_server(listener, stop):
    """Echo with poll: like select it walks the whole list; like epoll it takes any descriptor number.

    Python's poll object keeps the list in this process, and passes all of it to the kernel at each wait: poll(2).

    Args:
        listener: a listening TCP socket.
        stop: has `is_set()`, and a `fileno()` that becomes readable when the server has to return.
    """
    acceptor = Acceptor(listener)
    clients: dict[int, Connection] = {}  # by descriptor
    poll = select.poll()
    poll.register(stop, select.POLLIN)
    poll.register(acceptor, select.POLLIN)
    try:
        while not stop.is_set():
            seconds = acceptor.timeout
            ready = poll.poll(seconds and seconds * 1000)  # in milliseconds, unlike select and epoll
            if acceptor.rest_is_over():
                poll.modify(acceptor, select.POLLIN)
            for fd, _ in ready:
                if fd in clients:
                    client = clients[fd]
                    before = client.wants  # what poll watches it for: a change makes it rebuild the whole list
                    echo(client)
                    if client.done:
                        poll.unregister(fd)  # otherwise each poll reports POLLNVAL: the descriptor is not open
                        del clients[fd]
                        client.close()
                    elif client.wants != before:
                        poll.modify(fd, client.wants)
                elif fd == acceptor.fileno():
                    for client in acceptor.accept():
                        poll.register(client, select.POLLIN)
                        clients[client.fileno()] = client
                    if acceptor.resting:
                        poll.modify(fd, 0)
    finally:
        for client in clients.values():
            client.close()
