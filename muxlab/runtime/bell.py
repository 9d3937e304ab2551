"""The self-pipe: how another thread, or a signal handler, wakes a loop that sleeps in epoll.

The caller puts its call into the queue *first* and then a byte into the pipe; the loop empties the pipe *first* and
then looks into the queue. In any other order, a call could be left in the queue with no byte to announce it, and the
loop would go to sleep: the lost wake-up of chapter 11.
"""

import contextlib
import socket
import threading
from collections import deque
from collections.abc import Callable


class Bell:
    """Calls from other threads, and a descriptor for epoll that is readable while any of them wait."""

    def __init__(self) -> None:
        self._calls: deque[tuple[Callable, tuple]] = deque()
        self._button, self._ear = socket.socketpair()
        self._button.setblocking(False)
        self._ear.setblocking(False)
        self._ringing = threading.RLock()  # not a plain lock: a signal handler may ring while its thread does

    def fileno(self) -> int:
        """Return the descriptor that the loop watches."""
        return self._ear.fileno()

    def ring(self, fn: Callable, args: tuple) -> None:
        """Ask for the call `fn(*args)`, from any thread. Ignored after `close`."""
        with self._ringing:
            if self._button.fileno() >= 0:
                self._calls.append((fn, args))
                with contextlib.suppress(BlockingIOError):  # no room: it is ringing already
                    self._button.send(b"!")

    def answer(self) -> None:
        """Make the calls, in the loop's thread. Calls that are asked for meanwhile ring again: they have to wait."""
        self._ear.recv(4096)
        for _ in range(len(self._calls)):
            fn, args = self._calls.popleft()
            fn(*args)

    def close(self) -> None:
        """Close both ends."""
        with self._ringing:  # not while another thread rings: the number may soon be another socket's
            self._button.close()
        self._ear.close()
