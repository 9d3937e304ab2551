"""The tap: where each call that a watched server makes is held, made, counted and kept.

Counting, the timeline and the stepper read this one stream. The stepper also puts a `Gate` into it, at which a call
can be held before it is made. How the calls of one function get here at all is the matter of the tapped_*.py files and
of rebind.py.
"""

import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, Protocol

from .calls import WAITS, Brief, Call, Calls, asked, in_words, reason

KEPT = 10_000
"""Events kept, the latest: at 0.3 kB each, 3 MB. The counts are of all events."""

CPU_EVERY = 16
"""The thread's clock is read at every wait and every sixteenth call: reading it takes as long as an EAGAIN does."""

NOT_YET = object()
"""What an attempt gives when its call would have to wait."""

NOWHERE = "", 0

Judge = Callable[[Any], tuple[str, int, Brief]]
"""Tells from a call's result its outcome, its amount, and the result in short."""


def done(_: object) -> tuple[str, int, Brief]:
    """The judge of a call of which there is nothing to tell but that it was made."""
    return "done", 0, ""


@dataclass(frozen=True)
class Wait:
    """A call that may sleep, taken apart, so that a gate can tell sleeping from returning at once.

    Attributes:
        attempt: make the call if it need not sleep; else give `NOT_YET`.
        sleep: make the call and sleep in it; it also returns when the descriptor that it is given becomes readable ...
        wake: ... or when this is called, with that descriptor, in another thread.
        ready: tell whether it would return at once, without changing anything.
    """

    attempt: Callable[[], Any]
    sleep: Callable[[int], Any]
    wake: Callable[[int], object]
    ready: Callable[[], bool]


class Gate(Protocol):
    """What can be put into the stream, before each call."""

    def before(self, name: str, text: str) -> tuple[str, int]:
        """Hold the caller for as long as need be; returns the function and line that make the call. May raise."""

    def make(self, text: str, wait: Wait) -> Any:
        """Make a call that may sleep, and return its result. May raise."""


class Tap:
    """Where the calls of one server function are counted and kept.

    Args:
        gate: held open or shut by a stepper; without one, calls are made and recorded, nothing else.
    """

    def __init__(self, gate: Gate | None = None) -> None:
        self.gate = gate
        self.over = False  # what is called from now on is not the server's doing
        self.accepted = 0
        self.names: dict[int, str] = {}  # by descriptor, for those that are open
        self.number = 0  # of the latest call
        self._counts: defaultdict[tuple[str, str], int] = defaultdict(int)
        self._events: deque[tuple] = deque(maxlen=KEPT)
        self._cpu = 0.0
        self._lock = threading.Lock()

    def call(
        self, name: str, fd: int, args: Brief, judge: Judge, wait: Wait | None, real: Callable, *given: Any
    ) -> Any:
        """Make one call, through the gate if there is one, and record what came of it.

        Args:
            name: what the call is called, as in `Call`.
            fd: the descriptor that it is about, or -1.
            args: its other arguments, in short.
            judge: see `Judge`.
            wait: the same call taken apart, if it may sleep; needed only where there is a gate.
            real: makes the call, with the arguments that follow.
        """
        if self.over:
            return real(*given)
        who = self.names.get(fd) or ("" if fd < 0 else "socket")
        where = NOWHERE
        try:
            if self.gate is None:
                value = real(*given)
            else:
                text = asked(name, who, in_words(args))
                where = self.gate.before(name, text)
                value = self.gate.make(text, wait) if wait else real(*given)
        except Exception as error:  # what is no Exception ends the server: that call was not made
            why = reason(error)
            self._note(name, why, (who, fd, args, 0, why, where))
            raise
        outcome, amount, result = judge(value)
        self._note(name, outcome, (who, fd, args, amount, result, where))
        return value

    def greet(self, fd: int) -> None:
        """Name a connection that was just accepted."""
        self.accepted += 1
        self.names[fd] = f"client {self.accepted}"

    @property
    def calls(self) -> Calls:
        """The counts and the latest events, as they are now."""
        with self._lock:
            calls = Calls(self._counts)
            raw = list(self._events)
        calls.events = [_in_full(*event) for event in raw]
        return calls

    def since(self, number: int) -> tuple[Call, ...]:
        """The calls after that number, as far as they are kept."""
        with self._lock:
            raw = list(takewhile(lambda event: event[0] > number, reversed(self._events)))
        return tuple(_in_full(*event) for event in reversed(raw))

    def _note(self, name: str, outcome: str, rest: tuple) -> None:
        with self._lock:
            self.number = number = self.number + 1
            self._counts[name, outcome] += 1
            if number % CPU_EVERY == 0 or name in WAITS:
                self._cpu = time.thread_time()
            self._events.append((number, self._cpu, name, outcome, rest))


def _in_full(number: int, cpu: float, name: str, outcome: str, rest: tuple) -> Call:
    who, fd, args, amount, result, where = rest
    return Call(number, name, who, fd, in_words(args), outcome, amount, in_words(result), cpu, *where)
