"""What a trial is: something that is done to a server, and a lesson for who fails it."""

from __future__ import annotations

import contextlib
import functools
import socket
import threading
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple

from .. import limits
from ..interrupt import Pulse
from ..server import Server, serve
from ..watch import kernel
from .clients import LOOK, LOOKS, BenchClient, attend, eventually
from .wait_calls import Model, model_of

if TYPE_CHECKING:
    pass


class Failed(Exception):
    """The trial is not passed; says what was seen."""


class NotAllowed(Exception):
    """The trial cannot be passed, and it is not the server's fault; says why."""


class Trial(NamedTuple):
    """One trial of the battery.

    Attributes:
        name: what is asked of the server.
        lesson: what to look at when it fails, without giving the answer away.
        run: does it; returns what was seen, and raises `Failed` or `NotAllowed`.
    """

    name: str
    lesson: str
    run: Callable[[Bench], str]


def trial(name: str, lesson: str) -> Callable[[Callable[[Bench], str]], Trial]:
    """Make a trial of a function; arguments as in `Ask`."""
    return lambda run: Trial(name, lesson, run)


BACKLOG = 512
"""Length of the accept queue: the largest crowd that a trial sends to the door at once is 300."""

CLIENTS = 320
"""Clients for whom every trial may have room: the crowd of 300, and a few."""

LINE = b"a line of sixty-four bytes, as good as any other line to fill up\n"
"""What long messages are made of."""

STUCK = 3
"""Looks without news after which a client that does not read is taken to be stuck."""

HELLO = b"hello\n"
"""A short message."""

NARROW = 131072
"""Size of kernel buffers where a trial fills them (Linux doubles it): room for two of loopback's packets of 64 KiB, as
with less they would wait for each other; and little beside what the server itself may hold."""

