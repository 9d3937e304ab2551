"""A listening socket on 127.0.0.1 that remembers the connections it accepted."""

import contextlib
import errno
import socket
import threading
import time
import weakref
from collections.abc import Iterable
from typing import Any

from .arguments import check_port

MOMENT = 0.5
"""Seconds for a server's threads to notice that their sockets have been shut down; mostly they take far less."""


class Listener(socket.socket):
    """A listening socket that remembers the sockets it accepted, so that none of them is left open at the end."""

    def __init__(self, *arguments: int, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self._accepted: weakref.WeakValueDictionary[int, socket.socket] = weakref.WeakValueDictionary()

    def dup(self) -> "Listener":
        """Duplicate the socket, as `socket.dup` does; both copies record accepted sockets in the same place."""
        copy = super().dup()
        copy._accepted = self._accepted
        return copy

    def accept(self) -> tuple[socket.socket, tuple[str, int]]:
        """Accept a connection, as `socket.accept` does."""
        sock, address = super().accept()
        self._accepted[sock.fileno()] = sock
        return sock, address

    def remember(self, sock: socket.socket) -> None:
        """Remember a socket that was not accepted by `accept`, but by a ring."""
        self._accepted[sock.fileno()] = sock

    def accepted(self) -> list[socket.socket]:
        """Return the accepted sockets that are still in use. Safe to call while another thread accepts."""
        return [sock for reference in self._accepted.valuerefs() if (sock := reference()) is not None]

    def sockets(self) -> list[socket.socket]:
        """Return the listener itself and the accepted sockets that are still in use."""
        return [self, *self.accepted()]


def shut_down(sockets: Iterable[socket.socket]) -> None:
    """Shut sockets down in both directions: their peers see the end, and a thread that sleeps on one wakes."""
    for sock in sockets:
        with contextlib.suppress(OSError):  # not connected, or closed
            sock.shutdown(socket.SHUT_RDWR)


def hang_up(sockets: Iterable[socket.socket], threads: Iterable[threading.Thread] = ()) -> None:
    """Shut sockets down and close them; closing alone would not wake a thread that sleeps on one: close(2), NOTES.

    A thread that is just about to fall asleep needs a moment to see the shutdown: if it does so after the close, its
    descriptor may already be the number of another socket, and it sleeps on that one.

    Args:
        sockets: those that are closed already are left out.
        threads: that may wait on them; they are given `MOMENT` to end.
    """
    still_open = [sock for sock in sockets if sock.fileno() >= 0]
    shut_down(still_open)
    deadline = time.monotonic() + MOMENT
    for thread in threads if still_open else ():
        thread.join(max(0.0, deadline - time.monotonic()))
    for sock in still_open:
        with contextlib.suppress(OSError):  # closed by its number
            sock.close()


def listen(port: int, backlog: int) -> Listener:
    """Return a new listening socket on 127.0.0.1. Arguments and errors are those of `serve`."""
    check_port(port, backlog)
    listener = Listener(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(backlog)
        return listener
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            hint = f"port {port} is taken on 127.0.0.1: stop its server (muxlab.stop_all()?), or use port=0"
        elif error.errno == errno.EACCES:
            hint = f"port {port} is not allowed: ports below 1024 are reserved for the administrator; use port=0"
        else:
            raise
        raise OSError(error.errno, hint) from None
