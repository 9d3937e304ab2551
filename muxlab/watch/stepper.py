"""`step`: run a real server one line, or one call, at a time, and look at the kernel beside it."""

import contextlib
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from .client import Client
from .control import Control
from .kernel import Row, asleep_in, connection_row, listener_row, watched
from .rebind import plain_function
from .serve import Server
from .source import Listing, Sources
from .state import State
from .tap import Tap
from .unaccepted import unaccepted_queue

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
        fn: the function, as it was given.
        backlog: the length of its accept queue that was asked for.
    """

    def __init__(self, fn: Callable, backlog: int = 128) -> None:
        self._sources = Sources(plain_function(fn))
        self._control = Control(self._sources)
        self.fn, self.backlog = fn, backlog
        self._acting = threading.RLock()
        self._mark = 0  # the number of the last call before the last step or act
        self._before: State | None = None  # the state before the last step or act
        self.on_change = self._control.on_change
        self.clients: list[Client] = []
        self._stream = Tap(self._control)
        self._control.names = self._stream.names
        super().__init__(fn, 0, backlog, self._stream)
        self._control.settle()

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
            self._control.now,
            calls=self._stream.since(self._mark),
            listener=listener,
            connections=tuple(connections),
            error="".join(traceback.format_exception_only(self.error)).strip() if self.error else "",
        )
        if state.status == "blocked":
            state = replace(state, asleep_in=asleep_in(self._thread))
        return replace(state, changed=state.differences(self._before)) if self._before else state

    def __str__(self) -> str:
        return str(self.state())

    # ---- in the server's thread

    def _run(self) -> None:
        self._control.thread = threading.current_thread()
        self._control.stop_fd = self._stop.fileno()
        super()._run()

    def _call(self, *positional: Any, **arguments: Any) -> None:
        assert self._globals is not None
        self._control.homes = (self._globals, self._globals.real)
        sys.settrace(self._control.trace)
        try:
            super()._call(*positional, **arguments)
        finally:
            sys.settrace(None)

    def _note_end(self) -> None:
        status = "stopped" if self._forced else "crashed" if self.error else "finished"
        end = self._control.at_the_end(status, self.error)  # put into words before its sockets are closed
        super()._note_end()
        self._control.announce(end)

    # ---- in anybody else's

    def _go(self, mode: str, times: int = 1) -> State:
        with self._acting:
            state = self.state()
            if state.status not in ("paused", "running"):
                return state
            self._before, self._mark = state, self._stream.number
            for _ in range(times):
                self._control.release(mode, LINES)
                self._control.settle()
                if self._control.now.status != "paused":
                    break
            return self.state()

    @contextlib.contextmanager
    def _act(self) -> Iterator[None]:
        with self._acting:
            self._before, self._mark = self.state(), self._stream.number
            yield
            self._control.react()
        self._control.tell()

    def _rows(self) -> Iterator[Row]:
        """The listener, then each client that was made here, then whoever else is connected."""
        open_now = self.connections()
        masks = watched({self._listener.fileno(), *open_now.values()})
        yield listener_row(self._listener, masks)
        for number, client in enumerate(self.clients, 1):
            reply = client.waiting()
            early = self._early(client) if number > self._stream.accepted else 0
            row = Row(client.name, None, self._without_descriptor(number), early, reply=reply)
            if client.name in open_now:
                with contextlib.suppress(OSError):  # the server has just closed it
                    row = connection_row(client.name, open_now.pop(client.name), masks, reply)
            yield row
        for name, fd in sorted(open_now.items()):
            with contextlib.suppress(OSError):
                yield connection_row(name, fd, masks)

    def _early(self, client: Client) -> int:
        """Bytes that wait for a client that was not accepted; they stay there when it has reset the connection."""
        if self._listener.fileno() < 0:
            return 0
        seen = unaccepted_queue(self.address[1], client.port)
        client.early = client.early if seen is None else seen
        return client.early

    def _without_descriptor(self, number: int) -> str:
        if number <= self._stream.accepted:
            return "closed by the server"
        return "in the accept queue" if self._listener.fileno() >= 0 else "gone with the listener"

    def _finish(self, timeout: float) -> bool:
        if self.alive and threading.current_thread() is not self._thread:
            self._forced, self._mark = True, self._stream.number
            held = [self._listener, *self._listener.accepted()]  # closed by the lab, and not when they are collected
            self._control.stop()
            self._stop.set()
            self._thread.join(UNWIND)
            super()._finish(0)
            for sock in held:
                sock.close()
        else:
            super()._finish(0)
        for client in self.clients:
            client.drop()
        return False  # that it had to be forced is no news: it always is

    def _conclude(self, timeout: float = 0.0) -> None:
        self._finish(timeout)  # what it raised stays in view


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
