"""The stored picture of a playground: what its cell shows where no kernel runs, on GitHub or in a printed book."""

from __future__ import annotations

import html
import math
import time
from collections.abc import Callable

import anywidget
import traitlets

from muxlab.show import style
from muxlab.show.panel import Board, script, sheets
from muxlab.show.session import CONNECTING, LOST, PER_SECOND, QUIET, TILES, WAITING, Crashed, Frame, Load
from muxlab.show.sliders import check
from muxlab.show.style import png, sheet_of

# All in inches.
WIDTH, MARGIN, TOP = style.SIZE[0], 0.25, 1.25  # the dots begin at TOP
COLUMNS = 0.25, 2.0, 3.65, 4.85, 6.05  # where the five numbers begin
DOTS = 2.0  # height of the dots when there are many; below it, each has at most LARGEST
LARGEST = 0.26
SCALE = {"answered": 0.7, "quiet": 0.36, "waiting": 0.5, "connecting": 0.5, "lost": 0.5}  # of the room that a dot has


def picture_of(name: str, frame: Frame, note: str, message: str = "") -> bytes:
    """Return a PNG of `frame`: the name of the server, five numbers, one dot per connection, and what dots mean.

    Args:
        name: of the server; it decides the colour.
        frame: what was seen.
        note: one line, such as what to do to see it move.
        message: what went wrong, in lines.
    """
    side = min(LARGEST, cell_size(len(frame.dots), WIDTH - 2 * MARGIN, DOTS))
    columns = max(1, int((WIDTH - 2 * MARGIN) / side))
    bottom = TOP + side * math.ceil(len(frame.dots) / columns)
    height = bottom + 0.5 + 0.2 * len(message.splitlines())
    with style.style():
        figure, sheet = sheet_of(height)
        sheet.text(
            MARGIN, 0.32, name, fontsize=15, weight="bold", va="center", color=style.darker(style.look(name).colour)
        )
        sheet.text(WIDTH - MARGIN, 0.32, note, fontsize=9.5, color=style.MUTED, va="center", ha="right")
        for left, title, value in zip(COLUMNS, TILES, frame.tiles(), strict=True):
            sheet.text(left, 0.72, title, fontsize=9.5, color=style.MUTED, va="center")
            sheet.text(left, 0.97, value, fontsize=15, va="center")
        kinds = [dot_kind(value) for value in frame.dots]
        left = MARGIN
        for kind in [kind for kind in style.CLIENT if kind in kinds]:
            places = [divmod(index, columns) for index, other in enumerate(kinds) if other == kind]
            xs, ys = [MARGIN + (x + 0.5) * side for _, x in places], [TOP + (y + 0.5) * side for y, _ in places]
            sheet.plot(xs, ys, **_mark(kind, side))
            sheet.plot([left + 0.08], [bottom + 0.25], **_mark(kind, 0.16))
            sheet.text(left + 0.2, bottom + 0.25, f"{kind} {len(xs):,}", fontsize=9, color=style.MUTED, va="center")
            left += 1.4
        lost = style.darker(style.CLIENT["lost"].colour)
        sheet.text(MARGIN, bottom + 0.45, message, fontsize=9.5, color=lost, va="top", parse_math=False, clip_on=True)
        return png(figure)


def cell_size(count: int, width: float, height: float) -> float:
    """Return the side of the largest squares of which `count` fit, row by row, into width × height."""
    best, rows = 0.0, 1
    while rows == 1 or height / rows > best:  # more rows than this only make the squares smaller
        columns = math.ceil(max(1, count) / rows)
        best = max(best, min(width / columns, height / rows))
        rows += 1
    return best


def dot_kind(value: int) -> str:
    """Return what one byte of `Frame.dots` means, as a key of `theme.CLIENT`."""
    return {QUIET: "quiet", WAITING: "waiting", CONNECTING: "connecting", LOST: "lost"}.get(value, "answered")


def _mark(kind: str, side: float) -> dict:
    look, size = style.CLIENT[kind], 72 * side * SCALE[kind]
    return {
        "linestyle": "none", "marker": look.marker, "markersize": size, "markeredgewidth": min(1.3, size / 4),
        "markeredgecolor": look.colour, "markerfacecolor": style.CARD if kind == "connecting" else look.colour,
    }  # fmt: skip


class Screen(anywidget.AnyWidget):
    """Numbers, one dot for each connection, the line of the last seconds, and what went wrong (`message`)."""

    _esm = script("sliders.js", "screen.js")
    _css = sheets("screen.css")

    titles = traitlets.List(traitlets.Unicode(), list(TILES)).tag(sync=True)
    tiles = traitlets.List(traitlets.Unicode()).tag(sync=True)
    frame = traitlets.Bytes(b"").tag(sync=True)  # see frame.py
    colour = traitlets.Unicode(style.OWN.colour).tag(sync=True)
    message = traitlets.Unicode("").tag(sync=True)

    def show(self, frame: Frame) -> None:
        """Show `frame`; its numbers and its dots travel in one message."""
        with self.hold_sync():
            self.tiles, self.frame = frame.tiles(), frame.pack()


