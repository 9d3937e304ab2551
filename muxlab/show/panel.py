"""The scripts and styles of this folder, put together for the browser: a widget has one script, and loads no other."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import threading
from pathlib import Path
from typing import Any, ClassVar, Self

import anywidget
import traitlets
from ipywidgets import HTML, Button, DOMWidget, HBox, VBox, Widget

from muxlab import notebook, running
from muxlab.notebook import running_loop
from muxlab.show.session import PER_SECOND, explain
from muxlab.show.sliders import Sliders


def script(*names: str) -> str:
    """Return these scripts as one, after the part that all share."""
    return sheets("parts.js", *names)


def sheets(*names: str) -> str:
    """Return these files as one text."""
    return "\n".join(Path(__file__).with_name("browser").joinpath(name).read_text(encoding="utf-8") for name in names)


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

    def __init__(self, connections: int, active: int, payload: int, moving: Any) -> None:
        close_earlier(self._panels)
        self.sliders = Sliders(connections, active, payload)
        self.sliders.tell(self._slider_moved)
        self._moving = moving
        self._loop = running_loop()
        self._task: asyncio.Future[None] | None = None
        self._cell = notebook.current_cell()
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
            running.add(self)
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
            running.remove(self)
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


SCRIPTS = ("stepper_nodes.js", "stepper_controls.js", "stepper_source.js", "stepper_queues.js", "stepper.js")

_panels: list[StepPanel] = []


class StepPanel(anywidget.AnyWidget):
    """Drawn by `stepper.js`; see view.py for what `view` says."""

    _esm = script(*SCRIPTS)
    _css = sheets("stepper.css")

    kind = traitlets.Unicode().tag(sync=True)
    message = traitlets.Unicode("hello").tag(sync=True)  # what clients send, until the learner writes something else,
    times = traitlets.Int(1).tag(sync=True)  # and how many times over
    source = traitlets.Any().tag(sync=True)
    view = traitlets.Dict().tag(sync=True)

    _closed = True  # until it is built

    def __init__(self, **traits: Any) -> None:
        close_earlier(_panels)
        self._lock = threading.RLock()  # messages arrive on the main thread, or on that of a subshell
        self._loop = running_loop()
        self._cell = notebook.current_cell()
        self._said: dict = {"text": "", "well": True}
        self._answered = 0
        self._due = False
        super().__init__(**traits)
        self.on_msg(self._heard)
        self._closed = False
        _panels.append(self)
        running.add(self)
        self.refresh()

    def refresh(self) -> None:
        """Show how things stand now; in a notebook, this is done for you."""
        with self._lock:
            source, view = self._look()
            with self.hold_sync():
                self.source = source
                self.view = view | {"said": self._said, "answered": self._answered}

    def stop(self) -> None:
        """Stop what is stepped, and show it stopped; a second time does nothing."""
        with self._lock:
            self._end()
            self.refresh()

    def end(self) -> None:
        """Stop: for `muxlab.stop_all()`, a cell that is run again, and the end of the process."""
        self.stop()

    def close(self) -> None:
        """Stop, and take the panel off the page; a second time does nothing."""
        if self._closed:  # without the lock: ipywidgets closes once more in __del__, on any thread
            return
        with self._lock:
            self._closed = True
            self._end()
            _panels.remove(self)
            running.remove(self)
            super().close()

    # ---- for each kind of panel to say

    def _look(self) -> tuple[Any, dict]:
        """Return the source to be shown, and the view."""
        raise NotImplementedError

    def _act(self, act: str, content: dict) -> None:
        """Do what a button says."""
        raise NotImplementedError

    def _end(self) -> None:
        """Stop the servers; raise nothing."""
        raise NotImplementedError

    def _picture(self) -> bytes:
        """Return a PNG, for where no kernel runs."""
        raise NotImplementedError

    # ---- messages and changes

    def _say(self, text: str, well: bool = True) -> None:
        self._said = {"text": text, "well": well}

    def _heard(self, _: Any, content: dict, buffers: Any) -> None:
        with self._lock:
            if self._closed:
                return
            try:
                self._act(str(content["act"]), content)
            except Exception as error:  # nobody looks at a cell when a button was pressed: it is said in the panel
                self._say(f"{type(error).__name__}: {error}", False)
            self._answered += 1
            self.refresh()

    def _changed(self) -> None:
        """Called by a stepper in any thread: look soon, in the thread of the kernel's loop."""
        if self._loop is not None and not self._due:
            self._due = True
            with contextlib.suppress(RuntimeError):  # the loop is closed: the process ends
                self._loop.call_soon_threadsafe(self._late)

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        data = DOMWidget._repr_mimebundle_(self, **kwargs)  # that of anywidget has another form in each version
        return data | {"image/png": base64.b64encode(self._picture()).decode()}

    def _late(self) -> None:
        self._due = False
        if not self._closed:
            self.refresh()


def close_earlier(panels: list[Any]) -> None:
    """Close those of `panels` that an earlier run of this cell has made: their place on the page is taken."""
    cell = notebook.current_cell()
    for panel in list(panels):
        if cell and panel._cell and panel._cell[0] == cell[0] and panel._cell[1] != cell[1]:
            panel.close()
