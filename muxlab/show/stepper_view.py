"""One moment of a stepped server as plain data: what the panels in the browser and the stored pictures both show."""

from __future__ import annotations

import ast
import math
import textwrap
from functools import cache

from pygments.lexers.python import PythonLexer
from pygments.token import Comment, Keyword, Name, Number, Operator, String

from muxlab.show import style
from muxlab.show.stepper_advice import ENDED, advice, not_followed, refusal, wakers
from muxlab.show.style import human_bytes, printable
from muxlab.stepper.state import State
from muxlab.stepper.stepper import Stepper
from muxlab.watch.calls import SENDS, Call
from muxlab.watch.kernel import SocketRow

CALLS = 40  # in a list: more than a step makes; of a longer run both ends are shown

WAITS_FOR = {
    "time.sleep": "the time to pass",
    "accept": "a client to connect",
    "recv": "bytes to arrive",
    **dict.fromkeys(SENDS, "room in the send queue"),
}

HEADINGS = {
    "reply": "reply waiting", "receive": "receive queue", "send": "send queue", "ready": "ready for",
    "interest": "epoll watches",
}  # fmt: skip
"""What the columns of the table say: three queues, and two masks."""

TICKS, FULL = 12, 2**22  # bytes that are drawn one by one; bytes that fill a bar, about what a queue can hold

# The same as `SocketRow.where`, short enough to stand under a client's name.
QUEUED = "in the accept queue"
PLACES = {QUEUED: "in the queue", "closed by the server": "closed", "gone with the listener": "gone"}

LIT = ("paused", "blocked", "crashed", "running")  # when a line is lit

# What the parts of a line are, as in `style.SYNTAX`: the first that fits.
INK = (
    (Comment, "comment"), (String.Doc, "comment"), (String, "string"), (Number, "literal"), (Keyword, "keyword"),
    (Operator.Word, "keyword"), (Name.Function, "def"), (Name.Class, "def"), (Name.Builtin, "builtin"),
)  # fmt: skip


def moment(stepper: Stepper, state: State, latest: Call | None = None) -> dict:
    """Return what a panel shows of a stepped server, ready for JSON.

    Args:
        stepper: the server.
        state: of it.
        latest: the latest call that it made, even if that was before the last step.
    """
    function = function_of(stepper, state)
    gone = {one.name for one in stepper.clients if one.closed}
    return {
        "name": stepper.name,
        "colour": style.look(stepper.name).colour,
        "status": state.status,
        "headline": headline(state),
        "detail": " ".join(filter(None, (detail(state), not_followed(stepper), asleep(state)))),
        "forgotten": forgotten(state),
        "ended": state.status in ENDED,
        "refusal": refusal(state),
        "wakers": wakers(state),
        "function": function,
        "line": state.line,
        "lit": state.line if state.status in LIT else 0,
        "notes": notes(state, function, lines_of(stepper, function), latest),
        "calls": calls(state.calls, function),
        "locals": [[key, printable(text), ("locals", key) in state.changed] for key, text in state.locals.items()],
        "listener": listener(state),
        "rows": [client(one, state.changed, one.name in gone) for one in state.connections],
    }


def function_of(stepper: Stepper, state: State) -> str:
    """Return the name of the function to be shown: the one that the server is in, or else the one that is served."""
    return state.function or next((listing.name for listing in stepper.listings), "")


def source(stepper: Stepper, state: State) -> dict:
    """Return the path of calls to that function, and its lines, each as parts: (what it is, text)."""
    name = function_of(stepper, state)
    served = next((listing.name for listing in stepper.listings), "")
    lines = lines_of(stepper, name)
    return {"path": list(dict.fromkeys((served, name))), "lines": ink(lines), "fold": fold(lines)}


@cache
def fold(lines: tuple[str, ...]) -> list[int]:
    """Return the first and the last line of what is folded: a docstring after its first line; [] when there is none."""
    try:
        function = ast.parse(textwrap.dedent("\n".join(lines))).body[0]
        first = function.body[0]  # type: ignore[attr-defined]
    except (SyntaxError, IndexError, AttributeError):  # no source, or only a part of one
        return []
    docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    long = docstring and isinstance(first.value.value, str) and first.end_lineno > first.lineno + 1
    return [first.lineno + 1, first.end_lineno] if long else []


def lines_of(stepper: Stepper, function: str) -> tuple[str, ...]:
    """Return the source lines of a function; none when its source cannot be found."""
    return next((listing.lines for listing in stepper.listings if listing.name == function), ())


def headline(state: State) -> str:
    """Say in a few words what the server is doing."""
    where = f"line {state.line}" + (f" of {state.function}" if state.helper else "")
    if state.status == "paused":
        return f"Paused before {state.call}" if state.call else f"Paused before {where}"
    if state.status == "blocked":
        left = forgotten(state)
        name = state.call.partition("(")[0]
        if left:
            return f"Asleep in {name}() with {human_bytes(left)} waiting"
        return f"Asleep in {name}(): waiting for {WAITS_FOR.get(name, 'an event')}"
    if state.status == "crashed":
        return f"Crashed at {where}" if state.line else "Crashed"
    return {"finished": "Finished: the function returned", "stopped": "Stopped"}.get(state.status, "Running")


