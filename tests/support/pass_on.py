"""A server function that passes everything on to another server, so that trials can be put to a program."""

import contextlib
import select
import socket
import threading
from collections.abc import Callable


def passes_on_to(address: tuple[str, int]) -> Callable:
    """Return a server function whose clients talk to the server at `address`."""

    def server(listener, stop):
        clients, threads = [], []
        while not stop.is_set():
            if listener not in select.select([listener, stop], [], [])[0]:
                continue
            client, _ = listener.accept()
            clients.append(client)
            threads.append(threading.Thread(target=talk, args=[client, address]))
            threads[-1].start()
        for client in clients:
            hang_up(client)
        for thread in threads:
            thread.join()

    return server


def talk(client: socket.socket, address: tuple[str, int]) -> None:
    """Pass on what a client says, and what is said to it."""
    with client, socket.create_connection(address) as far:
        for sock in (client, far):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        back = threading.Thread(target=pass_on, args=[far, client])
        back.start()
        pass_on(client, far)
        back.join()


def pass_on(source: socket.socket, drain: socket.socket) -> None:
    """Pass on bytes until there are no more, and then the end; or hang up both, if one has broken off."""
    try:
        while data := source.recv(65536):
            drain.sendall(data)
        drain.shutdown(socket.SHUT_WR)
    except OSError:
        hang_up(source)
        hang_up(drain)


def hang_up(sock: socket.socket) -> None:
    """End a connection in both directions."""
    with contextlib.suppress(OSError):  # it has ended, or was closed
        sock.shutdown(socket.SHUT_RDWR)
