"""The path of a client's bytes through a server that echoes them, while the client does not read, and while it does.

Five places hold them, from the client's own send queue to its receive queue. Four are the kernel's; the one in the
middle is the server's memory. How much is in there is known from outside: what the server has read, less what it sent.
"""

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

from ..arguments import check_count
from ..server import Server, serve
from ..sockets import waiting_bytes
from ..watch.calls import SENDS
from .rows import Rows

BUFFER = 65536
"""Size of the kernel's buffers (Linux doubles it), so that they are full soon: a fiftieth of what loopback may take."""

STUCK = 3
"""Sends in a row, with the server asleep, that find no room: then no more goes in."""

PATIENCE = 5.0
"""Seconds without a byte to read, or without the server falling asleep, after which it is waited for no longer: so many
that a sound server needs no hundredth of them, on a busy machine either."""


@dataclass(frozen=True)
class Moment:
    """The places of all bytes on their way, at one moment when the server was asleep.

    Attributes:
        reading: whether the client has begun to read.
        at_client: bytes in the client's receive queue, which it could read.
        sending: bytes in the server's send queue, or on the wire.
        unsent: bytes in the server's memory, which send did not take yet.
        unread: bytes in the server's receive queue, which it could read.
        behind: bytes in the client's send queue, for which the server has no room.
    """

    reading: bool
    at_client: int
    sending: int
    unsent: int
    unread: int
    behind: int

    @property
    def total(self) -> int:
        """Bytes on their way."""
        return self.at_client + self.sending + self.unsent + self.unread + self.behind


def slow_reader(fn: Callable, total: int = 2**21, piece: int = 2**15) -> Rows:
    """Let one client send without reading, until nothing more goes in; then let it read all of its replies.

    Args:
        fn: a server that echoes, as for `muxlab.serve`.
        total: bytes that the client sends at most.
        piece: bytes that it sends, or reads, at once.

    Returns:
        A `Moment` for each piece sent and each piece read. The kernel's buffers are small, so that they fill soon.

    Raises:
        TypeError: `fn` is not a function of `(listener, stop)` or `(listener)`, or a count is not a whole number.
        ValueError: a number is out of range.
        RuntimeError: the server did not accept the client, or has let it go.
    """
    check_count("total", total)
    check_count("piece", piece, most=total)
    with serve(fn, tap=True) as server, socket.socket() as client:
        for sock in (server.listener, client):  # accepted sockets inherit it from their listener: socket(7)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # a piece is sent when it is sent: tcp(7)
        client.connect(server.address)
        client.setblocking(False)
        path = _Path(server, client)
        path.fill(total, piece)
        path.drain(piece)
    return Rows(path.moments)


class _Path:
    """One client's bytes, and what was seen of them."""

    def __init__(self, server: Server, client: socket.socket) -> None:
        self.moments: list[Moment] = []
        self._server, self._client = server, client
        self._sent = self._got = 0

    def fill(self, total: int, piece: int) -> None:
        """Send, and read nothing, until `total` bytes are sent or no more goes in."""
        stuck = 0
        while self._sent < total and stuck < STUCK:
            try:
                self._sent += self._client.send(bytes(min(piece, total - self._sent)))
                stuck = 0
            except BlockingIOError:
                stuck += 1
            self._look(reading=False)

    def drain(self, piece: int) -> None:
        """Read until all that was sent has come back, or nothing more comes."""
        quiet = time.monotonic() + PATIENCE
        while self._got < self._sent and time.monotonic() < quiet:
            try:
                data = self._client.recv(piece)
            except BlockingIOError:
                continue
            if not data:
                break
            self._got += len(data)
            self._look(reading=True)
            quiet = time.monotonic() + PATIENCE

    def _look(self, reading: bool) -> None:
        """Wait until the server sleeps, and note where the bytes are."""
        end = time.monotonic() + PATIENCE
        before, seen = None, self._read_off()
        while seen != before or seen is None:  # it may have worked while its counts were read off
            if time.monotonic() > end:
                break
            before, seen = seen, self._read_off()
        if seen is None:
            raise RuntimeError(f"{self._server.name} has not accepted the client, or has let it go, or does not sleep")
        taken, given, unread, at_client = seen
        sending, behind = given - self._got - at_client, self._sent - taken - unread
        self.moments.append(Moment(reading, at_client, sending, taken - given, unread, behind))

    def _read_off(self) -> tuple[int, int, int, int] | None:
        """Return how many bytes the server has read and sent, and how many wait at each side; None while it works."""
        xray = self._server.xray()
        if not xray.asleep_in or not xray.connections:
            return None
        events = self._server.calls.events
        taken = sum(call.amount for call in events if call.name in ("recv", "recv_into", "ring.recv"))
        given = sum(call.amount for call in events if call.name in (*SENDS, "ring.send"))
        return taken, given, xray.connections[0].receive, waiting_bytes(self._client)
