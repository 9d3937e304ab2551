"""The tracer: it holds a server's thread before a line or a call, releases it, and notices when it falls asleep.

Two threads meet here. The server's thread comes in through `_trace`, which Python calls before each line, and through
the gate in the stream of calls (`before_call`, `make_call`); it is held by waiting on a condition. The learner's thread
lets it go on with `release`, and with `settle` waits until it is held again, asleep or at its end.

Not handled here: threads that the server function starts; they are neither traced nor held.
"""

import contextlib
import inspect
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
from ..watch.calls import WAITS
from ..watch.kernel import asleep_in
from ..watch.tap import NO_LINE, WOULD_BLOCK, Wait
from .source import Sources
from .state import LocalsRepr, State

NEVER_BLOCKS = "held here: it has run many lines without blocking, and might never block"
"""Note of a state in which the server had run all the lines that it was given."""

PATIENCE = 1.0
"""Seconds to wait for the end of a step. A line takes microseconds; after this long, it counts as running."""

LOOK_AGAIN = 0.002
"""Seconds between two looks at a thread that is neither held nor has announced that it will sleep."""

ASLEEP_LOOKS = 3
"""Looks in a row that must find the thread asleep before it counts as blocked, in a call that the tap does not see."""

PAUSES = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
"""Flags of the functions that can pause: generators and coroutines."""

ALLOWED = {
    "close",
    "shutdown",
    "epoll.register",
    "epoll.modify",
    "epoll.unregister",
    "epoll.close",
    "ring.close",
} | WAITS
"""Calls that a server may still make while it is being stopped, in its `finally` blocks: they move no data, and a wait
is made only if it need not sleep. asyncio closes a connection in a last turn of its loop."""


