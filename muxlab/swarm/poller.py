"""The wait of a crowd: an epoll that another thread can wake, or poll where there is no epoll."""

import contextlib
import os
import select
import threading

from ..connection import IN


class Poller:
    """An epoll, with its own `register`, `modify`, `unregister` and `poll`, that any thread may `wake`.

    Attributes:
        wake_fd: the descriptor that `poll` reports after a `wake`, until `quiet`.
    """

    def __init__(self) -> None:
        self._real = select.epoll() if hasattr(select, "epoll") else _Poll()
        self.register, self.modify, self.unregister = self._real.register, self._real.modify, self._real.unregister
        self.poll = self._real.poll
        self.wake_fd, self._writer = os.pipe()
        os.set_blocking(self.wake_fd, False)
        os.set_blocking(self._writer, False)
        self._waking, self._closed = threading.Lock(), False
        self.register(self.wake_fd, IN)

    def nap(self, timeout: float) -> float:
        """Sleep for a short `timeout` more exactly than `poll` can, and return how much of it is left for `poll`.

        epoll waits in whole milliseconds, select in microseconds; and an epoll can itself be selected.
        """
        if 0 < timeout < 0.05 and self._real.fileno() < 1024:
            select.select([self._real], [], [], timeout)
            return 0.0
        return timeout

    def wake(self) -> None:
        """End the wait; after `close`, do nothing."""
        with self._waking, contextlib.suppress(BlockingIOError):  # a full pipe wakes as well
            if not self._closed:
                os.write(self._writer, b"!")

    def quiet(self) -> None:
        """Forget all wakes so far."""
        with contextlib.suppress(BlockingIOError):
            os.read(self.wake_fd, 4096)

    def close(self) -> None:
        """Give the descriptors back."""
        with self._waking:
            self._closed = True
            os.close(self.wake_fd)
            os.close(self._writer)
        self._real.close()


class _Poll:
    """poll under the method names of epoll, for systems without it: it takes seconds, and can be closed."""

    def __init__(self) -> None:
        poll = select.poll()
        self.register, self.modify, self.unregister = poll.register, poll.modify, poll.unregister
        self._poll = poll.poll

    def poll(self, timeout: float) -> list[tuple[int, int]]:
        return self._poll(timeout * 1000)

    def fileno(self) -> int:
        return 1 << 30  # nothing that select could watch

    def close(self) -> None:
        return
