"""One moment of a playground: what the panel and the stored picture show, and its form on the way to the browser."""

from __future__ import annotations

import struct
import time
import traceback
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from muxlab.server import serve
from muxlab.show.style import human_number, human_seconds
from muxlab.swarm import Swarm

# What one byte of `dots` says, as Swarm.activity() gives it. 1 to 250 is the number of replies since the last look.
QUIET, WAITING, CONNECTING, LOST = 0, 251, 252, 253

_HEADER = struct.Struct("<III")  # number of this frame, points of history, connections


@dataclass(frozen=True)
class Frame:
    """What is known at one moment: counts, rates per second, durations in seconds (None before any reply)."""

    number: int = 0
    connected: int = 0
    wanted: int = 0
    replies_per_second: float = 0.0
    p50: float | None = None
    p99: float | None = None
    cpu_share: float | None = None  # of one core, 0 to 1
    dots: bytes = b""  # one byte for each connection
    history: tuple[float, ...] = ()  # replies per second, oldest first

    def pack(self) -> bytes:
        """Return the moving part for the canvas: header, history as 32-bit floats, one byte per connection."""
        header = _HEADER.pack(self.number, len(self.history), len(self.dots))
        return header + struct.pack(f"<{len(self.history)}f", *self.history) + self.dots

    def tiles(self) -> list[str]:
        """Return the five numbers as the panel writes them, in the order of `TILES`."""
        share = "\u2013" if self.cpu_share is None else f"{100 * self.cpu_share:.0f} %"
        return [
            f"{human_number(self.connected)} / {human_number(self.wanted)}",
            human_number(self.replies_per_second),
            human_seconds(self.p50),
            human_seconds(self.p99),
            share,
        ]


TILES = ("connected", "replies per second", "half within", "99 % within", "server CPU")


PER_SECOND = 10  # frames: often enough to look alive; at about a millisecond each they cost a hundredth of a core
HISTORY = 20 * PER_SECOND  # points: the sparkline shows 20 s
BACKLOG = 4096  # a slider that is dragged far is a burst of connects; the kernel's usual cap, net.core.somaxconn
_LIBRARY = str(Path(traceback.__file__).parent)
_PACKAGE = str(Path(__file__).parents[1])


class Crashed(Exception):
    """The server raised before the first client was connected; the text says what, and in which line."""


class Load:
    """A swarm on a server of its own, from construction until `close()`.

    Args:
        fn: the server function, as for `muxlab.serve`.
        connections, active: clients in all, and how many of them talk.
        payload: bytes in each message.
        isolate: the clients get a process of their own, as in `Swarm`.

    Raises:
        TypeError: fn is not a server function.
        ValueError: more connections than this machine allows, or a number that makes no sense.
        Crashed: the function raised at once.
    """

    def __init__(self, fn: Callable, connections: int, active: int, payload: int, isolate: bool = False) -> None:
        self.server = serve(fn, backlog=BACKLOG)
        try:
            self.swarm = Swarm(self.server, connections, active, payload, isolate=isolate)
        except BaseException:
            self.server.end()
            if self.server.error is not None:  # then whatever the swarm said is only a consequence
                raise Crashed(explain(self.server.name, self.server.error)) from self.server.error
            raise
        self._began = time.monotonic()
        self._points = deque([(self._began, 0, 0.0)], maxlen=PER_SECOND + 1)  # (time, replies, CPU time) of one second
        self._history: deque[float] = deque(maxlen=HISTORY)
        self._latest = self.swarm.snapshot()
        self._frame = Frame()

    def note(self) -> None:
        """Note replies and CPU time of this moment, from which `frame` makes the history and the share of CPU."""
        self._latest = self.swarm.snapshot()
        self._points.append((time.monotonic(), self._latest.replies, self.server.cpu_seconds()))
        began, before, _ = self._points[-min(len(self._points), PER_SECOND // 2 + 1)]  # half a second ago
        ended, after, _ = self._points[-1]
        self._history.append((after - before) / max(ended - began, 1e-9))

    def frame(self) -> Frame:
        """Return what is to be seen now; each dot tells what happened to it since the last frame.

        Dots and history move with every frame. The figures change twice a second: faster, nobody could read them.
        """
        self.note()
        frame = replace(
            self._frame,
            number=self._frame.number + 1,
            connected=self._latest.connected,
            wanted=self.swarm.connections,
            dots=self.swarm.activity(),
            history=tuple(self._history),
        )
        if self._frame.number % (PER_SECOND // 2) == 0:
            (began, _, before), (ended, _, after) = self._points[0], self._points[-1]
            # The swarm's figures are those of its latest window; the first one takes a moment to fill.
            young = self._latest.p50 is None and ended - self._began < 1
            figures = self._latest.total if young else self._latest
            frame = replace(
                frame,
                replies_per_second=figures.replies_per_second,
                p50=figures.p50,
                p99=figures.p99,
                cpu_share=(after - before) / max(ended - began, 1e-9),
            )
        self._frame = frame
        return frame

    def trouble(self) -> str:
        """Return what went wrong, in words for the learner, or an empty string."""
        if self.server.error is not None:
            return explain(self.server.name, self.server.error)
        if self.swarm.error is not None:
            return f"The swarm stopped: {_name_and_text(self.swarm.error)}"
        if not self.server.alive:
            return f"{self.server.name} returned, so nobody is served any more. A server goes on until stop.is_set()."
        if self._latest.mismatches:
            wrong = self._latest.mismatches
            return f"Replies that were not what had been sent: {wrong}. The server loses, repeats or mixes bytes."
        return ""

    @property
    def over(self) -> bool:
        """True when nothing more can come: the server has returned or crashed, or the swarm gave up."""
        return not self.server.alive or self.swarm.error is not None

    def close(self) -> str:
        """Stop the swarm and the server, and return what the server had to complain about on its way out, or "".

        A simple server that meets a reset only now, because clients hang up on it, is not blamed for it.
        """
        was_well = self.server.alive
        self.swarm.end()
        try:
            self.server.stop()
        except BaseException as error:
            if not isinstance(error, Exception) and error is not self.server.error:
                raise  # an interrupt of the learner's, not something that the server raised
            return "" if was_well and isinstance(error, ConnectionError) else explain(self.server.name, error)
        return ""


def explain(name: str, error: BaseException) -> str:
    """Return what `error` says and the learner's line that raised it (the innermost one outside the library)."""
    lines = [f"{name} stopped with {_name_and_text(error)}"]
    steps = [step for step in traceback.extract_tb(error.__traceback__) if _is_learners(step.filename)]
    if steps:
        lines.append(f"line {steps[-1].lineno} of {steps[-1].name}'s cell:  {steps[-1].line}")
        lines.append("Mend it, run its cell and this one again, then press Start.")
    return "\n".join(lines)


def _is_learners(filename: str) -> bool:
    return not filename.startswith((_PACKAGE, _LIBRARY, "<frozen"))


def _name_and_text(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


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
