"""The signal that tells a server to return: a flag, or a line typed at the keyboard.

Both are what a server function gets as `stop`: `fileno()` becomes readable when it has to return, and `is_set()` says so.
"""

import contextlib
import os
import select


class Stop:
    """A flag that select and epoll can wait for: the self-pipe trick.

    A server that sleeps in the kernel cannot look at a variable. So the flag is also the reading end of a pipe:
    one byte is written into it when the flag is set, and every wait that watches it returns. It stays readable.
    """

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        self._set = False

    def fileno(self) -> int:
        """The descriptor that becomes readable when the flag is set; -1 after `close`."""
        return self._reader

    def is_set(self) -> bool:
        """True once the server has to return."""
        return self._set

    def set(self) -> None:
        """Tell the server to return, and wake it if it sleeps; a second time does nothing."""
        if not self._set:
            self._set = True
            with contextlib.suppress(OSError):  # closed, by `close` or by its number: there is nobody to wake
                os.write(self._writer, b"!")

    def close(self) -> None:
        """Give both descriptors back; a second time does nothing."""
        reader, writer, self._reader, self._writer = self._reader, self._writer, -1, -1
        for fd in (reader, writer):
            if fd >= 0:
                with contextlib.suppress(OSError):  # a server function has closed it by its number
                    os.close(fd)

    __del__ = close  # where an interrupt came before anybody had it


class Keyboard:
    """A `stop` that is set when a line is typed: to select, a terminal is a descriptor like a socket.

    The end of the file is not Enter: without a terminal (input from /dev/null, a closed pipe) the server goes on.
    That end would be readable for ever, though, so a pipe that nobody writes to takes its place, under the same number.

    Args:
        fd: the descriptor to watch, as `sys.stdin.fileno()`; it stays open and is read from.
    """

    def __init__(self, fd: int) -> None:
        self._fd = os.dup(fd)
        self._quiet, self._writer = os.pipe()
        self._set = False

    def fileno(self) -> int:
        """The descriptor that becomes readable when something is typed."""
        return self._fd

    def is_set(self) -> bool:
        """True once a line was typed."""
        while not self._set and select.select([self._fd], [], [], 0)[0]:
            text = os.read(self._fd, 4096)
            if not text:
                os.dup2(self._quiet, self._fd)
            self._set = b"\n" in text
        return self._set

    def close(self) -> None:
        """Give the descriptors back."""
        for fd in (self._fd, self._quiet, self._writer):
            os.close(fd)
