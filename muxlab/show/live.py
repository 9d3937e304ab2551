"""A panel that moves: a name, Start and Stop, a display with ten frames a second, and nothing of it when nobody looks.

While it runs, the kernel asks the page once a second whether it is there, and the page answers (`answerPings` in
shared.js). When nobody has answered for a while, because the tab was closed or the output cleared, the load stops:
otherwise a server and its crowd would use up the machine with no button left to press.
"""

from __future__ import annotations

import abc
import asyncio
from collections.abc import Sequence
from typing import Any, ClassVar

import anywidget
import traitlets
from ipywidgets import HTML, Button, HBox, VBox, Widget

from muxlab.errors import text_of
from muxlab.show.live_story import record_live
from muxlab.show.panel import Panel
from muxlab.show.recording import Recording
from muxlab.show.story import Scene

PER_SECOND = 10  # frames: often enough to look alive; at about a millisecond each they cost a hundredth of a core

PING_EVERY = PER_SECOND
"""Frames from one ping to the next: a second."""

UNHEARD = 30
"""Pings that may go unanswered, one a second, before a panel stops.

They are counted, not timed: a cell that keeps the kernel busy keeps it from asking as well. And the page answers each
ping when it arrives. It has no timer of its own, for a browser lets those of a tab in the background run once a minute
or less; messages come through at once.
"""


class Display(anywidget.AnyWidget):
    """The part of a panel that moves, what went wrong (`message`), and the latest `ping`."""

    message = traitlets.Unicode("").tag(sync=True)
    ping = traitlets.Int(0).tag(sync=True)


class LivePanel(Panel, VBox):
    """A panel that runs from `start` to `stop`; of each kind of panel, one at a time runs.

    Args:
        headline: what stands before the status, as HTML.
        sliders: what changes the load.
        display: what moves.

    Attributes:
        display: what is shown now; its `.message` tells what went wrong.
    """

    LIVE = "live"
    KIND: ClassVar[str]  # of its recordings

    def __init__(self, headline: str, sliders: Widget, display: Display) -> None:
        self.display = display
        self._headline = headline
        self._unheard = 0  # pings since the page has last answered
        self._task: asyncio.Future[None] | None = None
        self._title, self._button = HTML(), Button()
        self._title.add_class("mux-name")
        self._button.add_class("mux-press")
        self._button.on_click(lambda _: self.stop() if self.running else self.start())
        head = HBox([self._title, self._button])
        head.add_class("mux-head")
        display.on_msg(self._heard)
        super().__init__([head, sliders, display], _dom_classes=("mux-card", "mux"))

    @property
    @abc.abstractmethod
    def running(self) -> bool:
        """True from `start` to `stop`."""

    def start(self) -> None:
        """Run until `stop()`; any other panel of this kind stops. What goes wrong is shown in the panel."""
        with self._lock:
            if not self.running:
                self.display.message = ""
                self._unheard = 0
                if self._try() and self._loop is not None:
                    self._loop.call_soon_threadsafe(self._begin_task)

    def stop(self) -> None:
        """Stop the load and keep the last numbers; a second time does nothing."""
        with self._lock:
            if self.running:
                self._finish()
                self._describe("stopped")

    @abc.abstractmethod
    def refresh(self) -> None:
        """Show the present moment; while the panel runs in a notebook, this is done ten times a second for you."""

    def record(self, story: Sequence[Scene] | None = None) -> Recording:
        """Run for some seconds, and return a recording that plays without a kernel; then stop.

        Args:
            story: scenes, each with where the sliders go; without one, three seconds as they stand.

        Raises:
            UntrueCaption: what a caption says was not seen.
            RuntimeError: servers or clients did not start, or stopped.
        """
        return record_live(self, self.KIND, self.title, story)

    # ---- a subclass says what runs

    @property
    @abc.abstractmethod
    def title(self) -> str:
        """What a recording is called."""

    @abc.abstractmethod
    def setting(self) -> dict[str, int]:
        """Return where the sliders stand, by what is written beside them."""

    @abc.abstractmethod
    def move(self, **sliders: int) -> None:
        """Put sliders, given by the names of the arguments that made the panel, where they are to stand."""

    @abc.abstractmethod
    def _open(self) -> None:
        """Start servers and clients, or raise why there are none."""

    @abc.abstractmethod
    def _finish(self) -> None:
        """Stop servers and clients, and show what was seen last."""

    def _stop_others(self) -> None:
        """Stop the other panels of this kind: they would share a processor, and the figures of all would be wrong."""
        for panel in list(self._panels):
            if panel is not self and type(panel) is type(self):
                panel.stop()

    def _try(self) -> bool:
        """Start servers and clients, or show why there are none; return whether they run."""
        with self._errors_shown():
            self._open()
        self._describe(self.LIVE if self.running else "stopped")
        return self.running

    def _show_error(self, error: Exception) -> None:
        self.display.message = str(error) or text_of(error)

    def _describe(self, status: str) -> None:
        self._title.value = f"{self._headline}<span>{status}</span>"
        self._button.description, self._button.button_style = ("Stop", "") if self.running else ("Start", "primary")

    # ---- frames, sent by the kernel's own loop

    def _begin_task(self) -> None:
        if self._task is None or self._task.done():  # else the one of before has not even noticed the stop
            self._task = asyncio.ensure_future(self._play())

    async def _play(self) -> None:
        frame = 0
        while self.running:
            try:
                self.refresh()
                if frame % PING_EVERY == 0:
                    self._ask_page()
            except Exception as error:  # a task has no cell to raise in: the panel says it, and stops
                self.display.message = f"The panel stopped with {text_of(error)}"
                self.stop()
            frame += 1
            await asyncio.sleep(1 / PER_SECOND)

    # ---- is anybody there?

    def _ask_page(self) -> None:
        """Ask the page whether it still shows this panel, and stop when it has not answered so many times."""
        with self._lock:
            if self._unheard >= UNHEARD and self.running:
                self.stop()
                self._describe("stopped, because no page showed it any more")
                return
            self._unheard += 1
            self.display.ping += 1

    def _heard(self, _: Any, content: dict, buffers: Any) -> None:
        if "pong" in content:
            self._unheard = 0
