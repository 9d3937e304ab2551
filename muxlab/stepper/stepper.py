"""`step`: run a real server one line, or one call, at a time, and see the kernel's tables beside it.

Not handled here: threads that the server function starts; they run freely, and only their calls are recorded. The lines
of a library, such as asyncio: it is held before its calls, and in the server's own functions that it calls.
"""

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
"""Lines to run, at most, until the server blocks: about 50 ms. A server that polls never blocks."""

UNWIND = 0.3
"""Seconds that a function is given to run its `finally` blocks before it is ended by force."""


class Stepper(Server):
    """A server that runs only on command, one line or one call at a time; made by `step`, and a context manager.

    It is a `Server` with a tap: it has its own thread, `calls` and `xray()`.

    Attributes:
        on_change: functions without arguments, to be called when the server is held, falls asleep, wakes or ends, or a
            client acts. They are called in the thread in which that happens, and must return soon.
        clients: the clients made so far.
        backlog: the length of the accept queue, as passed to `step`.
    """

    def __init__(self, fn: Callable, backlog: int = 128) -> None:
        self.backlog = backlog
        self.clients: list[Client] = []
        self._sources = Sources(plain_function(fn))
        self._tracer = Tracer(self._sources)
        self.on_change = self._tracer.on_change
        self._acting = threading.RLock()
        self._mark = 0  # number of the last call before the latest step or action
        self._before: State | None = None  # state before the latest step or action
        self._tap = Tap(self._tracer)
        self._tracer.names = self._tap.names
        super().__init__(fn, 0, backlog, self._tap)
        try:
            self._tracer.settle()
        except BaseException:  # an interrupt: the caller never gets this stepper
            self.end()
            raise

    @property
    def listings(self) -> list[Listing]:
        """The learner's functions that the server has run so far, with their lines; the server function first."""
        return list(self._sources.listings)

    def next(self) -> State:
        """Run one line, in the server function or in a helper, and return the state before the next one.

        A server that is blocked stays blocked until a client's action or its timeout wakes it; one that has ended stays
        ended.
        """
        return self._go("line")

    def next_call(self, times: int = 1) -> State:
        """Run up to the next call that the tap records, and return the state before it is made.

        Args:
            times: how many times to do so, unless the server blocks or ends.
        """
        return self._go("call", times)

    def run_until_blocked(self) -> State:
        """Run until the server blocks, and return the state in which it sleeps.

        A server that never blocks, because it polls, is held after 2,000 lines; see `State.note`.
        """
        return self._go("block")

    def client(self) -> Client:
        """Connect a new client and return it.

        Raises:
            TimeoutError: the accept queue is full.
            ConnectionRefusedError: the server has ended.
        """
        with self._act():
            client = Client(f"client {len(self.clients) + 1}", self.address, self._act)
            self.clients.append(client)
        return client

    def state(self) -> State:
        """Return the state of the server and of its sockets in the kernel, now; change nothing."""
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
        """Stop the server where it is; what it raised stays in `error`. A second call does nothing.

        Args:
            timeout: seconds that the function is given to run its `finally` blocks before it is ended by force.

        Raises:
            TimeoutError: the function cannot be ended, because it sleeps in a call that nothing wakes.
        """
        timeout = check_timeout(timeout)
        if self.alive:
            self._mark = self._tap.number
            self._tracer.stop()
        self.finish(timeout, force=True)
        for client in self.clients:
            client.drop()

    def end(self, timeout: float = UNWIND) -> None:
        """Stop without raising anything, as when a cell runs again or the process ends."""
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
            self._tracer.settle_after_action()
        self._tracer.notify()

    def _rows(self) -> Iterator[SocketRow]:
        """Yield the rows of the listener, of each client of this stepper, and of all other connections."""
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
        """Return how many bytes a client in the accept queue has sent; after its reset, the last number seen."""
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
    """Start a server function and hold it before its first line.

    Args:
        fn: `fn(listener, stop)` or `fn(listener)`: one of `SERVERS`, or your own, from a file or a notebook cell.
        backlog: the length of the accept queue, in connections: listen(2).

    Returns:
        The stepper, which is also a context manager. Running the same notebook cell again stops it.

    Raises:
        TypeError: `fn` is not a function of `(listener, stop)` or `(listener)`.
        OSError: the system has no epoll, which the reference server `fn` needs.
    """
    return Stepper(fn, backlog)
