"""The battery's clients: sockets that send and read as a trial says, all of them in one thread, none of them waiting.

They keep what they asked and what was answered, so that a trial states what it expects and not how to get it.
"""

import contextlib
import ctypes
import fcntl
import select
import socket
import struct
import threading
from collections.abc import Callable, Iterable

LOOK = 0.1
"""Seconds that one look for news takes at most."""

LOOKS = 15
"""Looks without any news after which nothing more is expected: 1.5 s. Looks are counted, and not seconds, because a
machine that stands still for a while, or has too much to do, holds up the clients as well as the server."""

SHORT = 0.0001
"""Seconds between the first two looks at something that does not wake us; later ones are further apart, up to 0.01."""

PIECE = 65536
"""Bytes that a client reads at once."""

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
        wrong: whether any of it is not what was asked.
        ended: the server has ended the connection, in order or not, and
        lost: by which error, "ECONNRESET" for example; "" in order.
    """

    def __init__(self, floor: int, buffer: int = 0) -> None:
        self.asked = bytearray()
        self.unsent = 0
        self.answer = bytearray()
        self.wrong = False
        self.ended = False
        self.lost = ""
        with socket.socket() as low:  # the low numbers are left to a server that waits with select
            self.sock = socket.socket(fileno=fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, floor))
        self.sock.setblocking(False)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)  # before connect: tcp(7)
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer)

    def connect(self, address: tuple[str, int]) -> "BenchClient":
        """Begin to connect to (host, port); on one machine that is over at once, if the accept queue has room."""
        self.sock.connect_ex(address)
        return self

    @property
    def answered(self) -> bool:
        """Whether every byte that it asked came back, in order, and no other."""
        return not self.unsent and not self.wrong and len(self.answer) == len(self.asked)

    @property
    def came_back(self) -> str:
        """How many of its bytes came back: "6 of 6 bytes came back"."""
        if self.wrong:
            return f"{len(self.answer):,} bytes came back, and not the {len(self.asked):,} that were sent"
        return f"{len(self.answer):,} of {len(self.asked):,} bytes came back"

    @property
    def got(self) -> str:
        """What it got that was not answered as it should be: "no answer"."""
        if self.wrong:
            return "a wrong answer"
        if self.ended:
            return f"a {self.lost}" if self.lost else "its connection closed"
        return "part of an answer" if self.answer else "no answer"

    def say(self, data: bytes) -> "BenchClient":
        """Send, now as far as the kernel takes it, and the rest while the clients are looked after."""
        self.asked += data
        self.unsent += len(data)
        self.send()
        return self

    def say_at_once(self, data: bytes) -> "BenchClient":
        """Send as `say` does; a server in this process reads none of it until all that finds room has arrived."""
        taken = LIBC.send(self.sock.fileno(), data, len(data), 0)
        self.asked += data
        self.unsent += len(data) - max(taken, 0)  # -1: it took none
        return self

    def send(self) -> bool:
        """Send what is unsent, as far as the kernel takes it; returns whether it took anything."""
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
        """Read once; returns whether there was any news."""
        if self.ended:
            return False
        try:
            data = self.sock.recv(PIECE)
        except BlockingIOError:
            return False
        except OSError as error:
            return self._lose(error)
        self.wrong = self.wrong or not self.asked.startswith(data, len(self.answer))
        self.answer += data
        self.ended = not data
        return True

    def half_close(self) -> "BenchClient":
        """Send end-of-file, and go on reading: shutdown(2), SHUT_WR."""
        with contextlib.suppress(OSError):  # the server was quicker, and ended the connection
            self.sock.shutdown(socket.SHUT_WR)
        return self

    def reset(self) -> None:
        """Leave without a good-bye: SO_LINGER with a time of 0, socket(7)."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self) -> None:
        """Close the socket; a second time does nothing."""
        self.ended = True
        self.sock.close()

    def _lose(self, error: OSError) -> bool:
        self.ended = True
        self.lost = type(error).__name__
        return True


def attend(
    clients: Iterable[BenchClient],
    done: Callable[[], bool],
    reading: bool = True,
    looks: int = LOOKS,
    also: Callable[[], object] = bool,
) -> bool:
    """Look after clients until `done()`, or until there has been no news of any of them for some time.

    Args:
        clients: those to look after; all of them send what they have unsent.
        done: tells when there is no more to wait for; asked after all news.
        reading: whether they read as well.
        looks: how many looks without news, of `LOOK` seconds each, are the end.
        also: what it returns is news too, when it changes.

    Returns:
        What `done()` says at the end.
    """
    poll = select.poll()
    by_fd = {client.sock.fileno(): client for client in clients if client.sock.fileno() >= 0}
    quiet, seen = 0, also()
    while not done() and quiet < looks:
        for fd, client in by_fd.items():
            mask = (reading and not client.ended) * select.POLLIN | (client.unsent > 0) * select.POLLOUT
            if mask and not client.lost:
                poll.register(fd, mask)
            else:
                with contextlib.suppress(KeyError):
                    poll.unregister(fd)
        ready = poll.poll(LOOK * 1000)
        news = [by_fd[fd].send() | (reading and by_fd[fd].read()) for fd, _ in ready]
        last, seen = seen, also()
        quiet = 0 if any(news) or seen != last else quiet + 1
    return done()


def eventually(condition: Callable[[], object], seconds: float = LOOKS * LOOK) -> bool:
    """Wait until `condition()` holds, at most as long as clients wait for news; returns whether it does."""
    pause = threading.Event()
    waited, wait = 0.0, SHORT
    while not condition():
        if waited >= seconds:
            return False
        pause.wait(wait)
        waited += wait  # what was meant, not what it took: see LOOKS
        wait = min(2 * wait, 100 * SHORT)
    return True
