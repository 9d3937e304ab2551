"""The signal that tells a server to return."""

import os


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
            os.write(self._writer, b"!")

    def close(self) -> None:
        """Give both descriptors back; a second time does nothing."""
        reader, writer, self._reader, self._writer = self._reader, self._writer, -1, -1
        for fd in (reader, writer):
            if fd >= 0:
                os.close(fd)
