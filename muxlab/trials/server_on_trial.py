"""The server of one trial: started afresh, held or narrowed where the trial asks for it, and what is seen of it.

Not handled here: its clients, which a `Bench` adds (bench.py), and how anything is waited for (patience.py).
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import socket
import threading
from collections.abc import Callable
from typing import Any

from .. import errors, sockets
from ..server import Server, serve
from ..watch.rebind import plain_function
from ..watch.tap import Tap
from . import leftovers
from .patience import LONG, LOOK, Lookout, TooSlow
from .trial import Failed, narrow_down

BACKLOG = 512
"""Length of the accept queue: the largest crowd that a trial sends to the door at once is 300."""

DOOR = 0.5
"""Seconds of its own that a server may take to accept a client. If it takes longer, no other is waited for."""

GRACE = 0.1
"""Seconds of its own that a server has to return at the end of a trial, before it is ended by force: whether it does
return is a trial of its own."""

OURS = "muxlab"
"""How the names of our own threads begin, so that they are not taken for the server's."""


class ServerOnTrial:
    """One trial's server; it is started when it is first asked for.

    Args:
        fn: the server function.
    """

    def __init__(self, fn: Callable) -> None:
        self.fn = fn
        self._server: Server | None = None
        self._lookout: Lookout | None = None
        self._begin = threading.Event()
        self._before = {thread.native_id for thread in threading.enumerate()}
        self._lets_in = True  # until a client was left at the door
        self._told = False  # to stop

    # ---- started and stopped

    @property
    def server(self) -> Server:
        """The server; it is started when it is first asked for."""
        return self._server or self.serve()

    @property
    def lookout(self) -> Lookout:
        """The lookout for what the server does."""
        if self._lookout is None:
            self._lookout = Lookout(self.server, self.alone)
        return self._lookout

    def told(self, **settings: float) -> Callable:
        """Return the server function with settings of its own, or fail the trial if it has none of such a name."""
        for name in settings:
            if name not in inspect.signature(self.fn).parameters:
                raise Failed(
                    f"your function takes no `{name}`: give it one more parameter of that name, with a default"
                )
        return functools.partial(self.fn, **settings)

    def serve(self, hold: bool = False, narrow: bool = False, tap: bool = False, **settings: float) -> Server:
        """Start the server.

        Args:
            hold: let it listen, and its function begin only at `release`.
            narrow: give its connections small kernel buffers, so that it soon meets a full one.
            tap: see its calls.
            settings: further arguments of the function, for a trial that is about them.
        """
        fn = self.told(**settings) if settings else self.fn

        @functools.wraps(self.fn)
        def held(listener: socket.socket, *stop: Any, **keyword: Any) -> Any:
            if narrow:
                narrow_down(listener)
            ready.set()
            self._begin.wait()
            return fn(listener, *stop, **keyword)

        ready = threading.Event()
        if not hold:
            self._begin.set()
        if tap:
            self._server = Server(fn, backlog=BACKLOG, tap=Tap(), begin=self._begin)
        else:
            self._server = serve(held, backlog=BACKLOG)
        if not tap:
            ready.wait(LONG)
        elif narrow:
            narrow_down(self._server.listener)
        return self._server

    def begin(self) -> None:
        """Let a server begin that was held."""
        self._begin.set()

    def release(self) -> None:
        """Let a server begin that was held, and wait until it has accepted the clients at the door."""
        self.begin()
        self._let_in()

    def tell_to_stop(self, seconds: float) -> bool:
        """Tell the server to stop, and end it by force if it takes too long; return whether it ended by itself."""
        self._told = self.server.alive
        self.server.end(seconds)
        return not self.server.forced

    def finish(self) -> None:
        """End the server: told to stop, it has `GRACE` for itself to return in, before it is ended by force."""
        with contextlib.suppress(TimeoutError):
            self.server.finish(GRACE, wait=self._wait_for_its_end)

    def _wait_for_its_end(self, seconds: float) -> None:
        with contextlib.suppress(TooSlow):
            self.lookout.eventually(lambda: not self.server.alive, seconds)

    # ---- what is seen of it

    def alone(self) -> bool:
        """Tell whether the server does everything in its own thread: no other was started since the trial began."""
        new = [thread for thread in threading.enumerate() if thread.native_id not in self._before]
        return all(thread.name.startswith(OURS) for thread in new)

    @property
    def file(self) -> str:
        """The file, or notebook cell, that the function is written in; "" where that is unknown."""
        code = getattr(plain_function(inspect.unwrap(self.fn)), "__code__", None)
        return code.co_filename if code else ""

    def whereabouts(self) -> str:
        """Say in which line of the learner's the server is now: "in line 7: conn.recv(1024)"; "" where unknown."""
        line, source, _ = errors.line_now(self.server.thread, self.file)
        return f"in line {line}: {source}" if line else ""

    @property
    def error(self) -> BaseException | None:
        """What the server raised, if anything."""
        return self._server.error if self._server else None

    @property
    def returned(self) -> bool:
        """Whether the server has ended by itself."""
        return self._server is not None and not self._server.alive and not self._told

    @property
    def listens(self) -> bool:
        """Whether clients can connect."""
        try:
            return bool(self.server.listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
        except OSError:  # nothing is open there
            return False

    @property
    def deaf(self) -> bool:
        """Whether the server has closed its listener, and lives on."""
        if self._server is None or self._told:
            return False
        return not self.listens and not self._server.wait(GRACE)

    @property
    def stuck(self) -> bool:
        """Whether the server goes on, although its trial is over."""
        return self._server is not None and self._server.alive

    # ---- what has arrived at it

    def digest(self) -> None:
        """Wait until the server has seen what happened last: it sleeps, or has gone through its sockets many times."""
        self.lookout.eventually(lambda: False, LOOK)

    def taken(self) -> bool:
        """Wait until the server has read everything that arrived; return whether it has."""
        return self.lookout.eventually(lambda: self.server.connections() and not self.waiting(), LOOK)

    def waiting(self) -> int:
        """Return how many bytes have arrived at the server and were not read."""
        waiting = 0
        for fd in self.server.connections().values():
            with contextlib.suppress(OSError):  # the server has just closed it
                waiting += sockets.waiting_bytes(fd)
        return waiting

    def queued(self) -> int:
        """Return how many bytes are in the kernel's queues of the server: not read yet, or not taken by a client."""
        return sum(sockets.waiting_bytes(fd) + sockets.unsent_bytes(fd) for fd in self.server.connections().values())

    def kept(self) -> tuple[int, int]:
        """Return what may pile up with the server: how many descriptors are open, how many objects are in memory."""
        return leftovers.descriptors(), leftovers.objects()

    def no_descriptors_left(self) -> contextlib.AbstractContextManager[None]:
        """Let the server open nothing more, until the `with` is left."""
        return leftovers.no_descriptors_left()

    def somebody_waits(self) -> bool:
        """Tell whether bytes wait to be read, or a client waits to be accepted."""
        return bool(self.server.accept_queue()[0] or self.waiting())

    def _let_in(self) -> None:
        self._lets_in = self._lets_in and self.lookout.eventually(lambda: not self.server.accept_queue()[0], DOOR)
