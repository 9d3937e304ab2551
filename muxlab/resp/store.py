"""The keys and their values, some of which *expire*: they are forgotten at a given time.

A heap has the times in order, so that the server can ask for the next one and sleep exactly until then. It may have
stale entries, because the key was set again or deleted: they are recognised when their turn comes, which is cheaper
than searching the heap.
"""

import heapq
import time
from collections.abc import Callable

FORGET_BATCH = 1000
"""Keys to forget in one go: a million that expire at once must not keep the clients waiting."""

LONGEST_WAIT = 3600.0
"""Seconds to sleep at most: epoll counts them in milliseconds, in 31 bits (epoll_wait(2))."""


class Store:
    """Values by key, with the time at which each expires, if it does.

    Args:
        clock: returns the time in seconds; a test passes its own.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._values: dict[bytes, bytes] = {}
        self._deadlines: dict[bytes, float] = {}  # only of keys that have one
        self._heap: list[tuple[float, bytes]] = []

    def __len__(self) -> int:
        """Return how many keys there are."""
        self.forget_due(most=len(self._heap))
        return len(self._values)

    def __contains__(self, key: bytes) -> bool:
        return self.get(key) is not None

    def get(self, key: bytes) -> bytes | None:
        """Return the value of a key, or None."""
        if self._deadlines and self._is_over(key):
            return None
        return self._values.get(key)

    def set(self, key: bytes, value: bytes, seconds: float | None = None) -> None:
        """Give a key a value that never expires, or that expires after so many seconds."""
        self._values[key] = value
        if seconds is not None:
            self._forget_in(key, seconds)
        elif self._deadlines:
            self._deadlines.pop(key, None)

    def replace(self, key: bytes, value: bytes) -> None:
        """Give a key another value, and let it keep its time."""
        self._values[key] = value

    def delete(self, key: bytes) -> bool:
        """Forget a key now; tell whether there was one."""
        if self.get(key) is None:
            return False
        self._forget(key)
        return True

    def clear(self) -> None:
        """Forget everything."""
        self._values.clear()
        self._deadlines.clear()
        self._heap.clear()

    # ---- time

    def expire(self, key: bytes, seconds: float) -> bool:
        """Have a key expire after so many seconds, or now if they are not above 0; tell whether there was one."""
        if self.get(key) is None:
            return False
        if seconds <= 0:
            self._forget(key)
        else:
            self._forget_in(key, seconds)
        return True

    def seconds_left(self, key: bytes) -> float | None:
        """Return for how many more seconds a key is kept; None if it never expires, or is not there at all."""
        deadline = self._deadlines.get(key)
        return None if deadline is None else deadline - self._clock()

    def next_due(self) -> float | None:
        """Return when `forget_due` has something to do, by the clock; None for never."""
        if not self._heap:
            return None
        self._drop_stale()
        return self._heap[0][0] if self._heap else None

    def timeout(self) -> float | None:
        """Return after how many seconds `forget_due` has something to do, None for never."""
        due = self.next_due()
        return None if due is None else min(max(0.0, due - self._clock()), LONGEST_WAIT)

    def forget_due(self, most: int = FORGET_BATCH) -> None:
        """Forget the keys that have expired, `most` of them at most."""
        for _ in range(most):
            due = self.next_due()
            if due is None or due > self._clock():
                break
            self._forget(self._heap[0][1])

    def _is_over(self, key: bytes) -> bool:
        """Tell whether a key has expired, and forget it if so: nobody must see it before `forget_due` comes."""
        deadline = self._deadlines.get(key)
        if deadline is None or deadline > self._clock():
            return False
        self._forget(key)
        return True

    def _forget_in(self, key: bytes, seconds: float) -> None:
        deadline = self._clock() + seconds
        self._deadlines[key] = deadline
        heapq.heappush(self._heap, (deadline, key))
        if len(self._heap) > 2 * len(self._deadlines) + FORGET_BATCH:  # mostly stale entries
            self._heap = [(deadline, key) for key, deadline in self._deadlines.items()]
            heapq.heapify(self._heap)

    def _forget(self, key: bytes) -> None:
        del self._values[key]
        self._deadlines.pop(key, None)

    def _drop_stale(self) -> None:
        """Take stale entries off the front of the heap."""
        while self._heap and self._deadlines.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
