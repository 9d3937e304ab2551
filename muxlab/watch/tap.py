"""The tap: each call of a watched server goes through it, is counted, and is kept as an event.

`Tap.call` makes a call and records what came of it. `Calls` and `Call` are what a reader gets: counts, and events that
read like the call. A stepper adds a `Gate`, which may hold the server before a call, and which makes each call that may
sleep from its parts, a `Wait`.

Not handled here: how the server's calls get to the tap. See `stand_ins.py` and `rebind.py`.
"""

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

from ..sockets import mask_names

KEPT = 10_000
"""Events kept, the latest: at 0.3 kB each, 3 MB. The counts are of all events."""

CPU_EVERY = 16
"""Calls between two readings of the thread's CPU clock (it is read at waits, too): one takes as long as an EAGAIN."""

PREVIEW = 16
"""Bytes of a message that an event quotes."""

WAITS = frozenset({"select.select", "poll.poll", "epoll.poll", "ring.enter", "time.sleep"})
"""Names of the calls that wait: for any of many sockets, or for the time to pass; and a ring's, which also hands over
what the kernel is to do."""

COMPLETIONS = ("ring.accept", "ring.recv", "ring.send", "ring.poll", "ring.timeout", "ring.cancel")
"""Names of what completes in a ring: it is recorded beside the calls, and is none."""

SENDS = ("send", "sendall", "sendmsg")
"""Names of the calls that send."""


class Call(NamedTuple):
    """One call that a server made.

    Attributes:
        number: 1 for the server's first call.
        name: "accept", "connect", "recv", "send", "sendall", "sendmsg", "shutdown", "close", "select.select",
            "poll.poll", "epoll.poll", "epoll.register", "epoll.modify", "epoll.unregister", "epoll.close",
            "ring.enter", "ring.close", "time.sleep", ...; or what completed in a ring, one of `COMPLETIONS`.
        who: what the call is about, under the same name on every machine: "listener", "client 2", "stop", "epoll", "".
        fd: its descriptor; -1 when there is none.
        args: the other arguments, in short.
        outcome: "data"; "end" (of a recv that returned nothing: the client will send no more); "ready" or "timeout" (of
            a wait); "done" (of a call with nothing to tell); or why it failed: "EAGAIN", "ECONNRESET", "ValueError".
        amount: bytes moved, or the number of descriptors that were ready.
        result: what the call returned, in short.
        cpu: CPU time of the threads that make calls, in seconds, as last read: at every wait, and at every 16th call.
        function: the learner's function that made the call; "" without a stepper.
        line: the line of that function, from 1; 0 without a stepper.
        began: when the call was made, in seconds as `time.monotonic` counts them.
        took: the seconds until it returned: long, if the server slept in it.
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
    began: float = 0.0
    took: float = 0.0

    @property
    def kind(self) -> str:
        """The kind of the call, see `kind_of`."""
        return kind_of(self.name, self.outcome)

    def __str__(self) -> str:
        return call_text(self.name, self.who, self.args) + (f" = {self.result}" if self.result else "")


class Calls(Counter[tuple[str, str]]):
    """Counts of calls by (name, outcome): `calls["recv", "EAGAIN"]`; 0 for what never happened.

    Attributes:
        events: the latest calls, each a `Call`, oldest first; 10,000 at most.
        server: the name of the server that made them.
    """

    events: list[Call]
    server: str = ""

    def of(self, name: str) -> int:
        """Return how many calls of this name there were, with any outcome."""
        return sum(count for (other, _), count in self.items() if other == name)

    def system_calls(self) -> "Calls":
        """Return the counts of the calls alone, without what completed in a ring: that is recorded, and no call."""
        made = Calls({key: count for key, count in self.items() if key[0] not in COMPLETIONS})
        made.server, made.events = self.server, [call for call in self.events if call.name not in COMPLETIONS]
        return made

    def kinds(self) -> Counter[str]:
        """Return the counts of all calls by kind, see `kind_of`."""
        kinds: Counter[str] = Counter()
        for (name, outcome), count in self.items():
            kinds[kind_of(name, outcome)] += count
        return kinds

    def __str__(self) -> str:
        return "\n".join(f"{name:<18}{outcome:<12}{count:>9,}" for (name, outcome), count in sorted(self.items()))


def kind_of(name: str, outcome: str) -> str:
    """Return the kind of a call for a timeline: "data" (accept, too), "EAGAIN", "end", "error", "wait" or "done"."""
    if name in WAITS and outcome in ("ready", "timeout", "done"):
        return "wait"
    if outcome in ("data", "end"):
        return outcome
    if outcome == "done":
        return "data" if name in ("accept", "ring.accept", "sendall") else "done"
    return "EAGAIN" if outcome in ("EAGAIN", "EINPROGRESS") else "error"


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


Summary = str | int | tuple[bytes, int] | list
"""Short form of an argument or a result, as it is recorded: a text; a number; the first bytes of a message and its
length; or a list of names, of (name, event mask), or of the lists of select. `summary_text` puts it into words."""

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

# ---- events in words


def _as_call(number: int, cpu: float, name: str, outcome: str, rest: tuple, began: float, took: float) -> Call:
    who, fd, args, amount, result, line = rest
    (function, line_number), result_text = line, summary_text(result)
    return Call(number, name, who, fd, summary_text(args), outcome, amount, result_text, cpu, function, line_number,
                began, took)  # fmt: skip


def call_text(name: str, who: str, args: str) -> str:
    """Return a call as text: "recv(client 1, 65536)", or "epoll.poll(0.1)" for a wait, which is about many sockets."""
    about = "" if name in WAITS or who == "epoll" else who
    return f"{name}({', '.join(filter(None, (about, args)))})"


def error_name(error: Exception) -> str:
    """Return why a call failed: the name of the error number, "EAGAIN", or of the exception, "ValueError"."""
    if isinstance(error, OSError) and error.errno is not None:
        return errno.errorcode.get(error.errno, str(error.errno))
    return "timeout" if isinstance(error, TimeoutError) else type(error).__name__


def preview(data: Any) -> tuple[bytes, int]:
    """Return the first bytes of a message, and its length."""
    return bytes(data[:PREVIEW]), len(data)


def preview_of_pieces(pieces: list) -> tuple[bytes, int]:
    """Return the first bytes of a message that is sent from several buffers, and its length."""
    return preview(b"".join(pieces))


def done_outcome(_: object) -> tuple[str, int, Summary]:
    """Return the outcome of a call with nothing to tell but that it was made; an `OutcomeOf`."""
    return "done", 0, ""


def summary_text(summary: Summary) -> str:
    """Return a recorded argument or result as text."""
    if isinstance(summary, list):
        if summary and isinstance(summary[0], tuple):
            return f"[{', '.join(f'{name} {mask_names(mask)}' for name, mask in summary)}]"
        if summary and isinstance(summary[0], list | int):
            return ", ".join(f"[{one} descriptors]" if isinstance(one, int) else summary_text(one) for one in summary)
        return f"[{', '.join(sorted(summary, key=_name_order))}]"
    if isinstance(summary, tuple):
        head, size = summary
        return repr(head) if size <= PREVIEW else f"{head!r}... {size:,} bytes"
    return str(summary)


def _name_order(name: str) -> tuple[bool, bool, int, str]:
    """Return a sort key, listener first and clients last and by number: select may be given sets, without order."""
    return name != "listener", name.startswith("client"), len(name), name
