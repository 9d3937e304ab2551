"""The signal that tells a server to return: a flag, or a line typed at the keyboard.

A server function gets one of them as `stop`. Both have `is_set()`, and a `fileno()` that becomes readable when the
server has to return.
"""

import contextlib
import os
import select
import signal
from collections.abc import Iterator


class Stop:
    """A flag that select and epoll can watch: the self-pipe trick.

    A server that sleeps in the kernel cannot look at a variable. So the flag is also a pipe: setting the flag writes
    one byte into it, and every wait that watches its reading end returns. The byte is never read, so that end stays
    readable.
    """

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        self._set = False

    def fileno(self) -> int:
        """Return the descriptor that becomes readable when the flag is set; -1 after `close`."""
        return self._reader

    def is_set(self) -> bool:
        """Tell whether the server has to return."""
        return self._set

    def set(self) -> None:
        """Tell the server to return, and wake it if it sleeps; a second call does nothing."""
        if not self._set:
            self._set = True
            with contextlib.suppress(OSError):  # closed already: no wait can be watching it
                os.write(self._writer, b"!")

    @contextlib.contextmanager
    def woken_by_signals(self) -> Iterator[None]:
        """Let every signal that Python has a handler for wake the server as `set` does; only in the main thread.

        A signal that arrives just before a call falls asleep would wake nothing: Python looks for signals between two
        steps of the program, and the next step comes after the sleep. Source: signal.set_wakeup_fd.
        """
        os.set_blocking(self._writer, False)
        before = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(before)

    def close(self) -> None:
        """Close both ends of the pipe; a second call does nothing."""
        reader, writer, self._reader, self._writer = self._reader, self._writer, -1, -1
        for fd in (reader, writer):
            if fd >= 0:
                with contextlib.suppress(OSError):  # the server function has closed it by its number
                    os.close(fd)

    __del__ = close  # for a Stop that an interrupt left without an owner


class Keyboard:
    """A `stop` that is set by a line typed at the terminal: select watches a terminal like a socket.

    End-of-file does not count as Enter: without a terminal (input from /dev/null, a closed pipe) the server goes on.
    But a file at its end stays readable; so an empty pipe then takes over its descriptor number.

    Args:
        fd: the descriptor to watch, usually `sys.stdin.fileno()`. It is duplicated and read from, and never closed.
    """

    def __init__(self, fd: int) -> None:
        self._fd = os.dup(fd)
        self._silent, self._writer = os.pipe()
        self._set = False

    def fileno(self) -> int:
        """Return the descriptor that becomes readable when a line is typed."""
        return self._fd

    def is_set(self) -> bool:
        """Read what was typed, and tell whether a line was completed since the start."""
        while not self._set and select.select([self._fd], [], [], 0)[0]:
            text = os.read(self._fd, 4096)
            if not text:
                os.dup2(self._silent, self._fd)
            self._set = b"\n" in text
        return self._set

    def close(self) -> None:
        """Close the duplicate and the pipe."""
        for fd in (self._fd, self._silent, self._writer):
            os.close(fd)
