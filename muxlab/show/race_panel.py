"""The race: several servers under the same load, one after the other, with sliders.

They take turns, a lap of a second each, and while one runs there is no other: side by side they would fight for the
processor and for the interpreter lock, and the result would be of that fight.
"""

from __future__ import annotations

import asyncio
import base64
import threading
import time
from collections.abc import Callable
from typing import Any

from ipywidgets import HTML, Button, HBox, VBox, Widget

from muxlab import registry
from muxlab.show import track
from muxlab.show.cells import close_earlier, running_loop
from muxlab.show.laps import Lap, Result
from muxlab.show.load import PER_SECOND, Crashed, explain
from muxlab.show.sliders import Sliders, check
from muxlab.show.track import Track

LAP = 1.0  # seconds on the clock: long enough to watch, and three servers come round in a few
SAMPLE = 0.15  # seconds of each server before the panel is shown, so that it is never empty

_lock = threading.RLock()  # clicks may arrive on any thread (subshells)
_panels: list[Race] = []


class Race(VBox):
    """The panel that `race` returns; it can be used from Python as with the mouse.

    Attributes:
        sliders: `.connections`, `.active` and `.payload`, which may be assigned at any time: all begin anew.
        results: what is known of each server, in their order.
        track: what is shown now; its `.message` tells what went wrong.
    """

    _closed = True  # until it is built

    def __init__(self, fns: tuple[Callable, ...], connections: int, active: int, payload: int, isolate: bool) -> None:
        self.sliders = Sliders(connections, active, payload)
        self.sliders.tell(self._slider_moved)
        self.track = Track()
        self._fns, self._isolate = fns, isolate
        self.results = [Result(getattr(fn, "__name__", "")) for fn in fns]
        self._turn = 0
        self._lap: Lap | None = None
        self._loop = running_loop()
        self._task: asyncio.Future[None] | None = None
        self._cell = registry.current_cell()
        self._title, self._button = HTML(), Button()
        self._title.add_class("mux-name")
        self._button.add_class("mux-press")
        self._button.on_click(lambda _: self.stop() if self.running else self.start())
        head = HBox([self._title, self._button])
        head.add_class("mux-head")
        super().__init__([head, self.sliders, self.track])
        self.add_class("mux")
        self._closed = False

    @property
    def running(self) -> bool:
        """True while the servers take turns."""
        return self._lap is not None

    def start(self) -> None:
        """Let the servers take turns until `stop()`; any other race stops. What goes wrong is shown in the panel."""
        with _lock:
            if self.running:
                return
            for panel in _panels:
                panel.stop()
            self.track.message = ""
            began = self._go_on(self._turn)
            self._describe("live: one after the other" if began else "stopped")
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._begin_task)

    def stop(self) -> None:
        """Stop what runs and keep the last numbers; a second time does nothing."""
        with _lock:
            if self.running:
                self._end_lap()
                self._describe("stopped")

    def refresh(self) -> None:
        """Show the present moment, and go on to the next server when a lap is over.

        While the panel runs in a notebook, this is done ten times a second for you.
        """
        with _lock:
            if self._look():
                self._end_lap()
                if self.track.message or not self._go_on((self._turn + 1) % len(self._fns)):
                    self._describe("stopped")

    def sample(self) -> None:
        """Give each server `SAMPLE` seconds and show what was seen, so that a panel is never empty; then nothing runs.

        Raises:
            TypeError, ValueError: `muxlab.serve` or `muxlab.Swarm` refuses a function or a number.
        """
        with _lock:
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

    def end(self) -> None:
        """Stop: for `muxlab.stop_all()`, a cell that is run again, and the end of the process."""
        self.stop()

    def close(self) -> None:
        """Stop, and take the panel off the page; a second time does nothing."""
        if self._closed:  # without the lock: ipywidgets closes once more in __del__, on any thread
            return
        with _lock:
            self._closed = True
            self.stop()
            if self in _panels:
                _panels.remove(self)
            registry.remove(self)
            for box in (*self.children, self):
                for widget in (*getattr(box, "children", ()), box):
                    Widget.close(widget)

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

    def _describe(self, status: str) -> None:
        self._title.value = f"<b>race</b><span>{status}</span>"
        self._button.description, self._button.button_style = ("Stop", "") if self.running else ("Start", "primary")

    def _slider_moved(self, what: str, value: int) -> None:
        """Begin anew: results under different loads do not stand side by side."""
        with _lock:
            if not self.running:
                return
            self._end_lap()
            self.results = [Result(one.name) for one in self.results]
            self._show()
            if not self._go_on(0):
                self._describe("stopped")

    def _begin_task(self) -> None:
        if self._task is None or self._task.done():  # else the one of before has not even noticed the stop
            self._task = asyncio.ensure_future(self._play())

    async def _play(self) -> None:
        while self.running:
            try:
                self.refresh()
            except Exception as error:  # a task has no cell to raise in: the panel says it, and stops
                self.track.message = explain("The panel", error)
                self.stop()
            await asyncio.sleep(1 / PER_SECOND)

    def __repr__(self) -> str:
        names = ", ".join(one.name for one in self.results)
        return f"race({names}, connections={self.sliders.connections}, active={self.sliders.active})"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        setting = f"{self.sliders.connections:,} connections, {self.sliders.active:,} of them talk"
        png = track.draw(self.results, setting, "stored picture: run this cell to play", self.track.message)
        return super()._repr_mimebundle_(**kwargs) | {"image/png": base64.b64encode(png).decode()}


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
    with _lock:
        close_earlier(_panels)
        panel = Race(fns, connections, active, payload, isolate)
        try:
            panel.sample()
        except BaseException:
            panel.stop()
            panel.close()
            raise
        _panels.append(panel)
        registry.add(panel)
    return panel
