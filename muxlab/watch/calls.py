"""The calls of a watched server: each one as an event, the counts over all of them, and both in words."""

import errno
from collections import Counter
from typing import Any, NamedTuple

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
