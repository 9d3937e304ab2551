"""Latencies in few numbers: a histogram whose buckets grow by a constant ratio."""

import math
from collections import defaultdict
from collections.abc import Iterator

PER_DOUBLING = 32
"""Buckets for each doubling of the latency: a bucket is 2.2% wide, far less than two runs differ."""


class Histogram:
    """Counts of durations, from nanoseconds to hours, at a constant relative precision (as HdrHistogram does).

    Attributes:
        count: durations added.
        max: the largest one, in seconds, exactly.
    """

    __slots__ = ("_buckets", "count", "max")

    def __init__(self) -> None:
        self._buckets: defaultdict[int, int] = defaultdict(int)
        self.count = 0
        self.max = 0.0

    def add(self, seconds: float) -> None:
        """Count one duration of more than 0 seconds."""
        if seconds > self.max:
            self.max = seconds
        self._buckets[math.ceil(math.log2(seconds) * PER_DOUBLING)] += 1
        self.count += 1

    def merge(self, other: "Histogram") -> None:
        """Count everything that `other` has counted; another thread may be adding to it."""
        buckets = dict(other._buckets)  # copied in one step: what is added meanwhile is left for the next time
        for bucket, count in buckets.items():
            self._buckets[bucket] += count
        self.count += sum(buckets.values())
        self.max = max(self.max, other.max)

    def items(self) -> Iterator[tuple[float, int]]:
        """(upper bound in seconds, how many were in that bucket), rising."""
        for bucket in sorted(self._buckets):
            yield min(2 ** (bucket / PER_DOUBLING), self.max), self._buckets[bucket]

    def percentile(self, share: float) -> float | None:
        """The duration in seconds that `share` (0 to 1) of all do not exceed; None when nothing was counted.

        Rounded up to the edge of its bucket, 2.2% at the most.
        """
        rank = share * self.count
        seen = 0
        for bound, count in self.items():
            seen += count
            if seen >= rank:
                return bound
        return None
