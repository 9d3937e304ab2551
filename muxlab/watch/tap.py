"""The tap: each call of a watched server goes through it, is counted, and is kept as an event.

`Tap.call` makes a call and records what came of it; what a reader gets of that is in calls.py. A stepper adds a `Gate`,
which may hold the server before a call, and which makes each call that may sleep from its parts, a `Wait`.

Not handled here: how the server's calls get to the tap. See `stand_ins.py` and `rebind.py`.
"""

import os
import threading
import time
import weakref
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, Protocol

from .calls import KEPT, WAITS, Call, Calls, Summary, call_text, error_name, summary_text

CPU_EVERY = 16
"""Calls between two readings of the thread's CPU clock (it is read at waits, too): one takes as long as an EAGAIN."""

# ---- what a stepper adds

WOULD_BLOCK = object()
"""Result of `Wait.attempt` when the call would have to sleep."""


@dataclass(frozen=True)
class Wait:
    """A call that may sleep, in parts, so that a gate can tell whether it sleeps or returns at once.

    Attributes:
        attempt: makes the call if it need not sleep; otherwise returns `WOULD_BLOCK`.
        sleep: makes the call and sleeps in it; it also returns when the given descriptor becomes readable, ...
        wake: ... or when another thread calls this, with the same descriptor.
        ready: tells whether the call would return at once, and changes nothing.
    """

    attempt: Callable[[], Any]
    sleep: Callable[[int], Any]
    wake: Callable[[int], object]
    ready: Callable[[], bool]


class Gate(Protocol):
    """A gate in the stream of calls, where a stepper holds the server. Every method but `after_close` may raise."""

    def before_function(self, stop_fd: int, learner_globals: tuple[dict, ...]) -> None:
        """Prepare, in the server's thread, before its function begins.

        Args:
            stop_fd: a descriptor that becomes readable when the server has to return.
            learner_globals: the global names of the function's module or notebook, by which to recognise its frames.
        """

    def after_function(self, error: BaseException | None, forced: bool) -> None:
        """Note how the function ended: with which error, and whether by force. In the server's thread."""

    def after_close(self) -> None:
        """Note that everything that the server had open is closed."""

    def before_call(self, name: str, text: str) -> tuple[str, int]:
        """Hold the server before a call for as long as necessary; return the function and the line that make it."""

    def make_call(self, text: str, wait: Wait) -> Any:
        """Make a call that may sleep, and return its result."""

    def line_now(self) -> tuple[str, int]:
        """Return the function and the line that the server is in, for what it comes to know of without a call."""


OutcomeOf = Callable[[Any], tuple[str, int, Summary]]
"""Function that returns, for the result of a call: its outcome, its amount, and the result in short."""

NO_LINE = "", 0
"""Function and line of a call that was made without a stepper."""


class Tap:
    """The place where the calls of one server function are made, counted and kept.

    Args:
        gate: the gate of a stepper; without one, calls are made and recorded, nothing else.
    """

    def __init__(self, gate: Gate | None = None) -> None:
        self.gate = gate
        self.over = False  # set at the end of the server: later calls are made, and not recorded
        self.accepted = 0  # connections so far
        self.names: dict[int, str] = {}  # by descriptor, of those that are open
        self.number = 0  # of the latest call
        self._counts: defaultdict[tuple[str, str], int] = defaultdict(int)
        self._events: deque[tuple] = deque(maxlen=KEPT)
        self._cpu = 0.0
        self._thread = threading.local()  # the CPU time of each thread, as last read
        self._lock = threading.Lock()
        _taps.add(self)

    def call(
        self, name: str, fd: int, args: Summary, outcome_of: OutcomeOf, wait: Wait | None, real: Callable, *given: Any
    ) -> Any:
        """Make one call, through the gate if there is one, and record what came of it.

        Args:
            name: the name of the call, as in `Call`.
            fd: the descriptor that it is about, or -1.
            args: its other arguments, in short.
            outcome_of: see `OutcomeOf`.
            wait: the parts of the call, if it may sleep; needed only with a gate.
            real: the function to call, with the arguments that follow.
        """
        if self.over:
            return real(*given)
        who = self.names.get(fd) or ("" if fd < 0 else "socket")
        line, began = NO_LINE, time.monotonic()
        try:
            if self.gate is None:
                value = real(*given)
            else:
                text = call_text(name, who, summary_text(args))
                line, began = self.gate.before_call(name, text), time.monotonic()
                value = self.gate.make_call(text, wait) if wait else real(*given)
        except Exception as error:  # any other BaseException ends the server by force: the call was not made
            outcome = error_name(error)
            self._record(name, outcome, (who, fd, args, 0, outcome, line), began)
            raise
        outcome, amount, result = outcome_of(value)
        self._record(name, outcome, (who, fd, args, amount, result, line), began)
        return value

    def note(self, name: str, fd: int, outcome: str, amount: int, result: Summary) -> None:
        """Record something that happened without a call: what a ring's completion tells. Arguments as in `Call`."""
        if not self.over:
            who = self.names.get(fd) or ("" if fd < 0 else "socket")
            line = NO_LINE if self.gate is None else self.gate.line_now()
            self._record(name, outcome, (who, fd, "", amount, result, line), time.monotonic())

    def name_accepted(self, fd: int) -> None:
        """Give a connection that was just accepted its name, "client 1" for the first."""
        self.accepted += 1
        self.names[fd] = f"client {self.accepted}"

    @property
    def calls(self) -> Calls:
        """The counts and the latest events, as they are now."""
        with self._lock:
            calls = Calls(self._counts)
            events = list(self._events)
        calls.events = [_as_call(*event) for event in events]
        return calls

    def since(self, number: int) -> tuple[Call, ...]:
        """Return the calls with a higher number than `number`, of those that are kept."""
        with self._lock:
            events = list(takewhile(lambda event: event[0] > number, reversed(self._events)))
        return tuple(_as_call(*event) for event in reversed(events))

    def _record(self, name: str, outcome: str, rest: tuple, began: float) -> None:
        took = time.monotonic() - began
        if self.over:  # it was under way when the server was ended, and that is what made it return
            return
        with self._lock:
            self.number = number = self.number + 1
            self._counts[name, outcome] += 1
            if number % CPU_EVERY == 0 or name in WAITS:
                ran, self._thread.ran = getattr(self._thread, "ran", 0.0), time.thread_time()
                self._cpu += self._thread.ran - ran
            self._events.append((number, self._cpu, name, outcome, rest, began, took))


_taps: weakref.WeakSet[Tap] = weakref.WeakSet()


def _end_taps_in_child() -> None:
    """End all taps in a forked child: its calls are not the server's, and no stepper there could open a gate."""
    for tap in _taps:
        tap.over = True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_end_taps_in_child)


def _as_call(number: int, cpu: float, name: str, outcome: str, rest: tuple, began: float, took: float) -> Call:
    who, fd, args, amount, result, line = rest
    (function, line_number), result_text = line, summary_text(result)
    return Call(number, name, who, fd, summary_text(args), outcome, amount, result_text, cpu, function, line_number,
                began, took)  # fmt: skip


def done_outcome(_: object) -> tuple[str, int, Summary]:
    """Return the outcome of a call with nothing to tell but that it was made; an `OutcomeOf`."""
    return "done", 0, ""
