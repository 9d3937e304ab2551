"""One lap of a race: a server alone with its clients for a moment, and what came of it; no widget in here."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from muxlab.show.load import Load

WARM_UP = 20
"""Replies before the clock starts, as in `muxlab.measure.echo_cost`."""

PATIENCE = 5.0
"""Seconds that a server has to connect everybody and to give its first replies."""


@dataclass(frozen=True)
class Result:
    """What is known of one server: `replies_per_second`, `us_per_reply` of its thread's CPU time; None before a lap.

    `note` says what else there is to know, such as how many clients it turned away.
    """

    name: str
    replies_per_second: float | None = None
    us_per_reply: float | None = None
    note: str = ""


class Lap:
    """A server and its swarm at work until `close()`.

    Args:
        seconds: how long the clock runs.
        fn, load: the server function and its clients, as for `Load`, whose errors are raised.
    """

    def __init__(self, seconds: float, fn: Callable, *load: Any) -> None:
        self._load = Load(fn, *load)
        self._seconds = seconds
        self._born = time.monotonic()
        self._start: tuple[float, int, float] | None = None  # time, replies, CPU time when the clock started
        self.result = Result(self._load.server.name, note="connecting")
        self.over = False

    def look(self) -> None:
        """Bring `result` up to date, and `over`: true when the time is up, or nothing more can come."""
        seen = self._load.swarm.snapshot()
        now = time.monotonic(), seen.replies, self._load.server.cpu_seconds()
        all_tried = seen.connected + seen.errors >= self._load.swarm.connections
        if self._load.trouble():
            self.over = True
        elif self._start is None:
            if all_tried and seen.replies >= WARM_UP:
                self._start = now
            elif now[0] - self._born > PATIENCE:
                self.result, self.over = Result(self.result.name, note=f"no reply within {PATIENCE:g} s"), True
        else:
            took, replies, cpu = (after - before for after, before in zip(now, self._start, strict=True))
            note = f"lost {seen.errors:,} of its clients" if seen.errors else ""
            cost = cpu / replies * 1e6 if replies else None
            self.result = Result(self.result.name, replies / took, cost, note)
            self.over = took >= self._seconds

    def close(self) -> str:
        """Stop server and swarm, and return what went wrong, in words for the learner, or ""."""
        trouble = self._load.trouble()
        return self._load.close() or trouble
