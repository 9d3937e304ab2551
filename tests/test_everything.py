"""Every reference server through everything that takes a server function: each cell of a table is tried.

A server that cannot do something, or not all of it, has a sentence in `WHY_NOT`, and what is seen then; the book's
reference has the same table and the same sentences.
"""

import re
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from batteries import battery_of

import muxlab
from muxlab.show import dots

pytestmark = [pytest.mark.battery, pytest.mark.usefixtures("drawing")]

REFERENCE = Path(__file__).parent.parent / "book/reference.md"
NAMES = [
    "blocking",
    "threaded",
    "nonblocking",
    "select",
    "poll",
    "epoll",
    "epoll-edge",
    "selectors",
    "asyncio",
    "uring",
]
BOUND = 20.0  # seconds, for what takes a fraction of one
CLIENTS, TALKING = 6, 3

WHY_NOT = {
    ("blocking", "battery"): (
        "`blocking` serves one client at a time: it passes what one client alone can ask for, and fails the first "
        "trial that has a second one.",
        "not passed: is not held up by a silent client, .*",
    ),
    ("blocking", "playground"): (
        "It runs, and shows why the course goes on: one client is answered, and the others wait for it to leave.",
        "1 of 3 answered",
    ),
    ("blocking", "race"): (
        "It runs, and a note beside its bar says that only one of those that talk is answered.",
        "answers [01] of 3 that talk|no reply within 5 s",
    ),
    ("blocking", "cost chart"): (
        "With a single connection only; asked for more, it says that the others would wait until the first has left.",
        '"blocking" serves one client at a time, .*',
    ),
    ("threaded", "stepper"): (
        "`threaded` is held at each line of the thread that accepts. The threads that talk to clients go on: their "
        "calls are shown, without the lines that made them.",
        "recv has no line",
    ),
    ("nonblocking", "battery"): (
        "`nonblocking` never sleeps: the trials that ask for sleep are a limit of its model, and it passes all others.",
        "not passed: sleeps [^,]*(, sleeps [^,]*)*",
    ),
    ("select", "battery"): (
        "`select` takes no descriptor number from 1,024 up: the trial with more clients than that is a limit of its "
        "model, and it passes all others.",
        "not passed: holds more than 1,024 clients",
    ),
}
"""Sentence for the reader, and a pattern of what is seen, for each server and thing that do not go together fully."""


# ---- the things; each returns what is amiss, or ""


def battery(name: str, request) -> str:
    missed = [trial.name for trial in request.getfixturevalue("verdicts") if trial.passed is not True]
    return f"not passed: {', '.join(missed)}" if missed else ""


def stepper(name: str, request) -> str:
    with muxlab.step(muxlab.SERVERS[name]) as step:
        client = step.client()
        step.next_call(30)  # it is let in; a server that waits is asleep long before
        client.send(b"hello")
        reply = None
        for _ in range(30):
            step.next_call()
            reply = reply or client.read()
        assert reply == b"hello"
        (read,) = (call for call in step.calls.events if call.name.endswith("recv") and call.amount == 5)
    assert read.who == "client 1"
    return "" if read.line else "recv has no line"


def playground(name: str, request) -> str:
    panel = muxlab.show.playground(muxlab.SERVERS[name], connections=CLIENTS, active=TALKING)
    panel.start()
    first, deadline, states = panel.display.number, time.monotonic() + BOUND, []
    while panel.display.number == first or states.count("answered") + states.count("waiting") < TALKING:
        assert time.monotonic() < deadline, (panel.display.tiles, panel.display.message)
        threading.Event().wait(0.02)
        panel.refresh()
        states = dots.kinds_of(panel.display.dots)
    panel.stop()
    assert len(states) == CLIENTS and panel.display.message == ""
    answered = states.count("answered")
    return "" if answered == TALKING else f"{answered} of {TALKING} answered"


def race(name: str, request) -> str:
    panel = muxlab.show.race(muxlab.SERVERS[name], muxlab.SERVERS["epoll"], connections=CLIENTS, active=TALKING)
    ours, other = panel.results
    assert (ours.name, other.name, other.note) == (name, "epoll", "")
    assert ours.note or (ours.replies_per_second > 0 and ours.us_per_reply > 0)
    return ours.note


def timeline(name: str, request) -> str:
    with muxlab.serve(muxlab.SERVERS[name], tap=True) as server, muxlab.Swarm(server, 1) as swarm:
        swarm.wait_replies(10)
    axes = muxlab.show.timeline(server.calls)
    drawn = {line.get_label(): len(line.get_xdata()) for line in axes.get_lines()}
    assert drawn == server.calls.kinds() and drawn["data"] > 20
    assert "client 1" in [label.get_text() for label in axes.get_yticklabels()]
    return ""


def cost_chart(name: str, request) -> str:
    try:
        rows = muxlab.measure.echo_cost(muxlab.SERVERS[name], [1, CLIENTS], seconds=0.02)
    except ValueError as why:
        assert len(muxlab.measure.echo_cost(muxlab.SERVERS[name], [1], seconds=0.02)) == 1
        return str(why)
    axes = muxlab.show.cost(rows)
    assert [(row.server, row.connections) for row in rows] == [(name, 1), (name, CLIENTS)]
    assert any(len(line.get_xdata()) == 2 for line in axes.get_lines())
    return ""


THINGS: dict[str, Callable[..., str]] = {
    "battery": battery,
    "stepper": stepper,
    "playground": playground,
    "race": race,
    "timeline": timeline,
    "cost chart": cost_chart,
}


# ---- the table


def table() -> str:
    """Return the table as it stands in the reference, with its sentences."""
    numbers = {cell: number for number, cell in enumerate(WHY_NOT, start=1)}
    lines = [f"| server | {' | '.join(THINGS)} |", f"|---|{'|'.join(':---:' for _ in THINGS)}|"]
    for name in NAMES:
        cells = [f"({numbers[name, thing]})" if (name, thing) in numbers else "yes" for thing in THINGS]
        lines.append(f"| `{name}` | {' | '.join(cells)} |")
    sentences = [f"{number}. {WHY_NOT[cell][0]}" for cell, number in numbers.items()]
    return "\n".join([*lines, "", *sentences, ""])


def test_the_reference_has_this_table():
    assert table() in REFERENCE.read_text(encoding="utf-8"), f"put this into the reference:\n\n{table()}"


def test_no_server_is_left_out():
    assert set(muxlab.SERVERS) <= set(NAMES)
    assert set(NAMES) - set(muxlab.SERVERS) <= {"uring"}  # a kernel may refuse it
    assert {name for name, _ in WHY_NOT} <= set(NAMES) and {thing for _, thing in WHY_NOT} <= set(THINGS)


CELLS = [
    pytest.param(name, thing, marks=[battery_of(name)] if thing == "battery" and name in muxlab.SERVERS else [])
    for name in NAMES
    for thing in THINGS
]


@pytest.mark.parametrize(("name", "thing"), CELLS)
def test_a_cell(name, thing, request):
    if name not in muxlab.SERVERS:
        pytest.skip(f"this kernel does not allow {name}")
    seen = THINGS[thing](name, request)
    if (name, thing) in WHY_NOT:
        assert re.fullmatch(WHY_NOT[name, thing][1], seen), seen
    else:
        assert seen == ""
