"""What a crowd has come to: how many, and how long they took."""

import threading
import time
from dataclasses import dataclass

from ..histogram import Histogram

WINDOW = 0.5
"""Seconds of one window of figures: enough replies for a p99, soon enough to see a slider act."""


@dataclass(frozen=True)
class State:
    """What a crowd has come to at one moment; the counts are those of `Snapshot`.

    Attributes:
        alive: it has not ended.
        error: what ended it, if anything but `end` did.
        settled: no client is still to be opened, connected or closed: all are connected or lost.
        clients: clients that there are, in whatever state.
        first_mismatch, first_error: what was wrong, when something was for the first time.
    """

    alive: bool
    error: BaseException | None
    settled: bool
    clients: int
    connected: int
    sent: int
    replies: int
    mismatches: int
    errors: int
    first_mismatch: str
    first_error: str


@dataclass(frozen=True)
class Latencies:
    """How long replies took: in the latest whole window, and since the start, each with its length in seconds."""

    latest: Histogram
    latest_seconds: float
    total: Histogram
    seconds: float


class Windows:
    """Latencies in windows of half a second; one thread counts, any may ask.

    Attributes:
        current: the histogram of the window that has begun.
        due: when that window should end, by perf_counter.
    """

    def __init__(self) -> None:
        self._began = self._current_began = time.perf_counter()
        self._ended: float | None = None
        self.current, self.due = Histogram(), self._began + WINDOW
        self._latest = (Histogram(), 0.0)  # of the latest whole window, and its length in seconds
        self._total, self._turning = Histogram(), threading.Lock()

    def turn(self, now: float) -> None:
        """End this window and begin the next."""
        with self._turning:
            self._latest = (self.current, now - self._current_began)
            self._total.merge(self.current)
            self.current, self._current_began = Histogram(), now
        self.due = now + WINDOW

    def end(self) -> None:
        """Nothing more is counted: from now on the figures stand still."""
        self._ended = time.perf_counter()

    def latencies(self) -> Latencies:
        """All that was counted until now."""
        total = Histogram()
        with self._turning:
            total.merge(self._total)
            total.merge(self.current)
            return Latencies(*self._latest, total, (self._ended or time.perf_counter()) - self._began)
