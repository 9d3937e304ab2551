"""The clients of a crowd: how each is connected, how it is lost, how it is closed.

What they say is in messages.py, and the thread in which all of this happens in loop.py. Not handled here: host names
that have only an IPv6 address.
"""

import contextlib
import errno
import fcntl
import os
import socket
import sys

from ..connection import IN, OUT
from ..limits import CLIENT_ADDRESSES
from ..server import Server
from .poller import Poller
from .stats import WINDOW

CONNECTING, OPEN, LOST = range(3)

CONNECT_TIMEOUT = 2.0
"""Seconds for the first connection; on this machine it takes microseconds, unless the accept queue is full."""

OPENING = 64
"""Connects under way at once: half of a usual accept queue (128), so that it does not overflow (listen(2))."""

BATCH = 32
"""Clients opened or closed in a row, before those that talk get their turn."""

PER_ADDRESS = 4000
"""Clients of one client address. A connect looks for a free port one by one, even ports first; with more than half of
the 28,000 in use it takes milliseconds, and 19,000 of them took 17 s instead of 2 (seen on Linux 6.18)."""

IP_BIND_ADDRESS_NO_PORT = 24  # Python has the name since 3.12: bind an address, and leave the port to connect, ip(7)


class Member:
    """One client of a crowd: its socket, and the message that is under way, if there is one."""

    __slots__ = (
        *("answered", "due", "leaving", "message", "received", "shown"),
        *("sock", "state", "talks", "unsent", "wrong"),
    )

    def __init__(self, sock: socket.socket, state: int) -> None:
        self.sock = sock
        self.state = state
        self.talks = False
        self.leaving = False  # closes as soon as its reply is there
        self.message = b""  # the reply that is expected; b"" when no message is under way
        self.unsent = memoryview(b"")
        self.received = 0
        self.wrong = False  # a byte of this reply differed
        self.due = 0.0  # when the message should have been sent, by perf_counter
        self.answered = self.shown = 0  # replies, and how many of them `activity` has told of


class Members:
    """All clients of a crowd, from the first connection on; arguments and errors as for `Crowd`.

    Attributes:
        clients: all of them, including the lost ones.
        by_fd: those that have a socket, including those that are leaving.
        connected, opening: how many are connected, and how many connects are under way.
        errors, first_error: how many were lost, and why the first one was.
        changed: True when those that talk have to be chosen anew.
        poller: what all of them are registered with.
        begin: the number of the first client.
    """

    def __init__(self, address: tuple[str, int], floor: int, begin: int) -> None:
        self.clients: list[Member] = []
        self.by_fd: dict[int, Member] = {}
        self.connected = self.opening = self.errors = 0
        self.first_error = ""
        self.changed = True
        self._leaving: list[Member] = []
        self.begin = self._made = begin
        with contextlib.ExitStack() as undo:
            first = undo.enter_context(first_connection(address, begin))
            self.address = first.getpeername()
            self.poller = Poller()
            undo.callback(self.poller.close)
            self._enter(first, OPEN, floor)
            undo.pop_all()

    def come_and_go(self, wanted: int, floor: int) -> None:
        """Open or close a few clients, if there are not as many as are wanted."""
        for _ in range(min(BATCH, len(self.clients) - wanted)):
            self._retire(self.clients.pop())
        for _ in range(min(BATCH, wanted - len(self.clients), OPENING - self.opening)):
            sock, state, why = begin_connect(self.address, self._made)
            self._enter(sock, state, floor)
            if why:
                self.lose(self.clients[-1], why)

    def patience(self, wanted: int) -> float:
        """Return the seconds after which `come_and_go` has something to do."""
        if len(self.clients) > wanted:
            return 0.0
        return 0.001 if len(self.clients) < wanted and self.opening < OPENING else WINDOW

    def _enter(self, sock: socket.socket, state: int, floor: int) -> None:
        client = Member(moved_up(sock, floor), state)
        self._made += 1
        if state == CONNECTING:
            self.opening += 1
        else:
            self.connected += 1
        self.clients.append(client)
        self.by_fd[client.sock.fileno()] = client
        self.poller.register(client.sock.fileno(), OUT if state == CONNECTING else IN)

    def finish_connect(self, client: Member) -> None:
        """Note that a client's connect has ended, well or not."""
        code = client.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            self.lose(client, os.strerror(code))
            return
        client.state = OPEN
        self.connected += 1
        self.opening -= 1  # in this order: see `Crowd.tally`
        self.poller.modify(client.sock.fileno(), IN)

    def lose(self, client: Member, why: str) -> None:
        """Note that a client was refused, reset or closed by the server."""
        self.errors += 1
        self.first_error = self.first_error or why
        self.drop(client)
        self.changed = True

    def _retire(self, client: Member) -> None:
        """Close a client as soon as its reply is there."""
        self.changed |= client.talks
        client.talks = False
        if client.message:
            client.leaving = True
            self._leaving.append(client)
            self.connected -= 1
        else:
            self.drop(client)

    def drop(self, client: Member) -> None:
        """Close a client now."""
        if client.state == CONNECTING:
            self.opening -= 1
        elif client.state == OPEN and not client.leaving:
            self.connected -= 1
        client.state, client.message, client.talks = LOST, b"", False
        if self.by_fd.pop(client.sock.fileno(), None):
            self.poller.unregister(client.sock.fileno())
            client.sock.close()

    def drop_unanswered(self, now: float) -> None:
        """Close the leaving clients whose reply does not come."""
        for client in [c for c in self._leaving if c.message and now - c.due > WINDOW]:
            self.drop(client)
        self._leaving = [c for c in self._leaving if c.message]

    def close(self) -> None:
        """Close all clients at once, and the poller."""
        for client in self.by_fd.values():
            client.sock.close()
        self.poller.close()
        self.connected = 0


