"""The numbers of a swarm: counts at one moment, latencies in a histogram, and what a snapshot makes of both.

A histogram keeps no single latency, so it takes the same little room after a hundred replies and after a hundred
million; its buckets grow by a constant ratio, as in HdrHistogram (Gil Tene).
"""

import math
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

WINDOW = 0.5
"""Seconds of one window of figures: enough replies for a p99, soon enough to see a slider act."""

SORTED_AT_ONCE = 500
"""Latencies that are put into a histogram in one go. After a system call neither its code nor its buckets are in the
processor's cache; fetching them for every single reply took up to 8% of the swarm's time (seen)."""

PER_DOUBLING = 32
"""Buckets for each doubling of the latency: a bucket is 2.2% wide, far less than two runs differ."""


@dataclass(frozen=True)
class Figures:
    """How a swarm was served during some time.

    Attributes:
        replies_per_second: complete, verified replies.
        p50, p99, max: latency in seconds, from when a message was due to the last byte of its reply; None without one.
    """

    replies_per_second: float
    p50: float | None
    p99: float | None
    max: float | None


@dataclass(frozen=True)
class Snapshot(Figures):
    """A swarm at one moment; its own figures are those of the latest whole half second.

    Attributes:
        connected: clients that are connected now.
        sent: messages sent since the start.
        replies: verified replies since the start.
        mismatches: replies with a wrong byte, since the start.
        errors: connections refused, reset or closed by the server, since the start.
        total: the figures since the start.
    """

    connected: int
    sent: int
    replies: int
    mismatches: int
    errors: int
    total: Figures


@dataclass(frozen=True)
class Tally:
    """The counts of a crowd at one moment; those that `Snapshot` has too mean the same.

    Attributes:
        alive: False once it has ended.
        error: what ended it, if anything but `end` did.
        settled: True when no client is still to be opened, connected or closed: all are connected or lost.
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


class Histogram:
    """Counts of durations, from nanoseconds to hours, at a constant relative precision.

    Attributes:
        max: the largest one, in seconds, exactly.
    """

    __slots__ = ("_buckets", "max")

    def __init__(self) -> None:
        self._buckets: defaultdict[int, int] = defaultdict(int)
        self.max = 0.0

    @property
    def count(self) -> int:
        """Durations added."""
        return sum(dict(self._buckets).values())  # copied in one step: another thread may be adding

    def add(self, *durations: float) -> None:
        """Count some durations, each of more than 0 seconds."""
        self.max = max([self.max, *durations])
        for seconds in durations:
            self._buckets[math.ceil(math.log2(seconds) * PER_DOUBLING)] += 1

    def merge(self, other: "Histogram") -> None:
        """Count everything that `other` has counted; another thread may be adding to it."""
        buckets = dict(other._buckets)  # copied in one step: what is added meanwhile is left for the next time
        for bucket, count in buckets.items():
            self._buckets[bucket] += count
        self.max = max(self.max, other.max)

    def items(self) -> Iterator[tuple[float, int]]:
        """Yield (upper bound in seconds, how many were in that bucket), rising."""
        for bucket in sorted(self._buckets):
            yield min(2 ** (bucket / PER_DOUBLING), self.max), self._buckets[bucket]

    def percentile(self, share: float) -> float | None:
        """Return the duration in seconds that `share` (0 to 1) of all do not exceed; None when nothing was counted.

        Rounded up to the edge of its bucket, 2.2% at the most.
        """
        rank = share * self.count
        seen = 0
        for bound, count in self.items():
            seen += count
            if seen >= rank:
                return bound
        return None


@dataclass(frozen=True)
class Latencies:
    """How long replies took: in the latest whole window, and since the start, each with its length in seconds."""

    latest: Histogram
    latest_seconds: float
    total: Histogram
    seconds: float


class Windows:
    """Latencies in windows of half a second, which one thread counts and any may read.

    Attributes:
        due: when the window that has begun should end, by perf_counter.
        fresh: its latest latencies, which are in no histogram yet.
    """

    def __init__(self) -> None:
        self._began = self._current_began = time.perf_counter()
        self._ended: float | None = None
        self.fresh: list[float] = []
        self._current, self.due = Histogram(), self._began + WINDOW
        self._latest = (Histogram(), 0.0)  # of the latest whole window, and its length in seconds
        self._total, self._moving = Histogram(), threading.Lock()

    def sort(self) -> None:
        """Put the fresh latencies into the histogram: worthwhile for many at once, see `SORTED_AT_ONCE`."""
        with self._moving:
            self._current.add(*self.fresh)
            self.fresh.clear()

    def turn(self, now: float) -> None:
        """End this window and begin the next."""
        self.sort()
        with self._moving:
            self._latest = (self._current, now - self._current_began)
            self._total.merge(self._current)
            self._current, self._current_began = Histogram(), now
        self.due = now + WINDOW

    def end(self) -> None:
        """Let the figures stand still from now on: nothing more is counted."""
        self._ended = time.perf_counter()

    def latencies(self) -> Latencies:
        """Return all that has been counted by now."""
        total = Histogram()
        with self._moving:
            total.merge(self._total)
            total.merge(self._current)
            total.add(*self.fresh)
            return Latencies(*self._latest, total, (self._ended or time.perf_counter()) - self._began)


def figures(latencies: Histogram, seconds: float) -> Figures:
    """Return the figures of some seconds, from the latencies in them."""
    return Figures(
        replies_per_second=latencies.count / seconds if seconds > 0 else 0.0,
        p50=latencies.percentile(0.50),
        p99=latencies.percentile(0.99),
        max=latencies.max if latencies.count else None,
    )
