"""`race`: servers under the same load, one after the other: replies per second, and CPU time for each reply.

What is known of one server is a `Result`, and comes from a `Lap`. The browser (race.js) and the stored picture both
draw the bars that `bars_of` makes of the results.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import traitlets

from muxlab.server import name_of
from muxlab.show import player, style
from muxlab.show.dots import kinds_of
from muxlab.show.live import Display
from muxlab.show.panel import read_script, read_style
from muxlab.show.session import Crashed, Session, SessionPanel
from muxlab.show.sliders import check_load

LAP = 1.0  # seconds on the clock: long enough to watch, and three servers come round in a few
SAMPLE = 0.15  # seconds of each server before the panel is shown, so that it is never empty
WARM_UP = 20  # replies before the clock starts, as in `muxlab.measure.echo_cost`
FAIR = 5  # replies for each client that talks, after which a fair server has answered each of them
PATIENCE = 5.0  # seconds that a server has to connect everybody and to give its first replies

TITLES = ("", "replies per second: long is good", "CPU time per reply: short is good")


@dataclass(frozen=True)
class Result:
    """What is known of one server; a figure is None before its first lap.

    Attributes:
        name: the server's.
        replies_per_second: while the clock ran.
        us_per_reply: CPU time of its threads for each reply, in microseconds.
        note: what else there is to know, such as how many clients it turned away, or never answered.
    """

    name: str
    replies_per_second: float | None = None
    us_per_reply: float | None = None
    note: str = ""


class Lap:
    """One server's turn, `seconds` long; the clock starts when all clients are connected and replies flow.

    Without a single reply in that time it goes on, for `PATIENCE` seconds at most.

    Attributes:
        result: what is known so far.
        over: True when the time is up, or nothing more can come.
    """

    def __init__(self, session: Session, seconds: float) -> None:
        self._session, self._seconds = session, seconds
        self._born = time.monotonic()
        self._answered: set[int] = set()  # numbers of the clients that got a reply
        self._start: tuple[float, int, float] | None = None  # time, replies, CPU time when the clock started
        self.result = Result(session.server.name, note="connecting")
        self.over = False

    def look(self) -> None:
        """Bring `result` and `over` up to date."""
        self._session.look()
        seen = self._session.seen
        now = time.monotonic(), seen.replies, self._session.server.cpu_seconds()
        kinds = kinds_of(self._session.swarm.activity())
        self._answered |= {number for number, kind in enumerate(kinds) if kind == "answered"}
        if self._session.trouble():
            self.over = True
        elif self._start is None:
            if self._session.all_tried and seen.replies >= WARM_UP:
                self._start = now
            elif now[0] - self._born > PATIENCE:
                self.result, self.over = Result(self.result.name, note=f"no reply within {PATIENCE:g} s"), True
        else:
            took, replies, cpu = (after - before for after, before in zip(now, self._start, strict=True))
            cost = cpu / replies * 1e6 if replies else None
            self.result = Result(self.result.name, replies / took, cost, self._note())
            # On a busy machine a short lap can pass without a reply. That says nothing about the server, so it goes on.
            self.over = took >= (self._seconds if replies else PATIENCE)

    def _note(self) -> str:
        """Say which of its clients the server does not serve, or nothing."""
        seen, swarm = self._session.seen, self._session.swarm
        talking = min(swarm.active, swarm.connections)
        if seen.errors:
            return f"lost {seen.errors:,} of its clients"
        if len(self._answered) < talking and seen.replies >= FAIR * talking:
            return f"answers {len(self._answered):,} of {talking:,} that talk"
        return ""


def bars_of(results: Sequence[Result]) -> list[list[dict]]:
    """Return two bars for each server: the share of the longest of their kind, 0 to 1, and the text."""
    most_replies = max(one.replies_per_second or 0 for one in results)
    most_time = max(one.us_per_reply or 0 for one in results)
    return [
        [_bar(one.replies_per_second, most_replies, style.human_number), _bar(one.us_per_reply, most_time, _human_cost)]
        for one in results
    ]


def _bar(value: float | None, longest: float, write: Callable[[float], str]) -> dict:
    if value is None:
        return {"share": 0.0, "text": "\u2013"}
    return {"share": value / (longest or 1), "text": write(value)}


def _human_cost(microseconds: float) -> str:
    return f"{microseconds:,.{0 if microseconds >= 99.5 else 1}f} µs"


def draw_race(results: Sequence[Result], setting: str, note: str, message: str = "") -> bytes:
    """Return a PNG of the bars, of how many clients there were (`setting`), and of what went wrong."""
    bottom = 1.0 + 0.42 * len(results)  # inches, as all numbers here
    lefts, longest = (1.75, 4.55), 1.6
    with style.style():
        figure, ax = style.new_picture(bottom + 0.2 * len(message.splitlines()))
        style.write(ax, 0.25, 0.3, setting, fontsize=11, weight="bold")
        style.write(ax, style.SIZE[0] - 0.25, 0.3, note, fontsize=10, ha="right")
        for left, title in zip(lefts, TITLES[1:], strict=True):
            style.write(ax, left, 0.68, title, fontsize=10)
        for line, (one, bars) in enumerate(zip(results, bars_of(results), strict=True)):
            y, colour = 1.0 + 0.42 * line, style.line_colour(one.name)
            style.write(ax, 0.25, y, one.name, fontsize=11, weight="bold", color=style.text_colour(one.name))
            for left, bar in zip(lefts, bars, strict=True):
                ax.barh(y, longest * bar["share"], 0.26, left, color=colour)
                style.write(ax, left + longest * bar["share"] + 0.08, y, bar["text"], fontsize=10)
        style.write_trouble(ax, 0.25, bottom - 0.07, message)
        return style.png(figure)


class RaceDisplay(Display):
    """Two bars for each server."""

    _esm = read_script(*player.SCRIPTS["race"])
    _css = read_style(*player.STYLES["race"])

    titles = traitlets.List(traitlets.Unicode(), list(TITLES)).tag(sync=True)
    lanes = traitlets.List(traitlets.Dict()).tag(sync=True)

    def show(self, results: Sequence[Result], turn: int | None) -> None:
        """Show what is known of each server, and whose turn it is."""
        self.lanes = [
            {
                "name": one.name,
                "colour": style.look(one.name).colour,
                "note": one.note or ("running" if place == turn else ""),
                "bars": bars,
            }
            for place, (one, bars) in enumerate(zip(results, bars_of(results), strict=True))
        ]


class Race(SessionPanel):
    """The panel that `race` returns; it can be used from Python as with the mouse.

    Attributes:
        results: what is known of each server, in their order.
    """

    LIVE = "live: one after the other"
    KIND = "race"

    def __init__(self, fns: Sequence[Callable], connections: int, active: int, payload: int, isolate: bool) -> None:
        self._fns, self._isolate = fns, isolate
        self._turn = 0
        self.results = [Result(name_of(fn)) for fn in fns]
        super().__init__("<b>race</b>", RaceDisplay(), connections, active, payload)

    @property
    def title(self) -> str:
        """The names of all servers."""
        return ", ".join(one.name for one in self.results)

    def _begin(self) -> None:
        """Give each server `SAMPLE` seconds, and show what was seen, so that a panel is never empty; then stop."""
        for turn in range(len(self._fns)):
            self._turn = turn
            try:
                session = self._open_lap(SAMPLE)
            except Crashed as error:
                self._show_error(error)
                continue
            while not self._watch(session):
                time.sleep(SAMPLE / 10)  # this is the clock of the sample, not a wait for something
            self._finish()
        self._turn = 0
        self._show()
        self._describe("press Start (a sample from when this cell ran)")

    def _open(self) -> None:
        self._open_lap(LAP)

    def _open_lap(self, seconds: float) -> Session:
        session = self._serve(self._fns[self._turn], self._isolate)
        self._lap = Lap(session, seconds)
        return session

    def _look(self, session: Session) -> bool:
        self._lap.look()
        self.results[self._turn] = self._lap.result
        return self._lap.over

    def _show(self) -> None:
        self.display.show(self.results, self._turn if self.running else None)

    def _go_on(self) -> None:
        """Let the next server run, unless this one was in trouble."""
        self._finish()
        if self.display.message:
            self._describe("stopped")
        else:
            self._turn = (self._turn + 1) % len(self._fns)
            self._try()

    def _slider_moved(self, what: str, value: int) -> None:
        """Begin anew: results under different loads do not stand side by side."""
        with self._lock:
            if self.running:
                self._finish()
                self._turn, self.results = 0, [Result(one.name) for one in self.results]
                self._show()
                self._try()

    def __repr__(self) -> str:
        names = ", ".join(one.name for one in self.results)
        return f"race({names}, connections={self.sliders.connections}, active={self.sliders.active})"

    def _picture(self) -> bytes:
        setting = f"{self.sliders.connections:,} connections, {self.sliders.active:,} of them talk"
        return draw_race(self.results, setting, "stored picture: run this cell to play", self.display.message)


def race(*fns: Callable, connections: int = 100, active: int = 10, payload: int = 64, isolate: bool = False) -> Race:
    """Let servers run under the same load, one after the other, and show replies a second and CPU time per reply.

    The cell takes a short sample of each server and then stops everything. The button Start lets them take turns, and
    a slider that moves begins a new race.

    Args:
        fns: two server functions or more, ours or yours, as for `muxlab.serve`.
        connections: clients in all.
        active: how many of them talk, 1 or more.
        payload: bytes in each message.
        isolate: the clients get a process of their own, as in `Swarm`.

    Returns:
        The panel, a widget.

    Raises:
        TypeError: one of them is not a server function, or a number is not whole.
        ValueError: fewer than two servers, a number is out of range, or this machine does not allow so many
            connections.
    """
    if len(fns) < 2:
        raise ValueError(f"a race takes two servers or more, and was given {len(fns)}: race(one, other)")
    check_load(connections, active, payload)
    if active < 1:
        raise ValueError("active=0: a race counts replies, so one client at least has to talk")
    return Race(fns, connections, active, payload, isolate)
