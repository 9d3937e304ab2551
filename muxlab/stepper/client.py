"""A client in the learner's hand: it does nothing by itself."""

import contextlib
import socket
import struct
from collections.abc import Callable
from contextlib import AbstractContextManager

from ..watch.kernel import receive_queue

CONNECT_TIMEOUT = 2.0
"""Seconds to connect in: on one machine it takes none, unless the accept queue is full."""

MOST = 65536
"""Bytes that one `read` takes."""


class Client:
    """One client of a stepped server; made by `Stepper.client`.

    After each act, the server was given the time to wake up if the act concerns it, and is held at its next line.

    Attributes:
        name: "client 1" for the first.
        port: its own TCP port.
        closed: whether it was closed or reset.
        early: bytes in the server's receive queue, as last seen while nobody had accepted the connection.
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
        """Send, as far as the kernel takes it.

        Returns:
            How many bytes it took.

        Raises:
            OSError: the connection is broken, or was closed or half-closed before.
        """
        with self._acting():
            try:
                return self._sock.send(data.encode() if isinstance(data, str) else data)
            except BlockingIOError:
                return 0

    def read(self) -> bytes | None:
        """Read what has arrived, up to 65,536 bytes.

        Returns:
            The bytes; b"" when the server has ended its side; None when nothing has arrived.

        Raises:
            OSError: the connection was reset, or was closed before.
        """
        with self._acting():
            try:
                return self._sock.recv(MOST)
            except BlockingIOError:
                return None

    def half_close(self) -> None:
        """Send end-of-file, and go on reading: shutdown(2), SHUT_WR.

        Raises:
            OSError: the connection is broken, or was closed before.
        """
        with self._acting():
            self._sock.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Leave politely; a second time does nothing.

        What has arrived is read first: a kernel that throws unread bytes away sends a reset. Source: RFC 2525, 2.17.
        """
        with self._acting():
            with contextlib.suppress(OSError):  # nothing more there, or not connected any more
                while self._sock.recv(MOST):
                    pass
            self.drop()

    def reset(self) -> None:
        """Leave rudely: the server's next call meets ECONNRESET. Source: SO_LINGER with a time of 0, socket(7)."""
        with self._acting():
            if not self.closed:
                self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.drop()

    def drop(self) -> None:
        """Close the socket, as it is."""
        self.closed = True
        self._sock.close()

    def waiting(self) -> int:
        """Bytes that have arrived at the client and were not read yet."""
        if self.closed:
            return 0
        with contextlib.suppress(OSError, AttributeError):  # no such option but on Linux
            # Acknowledge at once: then the server's send queue holds what the client has no room for, and nothing else.
            self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        return receive_queue(self._sock.fileno())
