"""A client that sends without end and reads all that comes back, from two threads of its own."""

import contextlib
import socket
import threading

from .bench import LINE
from .clients import Client

AT_ONCE = 2**20
"""Bytes handed to one send: the kernel fills the queue again from them, without waiting for the interpreter's lock."""


class Flood:
    """A flood on one connected client, from `start` to `end`."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.returned = 0  # bytes that came back
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._send, self._read)]

    def start(self) -> "Flood":
        """Begin."""
        self.client.sock.setblocking(True)
        for thread in self._threads:
            thread.start()
        return self

    def end(self) -> None:
        """Hang up, and wait until both threads have noticed."""
        with contextlib.suppress(OSError):  # the server has hung up before
            self.client.sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()

    def _send(self) -> None:
        data = LINE * (AT_ONCE // len(LINE))  # lines, as a server may well wait for the end of one
        with contextlib.suppress(OSError):  # that is how it ends
            while True:
                self.client.sock.sendall(data)

    def _read(self) -> None:
        space = bytearray(AT_ONCE)
        with contextlib.suppress(OSError):
            while size := self.client.sock.recv_into(space):
                self.returned += size
