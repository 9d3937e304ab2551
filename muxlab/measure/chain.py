"""The cost of passing messages along a chain of sockets: the benchmark that libevent's authors wrote."""

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from ..arguments import check_count, check_duration
from .protocol import each, repeat, summary
from .rows import Form, Row, Rows, settings
from .waits import check_model, socket_pair, waiting
from .waits import pairs as open_pairs

RUNS = 25
"""Runs of each setting at most: as many as libevent's bench makes."""


@dataclass(frozen=True)
class ChainCost(Row):
    """What one run of the chain cost.

    Attributes:
        model: how it waited.
        pairs: socket pairs, all of them watched.
        active: messages under way at the same time.
        writes: messages passed on; None where it was not published.
        us_per_run: microseconds of one run, the median.
    """

    form: ClassVar[Form] = Form(
        *("model", "pairs", "us_per_run"),
        title="What one run of the chain costs",
        sizes="socket pairs watched",
        costs="microseconds for one run",
        one="a run of the chain",
    )
    model: str
    pairs: int
    active: int
    writes: int | None
    us_per_run: float

    @property
    def us_per_event(self) -> float | None:
        """Microseconds for each message that was read; None where the number of writes is not known."""
        return None if self.writes is None else self.us_per_run / (self.active + self.writes)


def chain_cost(
    model: str, pairs: int | Iterable[int], active: int = 1, writes: int = 100, seconds: float = 0.25
) -> Rows:
    """Measure a run of messages along many socket pairs, by the protocol of libevent's test/bench.c.

    Protocol: open `pairs` pairs of connected sockets and watch the first of each. A run begins with `active` bytes,
    sent into pairs at equal distances. From each pair that is ready one byte is read, and as long as any of the
    `writes` are left, one byte is sent into the next pair. The run is over when all `active + writes` bytes have been
    read. The waits only look (timeout 0), and what was registered stays registered. Only the run is clocked.

    Source: N. Mathewson, N. Provos, libevent, test/bench.c (its second column); published figures in `published.chain`.

    Known weaknesses: sockets of AF_UNIX, and a wait that never sleeps, flatter select and poll; the bytes go round
    in the order of the descriptors, which suits the caches; Python's own part is in the figures, above all with epoll.

    Args:
        model: "nonblocking", "select", "poll" or "epoll".
        pairs: socket pairs; a number, or several. Each takes two descriptors.
        active: messages under way at the same time.
        writes: messages passed on in one run.
        seconds: how long each setting is measured: at least three runs, and 25 at the most.

    Returns:
        One row for each number.

    Raises:
        TypeError: a count is not a whole number.
        ValueError: a number is out of range, select is to watch more than it can, or this machine allows fewer.
        OSError: epoll is asked for, and this system has none.
    """
    counts = settings("pairs", pairs)
    check_count("active", active)
    check_count("writes", writes, least=0)
    check_duration(seconds)
    check_model(model, max(counts))
    if active > min(counts):
        raise ValueError(f"active={active}: each message needs a pair to begin in, and pairs is {min(counts)}")
    found = each(counts, f"chain, {model}", lambda count: _measure(model, count, active, writes, seconds))
    medians = zip(counts, map(summary, found), strict=True)
    return Rows(ChainCost(model, count, active, writes, cost, **rest) for count, (cost, rest) in medians)


def _measure(model: str, count: int, active: int, writes: int, seconds: float) -> list[float]:
    """Return the microseconds of each run."""
    with open_pairs(count, socket_pair) as (readers, writers), waiting(model, readers, active, 0) as (ask, take):
        following = dict(zip(readers, [*writers[1:], writers[0]], strict=True))
        first = writers[:: count // active][:active]

        def run() -> float:
            start = time.perf_counter()
            for writer in first:
                os.write(writer, b"e")
            unheard, left = active, writes
            while unheard:
                heard = ask()
                if not heard:
                    raise RuntimeError(f"{model} heard nothing while {unheard} bytes were waiting")
                for fd in heard:
                    take(fd, 1)
                    if left:
                        os.write(following[fd], b"e")
                        left -= 1
                    else:
                        unheard -= 1
            return (time.perf_counter() - start) * 1e6

        return repeat(run, seconds, RUNS)
