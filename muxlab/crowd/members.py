"""Who is in a crowd: clients are connected, retired and lost."""

import os
import socket

from .client import CONNECTING, LOST, OPEN, Client, begin_connect, first_connection, moved_up
from .counts import WINDOW
from .poller import IN, OUT, Poller

OPENING = 64
"""Connects under way at once: half of a usual accept queue (128), so that it does not overflow (listen(2))."""

BATCH = 32
"""Clients opened or closed in a row, before those that talk get their turn."""


class Members:
    """The clients of a crowd; arguments and errors as for `Crowd`.

    Attributes:
        clients: all, the lost ones too.
        by_fd: those that have a socket, those that leave too.
        connected, opening: how many are, and how many connects are under way.
        errors, first_error: how many were lost, and why the first one was.
        changed: who talks has to be chosen anew.
    """

    def __init__(self, address: tuple[str, int], floor: int, begin: int) -> None:
        first = first_connection(address)
        self.address = first.getpeername()
        self.clients: list[Client] = []
        self.by_fd: dict[int, Client] = {}
        self.connected = self.opening = self.errors = 0
        self.first_error = ""
        self.changed = True
        self.poller = Poller()
        self._leaving: list[Client] = []
        self._made = begin
        self._enter(first, OPEN, floor)

    def come_and_go(self, wanted: int, floor: int) -> None:
        """Open or close some, when there are not as many as are wanted."""
        for _ in range(min(BATCH, len(self.clients) - wanted)):
            self._retire(self.clients.pop())
        for _ in range(min(BATCH, wanted - len(self.clients), OPENING - self.opening)):
            sock, state, why = begin_connect(self.address, self._made)
            self._enter(sock, state, floor)
            if why:
                self.lose(self.clients[-1], why)

    def patience(self, wanted: int) -> float:
        """Seconds after which there is somebody to open or to close."""
        if len(self.clients) > wanted:
            return 0.0
        return 0.001 if len(self.clients) < wanted and self.opening < OPENING else WINDOW

    def _enter(self, sock: socket.socket, state: int, floor: int) -> None:
        client = Client(moved_up(sock, floor), self._made, state)
        self._made += 1
        if state == CONNECTING:
            self.opening += 1
        else:
            self.connected += 1
        self.clients.append(client)
        self.by_fd[client.sock.fileno()] = client
        self.poller.register(client.sock.fileno(), OUT if state == CONNECTING else IN)

    def finish_connect(self, client: Client) -> None:
        """Its connect has ended, well or not."""
        code = client.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            self.lose(client, os.strerror(code))
            return
        client.state = OPEN
        self.connected += 1
        self.opening -= 1  # in this order: see `Crowd.state`
        self.poller.modify(client.sock.fileno(), IN)

    def lose(self, client: Client, why: str) -> None:
        """It was refused, reset or closed by the server."""
        self.errors += 1
        self.first_error = self.first_error or why
        self.drop(client)
        self.changed = True

    def _retire(self, client: Client) -> None:
        """Close it, as soon as its reply is there."""
        self.changed |= client.talks
        client.talks = False
        if client.message:
            client.leaving = True
            self._leaving.append(client)
            self.connected -= 1
        else:
            self.drop(client)

    def drop(self, client: Client) -> None:
        """Close it now."""
        if client.state == CONNECTING:
            self.opening -= 1
        elif client.state == OPEN and not client.leaving:
            self.connected -= 1
        client.state, client.message, client.talks = LOST, b"", False
        if self.by_fd.pop(client.sock.fileno(), None):
            self.poller.unregister(client.sock.fileno())
            client.sock.close()

    def drop_unanswered(self, now: float) -> None:
        """Close those that leave, and whose reply does not come."""
        for client in [c for c in self._leaving if c.message and now - c.due > WINDOW]:
            self.drop(client)
        self._leaving = [c for c in self._leaving if c.message]

    def close(self) -> None:
        """Close all of them at once."""
        for client in self.by_fd.values():
            client.sock.close()
        self.poller.close()
        self.connected = 0
