"""The bench of one trial: a server, started afresh, and its clients.

A trial says what they do in the words of this class, and not how it is waited for: that is in patience.py.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import socket
import threading
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import Any

from .. import errors, limits, sockets
from ..server import Server, serve
from ..watch.rebind import plain_function
from ..watch.tap import Tap
from .clients import BenchClient
from .leftovers import Leftovers
from .patience import LIMIT, LONG, LOOK, Lookout, Patience
from .report import NOT_TRIED
from .trial import Failed, Model, NotAllowed, model_of, narrow_down

BACKLOG = 512
"""Length of the accept queue: the largest crowd that a trial sends to the door at once is 300."""

DOOR = 0.5
"""Seconds of its own that a server may take to accept a client. If it takes longer, no other is waited for."""

GRACE = 0.1
"""Seconds that a server has to return at the end of a trial, before it is ended by force: whether it does return is a
trial of its own."""

OURS = "muxlab"
"""How the names of our own threads begin, so that they are not taken for the server's."""


class Bench:
    """One trial's server and clients; leaving the `with` ends them all.

    Args:
        fn: the server function.
        patience: of the check that the trial belongs to.
    """

    kind = BenchClient
    """What its clients are."""

    def __init__(self, fn: Callable, patience: Patience | None = None) -> None:
        self.fn = fn
        self.clients: list[BenchClient] = []
        self._patience = patience or Patience()
        self.floor = self._expected = self._gone = 0
        self._lets_in = True  # until a client was left at the door
        self._told = False  # to stop
        self._afterwards: list[Callable[[], None]] = []
        self._begin = threading.Event()
        self._before = {thread.native_id for thread in threading.enumerate()}
        self.leftovers = Leftovers()
        self._server: Server | None = None
        self._lookout: Lookout | None = None
        self._model: Model | None = None

    # ---- the server

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

    def alone(self) -> bool:
        """Tell whether the server does everything in its own thread: no other was started since the trial began."""
        new = [thread for thread in threading.enumerate() if thread.native_id not in self._before]
        return all(thread.name.startswith(OURS) for thread in new)

    def model(self) -> Model:
        """Return how the function waits: seen at a server of its own, with one client."""
        if self._model is None:
            with type(self)(self.fn, self._patience) as other:
                other.serve(tap=True)
                other.answered(other.client().greet())
                other.happens(lambda: any(model_of(other.server.calls)))
                self._model = model_of(other.server.calls)
        return self._model

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

    # ---- its clients

    def make_room(self, clients: int) -> None:
        """Make room for so many more clients, or give the trial up where the machine does not allow it."""
        self._expected = max(self._expected, len(self.clients) + clients)
        try:
            self.floor = limits.make_room(clients, server_here=True)
        except ValueError:
            room = f"{limits.descriptor_limits()[1]:,} descriptors for this process, {limits.ephemeral_ports():,} ports"
            raise NotAllowed(f"{NOT_TRIED}no room here for so many clients: {room}; see muxlab.doctor()") from None

    def client(self, buffer: int = 0) -> BenchClient:
        """Connect one more client, and wait until the server has accepted it; `buffer` is as for `BenchClient`."""
        (client,) = self.guests(1, buffer)
        return client

    def guests(self, number: int, buffer: int = 0) -> Sequence[BenchClient]:
        """Connect so many more clients, one after the other, as `client` does."""
        guests = self.strangers(number, buffer)
        for client in guests:
            client.connect(self.server.address)
            if self._begin.is_set():
                self._let_in()
        return guests

    def crowd(self, number: int) -> Sequence[BenchClient]:
        """Connect so many more clients, all at once."""
        return [client.connect(self.server.address) for client in self.strangers(number)]

    def strangers(self, number: int, buffer: int = 0) -> Sequence[BenchClient]:
        """Make so many more clients, and connect none of them yet."""
        self.make_room(number)
        strangers = [self.kind(self.floor, buffer) for _ in range(number)]
        self.clients += strangers
        return strangers

    def forget(self, clients: Iterable[BenchClient]) -> None:
        """Drop clients that have left, so that nothing of them stays in memory."""
        self._gone += len(self.clients)
        self.clients = [client for client in self.clients if client not in clients]
        self._gone -= len(self.clients)

    # ---- waiting

    def answered(self, *clients: BenchClient) -> bool:
        """Wait until all that these clients asked came back, or nothing more comes; return whether it did."""
        self.wait(clients, lambda: all(client.answered or client.wrong or client.ended for client in clients))
        return all(client.answered for client in clients)

    def wait(self, clients: Iterable[BenchClient], done: Callable[[], object], at_least: float = 0) -> bool:
        """Look after clients until `done()`, or until nothing more comes within the patience left; return which."""
        came = self.lookout.attend(clients, done, max(at_least, self._patience.seconds))
        if not came:
            self._patience.lose()
        return came

    def happens(self, condition: Callable[[], object]) -> bool:
        """Wait until `condition()` holds, as patiently as for an answer; return whether it does."""
        held = self.lookout.eventually(condition, self._patience.seconds)
        if not held:
            self._patience.lose()
        return held

    def push(self, clients: Iterable[BenchClient], quiet: float = LOOK) -> None:
        """Let clients send, and read nothing, until the server has read everything, or nothing for `quiet` seconds."""
        clients = list(clients)
        self.lookout.attend(
            clients,
            lambda: not any(client.unsent for client in clients) and not self.waiting(),
            seconds=quiet,
            reading=False,
            also=self.waiting,
        )

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

    def somebody_waits(self) -> bool:
        """Tell whether bytes wait to be read, or a client waits to be accepted."""
        return bool(self.server.accept_queue()[0] or self.waiting())

    def _let_in(self) -> None:
        self._lets_in = self._lets_in and self.lookout.eventually(lambda: not self.server.accept_queue()[0], DOOR)

    def still_serves(self, after: str) -> None:
        """Fail the trial unless a new client is answered; `after` says what happened before."""
        newcomer = self.client().greet()
        if not self.answered(newcomer):
            raise Failed(f"after {after}, a new client got {newcomer.got}")

    def how_slow(self) -> str:
        """Say how far the trial has come within its time, and how long the whole would have taken."""
        answered = sum(client.answered and bool(client.asked) for client in self.clients)
        served = self._gone + max(answered, len(self.server.connections()))
        if not served < self._expected:
            return f"too slow: after {LIMIT:g} s it was still not over, though nothing was wrong so far"
        each = LIMIT / max(1, served)
        whole = f"{self._expected:,} of them would take {each * self._expected:,.0f} s"
        return f"too slow, though right so far: {1000 * each:,.0f} ms for each client, and {whole}"

    # ---- the end

    def afterwards(self, work: Callable[[], None]) -> None:
        """Do this when the server has ended: earlier, it would be one more thing that happens to the server."""
        self._afterwards.append(work)

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
            if self._lookout is not None:
                self._lookout.close()
            self.leftovers.clear(self._server.address[1] if self._server else 0)
