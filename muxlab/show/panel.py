"""What all panels share: a panel is a widget over servers at work.

A panel of an earlier run of the same cell is closed, `muxlab.stop_all()` stops every panel, what goes wrong after a
click is shown and not raised, and where no kernel runs a picture stands in the panel's place.

Also here: how the files of `browser/` become the script and the style sheet of a widget, which has one of each.
"""

from __future__ import annotations

import abc
import base64
import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import traitlets
from ipywidgets import DOMWidget, Widget

from muxlab import notebook, running
from muxlab.show import page_colours


def read_script(*names: str) -> str:
    """Return the marks, shared.js, and these files of `browser/` as one script."""
    return "\n".join([page_colours.looks_js(), *map(read_file, ("shared.js", *names))])


def read_style(*names: str) -> str:
    """Return the colours, shared.css, and these files of `browser/` as one style sheet."""
    return "\n".join([page_colours.palette_css(), *map(read_file, ("shared.css", *names))])


def read_file(name: str) -> str:
    """Return the text of a file of `browser/`."""
    return Path(__file__).with_name("browser").joinpath(name).read_text(encoding="utf-8")


class AbstractWidget(abc.ABCMeta, traitlets.MetaHasTraits):
    """The metaclass of a widget that has abstract methods."""


class Panel(running.Running, DOMWidget, metaclass=AbstractWidget):
    """A widget over servers at work; a subclass says which widget, and what begins, stops and is seen.

    Args:
        content, traits: as for the widget.
    """

    _panels: ClassVar[list[Panel]] = []  # those that are open
    _lock: ClassVar = threading.RLock()  # clicks arrive on the main thread, or on that of a subshell
    _closed = True  # until it is built

    def __init__(self, *content: Any, **traits: Any) -> None:
        self._cell = notebook.current_cell()
        self._loop = notebook.running_loop()
        self._close_earlier()
        super().__init__(*content, **traits)
        with self._lock:
            self._closed = False
            self._panels.append(self)
            running.add(self)
            try:
                self._begin()
            except BaseException:  # an interrupt, too: nobody has this panel yet
                self.close()
                raise

    @abc.abstractmethod
    def stop(self) -> None:
        """Stop what runs, and keep it in sight; a second time does nothing."""

    def end(self) -> None:
        """Stop: for `muxlab.stop_all()`, a cell that is run again, and the end of the process."""
        self.stop()

    def close(self) -> None:
        """Stop, and take the panel off the page; a second time does nothing."""
        if self._closed:  # without the lock: ipywidgets closes once more in __del__, on any thread
            return
        with self._lock:
            self._closed = True
            try:
                self.stop()
            finally:
                self._panels.remove(self)
                running.remove(self)
                _close_widgets(self)

    @abc.abstractmethod
    def _begin(self) -> None:
        """Start what is to be seen at first; when this raises, the panel is closed."""

    @abc.abstractmethod
    def _picture(self) -> bytes:
        """Return a PNG, for where no kernel runs."""

    @abc.abstractmethod
    def _show_error(self, error: Exception) -> None:
        """Say in the panel what went wrong."""

    @contextlib.contextmanager
    def _errors_shown(self) -> Iterator[None]:
        """Show an error instead of raising it: nobody looks at a cell when a button was pressed."""
        try:
            yield
        except Exception as error:
            self._show_error(error)

    def _close_earlier(self) -> None:
        """Close the panels that an earlier run of this cell has made: their place on the page is taken."""
        for panel in list(self._panels):
            if self._cell and panel._cell and panel._cell[0] == self._cell[0] and panel._cell[1] != self._cell[1]:
                panel.close()

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        data = DOMWidget._repr_mimebundle_(self, **kwargs)  # that of anywidget has another form in each version
        return data | {"image/png": base64.b64encode(self._picture()).decode()}


def _close_widgets(widget: Widget) -> None:
    for child in getattr(widget, "children", ()):
        _close_widgets(child)
    Widget.close(widget)
