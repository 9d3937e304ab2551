"""`serve`: run a server function in a background thread, look inside it, and stop it whatever it does.

A server is a function of a listening socket; `Server` is that function at work. It is asked to return through `stop`
(stop.py), and ended by force where it does not (interrupt.py). With a tap (watch/) its calls are counted; without one
it runs bare. What it raises is kept in `error`, and raised again where the learner looks.

Not handled here: processes. A child that the function forks goes its own way.
"""

import contextlib
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import TracebackType

from . import errors, interrupt, running
from .arguments import check_port, check_timeout, require_epoll, stop_argument
from .listener import listen
from .servers import SERVERS
from .stop import Stop
from .watch.kernel import XRay, accept_queue, xray
from .watch.rebind import Globals
from .watch.stand_ins import socket_class
from .watch.tap import Calls, Tap

FORCE_TIMEOUT = 2.0
"""Seconds that a server function is given to end once it is being ended by force."""


class Server(running.Running):
    """A server function at work in its own thread; made by `serve`.

    Attributes:
        name: "epoll" for a reference server, else the function's own name.
        fn: the function, as it was given.
        address: (host, port) that it listens on.
        error: what the function raised, or None.
        forced: True when the function had to be ended by force.
        listener: its listening socket, and
        thread: its thread: to look at, from outside.
        tap: where its calls are counted, or None.
    """

    def __init__(self, fn: Callable, port: int = 0, backlog: int = 128, tap: Tap | None = None) -> None:
        self.name = name_of(fn)
        self._takes = stop_argument(fn, self.name)
        check_port(port, backlog)
        running.replace_earlier()
        self.fn, self.tap = fn, tap
        self._globals: Globals | None = None
        self.error: BaseException | None = None
        self.forced = False
        self._pid = os.getpid()
        self._gate = threading.Lock()  # held while the function's end is noted, or brought about
        self._ended = False
        self._given_back = True  # nothing is open yet
        self._told = False  # the error was raised where the learner is looking
        self._cpu = 0.0
        self._closing = threading.RLock()
        self.thread = threading.Thread(target=self._run, name=f"muxlab-server-{self.name}", daemon=True)
        running.start(self, lambda: self._open(port, backlog))

    def _open(self, port: int, backlog: int) -> None:
        """Open everything, and start the thread."""
        with contextlib.ExitStack() as undo:
            self.listener = listen(port, backlog)
            undo.callback(self.listener.close)
            self.address: tuple[str, int] = self.listener.getsockname()
            self._stop = Stop()
            undo.callback(self._stop.close)
            self.thread.start()
            undo.pop_all()
        self._given_back = False

    @property
    def alive(self) -> bool:
        """True while the function runs."""
        return not self._ended

    @property
    def takes_stop(self) -> bool:
        """True when the function takes a `stop`, so that it can be asked to return."""
        return bool(self._takes)

    def cpu_seconds(self) -> float:
        """Return the CPU time that the server's thread, and no other, has used so far, in seconds.

        Source: pthread_getcpuclockid(3).
        """
        with self._gate:
            if self._ended:
                return self._cpu
            return time.clock_gettime(time.pthread_getcpuclockid(self.thread.ident or 0))

    # ---- look inside

    @property
    def calls(self) -> Calls:
        """The calls that the server made so far: counts by (name, outcome), and `events`, the latest 10,000.

        Raises:
            RuntimeError: the server is not tapped.
        """
        if self.tap is None:
            raise RuntimeError("this server runs bare: its calls are seen with muxlab.serve(fn, tap=True)")
        calls = self.tap.calls
        calls.server = self.name
        return calls

    def xray(self) -> XRay:
        """Return the kernel's tables about this server: queues, readiness, interest list. Reads and changes nothing.

        Connections are numbered in the order in which they were accepted: with a tap all there ever were, without it
        those that are open.

        Source: FIONREAD and SIOCOUTQ in tcp(7); TCP_INFO; poll(2); /proc/self/fdinfo and syscall in proc(5).
        """
        return xray(self.listener, self.connections(), self.thread)

    def accept_queue(self) -> tuple[int, int]:
        """Return how many connections wait to be accepted, and how many may: (now, limit); (0, 0) without a listener.

        Source: TCP_INFO, tcp(7).
        """
        try:
            return accept_queue(self.listener)
        except OSError:  # closed, by the function or at its end
            return 0, 0

    def connections(self) -> dict[str, int]:
        """Return the accepted connections that are open, by name, with their descriptors."""
        names = self.tap.names if self.tap else {}
        fds = [fd for sock in self.listener.accepted() if (fd := sock.fileno()) >= 0]
        return {names.get(fd, f"client {place}"): fd for place, fd in enumerate(fds, 1)}

    # ---- end

    def wait(self, timeout: float = 5.0) -> bool:
        """Wait until the function has ended by itself: returned, or raised.

        Args:
            timeout: seconds to wait at most.

        Returns:
            True when it has ended.
        """
        self.thread.join(check_timeout(timeout))
        return not self.alive

    def stop(self, timeout: float = 2.0) -> None:
        """Stop the server and give everything back; a second time does nothing.

        A function that takes `stop` is asked, and given `timeout` seconds to return. One that does not take it, or
        does not return, is ended by force.

        Args:
            timeout: seconds.

        Raises:
            BaseException: what the function raised, once, with its own traceback.
            TimeoutError: it could not be ended, because it sleeps in a call that nothing wakes (`time.sleep`).
        """
        __tracebackhide__ = True  # IPython and pytest leave this frame out: what follows it is the learner's
        timeout = check_timeout(timeout)
        late = self.finish(timeout)
        if self.error is not None and not self._told:
            self._told = True
            raise self.error
        if late:
            errors.warn(
                f"{self.name} did not return within {timeout:g} s of being told to stop; it was ended by force. "
                "Watch `stop` in the wait, and return when stop.is_set()."
            )

    def end(self, timeout: float = 1.0) -> None:
        """Stop quietly: for a cell that runs again and the end of the process; an error stays in `error`."""
        with contextlib.suppress(TimeoutError):
            self.finish(timeout)

    def finish(self, timeout: float, force: bool = False) -> bool:
        """End the function and give everything back; a second time does nothing.

        Args:
            timeout: seconds that it is given to return.
            force: whatever it does on its way out is not its own doing; for a server that was held.

        Returns:
            True when it was asked to return, and did not.

        Raises:
            TimeoutError: it could not be ended.
        """
        if threading.current_thread() is self.thread:
            raise RuntimeError("a server function cannot stop its own server: it ends by returning")
        with self._closing:
            if self._given_back:
                running.remove(self)
                return False
            self.forced = self.forced or (force and self.alive)
            held = self._sockets()  # so that they are closed here, and not whenever they are collected
            if self._stop.fileno() < 0:
                self._stop = Stop()  # the function has closed its own
            self._stop.set()
            if self._takes or force:
                self.thread.join(timeout)
            late = self.alive and self.takes_stop
            if self.alive:
                self.forced = True
                if self.tap is not None:
                    self.tap.over = True  # what happens to its sockets from now on is not the server's doing
                interrupt.end_thread(self.thread, self._sockets, self._stop.fileno(), self._may_raise, FORCE_TIMEOUT)
            else:
                self.thread.join()
            self._give_back(held)
            return late and not force

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        __tracebackhide__ = True
        if kind is not None and not issubclass(kind, Exception):
            self.end()  # an interrupt goes before anything that the server has to tell
        else:
            self._told = self._told or error is self.error
            self.stop()

    def __repr__(self) -> str:
        state = "alive" if self.alive else f"died of {errors.text_of(self.error)}" if self.error else "ended"
        return f"<muxlab server {self.name!r} on {self.address[0]}:{self.address[1]}, {state}>"

    # ---- in the server's thread

    def _run(self) -> None:
        try:
            try:
                self._call(self._tapped() if self.tap else self.fn)
            except BaseException as error:  # kept, and raised where the learner is looking: see stop()
                if not self.forced:
                    self.error = errors.trim(error)
            self._note_end()
        except interrupt.ServerStopped:  # one may have been on its way when the function ended; see _may_raise
            self._note_end()

    def _tapped(self) -> Callable:
        """Return the function with the tap put in."""
        assert self.tap is not None
        self.listener.__class__ = socket_class(self.tap, type(self.listener))  # type: ignore[assignment]
        self.tap.names |= {self.listener.fileno(): "listener", self._stop.fileno(): "stop"}
        self._globals = Globals(self.fn, self.tap)
        if self.tap.gate is not None:
            self.tap.gate.opening(self._stop.fileno(), (self._globals, self._globals.real))
        return self._globals.fn

    def _call(self, fn: Callable) -> None:
        if self._takes == "keyword":
            fn(self.listener, stop=self._stop)
        else:
            fn(self.listener, *[self._stop] * bool(self._takes))

    def _note_end(self) -> None:
        if os.getpid() != self._pid:
            return  # a child that the function forked came this far: the sockets are its parent's, too
        gate = self.tap.gate if self.tap else None
        try:
            if self.tap is not None:
                self.tap.over = True
            if gate is not None:
                gate.closing(self.error, self.forced)  # while its sockets are still open
            if self._globals is not None:
                self._globals.write_back()
        finally:
            with self._gate:
                self._cpu = time.thread_time()
                self._ended = True
            if self.forced:
                interrupt.take_pending()
            else:
                self._hang_up()
            if gate is not None:
                gate.closed()

    # ---- in anybody else's

    def _give_back(self, held: list[socket.socket]) -> None:
        if self.thread.is_alive():
            raise TimeoutError(
                f"{self.name} sleeps in a call that nothing can wake, time.sleep for example: it goes on until that "
                "returns. Let a server wait in select, poll or epoll, and take a `stop` argument."
            )
        self._hang_up()
        for sock in held:
            _close(sock)
        self._stop.close()
        self._given_back = True
        running.remove(self)

    def _sockets(self) -> list[socket.socket]:
        return [self.listener, *self.listener.accepted()]

    def _hang_up(self) -> None:
        """Close the listener and every connection that the function left open: their peers learn that it is over."""
        for sock in self._sockets():
            interrupt.hang_up(sock)
            _close(sock)

    @contextlib.contextmanager
    def _may_raise(self) -> Iterator[bool]:
        """Hold the end of the function back, and yield whether the thread is inside of it.

        Only then is an exception raised in it: so one at the most arrives after the function has ended.
        """
        with self._gate:
            frame = None if self._ended else sys._current_frames().get(self.thread.ident or 0)
            while frame is not None and frame.f_code is not Server._call.__code__:
                frame = frame.f_back
            yield frame is not None