class Tracer:
    """The `Gate` and the trace function of one server thread, and the learner's control over both.

    Attributes:
        now: what the server does: a `State` without the fields that the kernel and the tap fill in.
        on_change: functions to call whenever `now` has changed, in the thread that changed it.
        names: the name of each open descriptor.
    """

    def __init__(self, sources: Sources) -> None:
        self.now = State()
        self.on_change: list[Callable[[], object]] = []
        self.names: Mapping[int, str] = {}
        self._thread: threading.Thread | None = None
        self._stop_fd = -1
        self._learner_globals: tuple[dict, ...] = ()
        self._pid = os.getpid()
        self._final = State()  # announced once everything is closed
        self._sources = sources
        # An interrupt reaches the learner's thread between any two instructions, and must not leave a lock locked.
        # So that thread enters no Condition, whose __enter__ is written in Python: it takes the lock itself.
        self._lock = threading.RLock()
        self._go_on = threading.Condition(self._lock)  # a held server waits for it
        self._news = threading.Lock()  # released whenever `now` changes: the learner's thread waits for that
        self._mode = (
            "line"  # where to hold the server: the next "line" or "call", "any" of them, or not until a "block"
        )
        self._lines = 0  # lines that it may still run before it is held in any mode
        self._last = 0, 0  # frame and line that ran last
        self._wait: Wait | None = None  # what it is asleep in
        self._stopping = False
        self._reading_locals = False  # their repr may be the learner's code, which is not to be traced

    # ---- in the server's thread

    def before_function(self, stop_fd: int, learner_globals: tuple[dict, ...]) -> None:
        """Let Python call `_trace` for each function from now on; see `Gate`."""
        self._thread, self._learner_globals = threading.current_thread(), learner_globals
        self._stop_fd = os.dup(stop_fd)  # the function may close its own
        sys.settrace(self._trace)

    def after_function(self, error: BaseException | None, forced: bool) -> None:
        """Note the final state now, because a closed socket has no name any more; see `Gate`."""
        sys.settrace(None)
        status = "stopped" if forced else "crashed" if error else "finished"
        self._final = State(status, served=self._sources.served)
        self._final = self._at_the_end(status, error)

    def after_close(self) -> None:
        """Announce the final state; see `Gate`."""
        self.announce(self._final)
        if self._stop_fd >= 0:  # -1 if the function never began
            os.close(self._stop_fd)

    def _trace(self, frame: FrameType, event: str, _: Any) -> Any:
        """Trace the learner's functions and no others, and stop tracing in a forked child."""
        if os.getpid() != self._pid:
            sys.settrace(None)
            return None
        if self._stopping and frame.f_code.co_flags & PAUSES:
            frame.f_trace = None  # it may be about to be closed: what it raised then would be printed, and lost
            return None
        return self._trace_line if self._is_own(frame) and not self._reading_locals else None

    def _trace_line(self, frame: FrameType, event: str, _: Any) -> Any:
        if os.getpid() != self._pid:
            return None
        at = id(frame), frame.f_lineno
        again = at == self._last and frame.f_lineno in self._sources.listing_of(frame.f_code).repeated
        self._last = at
        if event == "line" and not again:
            self._lines -= 1
            if not self._stopping and (self._mode in ("line", "any") or self._lines < 0):
                self._hold(frame)
            # Python stops tracing when the trace function raises, so it can raise only once, and a protected line might
            # swallow the exception. So let such a line run, and raise on the next one that is not protected. Nor may a
            # line be disturbed that deals with that exception: asyncio passes it on to a function of the server's.
            leaving = isinstance(sys.exception(), ServerStopped)
            if self._stopping and not leaving and not self._sources.protects(frame):
                raise ServerStopped
        return self._trace_line

    def before_call(self, name: str, text: str) -> tuple[str, int]:
        """Hold the server before a call if it runs up to the next call; see `Gate`."""
        frame = self._own_frame()
        if frame is None:
            return NO_LINE
        line = self._line_of(frame)
        if self._mode in ("call", "any") and not self._stopping:
            self._hold(frame, text)
        if name not in ALLOWED:
            self._leave_if_stopped()
        return line

    def line_now(self) -> tuple[str, int]:
        """Return the function and the line that the server is in, without holding it; see `Gate`."""
        frame = self._own_frame()
        return NO_LINE if frame is None else self._line_of(frame)

    def _line_of(self, frame: FrameType) -> tuple[str, int]:
        listing = self._sources.listing_of(frame.f_code)
        return listing.name, frame.f_lineno - listing.first + 1

    def make_call(self, text: str, wait: Wait) -> Any:
        """Make a call, and announce it if it has to sleep; see `Gate`."""
        value = wait.attempt()
        if value is WOULD_BLOCK:
            frame = self._own_frame()
            if frame is not None:
                self.announce(self._at(frame, frame.f_lineno, "blocked", text), wait)
            try:
                value = wait.sleep(self._stop_fd)
            finally:
                if frame is not None:  # other threads of the server go on until their sockets are closed
                    self.announce(replace(self.now, status="running", call=""))
                    self._leave_if_stopped()
        return value

    def _at_the_end(self, status: str, error: BaseException | None) -> State:
        """Return the state of a function that has ended, with the learner's line that raised `error`."""
        entries = traceback.walk_tb(error.__traceback__ if error else None)
        own = [(frame, line) for frame, line in entries if self._is_own(frame)]
        return self._at(*own[-1], status) if own else State(status, served=self._sources.served)

    def _at(self, frame: FrameType, line: int, status: str, call: str = "", note: str = "") -> State:
        """Return the state of a server that is in a learner's function, at a line of the file."""
        listing = self._sources.listing_of(frame.f_code)
        number = line - listing.first + 1
        text = listing.lines[number - 1].strip() if 0 < number <= len(listing.lines) else ""
        self._reading_locals = True
        try:
            texts = LocalsRepr(self.names).of_all(frame.f_locals)
        finally:
            self._reading_locals = False
        return State(status, listing.name, self._sources.served, number, text, texts, call, note=note)

    def _hold(self, frame: FrameType, call: str = "") -> None:
        note = NEVER_BLOCKS if self._lines < 0 and self._mode != "line" else ""
        self.announce(self._at(frame, frame.f_lineno, "paused", call, note))
        with self._lock:
            self._go_on.wait_for(lambda: self.now.status != "paused" or self._stopping)

    def announce(self, now: State, wait: Wait | None = None) -> None:
        """Set what the server does from now on, and the wait that it is about to sleep in, if any."""
        with self._lock:
            if wait is not None:
                self._leave_if_stopped()  # from here on, `stop` finds `_wait` and wakes it
            if self.now.status == "blocked" and now.status == "running":
                self._mode = "any"  # hold it at what it does next after it wakes, whatever woke it
            self.now, self._wait = now, wait
            if self._news.locked():
                self._news.release()
        self.notify()

    def _leave_if_stopped(self) -> None:
        if self._stopping:
            raise ServerStopped

    def _is_own(self, frame: FrameType) -> bool:
        """Tell whether a frame is a function of the learner's; a comprehension is part of its line."""
        name = frame.f_code.co_name
        is_function = name[0] != "<" or name == "<lambda>"
        return is_function and any(frame.f_globals is names for names in self._learner_globals)

    def _own_frame(self) -> FrameType | None:
        """Return the frame of the learner's function that makes this call; None if the call is not to be held."""
        if threading.current_thread() is not self._thread or self._reading_locals:
            return None
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and not self._is_own(frame):
            frame = frame.f_back
        return frame

    # ---- in any other thread

    def release(self, mode: str, lines: int) -> None:
        """Let the server go on if it is held; if it is running, have it held at the next line.

        Args:
            mode: where to hold it: at the next "line", at the next "call", or when it would "block".
            lines: lines that it may run until then; after that it is held anyway.
        """
        with self._lock:
            if self.now.status in ("paused", "running"):
                self._mode, self._lines = (mode, lines) if self.now.status == "paused" else ("line", 0)
                self.now = replace(self.now, status="running", call="", note="")
                self._go_on.notify_all()

    def settle(self) -> None:
        """Wait until the server is held, asleep or at its end, for at most PATIENCE seconds."""
        deadline, asleep = time.monotonic() + PATIENCE, 0
        while self.now.status == "running" and time.monotonic() < deadline and asleep < ASLEEP_LOOKS:
            self._news.acquire(timeout=LOOK_AGAIN)
            asleep = asleep + 1 if self._thread and sleeping_in(self._thread) else 0
        with self._lock:
            if self.now.status == "running" and asleep >= ASLEEP_LOOKS and self._thread:
                self._mode = "any"
                self.now = replace(self.now, status="blocked", call=f"{asleep_in(self._thread, 1)}(2)")

    def settle_after_action(self) -> None:
        """Wait as in `settle`, after an action of a client; first let the server wake, if the action wakes it."""
        deadline = time.monotonic() + PATIENCE
        while self.now.status == "blocked" and time.monotonic() < deadline:
            with self._lock:
                asleep = self._thread is not None and sleeping_in(self._thread) is not None
                if asleep and not (self._wait and self._wait.ready()):
                    break
            self._news.acquire(timeout=LOOK_AGAIN)
        self.settle()

    def stop(self) -> None:
        """Make the server's next line or call raise ServerStopped, and wake it; the caller then sets its `stop`."""
        with self._lock:
            self._stopping = True
            self._go_on.notify_all()
            if self._wait is not None:
                with contextlib.suppress(OSError, ValueError):  # closed meanwhile
                    self._wait.wake(self._stop_fd)

    def notify(self) -> None:
        """Call the functions in `on_change`."""
        for callback in list(self.on_change):
            callback()
