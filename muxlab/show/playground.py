"""`playground`: a server at work, with one dot for each connection, live numbers, and sliders that change the load.

What there is to see at one moment is a `Frame`. The browser (playground.js) and the stored picture both draw frames.
"""

from __future__ import annotations

import html
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import traitlets

from muxlab.server import name_of
from muxlab.show import dots, player, style
from muxlab.show.live import PER_SECOND, Display
from muxlab.show.panel import read_script, read_style
from muxlab.show.session import Crashed, Session, SessionPanel
from muxlab.show.sliders import check_load
from muxlab.swarm import Swarm
from muxlab.swarm.redis_messages import check_protocol

SAMPLE = 0.3  # seconds of real work before the panel is shown: some thousand replies of a fast server
PATIENCE = 0.5  # seconds, when no reply came within SAMPLE
ALL_IN = 4.0  # seconds that all clients are given to connect before the sample is taken: 10,000 take two
SETTLED = 1.5  # seconds that a setting has to be in force before its figures are kept to compare with: see `remember`
HISTORY = 20 * PER_SECOND  # points: the line of the last 20 s

ROUND = 20.0  # seconds in which the turn to talk passes once round all clients
WAITING = next(byte for byte, kind in dots.KINDS.items() if kind == "waiting")

TILES = ("connected", "replies per second", "half within", "99 % within", "server CPU")


@dataclass(frozen=True)
class Frame:
    """One moment of a playground.

    Attributes:
        number: of this frame, from 1; 0 before there was any.
        tiles: five numbers in words, in the order of `TILES`.
        before: the same five as they were before a slider was moved; none when no slider was.
        dots: one byte for each connection, see `dots.KINDS`.
        history: replies per second, oldest first.
    """

    number: int = 0
    tiles: tuple[str, ...] = ("0 / 0", "0", "\u2013", "\u2013", "\u2013")
    before: tuple[str, ...] = ()
    dots: bytes = b""
    history: tuple[float, ...] = ()


