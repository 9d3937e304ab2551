"""What the panels over stepped servers have in common: messages from the browser, views to it, and an end.

A message of the browser is an act; it is answered with a new `view`, whatever came of it. A server that wakes by itself
changes the view as well: it only asks the kernel's loop to look, for nothing is shown from a server's thread.
"""

from __future__ import annotations

import base64
import contextlib
import threading
from typing import Any

import anywidget
import traitlets
from ipywidgets import DOMWidget

from muxlab import registry
from muxlab.show.assets import script, style
from muxlab.show.cells import close_earlier, running_loop

SCRIPTS = ("stepper_nodes.js", "stepper_controls.js", "stepper_source.js", "stepper_queues.js", "stepper.js")

_panels: list[Panel] = []


class Panel(anywidget.AnyWidget):
    """Drawn by `stepper.js`; see view.py for what `view` says."""

    _esm = script(*SCRIPTS)
    _css = style("stepper.css")

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
        self._cell = registry.current_cell()
        self._said: dict = {"text": "", "well": True}
        self._answered = 0
        self._due = False
        super().__init__(**traits)
        self.on_msg(self._heard)
        self._closed = False
        _panels.append(self)
        registry.add(self)
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
            registry.remove(self)
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
