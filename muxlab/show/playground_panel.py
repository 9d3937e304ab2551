"""The playground: a live picture of a server and its clients, with sliders."""

from __future__ import annotations

import html
import time
from collections.abc import Callable

from muxlab.show import picture, theme
from muxlab.show.board import Board
from muxlab.show.frame import Frame
from muxlab.show.load import PER_SECOND, Crashed, Load
from muxlab.show.screen import Screen
from muxlab.show.sliders import check

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
        self.screen.colour = theme.look(self.name).colour
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
        return picture.draw(self.name, self._seen, "stored picture: run this cell to play", self.screen.message)


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
