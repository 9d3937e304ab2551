"""The battery's clients: sockets that send and read as a trial says, all of them in one thread, none of them waiting.

They keep what they asked and what was answered, so that a trial states what it expects and not how to get it.
"""

import contextlib
import ctypes
import fcntl
import socket
from typing import Self

from .. import sockets

PIECE = 65536
"""Bytes that a client reads at once."""

QUOTED = 12
"""Bytes of a wrong answer, and of the right one, that a report quotes."""

LIBC = ctypes.PyDLL(None)
"""The C library, called as no Python function calls it: with the interpreter's lock held, so that no other thread runs
meanwhile. Source: the documentation of ctypes, PyDLL."""


class BenchClient:
    """One client of a server under trial; made by `Bench.client`.

    Args:
        floor: the lowest descriptor number that it may have.
        buffer: size of its kernel buffers in bytes; 0 leaves them to the kernel.

    Attributes:
        asked: all that it was told to send, and
        unsent: how much of that the kernel has not taken yet.
        answer: what came back, and
        right: how much of that, from its beginning, is what was asked.
        ended: the server has ended the connection, in order or not, and
        lost: by which error, "ConnectionResetError" for example; "" in order.
    """

    def __init__(self, floor: int, buffer: int = 0) -> None:
        self.asked = bytearray()
        self.unsent = 0
        self.answer = bytearray()
        self.right = 0
        self.ended = False
        self.lost = ""
        with socket.socket() as low:  # the low numbers are left to a server that waits with select
            self.sock = socket.socket(fileno=fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, floor))
        self.sock.setblocking(False)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)  # before connect: tcp(7)
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer)

    def connect(self, address: tuple[str, int]) -> Self:
        """Begin to connect to (host, port); on one machine that is over at once, if the accept queue has room."""
        self.sock.connect_ex(address)
        return self

    @property
    def wrong(self) -> bool:
        """Whether anything came back that was not asked."""
        return self.right < len(self.answer)

    @property
    def answered(self) -> bool:
        """Whether every byte that it asked came back, in order, and no other."""
        return not self.unsent and self.right == len(self.answer) == len(self.asked)

    @property
    def came_back(self) -> str:
        """How many of its bytes came back, "6 of 6 bytes came back"; or which one is the first that is wrong."""
        if not self.wrong:
            return f"{len(self.answer):,} of {len(self.asked):,} bytes came back"
        sent, came = (bytes(data[self.right : self.right + QUOTED]) for data in (self.asked, self.answer))
        if not sent:
            return f"{self.right:,} of {self.right:,} bytes came back, and then {came!r}, which nobody had sent"
        return f"the answer is wrong from byte {self.right:,} on: {came!r} instead of {sent!r}"

    @property
    def got(self) -> str:
        """What it got that was not answered as it should be: "no answer"."""
        if self.wrong:
            return f"a wrong answer; {self.came_back}"
        if self.ended:
            return f"a {self.lost}" if self.lost else "its connection closed"
        return "part of an answer" if self.answer else "no answer"

    def greet(self) -> Self:
        """Say something short that gets an answer from a server which is alive."""
        return self.say(b"still there?\n")

    def say(self, data: bytes) -> Self:
        """Send, now as far as the kernel takes it, and the rest while the clients are attended to."""
        self.asked += data
        self.unsent += len(data)
        self.send()
        return self

    def say_at_once(self, data: bytes) -> Self:
        """Send as `say` does; a server in this process reads none of it until all that finds room has arrived."""
        taken = LIBC.send(self.sock.fileno(), data, len(data), 0)
        self.asked += data
        self.unsent += len(data) - max(taken, 0)  # -1: it took none
        return self

    def send(self) -> bool:
        """Send what is unsent, as far as the kernel takes it; return whether it took anything."""
        if not self.unsent or self.lost:
            return False
        try:
            with memoryview(self.asked) as view:
                taken = self.sock.send(view[len(view) - self.unsent :])
        except BlockingIOError:
            return False
        except OSError as error:
            return self._lose(error)
        self.unsent -= taken
        return True

    def read(self) -> bool:
        """Read once; return whether there was any news."""
        if self.ended:
            return False
        try:
            data = self.sock.recv(PIECE)
        except BlockingIOError:
            return False
        except OSError as error:
            return self._lose(error)
        self.answer += data
        self._judge(data)
        self.ended = not data
        return True

    def _judge(self, data: bytes) -> None:
        """Find out how much is right of the answer, `data` being the end of it that has just come."""
        if self.right == len(self.answer) - len(data):  # all that came before
            as_asked = self.asked.startswith(data, self.right)
            expected = bytes(self.asked[self.right : self.right + len(data)])
            self.right += len(data) if as_asked else same_at_first(data, expected)

    def half_close(self) -> Self:
        """Send end-of-file, and go on reading: shutdown(2), SHUT_WR."""
        with contextlib.suppress(OSError):  # the server was quicker, and ended the connection
            self.sock.shutdown(socket.SHUT_WR)
        return self

    def reset(self) -> None:
        """Leave without a good-bye: SO_LINGER with a time of 0, socket(7)."""
        with contextlib.suppress(OSError):  # the server has closed a descriptor that was not its own
            sockets.reset(self.sock)
        self.close()

    def close(self) -> None:
        """Close the socket; a second time does nothing."""
        self.ended = True
        with contextlib.suppress(OSError):  # as in `reset`
            self.sock.close()

    def _lose(self, error: OSError) -> bool:
        self.ended = True
        self.lost = type(error).__name__
        return True


def same_at_first(one: bytes, other: bytes) -> int:
    """Return how many bytes two texts have in common, from the first one on."""
    differ = (place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
    return next(differ, min(len(one), len(other)))