SIZES = [len(LINE), *range(NARROW, 8 * NARROW, NARROW // 4)]
"""Bytes that clients ask before a half-close: from what fits into any queue to what fits into none, in steps so small
that one of them comes to its end while part of the reply is still with the server."""

WATCHED, SPUN = 0.25, 0.025
"""Seconds for which a server is watched that has nothing to do, and CPU seconds that it may take in that time: one that
sleeps takes none, and one that spins ten times as much, or half of that where it has to share a core with others."""

RETURN = 1.5
"""Seconds in which a server has to return that was told to: it takes no thousandth of that."""

GRACE = 0.1
"""Seconds that a server has to return at the end of a trial, before it is ended by force: whether it does return is a
trial of its own."""


class Bench:
    """One trial's server and clients; leaving the `with` ends them all.

    Args:
        fn: the server function.
    """

    def __init__(self, fn: Callable) -> None:
        self.fn = fn
        self.clients: list[BenchClient] = []
        self._floor = 0
        self._patient = True  # nothing was waited for in vain yet
        self._told = False  # to stop
        self._afterwards: list[Callable[[], None]] = []
        self._begin = threading.Event()
        self._before = {thread.native_id for thread in threading.enumerate()}
        self._server: Server | None = None
        self._pulse = Pulse(0)
        self._model: Model | None = None

    @property
    def server(self) -> Server:
        """The server; it is started when it is first asked for."""
        return self._server or self.serve()

    def serve(self, hold: bool = False, narrow: bool = False, tap: bool = False) -> Server:
        """Start the server.

        Args:
            hold: let it listen, and its function begin only at `release`.
            narrow: give its connections small kernel buffers, so that it soon meets a full one.
            tap: see its calls.
        """

        @functools.wraps(self.fn)
        def held(listener: socket.socket, *stop: Any, **keyword: Any) -> Any:
            if narrow:  # accepted sockets inherit it: socket(7), tcp(7)
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, NARROW)
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, NARROW)
            ready.set()
            self._begin.wait()
            return self.fn(listener, *stop, **keyword)

        ready = threading.Event()
        if not hold:
            self._begin.set()
        self._server = serve(self.fn if tap else held, backlog=BACKLOG, tap=tap)
        self._pulse = Pulse(self._server.thread.native_id or 0)
        if not tap:
            ready.wait(LOOKS * LOOK)
        return self._server

    def spins(self) -> bool:
        """Watch the server for a while; returns whether it takes CPU time with nothing to do.

        One that is awake at the end, and has not had its share of a core yet, has to share it: it is watched longer.
        """
        start = self.server.cpu_seconds()

        def spun() -> bool:
            return self.server.cpu_seconds() - start > SPUN

        return eventually(spun, WATCHED) or (self._pulse.awake() and eventually(spun))

    def told_to_stop(self) -> str:
        """Tell the server to stop, and fail the trial unless it returns; returns what was seen."""
        if not self.server.takes_stop:
            raise NotAllowed("the function takes no `stop`: it cannot be told")
        self._told = self.server.alive
        self.server.end(RETURN)
        if self.server.forced:
            raise Failed("it did not return, and had to be ended by force")
        return "it returned"

    def alone(self) -> bool:
        """Whether the server does all in its own thread: no other was started since the trial began."""
        return {thread.native_id for thread in threading.enumerate()} <= {self.server.thread.native_id, *self._before}

    def model(self) -> Model:
        """How the function waits: seen at a server of its own, with one client."""
        if self._model is None:
            with Bench(self.fn) as other:
                other.serve(tap=True)
                other.answered(other.client().say(HELLO))
                eventually(lambda: any(model_of(other.server.calls)))
                self._model = model_of(other.server.calls)
        return self._model

    def afterwards(self, work: Callable[[], None]) -> None:
        """Have this done when the server has ended: before, it would be one more thing that happens to it."""
        self._afterwards.append(work)

    @property
    def error(self) -> BaseException | None:
        """What the server raised, if anything."""
        return self._server.error if self._server else None

    @property
    def returned(self) -> bool:
        """Whether the server has ended by itself."""
        return self._server is not None and not self._server.alive and not self._told

    @property
    def stuck(self) -> bool:
        """Whether the server goes on, although its trial is over."""
        return self._server is not None and self._server.alive

    def release(self) -> None:
        """Let a server begin that was held, and let those in who are at the door by now."""
        self._begin.set()
        self._let_in()

    def _let_in(self) -> None:
        if self._patient:
            self._patient = self._happens(lambda: self.server.accept_queue()[0] == 0, 5 * LOOK, LOOKS * LOOK)

    def _happens(self, condition: Callable[[], object], seconds: float, at_most: float) -> bool:
        """Wait until `condition()` holds, for `seconds` if the server is asleep then: it has made up its mind."""
        return eventually(condition, seconds) or (self._pulse.awake() and eventually(condition, at_most - seconds))

    def make_room(self, clients: int) -> None:
        """Make room for so many clients at once, or give the trial up: this machine does not allow it."""
        try:
            self._floor = limits.make_room(clients, server_here=True)
        except ValueError as error:
            raise NotAllowed(f"not tried: {error}") from None

    def client(self, buffer: int = 0) -> BenchClient:
        """One more client, `buffer` as for `Client`; wait until the server has let it in, unless it lets nobody in."""
        client = self.stranger(buffer).connect(self.server.address)
        if self._begin.is_set():
            self._let_in()
        return client

    def stranger(self, buffer: int = 0) -> BenchClient:
        """One more client, that is not connected yet."""
        if not self._floor:
            self.make_room(CLIENTS)
        self.clients.append(BenchClient(self._floor, buffer))
        return self.clients[-1]

    def guests(self, number: int) -> list[BenchClient]:
        """So many clients more, that come one after the other."""
        return [self.client() for _ in range(number)]

    def crowd(self, number: int) -> list[BenchClient]:
        """So many clients more, all at once."""
        return [self.stranger().connect(self.server.address) for _ in range(number)]

    def answered(self, *clients: BenchClient) -> bool:
        """Wait until all that these clients asked came back, or nothing more comes."""
        self.wait(clients, lambda: all(client.answered or client.wrong or client.ended for client in clients))
        return all(client.answered for client in clients)

    def wait(self, clients: Iterable[BenchClient], done: Callable[[], bool]) -> bool:
        """Look after clients until `done()`, or until nothing more comes; returns which.

        The patience of one trial is for its first wait in vain: what hangs then will hang afterwards.
        """
        came = attend(clients, done, looks=LOOKS if self._patient else STUCK)
        self._patient = self._patient and came
        return came

    def push(self, clients: list[BenchClient]) -> None:
        """Let clients send and read nothing, until the server has read all, or reads no more."""
        self._look_on(clients, lambda: not any(client.unsent for client in clients) and not self._waiting())

    def digest(self, clients: list[BenchClient]) -> None:
        """Let clients read nothing until the server has seen what they did last: until it sleeps, or for some time."""
        self._look_on(clients, lambda: False)

    def _look_on(self, clients: list[BenchClient], done: Callable[[], bool]) -> None:
        for looks in (1, STUCK - 1):
            if attend(clients, done, reading=False, looks=looks, also=self._waiting) or not self._pulse.awake():
                break  # a server that has gone to sleep has made up its mind

    def taken(self) -> bool:
        """Wait until the server has read all that arrived; returns whether it has."""
        return self._happens(lambda: self.server.connections() and not self._waiting(), LOOK, LOOKS * LOOK)

    def _waiting(self) -> int:
        """Bytes that arrived at the server and were not read."""
        waiting = 0
        for fd in self.server.connections().values():
            with contextlib.suppress(OSError):  # the server has just closed it
                waiting += kernel.receive_queue(fd)
        return waiting

    def still_serves(self, after: str) -> None:
        """Fail the trial unless a new client is answered; `after` says what happened before."""
        newcomer = self.client().say(b"still there?\n")
        if not self.answered(newcomer):
            raise Failed(f"after {after}, a new client got {newcomer.got}")

    def __enter__(self) -> Bench:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._begin.set()
        try:
            if self._server is not None:
                self._server.end(GRACE)
        finally:
            for work in self._afterwards:
                work()
            for client in self.clients:
                client.close()
            self._pulse.close()
