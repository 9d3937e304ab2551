"""The listening socket of a server."""

import errno
import socket
import weakref
from typing import Any


class Listener(socket.socket):
    """A listening socket that remembers whom it accepted, so that the lab can close what a function left open."""

    def __init__(self, *arguments: int, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self._accepted: weakref.WeakValueDictionary[int, socket.socket] = weakref.WeakValueDictionary()

    def dup(self) -> "Listener":
        """As `socket.dup`; whom the copy accepts is remembered together with the others."""
        copy = super().dup()
        copy._accepted = self._accepted
        return copy

    def accept(self) -> tuple[socket.socket, tuple[str, int]]:
        """As `socket.accept`."""
        sock, address = super().accept()
        self._accepted[sock.fileno()] = sock
        return sock, address

    def accepted(self) -> list[socket.socket]:
        """The accepted sockets that are still in use; may be called while another thread accepts."""
        return [sock for reference in self._accepted.valuerefs() if (sock := reference()) is not None]


def listen(port: int, backlog: int) -> Listener:
    """A listening socket on 127.0.0.1; arguments and errors as for `serve`."""
    check_numbers(port, backlog)
    listener = Listener(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(backlog)
        return listener
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            hint = f"port {port} is taken on 127.0.0.1: stop who listens there (muxlab.stop_all()?), or take port=0"
        elif error.errno == errno.EACCES:
            hint = f"port {port} is not allowed: ports below 1024 are the administrator's; take port=0"
        else:
            raise
        raise OSError(error.errno, hint) from None


def check_numbers(port: int, backlog: int) -> None:
    """Raise ValueError when one of them is out of range."""
    if not isinstance(port, int) or not 0 <= port <= 65535:
        raise ValueError(f"port={port!r}: a port is a whole number from 0 (take a free one) to 65535")
    if not isinstance(backlog, int) or not 0 <= backlog < 2**31:
        raise ValueError(f"backlog={backlog!r}: the length of the accept queue is a whole number, 0 or more")
