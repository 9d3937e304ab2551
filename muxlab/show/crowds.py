"""`crowds`: two servers, each with a crowd of the same size, side by side: who gets an answer, and who waits.

Every client of both crowds wants to say something twice a second. A server that serves one client at a time answers one
of them; the others are connected, have sent their message, and wait.
"""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import traitlets

from muxlab.arguments import check_count, stop_argument
from muxlab.server import name_of
from muxlab.show import dots, player, style
from muxlab.show.live import PER_SECOND, Display, LivePanel
from muxlab.show.panel import read_script, read_style
from muxlab.show.session import Crashed, Session
from muxlab.show.sliders import OneSlider

EACH = 2.0  # messages a second that each client sends: it lights up and fades again in between
PAYLOAD = 64  # bytes: a word or two
MOST = 1_000  # clients on each side: as many dots as are still seen one by one on half a page
LATE = 0.25  # seconds after which a client is shown as waiting: see `Swarm.activity`
ALL_IN = 2.0  # seconds that all clients are given to connect before the sample: a thousand take a fifth of one
SAMPLE = 0.8  # seconds of the sample: in half a second each client has sent, and LATE later it waits


@dataclass(frozen=True)
class Side:
    """What there is to see of one server and its crowd at one moment.

    Attributes:
        name: the server's.
        clients: how many there are.
        answered: how many of them got an answer in the last second.
        waiting: how many have waited for longer than a quarter of a second.
        longest: the longest of those waits, in seconds.
        dots: one byte for each client, see `dots.KINDS`.
    """

    name: str
    clients: int
    answered: int = 0
    waiting: int = 0
    longest: float = 0.0
    dots: bytes = b""

    def words(self) -> tuple[str, str, str]:
        """Return what is written: how many were answered, of what, and who waits."""
        answered = f"{style.human_number(self.answered)} of {style.human_number(self.clients)}"
        clients = "client" if self.clients == 1 else "clients"
        if not self.waiting:
            return answered, f"{clients} answered in the last second", "nobody waits"
        who = "1 waits" if self.waiting == 1 else f"{style.human_number(self.waiting)} wait"
        how_long = f", the longest for {self.longest:.0f} s" if self.longest >= 1 else ""
        return answered, f"{clients} answered in the last second", who + how_long


