"""The playground: a live picture of a server and its clients, with sliders.

Here is what runs, and when it is shown. Server and swarm record, in threads of their own; frames are taken and sent ten
times a second by a task on the kernel's event loop, in the main thread: nothing is ever shown from a background thread.
"""

from __future__ import annotations

import asyncio
import base64
import html
import threading
import time
from collections.abc import Callable
from typing import Any

from ipywidgets import HTML, Button, HBox, VBox, Widget

from muxlab import registry
from muxlab.show import picture, theme
from muxlab.show.cells import close_earlier, running_loop
from muxlab.show.frame import Frame
from muxlab.show.load import PER_SECOND, Crashed, Load, explain
from muxlab.show.screen import Screen
from muxlab.show.sliders import Sliders, check

SAMPLE = 0.3  # seconds of real work before the panel is shown: some thousand replies of a fast server
PATIENCE = 0.5  # seconds, when no reply came within SAMPLE

_lock = threading.RLock()  # clicks may arrive on any thread (subshells); one lock, for only one panel plays at a time
_panels: list[Playground] = []


class Playground(VBox):
    """The panel that `playground` returns; it can be used from Python as with the mouse.

    Attributes:
        name: of the server.
        sliders: `.connections`, `.active` and `.payload`, which may be assigned at any time.
        screen: what is shown now; its `.message` tells what went wrong.
    """

    _closed = True  # until it is built

    def __init__(self, fn: Callable, connections: int, active: int, payload: int) -> None:
        self.name = getattr(fn, "__name__", "")
        self.sliders = Sliders(connections, active, payload)
        self.sliders.tell(self._slider_moved)
        self.screen = Screen()
        self._fn = fn
        self._load: Load | None = None
        self._seen = Frame()
        self._loop = running_loop()
        self._cell = registry.current_cell()
        self._title, self._button = HTML(), Button()
        self._title.add_class("mux-name")
        self._button.add_class("mux-press")
        self._button.on_click(lambda _: self.stop() if self.running else self.start())
        head = HBox([self._title, self._button])
        head.add_class("mux-head")
        super().__init__([head, self.sliders, self.screen])
        self.add_class("mux")
        self._closed = False

    @property
    def running(self) -> bool:
        """True while server and swarm run."""
        return self._load is not None

    def start(self) -> None:
        """Serve and swarm until `stop()`; any other playground stops. What goes wrong is shown in the panel."""
        with _lock:
            try:
                load = self._open()
            except Exception as error:  # shown, not raised: nobody looks at a cell when a button was pressed
                self.screen.message = str(error)
                return
            self._describe("live")
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._begin_task, load)

    def stop(self) -> None:
        """Stop server and swarm and keep the last numbers; a second time does nothing."""
        with _lock:
            load, self._load = self._load, None
            if load is not None:
                self.screen.message = load.close() or self.screen.message
                self._describe("stopped")

    def refresh(self) -> None:
        """Show the present moment; while the panel runs in a notebook, this is done ten times a second for you."""
        with _lock:
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
        with _lock:
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

    def end(self) -> None:
        """Stop: for `muxlab.stop_all()`, a cell that is run again, and the end of the process."""
        self.stop()

    def close(self) -> None:
        """Stop, and take the panel off the page; a second time does nothing."""
        if (
            self._closed
        ):  # without the lock: ipywidgets closes once more in __del__, on any thread that collects garbage
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

    def _open(self) -> Load:
        if self._load is None:
            for panel in _panels:
                panel.stop()
            self.screen.message = ""
            self._load = Load(self._fn, self.sliders.connections, self.sliders.active, self.sliders.payload)
        return self._load

    def _describe(self, status: str) -> None:
        self.screen.colour, name = theme.look(self.name).colour, html.escape(self.name)
        self._title.value = f'<i style="background:{self.screen.colour}"></i><b>{name}</b><span>{status}</span>'
        self._button.description, self._button.button_style = ("Stop", "") if self.running else ("Start", "primary")

    def _slider_moved(self, what: str, value: int) -> None:
        with _lock:
            if self._load is None or getattr(self._load.swarm, what) == value:
                return
            try:
                setattr(self._load.swarm, what, value)
                self.screen.message = ""
            except (
                ValueError
            ) as error:  # too many connections, say: the swarm goes on as it was, and so does the slider
                setattr(self.sliders, what, getattr(self._load.swarm, what))
                self.screen.message = str(error)

    def _begin_task(self, load: Load) -> None:
        self._task = asyncio.ensure_future(self._play(load))  # kept, or the loop would forget it

    async def _play(self, load: Load) -> None:
        while self._load is load:
            try:
                self.refresh()
            except Exception as error:  # a task has no cell to raise in: the panel says it, and stops
                self.screen.message = explain("The panel", error)
                self.stop()
            await asyncio.sleep(1 / PER_SECOND)

    def __repr__(self) -> str:
        sliders = self.sliders
        return f"playground({self.name}, connections={sliders.connections}, active={sliders.active})"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        png = picture.draw(self.name, self._seen, "stored picture: run this cell to play", self.screen.message)
        return super()._repr_mimebundle_(**kwargs) | {"image/png": base64.b64encode(png).decode()}


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
    with _lock:
        close_earlier(_panels)
        panel = Playground(fn, connections, active, payload)
        try:
            panel.sample()
        except BaseException:
            panel.close()
            raise
        _panels.append(panel)
        registry.add(panel)
    return panel