SAMPLE = 0.3  # seconds of real work before the panel is shown: some thousand replies of a fast server
PATIENCE = 0.5  # seconds, when no reply came within SAMPLE


class Playground(Board):
    """The panel that `playground` returns; it can be used from Python as with the mouse.

    Attributes:
        name: of the server.
        sliders: `.connections`, `.active` and `.payload`, which may be assigned at any time.
        screen: what is shown now; its `.message` tells what went wrong.
    """

    def __init__(self, fn: Callable, connections: int, active: int, payload: int) -> None:
        self.name = getattr(fn, "__name__", "")
        self.screen = Screen()
        self._fn = fn
        self._load: Load | None = None
        self._seen = Frame()
        super().__init__(connections, active, payload, self.screen)

    @property
    def running(self) -> bool:
        """True while server and swarm run."""
        return self._load is not None

    def start(self) -> None:
        """Serve and swarm until `stop()`; any other playground stops. What goes wrong is shown in the panel."""
        with self._lock:
            try:
                self._open()
            except Exception as error:  # shown, not raised: nobody looks at a cell when a button was pressed
                self.screen.message = str(error)
                return
            self._describe("live")
            self._go_live()

    def stop(self) -> None:
        """Stop server and swarm and keep the last numbers; a second time does nothing."""
        with self._lock:
            load, self._load = self._load, None
            if load is not None:
                self.screen.message = load.close() or self.screen.message
                self._describe("stopped")

    def refresh(self) -> None:
        """Show the present moment; while the panel runs in a notebook, this is done ten times a second for you."""
        with self._lock:
            if self._load is None:
                return
            self._seen = self._load.frame()
            self.screen.show(self._seen)
            self.screen.message = self._load.trouble() or self.screen.message
            if self._load.over:
                self.stop()

    def sample(self) -> None:
        """Run for `SAMPLE` seconds and show what was seen, so that a panel is never empty; then nothing runs.

        Raises:
            TypeError, ValueError: `muxlab.serve` or `muxlab.Swarm` refuses the function or a number.
        """
        with self._lock:
            try:
                load, began = self._open(), time.monotonic()
            except Crashed as error:
                self.screen.message = str(error)
                self._describe("stopped")
                return
            self.name = load.server.name
            while not load.over and (elapsed := time.monotonic() - began) < PATIENCE:
                if elapsed > SAMPLE and load.swarm.snapshot().replies:
                    break
                time.sleep(1 / PER_SECOND / 2)  # this is the length of the sample, not a wait for something
                load.note()
            self.refresh()
            if self.running:
                self.stop()
                self._describe("a sample from when this cell ran: press Start to play")

    def _open(self) -> Load:
        if self._load is None:
            for panel in self._panels:
                panel.stop()
            self.screen.message = ""
            self._load = Load(self._fn, self.sliders.connections, self.sliders.active, self.sliders.payload)
        return self._load

    def _headline(self) -> str:
        self.screen.colour = style.look(self.name).colour
        return f'<i style="background:{self.screen.colour}"></i><b>{html.escape(self.name)}</b>'

    def _slider_moved(self, what: str, value: int) -> None:
        with self._lock:
            if self._load is None or getattr(self._load.swarm, what) == value:
                return
            try:
                setattr(self._load.swarm, what, value)
                self.screen.message = ""
            except ValueError as error:  # too many connections, say: swarm and slider go on as they were
                setattr(self.sliders, what, getattr(self._load.swarm, what))
                self.screen.message = str(error)

    def __repr__(self) -> str:
        sliders = self.sliders
        return f"playground({self.name}, connections={sliders.connections}, active={sliders.active})"

    def _picture(self) -> bytes:
        return picture_of(self.name, self._seen, "stored picture: run this cell to play", self.screen.message)


def playground(fn: Callable, *, connections: int = 100, active: int = 10, payload: int = 64) -> Playground:
    """Show a server at work: one dot for each connection, live numbers, and sliders that change the load.

    The cell takes a sample of about a third of a second and then stops everything; the button Start plays.

    Args:
        fn: a server function, ours or yours, as for `muxlab.serve`.
        connections: clients in all.
        active: how many of them talk; the others only stay connected.
        payload: bytes in each message.

    Returns:
        The panel, a widget.

    Raises:
        TypeError: fn is not a server function.
        ValueError: a number is out of range, or this machine does not allow so many connections.
    """
    check(connections, active, payload)
    return Playground(fn, connections, active, payload).sampled()