def detail(state: State) -> str:
    """Say what stands below the headline: the error, why it was held, or what wakes it."""
    if state.status == "blocked":
        return advice(state)
    if state.status == "paused" and state.call and not state.note:
        return f"line {state.line}" + (f" of {state.function}" if state.helper else "")
    return printable(state.error) or state.note


def asleep(state: State) -> str:
    """Say where a server sleeps, in the kernel's word for it."""
    return f"Its thread is in the system call {state.asleep_in}." if state.asleep_in else ""


def forgotten(state: State) -> int:
    """Return how many bytes lie in the receive queues of a server that sleeps."""
    return sum(one.receive for one in state.connections if one.fd is not None) if state.status == "blocked" else 0


def notes(state: State, function: str, lines: tuple[str, ...], latest: Call | None) -> list[dict]:
    """Return what stands beside the lines of a function: what its latest call returned, and which comes next."""
    beside: dict[int, dict] = {}
    for call in (*([latest] if latest else []), *state.calls):
        if call.function == function and (call.result or call.kind != "done"):
            fresh = call in state.calls
            named = call.name.rpartition(".")[2] in lines[call.line - 1]
            text = f"{'' if named else call.name} = {call.result or call.outcome}".strip()
            beside[call.line] = {"line": call.line, "text": text, "kind": call.kind, "fresh": fresh}
    if state.status == "crashed" and state.line and state.error:
        beside[state.line] = {"line": state.line, "text": state.error, "kind": "crashed", "fresh": True}
    if state.call and state.status in ("paused", "blocked"):
        beside[state.line] = {"line": state.line, "text": state.call, "kind": state.status, "fresh": True}
    return list(beside.values())


def calls(made: tuple[Call, ...], function: str) -> list[dict]:
    """Return a list of calls, with the line that made each; of a long list its two ends."""
    shown = [
        {"line": call.line if call.function == function else 0, "where": call.function, "text": str(call),
         "kind": call.kind}
        for call in made
    ]  # fmt: skip
    if len(shown) > CALLS:
        half = CALLS // 2
        more = {"line": 0, "where": "", "text": f"{len(shown) - 2 * half:,} calls more", "kind": "more"}
        shown[half:-half] = [more]
    return shown


def listener(state: State) -> dict:
    """Return the listening socket, and who waits in its accept queue."""
    one = state.listener
    return _socket(one, state.changed) | {
        "receive": one.receive,
        "limit": one.limit,
        "count": f"{one.receive} of {one.limit}" if one.fd is not None else "",
        "queue": [other.name for other in state.connections if other.where == QUEUED],
    }


def client(one: SocketRow, changed: frozenset[tuple[str, str]], gone: bool) -> dict:
    """Return a client's connection, and its queues as far as they can be seen; `gone` when that client has left."""
    accepted, queued = one.fd is not None, one.where == QUEUED
    seen = {"reply": not gone, "receive": accepted or queued, "send": accepted}
    bars = {queue: bar_of(getattr(one, queue)) for queue, shown in seen.items() if shown}
    place = {"place": "has left"} if gone else {}
    return _socket(one, changed) | place | {"gone": gone, "queued": queued, "bars": bars}


def bar_of(count: int) -> dict:
    """Return how bytes in a queue are drawn: a few one by one, more of them as a bar that grows ever more slowly."""
    share = min(1.0, math.log(count / TICKS) / math.log(FULL / TICKS)) if count > TICKS else 0.0
    return {"bytes": count, "text": human_bytes(count), "ticks": min(count, TICKS), "share": share}


def _socket(one: SocketRow, changed: frozenset[tuple[str, str]]) -> dict:
    return {
        "name": one.name,
        "where": one.where,
        "place": PLACES.get(one.where, one.where),
        "open": one.fd is not None,
        "ready": one.ready.split("|") if one.ready else [],
        "interest": one.interest.split("|") if one.interest else [],
        "changed": _fields(one.name, changed),
    }


def _fields(name: str, changed: frozenset[tuple[str, str]]) -> list[str]:
    """Return what has changed about a socket; of a new one, that it is there."""
    fields = sorted(field for other, field in changed if other == name)
    return ["where"] if "name" in fields else fields


@cache
def ink(lines: tuple[str, ...]) -> list[list[tuple[str, str]]]:
    """Return source lines as parts: (what it is, text)."""
    inked: list[list[tuple[str, str]]] = [[]]
    for kind, text in PythonLexer(stripnl=False).get_tokens("\n".join(lines)):
        colour = next((colour for what, colour in INK if kind in what), "")
        for place, piece in enumerate(text.split("\n")):
            if place:
                inked.append([])
            if piece:
                inked[-1].append((colour, piece))
    return inked[: len(lines)]
