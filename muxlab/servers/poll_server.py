"""Hand poll a list of numbers: no wall at 1024, and the same walk through the whole list."""

import select

from ..connection import Acceptor, Connection, echo


def poll_server(listener, stop):
    """Echo by poll: as with select the kernel looks through the whole list; as with epoll any number may be on it.

    The list is kept by Python's poll object, in this process, and handed to the kernel anew at each wait: poll(2).

    Args:
        listener: a listening TCP socket.
        stop: has `is_set()`, and a `fileno()` that becomes readable when the server has to return.
    """
    acceptor = Acceptor(listener)
    clients: dict[int, Connection] = {}  # by descriptor
    interest: dict[int, int] = {}  # what poll watches each client for: any change makes it build the list anew
    poll = select.poll()
    poll.register(stop, select.POLLIN)
    poll.register(acceptor, select.POLLIN)
    try:
        while not stop.is_set():
            seconds = acceptor.timeout
            ready = poll.poll(seconds and seconds * 1000)  # in milliseconds, unlike its neighbours
            if acceptor.rest_is_over():
                poll.modify(acceptor, select.POLLIN)
            for fd, _ in ready:
                if fd in clients:
                    client = clients[fd]
                    echo(client)
                    if client.done:
                        poll.unregister(fd)  # or it would be reported for ever: POLLNVAL, nothing is open there
                        del clients[fd], interest[fd]
                        client.close()
                        continue
                    wanted = client.wants_read * select.POLLIN | client.wants_write * select.POLLOUT
                    if wanted != interest[fd]:
                        poll.modify(fd, wanted)
                        interest[fd] = wanted
                elif fd == acceptor.fileno():
                    for client in acceptor.accept():
                        poll.register(client, select.POLLIN)
                        clients[client.fileno()] = client
                        interest[client.fileno()] = select.POLLIN
                    if acceptor.resting:
                        poll.modify(fd, 0)
    finally:
        for client in clients.values():
            client.close()
