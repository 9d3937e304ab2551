"""What a crowd waits in: an epoll that another thread can wake."""

import contextlib
import os
import select
import threading

IN, OUT = 1, 4  # EPOLLIN and EPOLLOUT, and poll has the same numbers


class Poller:
    """`register`, `modify`, `unregister` and `poll` are those of its epoll; `wake` is for any thread.

    Attributes:
        wake_fd: it is reported when somebody woke the wait; `quiet` ends that.
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
        """Sleep for a short `timeout` more exactly than `poll` can; returns how much of it is left for `poll`.

        epoll waits in whole milliseconds, select in microseconds; and an epoll can itself be selected.
        """
        if 0 < timeout < 0.05 and self._real.fileno() < 1024:
            select.select([self._real], [], [], timeout)
            return 0.0
        return timeout

    def wake(self) -> None:
        """End the wait, in whatever thread it is."""
        with self._waking, contextlib.suppress(BlockingIOError):  # a full pipe wakes as well
            if not self._closed:
                os.write(self._writer, b"!")

    def quiet(self) -> None:
        """Forget who woke it."""
        with contextlib.suppress(BlockingIOError):
            os.read(self.wake_fd, 4096)

    def close(self) -> None:
        """Give everything back."""
        with self._waking:
            self._closed = True
            os.close(self.wake_fd)
            os.close(self._writer)
        self._real.close()


class _Poll:
    """poll in the clothes of epoll, for systems without it: seconds, and something to close."""

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
