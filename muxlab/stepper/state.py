"""What a stepper shows at one moment, and how it is put into words that are the same on every machine."""

import re
import reprlib
import socket
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from ..watch.kernel import SocketRow
from ..watch.tap import Call

SHOWN = 12
"""Calls that the text of a state lists one by one: enough for any step; of a longer run it shows both ends."""

NO_LISTENER = SocketRow("listener", None, "closed by the server")


@dataclass(frozen=True)
class State:
    """A stepped server, at one moment.

    Attributes:
        status: "paused" (before `line`, or before `call`), "blocked" (asleep in `call`), "running" (on its way, for
            longer than was waited for), "finished" (it returned), "crashed" (it raised, see `error`), "stopped".
        function: the learner's function that it is in, of `stepper.listings`.
        served: the function that is served.
        line: the line of that function, from 1, that comes next (after a crash: that raised); 0 if there is none.
        text: that line, without its indentation.
        locals: the names of that function and their values, in words.
        call: the call that it is about to make, or is asleep in: "recv(client 1, 65536)"; otherwise "".
        calls: the calls made since the last step or act of a client, each with the line that made it.
        listener: the listening socket: accept queue, readiness, interest.
        connections: one row for each client, those in the accept queue and those that are gone too.
        error: what it raised: "NameError: name 'conn' is not defined".
        asleep_in: the system call that its thread sleeps in, as the kernel tells.
        note: why a step ended early: the server was about to go on for ever.
        changed: what is different from before the last step or act of a client: ("locals", name), ("listener", field),
            ("client 1", field); the fields are those of `Row`.
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
        """Clients that are connected, as far as the kernel is concerned, and were not accepted yet."""
        return self.listener.receive

    @property
    def helper(self) -> bool:
        """Whether it is in another function than the one that is served."""
        return self.function not in ("", self.served)

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        rows = (f"{row.name}: {_in_words(row)}" for row in (self.listener, *self.connections))
        return "\n  ".join(filter(None, (self._headline(), self.error, self.note, *self._call_lines(), *rows)))

    def _headline(self) -> str:
        where = f"{self._line(self.line, self.function)}: {self.text}"
        if self.status == "paused":
            return f"paused before {self.call}\n  {where}" if self.call else f"paused before {where}"
        if self.status == "blocked":
            for_what = "for the time to pass" if self.call.startswith("time.sleep") else "for an event"
            return f"blocked in {self.call}, waiting {for_what}\n  {where}"
        return f"{self.status} at {where}" if self.status == "crashed" and self.line else self.status

    def _call_lines(self) -> Iterator[str]:
        lines = [
            f"{self._line(call.line, call.function)} called {call}" if call.line else str(call) for call in self.calls
        ]
        if len(lines) > SHOWN:
            half = SHOWN // 2
            lines[half:-half] = [f"... {len(lines) - 2 * half:,} calls more ..."]
        yield from lines

    def _line(self, line: int, function: str) -> str:
        return f"line {line}" if function == self.served else f"line {line} of {function}"

    def differences(self, before: "State") -> frozenset[tuple[str, str]]:
        """What is different from `before`, as in `changed`."""
        found = {("locals", name) for name, text in self.locals.items() if before.locals.get(name) != text}
        earlier = {row.name: row for row in (before.listener, *before.connections)}
        for row in (self.listener, *self.connections):
            old = earlier.get(row.name)
            found |= {(row.name, item.name) for item in fields(row) if _value(row, item.name) != _value(old, item.name)}
        return frozenset(found)


class Words(reprlib.Repr):
    """Puts values into words: sockets by the name of their client, the rest as Python shows it, in short.

    Args:
        names: what descriptors are called.
    """

    def __init__(self, names: Mapping[int, str]) -> None:
        super().__init__()
        self.names = names
        self.maxdict = self.maxlist = self.maxtuple = self.maxset = self.maxfrozenset = 8
        self.maxstring = self.maxother = 60

    def repr1(self, x: Any, level: int) -> str:
        """The text of `x`, which is inside of other containers if `level` is less than the most."""
        if hasattr(x, "fileno") and not isinstance(x, type):
            return self._with_descriptor(x)
        return re.sub(r" at 0x[0-9a-f]+", "", super().repr1(x, level))

    def all(self, values: Mapping[str, Any]) -> dict[str, str]:
        """The local names of a function, without its modules, functions and classes."""
        hidden = types.ModuleType | types.FunctionType | type
        return {
            name: self.repr(value) for name, value in values.items() if name != "_" and not isinstance(value, hidden)
        }

    def _with_descriptor(self, thing: Any) -> str:
        try:
            fd = thing.fileno()
        except Exception:  # whatever a learner's own class may raise here
            fd = -1
        name = self.names.get(fd, "closed" if fd < 0 else "a descriptor")
        by_itself = isinstance(thing, socket.socket) or name in ("epoll", "stop")
        return name if by_itself else f"{type(thing).__name__} of {name}"


def _in_words(row: SocketRow) -> str:
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


def _value(row: SocketRow | None, name: str) -> Any:
    return getattr(row, name, None)