class Watch:
    """What happens to the clients of one session, from frame to frame."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._answered: deque[set[int]] = deque(maxlen=PER_SECOND)  # who was, in each frame of the last second
        self._since: dict[int, float] = {}  # when each of those that wait began to

    def look(self) -> Side:
        """Look at the session, and return what there is to see."""
        self.session.look()
        activity = self.session.swarm.activity()
        kinds = dots.kinds_of(activity)
        now = time.monotonic()
        self._answered.append({number for number, kind in enumerate(kinds) if kind == "answered"})
        self._since = {
            number: self._since.get(number, now - LATE) for number, kind in enumerate(kinds) if kind == "waiting"
        }
        answered = {number for numbers in self._answered for number in numbers if number < len(kinds)}
        longest = max((now - began for began in self._since.values()), default=0.0)
        clients = self.session.swarm.connections
        return Side(self.session.server.name, clients, len(answered), len(self._since), longest, activity)


def draw_crowds(sides: Sequence[Side], note: str, message: str = "") -> bytes:
    """Return a PNG of both crowds, in words and as dots; and of what went wrong."""
    margin, gap, top, room = 0.25, 0.35, 1.35, 1.3  # inches, as all numbers here; the dots begin at `top`
    half = (style.SIZE[0] - 2 * margin - gap) / 2
    side = dots.side_of(max(len(one.dots) for one in sides), half, room)
    bottom = top + side * max(dots.rows_of(len(one.dots), side, half) for one in sides)
    with style.style():
        figure, ax = style.new_picture(bottom + 0.75 + 0.2 * len(message.splitlines()))
        style.write(ax, style.SIZE[0] - margin, 0.28, note, fontsize=10, ha="right")
        for place, one in enumerate(sides):
            left = margin + place * (half + gap)
            answered, of, wait = one.words()
            own = style.text_colour(one.name)
            style.write(ax, left, 0.58, one.name, fontsize=13, weight="bold", color=own)
            style.write(ax, left, 0.92, answered, fontsize=15, weight="bold")
            style.write(ax, left, 1.17, of, fontsize=10)
            dots.draw_dots(ax, dots.kinds_of(one.dots), left, top, side, half)
            style.write(ax, left, bottom + 0.17, wait, fontsize=10)
        all_kinds = [kind for one in sides for kind in dots.kinds_of(one.dots)]
        dots.draw_legend(ax, all_kinds, margin, bottom + 0.5, counted=False)
        style.write_trouble(ax, margin, bottom + 0.7, message)
        return style.png(figure)


# ---- the panel


class CrowdsDisplay(Display):
    """Two servers, what became of their clients in words, and one dot for each client."""

    _esm = read_script(*player.SCRIPTS["crowds"])
    _css = read_style(*player.STYLES["crowds"])

    kinds = traitlets.Dict({str(value): kind for value, kind in dots.KINDS.items()}).tag(sync=True)
    sides = traitlets.List(traitlets.Dict()).tag(sync=True)  # these three are of the latest frame
    dots = traitlets.Tuple().tag(sync=True)
    number = traitlets.Int(-1).tag(sync=True)

    def show(self, sides: Sequence[Side]) -> None:
        """Show both sides; all of it travels in one message."""
        with self.hold_sync():
            self.dots = tuple(one.dots for one in sides)
            self.sides = [
                {"name": one.name, "colour": style.look(one.name).colour, "patient": not one.waiting}
                | dict(zip(("answered", "of", "wait"), one.words(), strict=True))
                for one in sides
            ]
            self.number += 1


class Crowds(LivePanel):
    """The panel that `crowds` returns; it can be used from Python as with the mouse.

    Attributes:
        seen: what is shown of each server, in their order.
        slider: its `.connections`, of each server, may be assigned at any time.
    """

    KIND = "crowds"

    def __init__(self, fns: Sequence[Callable], connections: int) -> None:
        self._fns = fns
        self._watches: list[Watch] = []
        self.seen = [Side(name_of(fn), connections) for fn in fns]
        self.slider = OneSlider(connections, MOST, len(fns))
        self.slider.tell(self._slider_moved)
        super().__init__("<b>Who gets an answer?</b>", self.slider, CrowdsDisplay())

    @property
    def running(self) -> bool:
        """True while both servers and their crowds are at work."""
        return bool(self._watches)

    @property
    def title(self) -> str:
        """The names of both servers."""
        return " and ".join(one.name for one in self.seen)

    def setting(self) -> dict[str, int]:
        """Return where the slider stands, by what is written beside it."""
        return {"connections": self.slider.connections}

    def move(self, **sliders: int) -> None:
        """Put the slider where it is to stand: `connections=300`."""
        for name, value in sliders.items():
            setattr(self.slider, name, value)

    def refresh(self) -> None:
        """Show the present moment; while the panel runs in a notebook, this is done ten times a second for you."""
        with self._lock:
            if self._watches:
                self.seen = [watch.look() for watch in self._watches]
                self.display.show(self.seen)
                for watch in self._watches:
                    self.display.message = watch.session.trouble() or self.display.message
                if any(watch.session.over for watch in self._watches):
                    self.stop()

    def _begin(self) -> None:
        """Run for `SAMPLE` seconds, and show what was seen, so that a panel is never empty; then stop."""
        self.display.show(self.seen)
        try:
            self._open()
        except Crashed as error:
            self._show_error(error)
            self._describe("stopped")
            return
        for watch in self._watches:
            watch.session.wait_all_tried(ALL_IN)
        ended = time.monotonic() + SAMPLE
        while self.running and time.monotonic() < ended:
            time.sleep(1 / PER_SECOND)  # this is the length of the sample, not a wait for something
            self.refresh()
        self.stop()
        self._describe("press Start, then drag (a sample from when this cell ran)")

    def _open(self) -> None:
        self._stop_others()
        count = self.slider.connections
        with contextlib.ExitStack() as undo:
            watches = []
            for fn in self._fns:
                session = Session(fn, count, count, PAYLOAD, rate=EACH * count)
                undo.callback(session.close)
                watches.append(Watch(session))
            undo.pop_all()
        self._watches = watches

    def _finish(self) -> None:
        watches, self._watches = self._watches, []
        for watch in watches:
            self.display.message = watch.session.close() or self.display.message

    def _slider_moved(self, count: int) -> None:
        """Let clients come or go on both sides; where that is refused, crowds and slider go on as they were."""
        with self._lock:
            if not self._watches or self._watches[-1].session.swarm.connections == count:
                return
            with self._errors_shown():
                self.display.message = ""
                for watch in self._watches:
                    swarm = watch.session.swarm
                    swarm.connections = count
                    swarm.active, swarm.rate = count, EACH * count
            self.slider.connections = self._watches[0].session.swarm.connections

    def __repr__(self) -> str:
        names = ", ".join(one.name for one in self.seen)
        return f"crowds({names}, connections={self.slider.connections})"

    def _picture(self) -> bytes:
        return draw_crowds(self.seen, "stored picture: run this cell to play", self.display.message)


def crowds(first: Callable, second: Callable, *, connections: int = 100) -> Crowds:
    """Show two servers side by side, each with a crowd of the same size: one dot for each client, and one slider.

    Every client wants to say something twice a second. The cell takes a sample of a second and then stops everything;
    the button Start plays, and the slider changes both crowds.

    Args:
        first, second: server functions, ours or yours, as for `muxlab.serve`.
        connections: clients of each.

    Returns:
        The panel, a widget.

    Raises:
        TypeError: one of them is not a server function, or `connections` is not a whole number.
        ValueError: `connections` is less than 1, or this machine does not allow so many.
    """
    check_count("connections", connections)
    for fn in (first, second):
        stop_argument(fn, name_of(fn))
    return Crowds((first, second), connections)
