"""Enter as a stop signal: the keyboard is one more descriptor to select."""

import os
import select


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
