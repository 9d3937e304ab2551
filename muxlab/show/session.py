"""A server and its swarm at work, and a live panel over them, with three sliders.

The playground shows one session until it is stopped. The race lets its servers take turns, with a session for each.
"""

from __future__ import annotations

import abc
import contextlib
import time
from collections.abc import Callable

from muxlab.errors import last_line, text_of
from muxlab.server import serve
from muxlab.servers import SERVERS
from muxlab.show.live import Display, LivePanel
from muxlab.show.sliders import Sliders
from muxlab.show.style import printable
from muxlab.swarm import Swarm
from muxlab.watch.rebind import plain_function

BACKLOG = 4096  # a slider that is dragged far is a burst of connects; the kernel's usual cap, net.core.somaxconn
LOOK_UP = 0.01  # seconds between two looks at how far the clients are
LETTERS, LINES = 1000, 10  # of an error's message that a panel has room for


class Crashed(Exception):
    """An error that a server raised before a client was connected; the text says which, and in which line."""


class Session:
    """A server, and a swarm that talks to it, from construction until `close()`.

    Args:
        fn: the server function, as for `muxlab.serve`.
        connections, active: clients in all, and how many of them talk.
        payload: bytes in each message.
        isolate, rate, protocol: as for `Swarm`.

    Attributes:
        seen: the swarm's latest snapshot.

    Raises:
        TypeError: fn is not a server function.
        ValueError: more connections than this machine allows, or a number that is out of range.
        Crashed: the function raised at once.
    """

    def __init__(
        self,
        fn: Callable,
        connections: int,
        active: int,
        payload: int,
        isolate: bool = False,
        rate: float | None = None,
        protocol: str = "echo",
    ) -> None:
        self.server = serve(fn, backlog=BACKLOG)
        with contextlib.ExitStack() as undo:  # an interrupt may come between any two of these lines
            undo.callback(self.server.end)
            try:
                self.swarm = Swarm(self.server, connections, active, payload, rate, isolate, protocol)
            except Exception:
                self.server.end()
                if self.server.error is not None:  # then whatever the swarm said is only a consequence
                    raise Crashed(explain(self.server.name, self.server.error, fn)) from self.server.error
                raise
            undo.callback(self.swarm.end)
            self.look()
            undo.pop_all()

    def look(self) -> None:
        """Take a new snapshot of the swarm."""
        self.seen = self.swarm.snapshot()

    @property
    def all_tried(self) -> bool:
        """True when all clients were connected at the latest look, or were lost."""
        return self.seen.connected + self.seen.errors >= self.swarm.connections

    def wait_all_tried(self, timeout: float) -> None:
        """Look until `all_tried`, or nothing more can come, for at most `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while not (self.all_tried or self.over) and time.monotonic() < deadline:
            time.sleep(LOOK_UP)
            self.look()

    def trouble(self) -> str:
        """Return what went wrong, in words for the learner, or an empty string."""
        if self.server.error is not None:
            return explain(self.server.name, self.server.error, self.server.fn)
        if self.swarm.error is not None:
            return f"The swarm stopped: {text_of(self.swarm.error)}"
        if not self.server.alive:
            return f"{self.server.name} returned, so nobody is served any more. A server goes on until stop.is_set()."
        if self.seen.mismatches:
            wrong = self.seen.mismatches
            return f"Replies that were not what had been sent: {wrong}. The server loses, repeats or mixes bytes."
        return ""

    @property
    def over(self) -> bool:
        """True when nothing more can come: the server has returned or crashed, or the swarm gave up."""
        return not self.server.alive or self.swarm.error is not None

    def close(self) -> str:
        """Stop the swarm and the server, and return what the server had to complain about on its way out, or "".

        A simple server that meets a reset only now, because clients hang up on it, is not blamed for it.
        """
        was_well = self.server.alive
        self.swarm.end()
        try:
            self.server.stop()
        except BaseException as error:
            if error is self.server.error:
                hung_up_on = was_well and isinstance(error, ConnectionError)
                return "" if hung_up_on else explain(self.server.name, error, self.server.fn)
            if isinstance(error, TimeoutError):  # it cannot be ended, and its text says why and what to do
                return str(error)
            raise
        return ""


def explain(name: str, error: BaseException, fn: Callable) -> str:
    """Say what a server stopped with, and in which line of the learner's; of ours it is not for the learner to mend."""
    what = "\n".join(printable(text_of(error))[:LETTERS].splitlines()[:LINES])
    code = getattr(plain_function(fn), "__code__", None)
    line, source, function = last_line(error, code.co_filename if code else "")
    if not line or name in SERVERS:
        return f"{name} stopped with {what}"
    advice = "Mend it, run its cell and this one again, then press Start."
    return f"{name} stopped with {what}\nline {line}, in {function}:  {source}\n{advice}"


class SessionPanel(LivePanel):
    """A panel over one session at a time, with three sliders.

    Args:
        headline: what stands before the status, as HTML.
        display: what moves.
        connections, active, payload: where the sliders stand at first.

    Attributes:
        sliders: `.connections`, `.active` and `.payload`, which may be assigned at any time.
        display: what is shown now; its `.message` tells what went wrong.
        protocol: what the clients speak, as for `Swarm`.
    """

    protocol = "echo"

    def __init__(self, headline: str, display: Display, connections: int, active: int, payload: int) -> None:
        self.sliders = Sliders(connections, active, payload)
        self.sliders.tell(self._slider_moved)
        self._session: Session | None = None
        super().__init__(headline, self.sliders, display)

    @property
    def running(self) -> bool:
        """True while a session runs."""
        return self._session is not None

    def setting(self) -> dict[str, int]:
        """Return where the sliders stand, by what is written beside them."""
        return self.sliders.by_title()

    def move(self, **sliders: int) -> None:
        """Put sliders where they are to stand: `connections=500`, `active=50`, `payload=64`."""
        for name, value in sliders.items():
            setattr(self.sliders, name, value)

    def refresh(self) -> None:
        """Show the present moment; while the panel runs in a notebook, this is done ten times a second for you."""
        with self._lock:
            if self._session is not None and self._watch(self._session):
                self._go_on()

    # ---- a subclass says what is served, and what is shown of it

    @abc.abstractmethod
    def _look(self, session: Session) -> bool:
        """Look at the session, and return whether it is over."""

    @abc.abstractmethod
    def _show(self) -> None:
        """Show what was seen last."""

    @abc.abstractmethod
    def _slider_moved(self, what: str, value: int) -> None:
        """Follow a slider: `what` is "connections", "active" or "payload"."""

    def _go_on(self) -> None:
        """Do what comes after a session that is over."""
        self.stop()

    # ---- one session

    def _serve(self, fn: Callable, isolate: bool = False) -> Session:
        """Begin a session with the clients that the sliders ask for; errors as of `Session`."""
        self._stop_others()
        load = self.sliders.connections, self.sliders.active, self.sliders.payload
        self._session = Session(fn, *load, isolate, protocol=self.protocol)
        return self._session

    def _watch(self, session: Session) -> bool:
        """Look at the session and show what there is to see; return whether it is over."""
        over = self._look(session)
        self._show()
        self.display.message = session.trouble() or self.display.message
        return over

    def _finish(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            self.display.message = session.close() or self.display.message
            self._show()
