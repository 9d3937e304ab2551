"""What the playground and the race have in common: a title, a button, sliders, and a part that moves while they run.

Server and swarm record, in threads of their own; frames are taken and sent ten times a second by a task on the kernel's
event loop, in the main thread: nothing is ever shown from a background thread.
"""

from __future__ import annotations

import asyncio
import base64
import threading
from typing import Any, ClassVar, Self

from ipywidgets import HTML, Button, HBox, VBox, Widget

from muxlab import registry
from muxlab.show.cells import close_earlier, running_loop
from muxlab.show.load import PER_SECOND, explain
from muxlab.show.screen import Screen
from muxlab.show.sliders import Sliders
from muxlab.show.track import Track


class Board(VBox):
    """A panel over servers at work, of which one of each kind runs at a time.

    Attributes:
        sliders: `.connections`, `.active` and `.payload`, which may be assigned at any time.
    """

    _panels: ClassVar[list[Board]]
    _closed = True  # until it is built

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls._lock = threading.RLock()  # clicks may arrive on any thread (subshells); one lock, for only one panel runs
        cls._panels = []

    def __init__(self, connections: int, active: int, payload: int, moving: Screen | Track) -> None:
        close_earlier(self._panels)
        self.sliders = Sliders(connections, active, payload)
        self.sliders.tell(self._slider_moved)
        self._moving = moving
        self._loop = running_loop()
        self._task: asyncio.Future[None] | None = None
        self._cell = registry.current_cell()
        self._title, self._button = HTML(), Button()
        self._title.add_class("mux-name")
        self._button.add_class("mux-press")
        self._button.on_click(lambda _: self.stop() if self.running else self.start())
        head = HBox([self._title, self._button])
        head.add_class("mux-head")
        super().__init__([head, self.sliders, moving])
        self.add_class("mux")
        self._closed = False

    def sampled(self) -> Self:
        """Take the sample, and leave the panel to whoever wants to play; it is closed when that fails."""
        with self._lock:
            try:
                self.sample()
            except BaseException:
                self.close()
                raise
            self._panels.append(self)
            registry.add(self)
        return self

    def end(self) -> None:
        """Stop: for `muxlab.stop_all()`, a cell that is run again, and the end of the process."""
        self.stop()

    def close(self) -> None:
        """Stop, and take the panel off the page; a second time does nothing."""
        if self._closed:  # without the lock: ipywidgets closes once more in __del__, on any thread
            return
        with self._lock:
            self._closed = True
            self.stop()
            if self in self._panels:
                self._panels.remove(self)
            registry.remove(self)
            for box in (*self.children, self):
                for widget in (*getattr(box, "children", ()), box):
                    Widget.close(widget)

    # ---- for each kind of panel to do in its own way

    @property
    def running(self) -> bool:
        """True while something runs."""
        raise NotImplementedError

    def start(self) -> None:
        """Begin to play."""
        raise NotImplementedError

    def stop(self) -> None:
        """Stop; a second time does nothing."""
        raise NotImplementedError

    def refresh(self) -> None:
        """Take a frame and send it."""
        raise NotImplementedError

    def sample(self) -> None:
        """Run for a moment, for the first frame and the stored picture."""
        raise NotImplementedError

    def _slider_moved(self, what: str, value: int) -> None:
        """Follow a slider: `what` is "connections", "active" or "payload"."""
        raise NotImplementedError

    def _headline(self) -> str:
        """Return what the title says before the status, as HTML."""
        raise NotImplementedError

    def _picture(self) -> bytes:
        """Return a PNG, for where no kernel runs."""
        raise NotImplementedError

    # ---- while it runs

    def _describe(self, status: str) -> None:
        self._title.value = f"{self._headline()}<span>{status}</span>"
        self._button.description, self._button.button_style = ("Stop", "") if self.running else ("Start", "primary")

    def _go_live(self) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._begin_task)

    def _begin_task(self) -> None:
        if self._task is None or self._task.done():  # else the one of before has not even noticed the stop
            self._task = asyncio.ensure_future(self._play())

    async def _play(self) -> None:
        while self.running:
            try:
                self.refresh()
            except Exception as error:  # a task has no cell to raise in: the panel says it, and stops
                self._moving.message = explain("The panel", error)
                self.stop()
            await asyncio.sleep(1 / PER_SECOND)

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        return super()._repr_mimebundle_(**kwargs) | {"image/png": base64.b64encode(self._picture()).decode()}
