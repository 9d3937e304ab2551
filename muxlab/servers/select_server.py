"""Wait with select: pass it the whole list, get back what is ready."""

import select

from ..connection import Acceptor, Connection, echo

FD_SETSIZE = 1024
"""Limit of descriptor numbers: select takes only those below it, however few it watches: select(2), BUGS."""


def select_server(listener, stop):
    """Echo with select: sleep until a socket on the list is ready; the kernel walks the whole list each time.

    A client whose descriptor number is too high for select is turned away: its connection is closed at once.

    Args:
        listener: a listening TCP socket.
        stop: has `is_set()`, and a `fileno()` that becomes readable when the server has to return.
    """
    acceptor = Acceptor(listener)
    clients: dict[int, Connection] = {}  # by descriptor
    reading = {acceptor.fileno(), stop.fileno()}
    writing: set[int] = set()
    try:
        while not stop.is_set():
            readable, writable, _ = select.select(reading, writing, [], acceptor.timeout)
            if acceptor.rest_is_over():
                reading.add(acceptor.fileno())
            for fd in {*readable, *writable}:
                if fd in clients:
                    client = clients[fd]
                    echo(client)
                    (reading.add if client.wants_read else reading.discard)(fd)
                    (writing.add if client.wants_write else writing.discard)(fd)
                    if client.done:
                        del clients[fd]
                        client.close()
                elif fd == acceptor.fileno():
                    for client in acceptor.accept():
                        if client.fileno() < FD_SETSIZE:
                            clients[client.fileno()] = client
                            reading.add(client.fileno())
                        else:
                            client.close()
                    if acceptor.resting:
                        reading.discard(fd)
    finally:
        for client in clients.values():
            client.close()
