"""A stepped server at one moment, as data and as text that is the same on every machine."""

import re
import reprlib
import socket
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from ..watch.calls import COMPLETIONS, Call
from ..watch.kernel import SocketRow

SHOWN = 12
"""Calls that the text of a state lists: enough for any step; of a longer run it lists the first and the last ones."""

NO_LISTENER = SocketRow("listener", None, "closed by the server")


@dataclass(frozen=True)
class State:
    """A stepped server, at one moment.

    Attributes:
        status: "paused" (before `line`, or before `call`), "blocked" (asleep in `call`), "running" (a step takes longer
            than the stepper waits), "finished" (it returned), "crashed" (it raised `error`), or "stopped".
        function: the name of the learner's function that the server is in, as in `Stepper.listings`.
        served: the name of the server function itself.
        line: the line of `function`, from 1, that comes next, or that raised `error`; 0 if there is none.
        text: that line, without its indentation.
        locals: the local names of `function`, and the text of their values.
        call: the call that comes next, or that the server is asleep in: "recv(client 1, 65536)"; otherwise "".
        calls: the calls made since the last step or the last action of a client, each with the line that made it.
        listener: the row of the listening socket: accept queue, readiness, interest.
        connections: one row for each client, also for those in the accept queue and those that are closed.
        error: the error that ended the server: "NameError: name 'conn' is not defined".
        asleep_in: the system call that the server's thread sleeps in, as the kernel names it.
        note: why a step ended early: the server might never block.
        changed: what the last step or the last action of a client has changed: ("locals", name), ("listener", field),
            ("client 1", field); the fields are those of `SocketRow`.
    """

    status: str = "running"
    function: str = ""
    served: str = ""
    line: int = 0
    text: str = ""
    locals: Mapping[str, str] = field(default_factory=dict)
    call: str = ""
    calls: tuple[Call, ...] = ()
    listener: SocketRow = NO_LISTENER
    connections: tuple[SocketRow, ...] = ()
    error: str = ""
    asleep_in: str = ""
    note: str = ""
    changed: frozenset[tuple[str, str]] = frozenset()

    @property
    def accept_queue(self) -> int:
        """The number of connections in the accept queue."""
        return self.listener.receive

    @property
    def helper(self) -> bool:
        """Whether the server is in a helper, and not in the server function itself."""
        return self.function not in ("", self.served)

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        rows = (f"{row.name}: {_row_text(row)}" for row in (self.listener, *self.connections))
        return "\n  ".join(filter(None, (self._headline(), self.error, self.note, *self._call_lines(), *rows)))

    def _headline(self) -> str:
        where = f"{self._line(self.line, self.function)}: {self.text}"
        if self.status == "paused":
            return f"paused before {self.call}\n  {where}" if self.call else f"paused before {where}"
        if self.status == "blocked":
            for_what = "for the time to pass" if self.call.startswith("time.sleep") else "for an event"
            return f"blocked in {self.call}, waiting {for_what}\n  {where}"
        return f"{self.status} at {where}" if self.status == "crashed" and self.line else self.status

    def _call_line(self, call: Call) -> str:
        verb = "took" if call.name in COMPLETIONS else "called"
        return f"{self._line(call.line, call.function)} {verb} {call}" if call.line else str(call)

    def _call_lines(self) -> Iterator[str]:
        lines = [self._call_line(call) for call in self.calls]
        if len(lines) > SHOWN:
            half = SHOWN // 2
            lines[half:-half] = [f"... {len(lines) - 2 * half:,} more calls ..."]
        yield from lines

    def _line(self, line: int, function: str) -> str:
        return f"line {line}" if function == self.served else f"line {line} of {function}"

    def differences(self, before: "State") -> frozenset[tuple[str, str]]:
        """Return what is different from `before`, in the form of `changed`."""
        found = {("locals", name) for name, text in self.locals.items() if before.locals.get(name) != text}
        earlier = {row.name: row for row in (before.listener, *before.connections)}
        for row in (self.listener, *self.connections):
            old = earlier.get(row.name)
            changed = (item.name for item in fields(row) if getattr(row, item.name) != getattr(old, item.name, None))
            found |= {(row.name, name) for name in changed}
        return frozenset(found)


class LocalsRepr(reprlib.Repr):
    """A short `repr` for the values of local names; a socket is shown by its name, such as "client 1".

    Args:
        names: the name of each open descriptor.
    """

    def __init__(self, names: Mapping[int, str]) -> None:
        super().__init__()
        self.names = names
        self.maxdict = self.maxlist = self.maxtuple = self.maxset = self.maxfrozenset = 8
        self.maxstring = self.maxother = 60

    def repr1(self, x: Any, level: int) -> str:
        """Return the text of a value; `level` says how many more levels of containers to show, as in `reprlib.Repr`."""
        if hasattr(x, "fileno") and not isinstance(x, type):
            return self._with_descriptor(x)
        return re.sub(r" at 0x[0-9a-f]+", "", super().repr1(x, level))

    def of_all(self, values: Mapping[str, Any]) -> dict[str, str]:
        """Return the local names of a function with their texts, without modules, functions and classes."""
        hidden = types.ModuleType | types.FunctionType | type
        return {
            name: self.repr(value) for name, value in values.items() if name != "_" and not isinstance(value, hidden)
        }

    def _with_descriptor(self, thing: Any) -> str:
        try:
            fd = thing.fileno()
        except Exception:  # a learner's own fileno may raise anything
            fd = -1
        name = self.names.get(fd, "closed" if fd < 0 else "a descriptor")
        plain = isinstance(thing, socket.socket) or name in ("epoll", "stop")
        return name if plain else f"{type(thing).__name__} of {name}"


def _row_text(row: SocketRow) -> str:
    if row.fd is None:
        parts = [row.where] + ([f"receive queue {row.receive}"] if row.receive else [])
    elif row.limit is not None:
        parts = [f"accept queue {row.receive} of {row.limit}"]
    else:
        parts = [f"receive queue {row.receive}, send queue {row.send}"]
    parts += [f"ready for {row.ready}"] if row.ready else []
    parts += [f"watched for {row.interest}"] if row.interest else []
    parts += [f"{row.reply} bytes to read at the client"] if row.reply else []
    return ", ".join(parts)
