"""A client of a stepped server, driven by the learner: it does nothing by itself."""

import contextlib
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager

from .. import sockets

CONNECT_TIMEOUT = 2.0
"""Seconds to wait for a connection: on one machine it comes at once, unless the accept queue is full."""

READ_SIZE = 65536
"""Bytes that one `read` takes at most."""


class Client:
    """One client of a stepped server; made by `Stepper.client`.

    After each action the stepper waits for the server: a server that the action wakes is held at its next line before
    the method returns.

    Attributes:
        name: "client 1" for the first.
        port: the client's own TCP port.
        closed: whether the client has closed or reset the connection.
        early: bytes that arrived before the server accepted the connection, as last seen.
    """

    def __init__(self, name: str, address: tuple[str, int], acting: Callable[[], AbstractContextManager]) -> None:
        self.name = name
        self.closed = False
        self.early = 0
        self._acting = acting
        self._sock = socket.create_connection(address, CONNECT_TIMEOUT)
        self.port: int = self._sock.getsockname()[1]
        self._sock.setblocking(False)

    def send(self, data: bytes | str) -> int:
        """Send as much of `data` as the kernel takes now.

        Returns:
            The number of bytes that the kernel took.

        Raises:
            OSError: the connection is broken, or was closed or half-closed before.
        """
        with self._acting():
            try:
                return self._sock.send(data.encode() if isinstance(data, str) else data)
            except BlockingIOError:
                return 0

    def read(self) -> bytes | None:
        """Read what has arrived, at most 65,536 bytes.

        Returns:
            The bytes; b"" when the server has closed its side; None when nothing has arrived.

        Raises:
            OSError: the connection was reset, or was closed before.
        """
        with self._acting():
            try:
                return self._sock.recv(READ_SIZE)
            except BlockingIOError:
                return None

    def half_close(self) -> None:
        """Send end-of-file; reading goes on. Source: shutdown(2), SHUT_WR.

        Raises:
            OSError: the connection is broken, or was closed before.
        """
        with self._acting():
            self._sock.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Close the connection in the normal way; a second call does nothing.

        What has arrived is read first: if a socket is closed with unread bytes, the kernel sends a reset. Source: RFC
        2525, 2.17.
        """
        with self._acting():
            with contextlib.suppress(OSError):  # nothing left to read, or no longer connected
                while self._sock.recv(READ_SIZE):
                    pass
            self.drop()

    def reset(self) -> None:
        """Reset the connection: the server's next call fails with ECONNRESET. Source: SO_LINGER of 0 s, socket(7)."""
        with self._acting():
            if not self.closed:
                sockets.reset(self._sock)
            self.drop()

    def drop(self) -> None:
        """Close the socket, whatever its state."""
        self.closed = True
        self._sock.close()

    def waiting(self) -> int:
        """Return the number of bytes that have arrived at the client and are still unread."""
        if self.closed:
            return 0
        with contextlib.suppress(OSError, AttributeError):  # the option exists on Linux alone
            # Acknowledge at once, so that the server's send queue holds only what the client has no room for.
            self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        return sockets.waiting_bytes(self._sock)