class Recorder:
    """The frames of a session, taken whenever they are asked for; they go on from frame `number`.

    Dots and history move with every frame. The figures change twice a second: faster, nobody could read them.
    """

    def __init__(self, session: Session, number: int = 0) -> None:
        self._session, self._number = session, number
        self._figures: tuple[str, ...] = ()
        self._before: tuple[str, ...] = ()
        self._began, replies, cpu = self._now()
        self._since = self._began  # when a slider was last moved
        self._points = deque([(self._began, replies, cpu)], maxlen=PER_SECOND + 1)  # of one second
        self._history: deque[float] = deque(maxlen=HISTORY)

    def note(self) -> None:
        """Note replies and CPU time of this moment, from which `frame` makes the history and the share of CPU."""
        self._session.look()
        self._points.append(self._now())
        began, before, _ = self._points[-min(len(self._points), PER_SECOND // 2 + 1)]  # half a second ago
        ended, after, _ = self._points[-1]
        self._history.append((after - before) / max(ended - began, 1e-9))

    def frame(self) -> Frame:
        """Return what is to be seen now; each dot tells what happened to it since the last frame."""
        self.note()
        if not self._figures or self._number % (PER_SECOND // 2) == 0:
            self._figures = self._figures_now()
        self._number += 1
        swarm = self._session.swarm
        clients = f"{style.human_number(self._session.seen.connected)} / {style.human_number(swarm.connections)}"
        return Frame(self._number, (clients, *self._figures), self._before, swarm.activity(), tuple(self._history))

    def remember(self, setting: str) -> None:
        """Keep the figures of a `setting` that ends now, to stand beside those of the next one.

        A slider that is dragged passes through many settings: one that was not in force for long is no comparison.
        """
        now = time.monotonic()
        if now - self._since >= SETTLED and self._figures:
            self._before = (setting, *self._figures)
        self._since = now

    def _now(self) -> tuple[float, int, float]:
        """Return the time, the replies so far, and the server's CPU time so far."""
        return time.monotonic(), self._session.seen.replies, self._session.server.cpu_seconds()

    def _figures_now(self) -> tuple[str, ...]:
        """Return replies per second, durations, and the server's share of a core in the last second, in words."""
        (began, _, before), (ended, _, after) = self._points[0], self._points[-1]
        # The swarm's figures are those of its latest window; the first one takes a moment to fill.
        young = self._session.seen.p50 is None and ended - self._began < 1
        figures = self._session.seen.total if young else self._session.seen
        # A thread has one core at most. What is beyond comes of the two clocks, which are not read at the same instant.
        share = min(1 + len(self._session.server.threads()), (after - before) / max(ended - began, 1e-9))
        durations = (style.human_seconds(figures.p50), style.human_seconds(figures.p99))
        return style.human_number(figures.replies_per_second), *durations, f"{100 * share:.0f} %"


def setting_of(swarm: Swarm, what: str) -> str:
    """Return a swarm's setting in words: its clients, or its messages when `what` changes is "payload"."""
    if what == "payload":
        return style.human_bytes(swarm.payload)
    talking = min(swarm.active, swarm.connections)
    return f"{style.human_number(swarm.connections)}, {style.human_number(talking)} talking"


# ---- the stored picture; all places in inches

WIDTH, MARGIN, TOP = style.SIZE[0], 0.25, 1.25  # the dots begin at TOP
COLUMNS = 0.25, 2.0, 3.65, 4.85, 6.05  # where the five numbers begin
DOTS = 2.0  # height of the dots when there are many


def draw_playground(name: str, frame: Frame, note: str, message: str = "") -> bytes:
    """Return a PNG of the server's name, five numbers, one dot for each connection, what dots mean, what went wrong."""
    room, kinds = WIDTH - 2 * MARGIN, dots.kinds_of(frame.dots)
    side = dots.side_of(len(kinds), room, DOTS)
    bottom = TOP + side * dots.rows_of(len(kinds), side, room)
    with style.style():
        figure, ax = style.new_picture(bottom + 0.5 + 0.2 * len(message.splitlines()))
        own = style.text_colour(name)
        style.write(ax, MARGIN, 0.32, name, fontsize=15, weight="bold", color=own)
        style.write(ax, WIDTH - MARGIN, 0.32, note, fontsize=10, ha="right")
        for left, title, value in zip(COLUMNS, TILES, frame.tiles, strict=True):
            style.write(ax, left, 0.72, title, fontsize=10)
            style.write(ax, left, 0.97, value, fontsize=15)
        dots.draw_dots(ax, kinds, MARGIN, TOP, side, room)
        dots.draw_legend(ax, kinds, MARGIN, bottom + 0.25)
        style.write_trouble(ax, MARGIN, bottom + 0.45, message)
        return style.png(figure)


# ---- the panel


class PlaygroundDisplay(Display):
    """Numbers, one dot for each connection, and the line of the last seconds."""

    _esm = read_script(*player.SCRIPTS["playground"])
    _css = read_style(*player.STYLES["playground"])

    titles = traitlets.List(traitlets.Unicode(), list(TILES)).tag(sync=True)
    kinds = traitlets.Dict({str(value): kind for value, kind in dots.KINDS.items()}).tag(sync=True)
    points = traitlets.Int(HISTORY).tag(sync=True)  # how many the line has room for
    colour = traitlets.Unicode(style.OWN.colour).tag(sync=True)
    tiles = traitlets.Tuple().tag(sync=True)  # these five are of the latest frame
    before = traitlets.Tuple().tag(sync=True)
    dots = traitlets.Bytes(b"").tag(sync=True)
    history = traitlets.Tuple().tag(sync=True)
    number = traitlets.Int(-1).tag(sync=True)

    def show(self, frame: Frame) -> None:
        """Show `frame`; all of it travels in one message."""
        with self.hold_sync():
            self.tiles, self.before, self.dots, self.history = frame.tiles, frame.before, frame.dots, frame.history
            self.number = frame.number


class Playground(SessionPanel):
    """The panel that `playground` returns; it can be used from Python as with the mouse.

    Attributes:
        name: of the server.
    """

    KIND = "playground"

    def __init__(self, fn: Callable, connections: int, active: int, payload: int, protocol: str = "echo") -> None:
        self.name, self.protocol = name_of(fn), protocol
        self._fn = fn
        self._turn = 0.0  # the client that talks first, in fractions, as a few clients take their time
        self._seen = Frame(tiles=(f"0 / {style.human_number(connections)}", *Frame.tiles[1:]))
        colour = style.look(self.name).colour
        headline = f'<i style="background:{colour}"></i><b>{html.escape(self.name)}</b>'
        super().__init__(headline, PlaygroundDisplay(colour=colour), connections, active, payload)

    @property
    def title(self) -> str:
        """The name of the server."""
        return self.name

    def _begin(self) -> None:
        """Run for `SAMPLE` seconds, and show what was seen, so that a panel is never empty; then stop."""
        try:
            self._open()
        except Crashed as error:
            self._show_error(error)
            self._show()
            self._describe("stopped")
            return
        session = self._session
        assert session is not None
        session.wait_all_tried(ALL_IN)
        self._open_recorder(session)
        began = time.monotonic()
        while not session.over and (elapsed := time.monotonic() - began) < PATIENCE:
            if elapsed > SAMPLE and session.seen.replies:
                break
            time.sleep(1 / PER_SECOND / 2)  # this is the length of the sample, not a wait for something
            self._recorder.note()
        self.refresh()
        if self.running:
            self.stop()
            self._describe("press Start to play (a sample from when this cell ran)")

    def _open(self) -> None:
        self._open_recorder(self._serve(self._fn))

    def _open_recorder(self, session: Session) -> None:
        self._recorder = Recorder(session, self._seen.number)

    def _look(self, session: Session) -> bool:
        self._seen = self._recorder.frame()
        self._pass_turn(session.swarm)
        return session.over

    def _pass_turn(self, swarm: Swarm) -> None:
        """Let others talk, so that in `ROUND` seconds every client has had a turn.

        But not while somebody waits: what such a server does to the clients that talk is what there is to see.
        """
        if swarm.active < swarm.connections and WAITING not in self._seen.dots:
            self._turn += swarm.connections / (ROUND * PER_SECOND)
            swarm.first = int(self._turn) % swarm.connections

    def _show(self) -> None:
        self.display.show(self._seen)

    def _slider_moved(self, what: str, value: int) -> None:
        """Change the load; where that is refused, swarm and slider go on as they were."""
        with self._lock:
            if self._session is None or getattr(self._session.swarm, what) == value:
                return
            with self._errors_shown():
                before = setting_of(self._session.swarm, what)
                setattr(self._session.swarm, what, value)
                self._recorder.remember(before)
                self.display.message = ""
            setattr(self.sliders, what, getattr(self._session.swarm, what))

    def __repr__(self) -> str:
        sliders = self.sliders
        return f"playground({self.name}, connections={sliders.connections}, active={sliders.active})"

    def _picture(self) -> bytes:
        return draw_playground(self.name, self._seen, "stored picture: run this cell to play", self.display.message)


def playground(
    fn: Callable, *, connections: int = 100, active: int = 10, payload: int = 64, protocol: str = "echo"
) -> Playground:
    """Show a server at work: one dot for each connection, live numbers, and sliders that change the load.

    The cell takes a sample of about a third of a second and then stops everything; the button Start plays.

    Args:
        fn: a server function, ours or yours, as for `muxlab.serve`.
        connections: clients in all.
        active: how many of them talk; the others only stay connected.
        payload: bytes in each message.
        protocol: what the clients speak, as for `muxlab.Swarm`: "echo" or "redis".

    Returns:
        The panel, a widget.

    Raises:
        TypeError: fn is not a server function, or a number is not whole.
        ValueError: a number is out of range, or this machine does not allow so many connections; or the clients do not
            speak that protocol.
    """
    check_load(connections, active, payload)
    check_protocol(protocol)
    return Playground(fn, connections, active, payload, protocol)
