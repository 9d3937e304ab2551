"""The bars of a race: in the browser by `race.js`, and as a stored picture."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import anywidget
import traitlets

from muxlab.show import style
from muxlab.show.panel import Board, script, sheets
from muxlab.show.session import Crashed, Lap, Result
from muxlab.show.sliders import check
from muxlab.show.style import png, sheet_of

TITLES = ("", "replies per second: long is good", "CPU time per reply: short is good")


class Track(anywidget.AnyWidget):
    """Two bars for each server, and what went wrong (`message`)."""

    _esm = script("sliders.js", "race.js")
    _css = sheets("screen.css", "race.css")

    titles = traitlets.List(traitlets.Unicode(), list(TITLES)).tag(sync=True)
    lanes = traitlets.List(traitlets.Dict()).tag(sync=True)
    message = traitlets.Unicode("").tag(sync=True)

    def show(self, results: Sequence[Result], turn: int | None = None) -> None:
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


def bars_of(results: Sequence[Result]) -> list[list[dict]]:
    """Return two bars for each: their share of the longest of their kind, 0 to 1, and their text."""
    rates = [one.replies_per_second for one in results]
    costs = [one.us_per_reply for one in results]
    texts = (
        [style.human_number(rate) if rate is not None else "\u2013" for rate in rates],
        [f"{cost:,.{0 if cost >= 99.5 else 1}f} µs" if cost is not None else "\u2013" for cost in costs],
    )
    shares = ([(value or 0) / (max(one or 0 for one in values) or 1) for value in values] for values in (rates, costs))
    columns = (zip(share, text, strict=True) for share, text in zip(shares, texts, strict=True))
    return [[{"share": share, "text": text} for share, text in pair] for pair in zip(*columns, strict=True)]


def bars_picture(results: Sequence[Result], setting: str, note: str, message: str = "") -> bytes:
    """Return a PNG of the bars, for where no kernel runs.

    Args:
        results: what is known of each server.
        setting: how many clients there were.
        note: one line, such as what to do to see it run.
        message: what went wrong, in lines.
    """
    width, height = style.SIZE[0], 1.0 + 0.42 * len(results) + 0.2 * len(message.splitlines())  # inches
    with style.style():
        figure, sheet = sheet_of(height)
        sheet.text(0.25, 0.3, setting, fontsize=11, weight="bold", va="center")
        sheet.text(width - 0.25, 0.3, note, fontsize=9.5, color=style.MUTED, va="center", ha="right")
        for left, title in zip((1.75, 4.55), TITLES[1:], strict=True):
            sheet.text(left, 0.68, title, fontsize=9.5, color=style.MUTED, va="center")
        for line, (one, bars) in enumerate(zip(results, bars_of(results), strict=True)):
            y, colour = 1.0 + 0.42 * line, style.look(one.name).colour
            sheet.text(0.25, y, one.name, fontsize=11, weight="bold", va="center", color=style.darker(colour))
            for left, bar in zip((1.75, 4.55), bars, strict=True):
                sheet.barh(y, 1.6 * bar["share"], 0.26, left, color=colour)
                sheet.text(left + 1.6 * bar["share"] + 0.08, y, bar["text"], fontsize=10, va="center")
        sheet.text(0.25, height - 0.15, message, fontsize=9.5, color=style.darker(style.CLIENT["lost"].colour),
                   va="bottom", parse_math=False, clip_on=True)  # fmt: skip
        return png(figure)


LAP = 1.0  # seconds on the clock: long enough to watch, and three servers come round in a few
SAMPLE = 0.15  # seconds of each server before the panel is shown, so that it is never empty


class Race(Board):
    """The panel that `race` returns; it can be used from Python as with the mouse.

    Attributes:
        sliders: `.connections`, `.active` and `.payload`, which may be assigned at any time: all begin anew.
        results: what is known of each server, in their order.
        track: what is shown now; its `.message` tells what went wrong.
    """

    def __init__(self, fns: tuple[Callable, ...], connections: int, active: int, payload: int, isolate: bool) -> None:
        self.track = Track()
        self._fns, self._isolate = fns, isolate
        self.results = [Result(getattr(fn, "__name__", "")) for fn in fns]
        self._turn = 0
        self._lap: Lap | None = None
        super().__init__(connections, active, payload, self.track)

    @property
    def running(self) -> bool:
        """True while the servers take turns."""
        return self._lap is not None

    def start(self) -> None:
        """Let the servers take turns until `stop()`; any other race stops. What goes wrong is shown in the panel."""
        with self._lock:
            if self.running:
                return
            for panel in self._panels:
                panel.stop()
            self.track.message = ""
            began = self._go_on(self._turn)
            self._describe("live: one after the other" if began else "stopped")
            self._go_live()

    def stop(self) -> None:
        """Stop what runs and keep the last numbers; a second time does nothing."""
        with self._lock:
            if self.running:
                self._end_lap()
                self._describe("stopped")

    def refresh(self) -> None:
        """Show the present moment, and go on to the next server when a lap is over.

        While the panel runs in a notebook, this is done ten times a second for you.
        """
        with self._lock:
            if self._look():
                self._end_lap()
                if self.track.message or not self._go_on((self._turn + 1) % len(self._fns)):
                    self._describe("stopped")

    def sample(self) -> None:
        """Give each server `SAMPLE` seconds and show what was seen, so that a panel is never empty; then nothing runs.

        Raises:
            TypeError, ValueError: `muxlab.serve` or `muxlab.Swarm` refuses a function or a number.
        """
        with self._lock:
            for turn in range(len(self._fns)):
                try:
                    self._begin_lap(turn, SAMPLE)
                except Crashed as error:
                    self.track.message = str(error)
                while self.running and not self._look():
                    time.sleep(SAMPLE / 10)  # this is the clock of the sample, not a wait for something
                self._end_lap()
            self._turn = 0
            self._describe("a sample from when this cell ran: press Start")

    def _begin_lap(self, turn: int, seconds: float) -> None:
        sliders = self.sliders
        self._turn = turn
        load = sliders.connections, sliders.active, sliders.payload, self._isolate
        self._lap = Lap(seconds, self._fns[turn], *load)

    def _go_on(self, turn: int) -> bool:
        """Let this one run, and return whether it does; what is wrong is shown: no cell waits for it."""
        try:
            self._begin_lap(turn, LAP)
        except Exception as error:
            self.track.message = str(error)
        return self.running

    def _end_lap(self) -> None:
        lap, self._lap = self._lap, None
        if lap is not None:
            self.track.message = lap.close() or self.track.message
            self._show()

    def _look(self) -> bool:
        """Show the present lap; true when it is over."""
        if self._lap is None:
            return False
        self._lap.look()
        self.results[self._turn] = self._lap.result
        self._show()
        return self._lap.over

    def _show(self) -> None:
        self.track.show(self.results, self._turn if self.running else None)

    def _headline(self) -> str:
        return "<b>race</b>"

    def _slider_moved(self, what: str, value: int) -> None:
        """Begin anew: results under different loads do not stand side by side."""
        with self._lock:
            if not self.running:
                return
            self._end_lap()
            self.results = [Result(one.name) for one in self.results]
            self._show()
            if not self._go_on(0):
                self._describe("stopped")

    def __repr__(self) -> str:
        names = ", ".join(one.name for one in self.results)
        return f"race({names}, connections={self.sliders.connections}, active={self.sliders.active})"

    def _picture(self) -> bytes:
        setting = f"{self.sliders.connections:,} connections, {self.sliders.active:,} of them talk"
        return bars_picture(self.results, setting, "stored picture: run this cell to play", self.track.message)


def race(*fns: Callable, connections: int = 100, active: int = 10, payload: int = 64, isolate: bool = False) -> Race:
    """Let servers run under the same load, one after the other, and show replies a second and CPU time per reply.

    The cell takes a short sample of each server and then stops everything; the button Start lets them take turns, and
    whoever moves a slider begins a new race.

    Args:
        fns: two server functions or more, ours or yours, as for `muxlab.serve`.
        connections: clients in all.
        active: how many of them talk, 1 or more.
        payload: bytes in each message.
        isolate: the clients get a process of their own, as in `Swarm`.

    Returns:
        The panel, a widget.

    Raises:
        TypeError: one of them is not a server function.
        ValueError: fewer than two servers, a number is out of range, or this machine does not allow so many
            connections.
    """
    if len(fns) < 2:
        raise ValueError(f"a race takes two servers or more, and was given {len(fns)}: race(one, other)")
    check(connections, active, payload)
    if active < 1:
        raise ValueError("active=0: a race counts replies, so one client at least has to talk")
    return Race(fns, connections, active, payload, isolate).sampled()
