"""`step`: run a real server one line, or one call, at a time, and look at the kernel beside it."""

import contextlib
import threading
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace

from ..arguments import check_timeout
from ..server import Server
from ..watch.kernel import SocketRow, asleep_in, connection_row, listener_row, unaccepted_queue, watched
from ..watch.rebind import plain_function
from ..watch.tap import Tap
from .client import Client
from .source import Listing, Sources
from .state import State
from .tracer import Tracer

LINES = 2_000
"""Lines that a run may take before it blocks: 50 ms or so. A server that polls would go on for ever."""

UNWIND = 0.3
"""Seconds that a function is given to leave through its `finally` blocks, before it is ended by force."""


class Stepper(Server):
    """A server function that goes on only when it is told to; made by `step`.

    It is a server like any other, with `calls` and `xray()`, in its own thread. Also a context manager.

    Attributes:
        on_change: functions without arguments, called when the server was held, fell asleep, woke or ended, or a client
            acted. They are called in the thread in which that happened, and must return soon.
        clients: the clients made so far.
        backlog: the length of its accept queue that was asked for.
    """

    def __init__(self, fn: Callable, backlog: int = 128) -> None:
        self.backlog = backlog
        self.clients: list[Client] = []
        self._sources = Sources(plain_function(fn))
        self._tracer = Tracer(self._sources)
        self.on_change = self._tracer.on_change
        self._acting = threading.RLock()
        self._mark = 0  # the number of the last call before the last step or act
        self._before: State | None = None  # the state before the last step or act
        self._tap = Tap(self._tracer)
        self._tracer.names = self._tap.names
        super().__init__(fn, 0, backlog, self._tap)

    def _open(self, port: int, backlog: int) -> None:
        super()._open(port, backlog)
        self._tracer.settle()

    @property
    def listings(self) -> list[Listing]:
        """The learner's functions that the server has been in so far, with their lines; the served one first."""
        return list(self._sources.listings)

    def next(self) -> State:
        """Run one line, also those of helper functions, and return the state before the next.

        A server that is blocked stays so, until an event wakes it, as when a client acts; one that has ended stays so.
        """
        return self._go("line")

    def next_call(self, times: int = 1) -> State:
        """Run up to the next call that the tap sees, and return the state before it is made.

        Args:
            times: do so that many times, or until the server blocks or ends.
        """
        return self._go("call", times)

    def run_until_blocked(self) -> State:
        """Run until the server has to wait, and return the state in which it sleeps.

        A server that never waits, as one that polls, is held after 2,000 lines; see `State.note`.
        """
        return self._go("block")

    def client(self) -> Client:
        """Connect a new client, which does nothing by itself.

        Raises:
            TimeoutError: the accept queue is full.
            ConnectionRefusedError: the server has ended.
        """
        with self._act():
            client = Client(f"client {len(self.clients) + 1}", self.address, self._act)
            self.clients.append(client)
        return client

    def state(self) -> State:
        """How things stand now, with the server and in the kernel; changes nothing."""
        listener, *connections = self._rows()
        state = replace(
            self._tracer.now,
            calls=self._tap.since(self._mark),
            listener=listener,
            connections=tuple(connections),
            error="".join(traceback.format_exception_only(self.error)).strip() if self.error else "",
        )
        if state.status == "blocked":
            state = replace(state, asleep_in=asleep_in(self.thread))
        return replace(state, changed=state.differences(self._before)) if self._before else state

    def stop(self, timeout: float = UNWIND) -> None:
        """Stop the server where it is; what it raised stays in view, in `error`. A second time does nothing.

        Args:
            timeout: seconds that it is given to leave through its `finally` blocks, before it is ended by force.

        Raises:
            TimeoutError: it could not be ended, because it sleeps in a call that nothing wakes.
        """
        timeout = check_timeout(timeout)
        if self.alive:
            self._mark = self._tap.number
            self._tracer.stop()
        self.finish(timeout, force=True)
        for client in self.clients:
            client.drop()

    def end(self, timeout: float = UNWIND) -> None:
        """Stop quietly: for a cell that runs again and the end of the process."""
        with contextlib.suppress(TimeoutError):
            self.stop(timeout)

    def __str__(self) -> str:
        return str(self.state())

    def _go(self, mode: str, times: int = 1) -> State:
        with self._acting:
            state = self.state()
            if state.status not in ("paused", "running"):
                return state
            self._before, self._mark = state, self._tap.number
            for _ in range(times):
                self._tracer.release(mode, LINES)
                self._tracer.settle()
                if self._tracer.now.status != "paused":
                    break
            return self.state()

    @contextlib.contextmanager
    def _act(self) -> Iterator[None]:
        with self._acting:
            self._before, self._mark = self.state(), self._tap.number
            yield
            self._tracer.react()
        self._tracer.tell()

    def _rows(self) -> Iterator[SocketRow]:
        """The listener, then each client that was made here, then whoever else is connected."""
        open_now = self.connections()
        masks = watched({self.listener.fileno(), *open_now.values()})
        yield listener_row(self.listener, masks)
        for number, client in enumerate(self.clients, 1):
            reply = client.waiting()
            early = self._early(client) if number > self._tap.accepted else 0
            row = SocketRow(client.name, None, self._without_descriptor(number), early, reply=reply)
            if client.name in open_now:
                with contextlib.suppress(OSError):  # the server has just closed it
                    row = connection_row(client.name, open_now.pop(client.name), masks, reply)
            yield row
        for name, fd in sorted(open_now.items()):
            with contextlib.suppress(OSError):
                yield connection_row(name, fd, masks)

    def _early(self, client: Client) -> int:
        """Bytes that wait for a client that was not accepted; they stay there when it has reset the connection."""
        if self.listener.fileno() < 0:
            return 0
        seen = unaccepted_queue(self.address[1], client.port)
        client.early = client.early if seen is None else seen
        return client.early

    def _without_descriptor(self, number: int) -> str:
        if number <= self._tap.accepted:
            return "closed by the server"
        return "in the accept queue" if self.listener.fileno() >= 0 else "gone with the listener"


def step(fn: Callable, *, backlog: int = 128) -> Stepper:
    """Start a server function, and hold it before its first line.

    Args:
        fn: `fn(listener, stop)` or `fn(listener)`: one of `SERVERS`, or your own, from a file or a notebook cell.
        backlog: length of the accept queue, in connections: listen(2).

    Returns:
        The stepper, also a context manager. Running the same notebook cell again stops it.

    Raises:
        TypeError: `fn` is not a function of `(listener, stop)` or `(listener)`.
        OSError: `fn` is a reference server that needs epoll, and there is none.
    """
    return Stepper(fn, backlog)
