"""Never wait: ask every socket, again and again."""

from ..connection import Acceptor, Connection, echo


def nonblocking_server(listener, stop):
    """Echo by polling: ask the listener and every client in turn, ready or not.

    Each question is one system call, and most answers are EAGAIN. The server is correct for any number of
    clients, and takes a whole core even without any.

    Args:
        listener: a listening TCP socket.
        stop: has `is_set()`; the server returns once it is True.
    """
    acceptor = Acceptor(listener)
    clients: list[Connection] = []
    try:
        while not stop.is_set():
            if not acceptor.resting or acceptor.rest_is_over():
                clients.extend(acceptor.accept())
            gone = []
            for client in clients:
                echo(client)
                if client.done:
                    gone.append(client)
            for client in gone:
                clients.remove(client)
                client.close()
    finally:
        for client in clients:
            client.close()
