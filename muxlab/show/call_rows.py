"""What a timeline draws: a `Selection` of the calls of one server, and a `RowLayout`, a row for each client.

The rows of several charts that are compared are one layout, so that the same client is at the same place in each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from muxlab.watch.calls import WAITS, Call, Calls

if TYPE_CHECKING:
    from muxlab.server import Server

ROWS = ("waits", "listener", "others")  # those that are not a client's
CLIENTS = 20  # rows of clients that a figure has room for, to fit on a screen; more clients stand closer together
NEAREST = 0.59  # of a row, from one name to the next, at least: so much does a line of small text need


@dataclass(frozen=True)
class Selection:
    """The calls of one server that are drawn.

    Attributes:
        name: the server's, which also decides the colour; or "".
        calls: all its calls, which the title counts.
        shown: those that are drawn.
        part: which of all they are: "the last 100 of 12,345", or "" for all.
    """

    name: str
    calls: Calls
    shown: list[Call]
    part: str


def select(calls: Calls | Server, name: str, first: int, last: int) -> Selection:
    """Return the calls to draw; arguments and errors as for `timeline`. Without a name, it is the server's."""
    if not isinstance(calls, Calls):
        name = name or getattr(calls, "name", "")
        calls = getattr(calls, "calls", calls)
    if not isinstance(calls, Calls):
        raise TypeError(f"a timeline is of calls: pass muxlab.serve(fn, tap=True) or its .calls, not {calls!r}")
    name = name or calls.server
    if min(first, last) < 0 or (first and last):
        raise ValueError(f"first={first}, last={last}: give one of them, the number of calls to show")
    total, shown = calls.total(), calls.events
    if not shown:
        raise ValueError(f"{name or 'this server'} has made no calls yet: let a client talk to it first")
    if first:
        shown = [call for call in shown if call.number <= first]
        if len(shown) < min(first, total):
            raise ValueError(f"the first {first:,} of {total:,} calls are not kept any more: take last= instead")
    shown = shown[-last:]
    part = f"the {'first' if first else 'last'} {len(shown):,} of {total:,}" if len(shown) < total else ""
    return Selection(name, calls, shown, part)


@dataclass(frozen=True)
class RowLayout:
    """The places of the rows.

    Attributes:
        down: how far down each row is, by name; 1 from the next.
        closeness: the same from client to client, which is less where there are many.
    """

    down: dict[str, float]
    closeness: float

    @property
    def height(self) -> float:
        """How far down the lowest is."""
        return max(self.down.values())

    def named(self) -> Iterator[str]:
        """Yield the rows whose names have room: all, or of clients that stand close those with round numbers."""
        first_client = next((name for name in self.down if name not in ROWS), "")
        rounds = (first * 10**power for power in range(9) for first in (1, 2, 5))
        every, before = next(n for n in rounds if n * self.closeness > NEAREST), -1.0
        for name, down in self.down.items():
            if down - before > NEAREST and (name in ROWS or name == first_client or _number(name) % every == 0):
                before = down
                yield name


def lay_out(selections: Sequence[Selection], also: Iterable[str] = (), waits: bool = True) -> RowLayout:
    """Lay out the rows that these need together, clients in the order of their numbers, silent ones too.

    Args:
        selections: what is drawn.
        also: clients that get a row whether or not a call is about them.
        waits: keep the row for waits, even if there are none.
    """
    calls = [call for selection in selections for call in selection.shown]
    names = {row_of(call) for call in calls} | {call.result for call in calls if call.result.startswith("client ")}
    clients = sorted((names | {*also}) - {*ROWS}, key=_number)
    closeness = min(1.0, max(1, CLIENTS // len(selections)) / max(1, len(clients)))
    fixed = ("waits", "listener") if waits or "waits" in names else ("listener",)
    down = {name: float(place) for place, name in enumerate(fixed)}
    down |= {name: len(fixed) + closeness * place for place, name in enumerate(clients)}
    if "others" in names:
        down["others"] = max(down.values()) + 1
    return RowLayout(down, closeness)


def row_of(call: Call) -> str:
    """Return the row of a call; all that has to do with waiting is on the row "waits", `epoll` and `stop` too."""
    if call.who == "listener" or call.who.startswith("client "):
        return call.who
    return "waits" if call.name in WAITS or call.who in ("stop", "epoll", "ring") else "others"


def _number(client: str) -> int:
    return int(client.removeprefix("client "))