def address_of(server: Server | tuple[str, int]) -> tuple[str, int]:
    """Return where a server is, from what `Swarm` was given; refuse all else with a TypeError."""
    address = server.address if isinstance(server, Server) else server
    match address:
        case (str(host), int(port)) if 0 < port < 65536 and not isinstance(port, bool):
            return host, port
    raise TypeError(f"a swarm connects to what muxlab.serve returned, or to an address (host, port); not to {server!r}")


def first_connection(address: tuple[str, int], number: int) -> socket.socket:
    """Connect the client of that number, before anything else starts, and return the socket.

    Raises:
        ConnectionError: nobody listens there, or nobody answers.
    """
    host, port = address
    try:
        host = socket.gethostbyname(host)  # IPv4, as servers
        own = client_address(host, number)
        return socket.create_connection((host, port), CONNECT_TIMEOUT, source_address=(own, 0) if own else None)
    except TimeoutError:
        raise ConnectionError(
            f"{host}:{port} does not answer within {CONNECT_TIMEOUT:g} s: "
            "its accept queue is full, or nothing is at that address"
        ) from None
    except ConnectionRefusedError:
        raise ConnectionRefusedError(
            f"nobody listens on {host}:{port}: start the server first, and keep it running"
        ) from None
    except OSError as error:
        raise ConnectionError(f"{host}:{port} cannot be reached: {error}") from None


def begin_connect(address: tuple[str, int], number: int) -> tuple[socket.socket, int, str]:
    """Begin to connect the client of that number, and wait for nothing.

    Returns:
        Its socket; CONNECTING or OPEN; and why the connect failed, or "".
    """
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setblocking(False)
    if own := client_address(address[0], number):
        sock.setsockopt(socket.SOL_IP, IP_BIND_ADDRESS_NO_PORT, 1)
        sock.bind((own, 0))
    code = sock.connect_ex(address)
    why = os.strerror(code) if code not in (0, errno.EINPROGRESS) else ""
    return sock, CONNECTING if code else OPEN, why


def client_address(host: str, number: int) -> str:
    """Return the address that the client of that number has, or "" for the one that the kernel gives it."""
    block = number // PER_ADDRESS
    if block and sys.platform == "linux" and host.startswith("127."):
        return f"127.0.0.{1 + block % CLIENT_ADDRESSES}"
    return ""


def moved_up(sock: socket.socket, floor: int) -> socket.socket:
    """Return the same socket, nonblocking, under a descriptor of `floor` or more."""
    if floor > sock.fileno():
        number = fcntl.fcntl(sock, fcntl.F_DUPFD_CLOEXEC, floor)
        sock.close()
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0, fileno=number)
    sock.setblocking(False)
    return sock