def serve(fn: Callable, *, port: int = 0, backlog: int = 128, tap: bool = False) -> Server:
    """Serve TCP clients on 127.0.0.1 with a function of a listening socket, in a background thread.

    Args:
        fn: `fn(listener, stop)` or `fn(listener)`: one of `SERVERS`, or your own. `stop` has `is_set()`, and a
            `fileno()` that becomes readable when the server has to return. Without it, it is stopped by force.
        port: TCP port; 0 takes a free one.
        backlog: length of the accept queue, in connections: listen(2). 128 is CPython's own default.
        tap: count the calls that the function makes, see `Server.calls`. Without it the function runs bare.

    Returns:
        The running server, also a context manager. Running the same notebook cell again stops it.

    Raises:
        TypeError: `fn` is not a function of `(listener, stop)` or `(listener)`.
        ValueError: `port` or `backlog` is out of range.
        OSError: the port is taken or not allowed; or `fn` is a reference server that needs epoll, and there is none.
    """
    return Server(fn, port, backlog, Tap() if tap else None)


def name_of(fn: Callable) -> str:
    """Return the name under which `fn` is shown; OSError when it is a reference server that needs a missing epoll."""
    for name, reference in SERVERS.items():
        if fn is reference:
            require_epoll(name)
            return name
    return str(getattr(fn, "__name__", type(fn).__name__))


def _close(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):  # the function has closed its descriptor by number
        sock.close()
