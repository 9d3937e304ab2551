"""The calls of a watched server: each one as an event, the counts over all of them, and both in words."""

import errno
import os
import threading
import time
import weakref
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, NamedTuple, Protocol

from .kernel import flags

PREVIEW = 16
"""Bytes of a message that an event quotes."""

WAITS = frozenset({"select.select", "poll.poll", "epoll.poll", "time.sleep"})

Brief = str | int | tuple[bytes, int] | list
"""An argument or a result as it is recorded: a text, a number, the beginning of a message and its length; or a list of
who is named in it, of (who, event mask), or of what was given to select. It is put into words when it is read."""


class Call(NamedTuple):
    """One call that a server made.

    Attributes:
        number: 1 for the server's first call.
        name: "accept", "connect", "recv", "send", "sendall", "shutdown", "close", "select.select", "poll.poll",
            "epoll.poll", "epoll.register", "epoll.modify", "epoll.unregister", "epoll.close", "time.sleep", ...
        who: whom it is about, the same on every machine: "listener", "client 2", "stop", "epoll", or "".
        fd: that one's descriptor; -1 when there is none.
        args: the other arguments, in short.
        outcome: "data", "end" (a recv that returned nothing: the client will say no more), "ready" or "timeout" (of a
            wait), "done" (nothing to tell), or why it failed: "EAGAIN", "ECONNRESET", ..., "ValueError".
        amount: bytes moved, or how many were ready.
        result: what it returned, in short.
        cpu: CPU time of the thread, in seconds, as last read: at every wait, and at every 16th call.
        function: with a stepper, the learner's function that made the call, and
        line: its line in that function, from 1; otherwise "" and 0.
    """

    number: int
    name: str
    who: str
    fd: int
    args: str
    outcome: str
    amount: int
    result: str
    cpu: float
    function: str
    line: int

    @property
    def kind(self) -> str:
        """What a timeline tells apart, see `kind_of`."""
        return kind_of(self.name, self.outcome)

    def __str__(self) -> str:
        return asked(self.name, self.who, self.args) + (f" = {self.result}" if self.result else "")


class Calls(Counter[tuple[str, str]]):
    """Counts of calls by (name, outcome): `calls["recv", "EAGAIN"]`; 0 for what never happened.

    Attributes:
        events: the latest calls, each a `Call`, oldest first; 10,000 at most.
        server: the name of the server that made them.
    """

    events: list[Call]
    server: str = ""

    def of(self, name: str) -> int:
        """How many calls of this name there were, whatever came of them."""
        return sum(count for (other, _), count in self.items() if other == name)

    def kinds(self) -> Counter[str]:
        """Counts of all calls by what a timeline tells apart, see `kind_of`."""
        kinds: Counter[str] = Counter()
        for (name, outcome), count in self.items():
            kinds[kind_of(name, outcome)] += count
        return kinds

    def __str__(self) -> str:
        return "\n".join(f"{name:<18}{outcome:<12}{count:>9,}" for (name, outcome), count in sorted(self.items()))


def kind_of(name: str, outcome: str) -> str:
    """What a timeline tells apart: "data" (also: a client accepted), "EAGAIN", "end", "error", "wait" or "done"."""
    if name in WAITS and outcome in ("ready", "timeout", "done"):
        return "wait"
    if outcome in ("data", "end"):
        return outcome
    if outcome == "done":
        return "data" if name in ("accept", "sendall") else "done"
    return "EAGAIN" if outcome in ("EAGAIN", "EINPROGRESS") else "error"


def asked(name: str, who: str, args: str) -> str:
    """A call in words: "recv(client 1, 65536)". Waits are about nobody in particular."""
    about = "" if name in WAITS or who == "epoll" else who
    return f"{name}({', '.join(filter(None, (about, args)))})"


def reason(error: Exception) -> str:
    """Why a call failed: the name of its errno, or of the exception."""
    if isinstance(error, OSError) and error.errno is not None:
        return errno.errorcode.get(error.errno, str(error.errno))
    return "timeout" if isinstance(error, TimeoutError) else type(error).__name__


def quote(data: Any) -> tuple[bytes, int]:
    """The beginning of a message, and its length."""
    return bytes(data[:PREVIEW]), len(data)


def in_words(brief: Brief) -> str:
    """What was recorded of an argument or a result, as text."""
    if isinstance(brief, list):
        if brief and isinstance(brief[0], tuple):
            return f"[{', '.join(f'{who} {flags(mask)}' for who, mask in brief)}]"
        if brief and isinstance(brief[0], list | int):
            return ", ".join(f"[{part} descriptors]" if isinstance(part, int) else in_words(part) for part in brief)
        return f"[{', '.join(sorted(brief, key=_rank))}]"
    if isinstance(brief, tuple):
        head, size = brief
        return repr(head) if size <= PREVIEW else f"{head!r}... {size:,} bytes"
    return str(brief)


def _rank(name: str) -> tuple[bool, bool, int, str]:
    """Names in an order of their own, clients by their numbers: what was given to select may be a set, without one."""
    return name != "listener", name.startswith("client"), len(name), name


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
    """A gate in the stream of calls, at which a stepper holds the server. All but `closed` may raise."""

    def opening(self, stop_fd: int, homes: tuple[dict, ...]) -> None:
        """Prepare, in the server's thread, before its function begins.

        Args:
            stop_fd: becomes readable when the server has to return.
            homes: the globals of the function's own module or notebook, by which frames are known as the learner's.
        """

    def closing(self, error: BaseException | None, forced: bool) -> None:
        """Note, in the server's thread, how the function ended: it raised, or was ended by force."""

    def closed(self) -> None:
        """Say so: everything that the server had open is closed by now."""

    def before(self, name: str, text: str) -> tuple[str, int]:
        """Hold the caller for as long as need be; return the function and line that make the call."""

    def make(self, text: str, wait: Wait) -> Any:
        """Make a call that may sleep, and return its result."""


_taps: "weakref.WeakSet[Tap]" = weakref.WeakSet()


def _close_in_child() -> None:
    """A child that a server forks goes its own way: nobody looks at its calls, or could open a gate for it."""
    for tap in _taps:
        tap.over = True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_close_in_child)


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
        _taps.add(self)

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
