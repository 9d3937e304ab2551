"""Hold a server's thread and let it go: before a line, before a call, and look on while it is asleep.

Two threads meet here. The server's own comes in through `trace`, which Python calls before each line, and through the
gate in the stream of calls (`before`, `make`); it is held on a condition. The learner's thread lets it go on with
`release` and waits with `settle` until it is held again, asleep, or has ended.
"""

import contextlib
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import FrameType
from typing import Any

from ..interrupt import ServerStopped, sleeping_in
from ..watch.kernel import asleep_in
from ..watch.tap import NOT_YET, Wait
from .source import Sources
from .state import State, Words

NEVER = "it was held here: it might go on like this for ever without blocking"

PATIENCE = 1.0
"""Seconds that a step is waited for. A line takes microseconds: who needs longer is busy in something long."""

LOOK_AGAIN = 0.002
"""Seconds between two looks at a thread that neither was held nor said that it would sleep."""

SLEEPY = 3
"""Looks in a row that find it asleep before it is called blocked, in a wait that no gate saw."""

CLEAN_UP = ("close", "shutdown", "epoll.unregister", "epoll.close")
"""Calls that a server may still make while it is being stopped, in its `finally`."""


class Tracer:
    """The reins of one server thread.

    Attributes:
        now: what the server does: status, function, helper, line, text, locals, call and note of a `State`.
        on_change: called whenever that has changed, from whatever thread changed it.
        names: what descriptors are called.
    """

    def __init__(self, sources: Sources) -> None:
        self.now = State()
        self.on_change: list[Callable[[], object]] = []
        self.names: Mapping[int, str] = {}
        self._thread: threading.Thread | None = None
        self._stop_fd = -1
        self._homes: tuple[dict, ...] = ()
        self._pid = os.getpid()
        self._end = State()  # what is to be announced once everything is closed
        self._sources = sources
        self._changing = threading.Condition()
        self._mode = "line"  # what it runs up to: "line", "call" or "block"
        self._lines = 0  # that it may still run, before it is taken to run for ever
        self._last = 0, 0  # the frame and line that was run last
        self._wait: Wait | None = None  # what it is asleep in
        self._stopping = False
        self._looking = False  # at the locals, whose repr may be the learner's code too

    # ---- in the server's thread

    def opening(self, stop_fd: int, homes: tuple[dict, ...]) -> None:
        """As in `Gate`: from now on, Python calls `_trace` for each function of the learner's."""
        self._thread, self._homes = threading.current_thread(), homes
        self._stop_fd = os.dup(stop_fd)  # the function may close its own
        sys.settrace(self._trace)

    def closing(self, error: BaseException | None, forced: bool) -> None:
        """As in `Gate`: put the function's end into words before its sockets are closed."""
        sys.settrace(None)
        status = "stopped" if forced else "crashed" if error else "finished"
        self._end = State(status, served=self._sources.served)
        self._end = self._at_the_end(status, error)

    def closed(self) -> None:
        """As in `Gate`."""
        self.announce(self._end)
        if self._stop_fd >= 0:  # else it never opened
            os.close(self._stop_fd)

    def _trace(self, frame: FrameType, event: str, _: Any) -> Any:
        """Follow the learner's functions, and nobody else's; a child that one of them forks is let go."""
        if os.getpid() != self._pid:
            sys.settrace(None)
            return None
        return self._line if self._is_own(frame) and not self._looking else None

    def _line(self, frame: FrameType, event: str, _: Any) -> Any:
        if os.getpid() != self._pid:
            return None
        at = id(frame), frame.f_lineno
        again = at == self._last and frame.f_lineno in self._sources.of(frame.f_code).repeats
        self._last = at
        if event == "line" and not again:
            self._lines -= 1
            if not self._stopping and (self._mode == "line" or self._lines < 0):
                self._hold(frame)
            # Python stops tracing when the trace function raises. If the exception is swallowed, it can do so only
            # once: better to let such a line run, and to raise in the next that is not spared.
            if self._stopping and not self._sources.spared(frame):
                raise ServerStopped
        return self._line

    def before(self, name: str, text: str) -> tuple[str, int]:
        """As in `Gate`: hold the server before a call, if it runs up to the next call."""
        frame = self._own_frame()
        if frame is None:
            return "", 0
        if name not in CLEAN_UP:
            self._leave_if_stopped()
        listing = self._sources.of(frame.f_code)
        where = listing.name, frame.f_lineno - listing.first + 1
        if self._mode == "call" and not self._stopping:
            self._hold(frame, text)
            self._leave_if_stopped()
        return where

    def make(self, text: str, wait: Wait) -> Any:
        """As in `Gate`: make a call, and say so before it sleeps."""
        value = wait.attempt()
        if value is NOT_YET:
            frame = self._own_frame()
            if frame is not None:
                self.announce(self._at(frame, frame.f_lineno, "blocked", text), wait)
            try:
                value = wait.sleep(self._stop_fd)
            finally:
                if frame is not None:  # threads that the server started see their sockets end instead
                    self.announce(replace(self.now, status="running", call=""))
                    self._leave_if_stopped()
        return value

    def _at_the_end(self, status: str, error: BaseException | None) -> State:
        """Return the state of a function that has ended: where it raised `error`, that is where it stays."""
        entries = traceback.walk_tb(error.__traceback__ if error else None)
        own = [(frame, line) for frame, line in entries if self._is_own(frame)]
        return self._at(*own[-1], status) if own else State(status, served=self._sources.served)

    def _at(self, frame: FrameType, line: int, status: str, call: str = "", note: str = "") -> State:
        """Return the state of a server that is in one of the learner's functions, at a line of its file."""
        listing = self._sources.of(frame.f_code)
        number = line - listing.first + 1
        text = listing.lines[number - 1].strip() if 0 < number <= len(listing.lines) else ""
        self._looking = True
        try:
            names = Words(self.names).all(frame.f_locals)
        finally:
            self._looking = False
        return State(status, listing.name, self._sources.served, number, text, names, call, note=note)

    def _hold(self, frame: FrameType, call: str = "") -> None:
        note = NEVER if self._lines < 0 and self._mode != "line" else ""
        self.announce(self._at(frame, frame.f_lineno, "paused", call, note))
        with self._changing:
            self._changing.wait_for(lambda: self.now.status != "paused" or self._stopping)

    def announce(self, now: State, wait: Wait | None = None) -> None:
        """Say what the server does from now on, and in which wait it sleeps if it does."""
        with self._changing:
            if wait is not None:
                self._leave_if_stopped()  # after this, whoever stops it finds `_wait` and wakes it
            if self.now.status == "blocked" and now.status == "running":
                self._mode = "line"  # whatever woke it: the next line is shown, or it would run away
            self.now, self._wait = now, wait
            self._changing.notify_all()
        self.tell()

    def _leave_if_stopped(self) -> None:
        if self._stopping:
            raise ServerStopped

    def _is_own(self, frame: FrameType) -> bool:
        """Whether a frame is a function of the learner's; comprehensions are part of their line."""
        name = frame.f_code.co_name
        return any(frame.f_globals is home for home in self._homes) and (name[0] != "<" or name == "<lambda>")

    def _own_frame(self) -> FrameType | None:
        """The learner's function that makes the present call; None in other threads, and while looking."""
        if threading.current_thread() is not self._thread or self._looking:
            return None
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and not self._is_own(frame):
            frame = frame.f_back
        return frame

    # ---- in anybody else's

    def release(self, mode: str, lines: int) -> None:
        """Let the server go on if it is held; if it is running, it will be held at the next line.

        Args:
            mode: up to where: the next "line", the next "call", or until it would "block".
            lines: how many lines it may run for that.
        """
        with self._changing:
            if self.now.status in ("paused", "running"):
                self._mode, self._lines = (mode, lines) if self.now.status == "paused" else ("line", 0)
                self.now = replace(self.now, status="running", call="", note="")
                self._changing.notify_all()

    def settle(self) -> None:
        """Wait until the server is held, asleep or at its end; PATIENCE seconds at most."""
        deadline, asleep = time.monotonic() + PATIENCE, 0
        while self.now.status == "running" and time.monotonic() < deadline and asleep < SLEEPY:
            with self._changing:
                self._changing.wait_for(lambda: self.now.status != "running", LOOK_AGAIN)
            asleep = asleep + 1 if self._thread and sleeping_in(self._thread) else 0
        with self._changing:
            if self.now.status == "running" and asleep >= SLEEPY and self._thread:
                self._mode = "line"
                self.now = replace(self.now, status="blocked", call=f"{asleep_in(self._thread, 1)}(2)")

    def react(self) -> None:
        """After an act of a client: if the server is asleep, wait until it has woken, or surely will not."""
        deadline = time.monotonic() + PATIENCE
        with self._changing:
            while self.now.status == "blocked" and time.monotonic() < deadline:
                asleep = self._thread is not None and sleeping_in(self._thread) is not None
                if asleep and not (self._wait and self._wait.ready()):
                    break
                self._changing.wait(LOOK_AGAIN)
        self.settle()

    def stop(self) -> None:
        """End the server's function: whatever it does next raises ServerStopped. Make its `stop_fd` readable next."""
        with self._changing:
            self._stopping = True
            self._changing.notify_all()
            if self._wait is not None:
                with contextlib.suppress(OSError, ValueError):  # closed meanwhile
                    self._wait.wake(self._stop_fd)

    def tell(self) -> None:
        """Call `on_change`."""
        for callback in list(self.on_change):
            callback()
