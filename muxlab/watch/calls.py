"""The calls of a server, as a reader gets them: `Call`, an event that reads like the call, and `Calls`, the counts.

Arguments and results are recorded in short, as a `Summary`, and put into words when somebody reads them.

Not handled here: who records them. That is the tap (tap.py), or strace (strace_calls.py).
"""

import errno
from collections import Counter
from typing import Any, NamedTuple

from ..sockets import mask_names

KEPT = 10_000
"""Events kept, the latest: at 0.3 kB each, 3 MB. The counts are of all events."""

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


# ---- in words

Summary = str | int | tuple[bytes, int] | list
"""Short form of an argument or a result, as it is recorded: a text; a number; the first bytes of a message and its
length; or a list of names, of (name, event mask), or of the lists of select. `summary_text` puts it into words."""


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
