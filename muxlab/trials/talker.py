"""A client of a conversation: it acts at one instant, and knows which bytes are due to it.

What several of them do in one moment is done with the interpreter's lock held, so that a server in this process sees
all of it at once, or nothing yet.
"""

import contextlib
import functools
import socket
import struct
import sys
from collections.abc import Iterator

from .clients import LIBC, BenchClient
from .trial import NARROW

BLOCK = 65536
"""Bytes of a block: what long messages are measured in, and what most servers read at once."""

MANY = 64
"""Blocks after which the numbers of lines begin again: as many as there are in 4 MiB."""

WIDE = 212_992
"""Size of kernel buffers for what clients send, room for several blocks: a long message may have come as a whole when
the server begins to read. Any process may ask for so much, unless the limit was changed: rmem_max in socket(7)."""

SEGMENT = 8192
"""Bytes of a segment, far fewer than loopback's 64 KiB: the kernel sends none into less room, and lets a nearly full
queue rest until it looks again, a fifth of a second later. Source: silly window syndrome, RFC 9293, 3.8.6.2."""

MOMENT, SHORT_TURN = 10.0, 0.00005
"""Seconds before Python would let another thread have its turn: more than a moment takes, so that it happens at once;
and so few that a server which never sleeps does not hold its clients up."""


class Talker(BenchClient):
    """One client of a conversation.

    Args:
        number: its number, from 1; the lines of its long messages name it.
        floor: the lowest descriptor number that it may have.

    Attributes:
        reads: whether it reads what comes.
        finishing: it sends end-of-file as soon as it has sent everything.
        finished: it has done so.
        left: it has closed or reset the connection.
    """

    def __init__(self, number: int, floor: int) -> None:
        super().__init__(floor, NARROW)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, WIDE)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SEGMENT)
        self.number = number
        self.reads = True
        self.finishing = self.finished = self.left = False

    def connect(self, address: tuple[str, int]) -> "Talker":
        """Begin to connect to (host, port)."""
        host, port = address
        place = struct.pack("=H2s4s8x", socket.AF_INET, port.to_bytes(2, "big"), socket.inet_aton(host))  # ip(7)
        LIBC.connect(self.sock.fileno(), place, len(place))
        return self

    def say_now(self, data: bytes) -> None:
        """Send, now as far as the kernel takes it, and the rest in later turns."""
        if self.unsent:  # earlier bytes go first
            self.asked += data
            self.unsent += len(data)
        else:
            self.say_at_once(data)

    def half_close(self) -> "Talker":
        """Send end-of-file, now or when everything is sent, and go on reading."""
        self.finishing = True
        if not self.unsent and not self.finished and not self.ended:
            self.finished = True
            LIBC.shutdown(self.sock.fileno(), socket.SHUT_WR)
        return self

    def reset(self) -> None:
        """Leave without a good-bye."""
        with contextlib.suppress(OSError):  # the server has closed a descriptor that was not its own
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # socket(7)
        self.leave()

    def leave(self) -> None:
        """Close the socket."""
        self.ended = self.left = True
        if (fd := self.sock.detach()) >= 0:
            LIBC.close(fd)

    def turn(self) -> bool:
        """Send and read as far as the kernel allows now; return whether there was any news."""
        sent = self.send()
        if not self.reads and not self.ended:  # else the kernel acknowledges later, and what is on its way to us waits
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)  # tcp(7)
        if self.finishing and not self.finished and not self.unsent:
            self.half_close()
            sent = True
        return (self.reads and self.read()) or sent

    @property
    def due(self) -> int:
        """How many bytes it may expect to have back by now, while the server does not hear from it.

        A server may well wait for the end of a line, and answers what it has when no more is to come.
        """
        if self.left or not self.reads:
            return 0
        said = len(self.asked) - self.unsent
        return said if self.finished else self.asked.rfind(b"\n", 0, said) + 1

    @property
    def content(self) -> bool:
        """Whether it has all that it may expect; one that has said its last also expects the end."""
        return len(self.answer) >= self.due and (self.ended or not self.finished or not self.reads)


def lines(number: int, blocks: int) -> bytes:
    """Return so many blocks of numbered lines of 64 bytes, which name the client of that number."""
    return (_many_lines(number) * -(-blocks // MANY))[: blocks * BLOCK]


@functools.cache
def _many_lines(number: int) -> bytes:
    return b"".join(b"%-63s\n" % (b"client %d, line %d" % (number, line)) for line in range(MANY * BLOCK // 64))


@contextlib.contextmanager
def turns_of(seconds: float) -> Iterator[None]:
    """Let Python give another thread its turn only after so many seconds, unless the one that runs waits."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(seconds)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
