"""`serve`: run a server function in a background thread, look inside it, and stop it whatever it does.

A server is a function of a listening socket; `Server` is that function at work in a thread. Through `stop` (stop.py)
the function is asked to return; if it does not, it is ended by force (interrupt.py). With a tap (watch/) its calls are
counted; without a tap it runs untouched. What it raises is kept in `error`, and raised again in the learner's cell.

Not handled here: child processes. A child that the function forks is neither watched nor stopped.
"""

import contextlib
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from types import TracebackType

from . import errors, interrupt, running
from .arguments import check_port, check_timeout
from .family import Family
from .listener import hang_up, listen, shut_down
from .server_function import ServerFunction
from .servers import name_of
from .sockets import accept_queue
from .stop import Stop
from .watch.calls import Calls
from .watch.kernel import XRay, xray
from .watch.tap import Tap

FORCE_TIMEOUT = 2.0
"""Seconds spent at most on ending a server function by force."""


class Server(running.Running):
    """A server function at work in its own thread; made by `serve`, and a context manager.

    Attributes:
        name: the name of a reference server, such as "epoll", or the function's own name.
        fn: the function, as it was passed to `serve`.
        address: (host, port) of the listening socket.
        error: what the function raised, or None.
        forced: True when the function had to be ended by force.
        listener, thread: the listening socket and the thread, to be looked at from outside.
        tap: the `Tap` that counts the calls, or None.
    """

    def __init__(
        self,
        fn: Callable,
        port: int = 0,
        backlog: int = 128,
        tap: Tap | None = None,
        begin: threading.Event | None = None,
    ) -> None:
        self.name = name_of(fn)
        # With a `begin`, the server listens at once, and its function begins only when that is set.
        self._function = ServerFunction(fn, self.name, tap, begin)
        check_port(port, backlog)
        running.replace_earlier()
        self.fn, self.tap = fn, tap
        self.error: BaseException | None = None
        self.forced = False
        self._pid = os.getpid()
        self._state_lock = threading.Lock()  # held to note the end, and to raise an exception in the thread
        self._ended = False
        self._released = True  # nothing is open yet
        self._error_raised = False  # in the learner's cell
        self._cpu = 0.0
        self._family: Family | None = None  # of threads
        self._stop_lock = threading.RLock()
        self._finishing = False  # `finish` waits for the end, to close the sockets
        self.thread = threading.Thread(target=self._run, name=f"muxlab-server-{self.name}", daemon=True)
        running.start(self, lambda: self._open(port, backlog))

    def _open(self, port: int, backlog: int) -> None:
        with contextlib.ExitStack() as undo:
            self.listener = listen(port, backlog)
            undo.callback(self.listener.close)
            self.address: tuple[str, int] = self.listener.getsockname()
            self._stop = Stop()
            undo.callback(self._stop.close)
            self.thread.start()
            undo.pop_all()
        self._released = False

    @property
    def alive(self) -> bool:
        """Whether the function is running."""
        return not self._ended

    @property
    def takes_stop(self) -> bool:
        """Whether the function takes a `stop`, so that it can be asked to return."""
        return self._function.takes_stop

    def cpu_seconds(self) -> float:
        """Return the CPU time so far of the server's thread, and of the threads that it has started, in seconds.

        Of a thread that has ended, it is what had been seen of it when this was called before.
        """
        family = self._family
        return self._cpu if self._ended or family is None else family.cpu_seconds()

    def threads(self) -> list[threading.Thread]:
        """Return the threads that the function has started, and that run now; its own is `thread`."""
        if self._family is None:
            return []
        self._family.cpu_seconds()  # this looks for new ones
        members = self._family.members
        return [one for one in threading.enumerate() if one.native_id in members and one is not self.thread]

    # ---- look inside

    @property
    def calls(self) -> Calls:
        """The calls so far: counts by (name, outcome), and the latest 10,000 in `events`. RuntimeError without tap."""
        if self.tap is None:
            raise RuntimeError("this server has no tap: start it with muxlab.serve(fn, tap=True) to count its calls")
        calls = self.tap.calls
        calls.server = self.name
        return calls

    def xray(self) -> XRay:
        """Return the kernel's tables about this server: queues, readiness, interest list. Changes nothing.

        Connections are numbered in the order of accept: all of them with a tap, without one only those still open.
        Source: FIONREAD and SIOCOUTQ in tcp(7); TCP_INFO; poll(2); /proc/self/fdinfo and syscall in proc(5).
        """
        return xray(self.listener, self.connections(), self.thread)

    def accept_queue(self) -> tuple[int, int]:
        """Return the length of the accept queue and its limit, in connections. Source: TCP_INFO, tcp(7)."""
        try:
            return accept_queue(self.listener)
        except OSError:  # the listener is closed, by the function or after its end
            return 0, 0

    def connections(self) -> dict[str, int]:
        """Return the open connections: {name: descriptor}."""
        names = self.tap.names if self.tap else {}
        fds = [fd for sock in self.listener.accepted() if (fd := sock.fileno()) >= 0]
        return {names.get(fd, f"client {number}"): fd for number, fd in enumerate(fds, 1)}

    # ---- end

    def wait(self, timeout: float = 5.0) -> bool:
        """Wait at most `timeout` seconds for the function to end by itself; return whether it has ended."""
        self.thread.join(check_timeout(timeout))
        return not self.alive

    def stop(self, timeout: float = 2.0) -> None:
        """Stop the server and close its sockets; a second call does nothing.

        A function that takes `stop` is asked to return. One that does not take it, or does not return in time, is ended
        by force.

        Args:
            timeout: seconds that the function is given to return.

        Raises:
            BaseException: what the function raised, once, with its own traceback.
            TimeoutError: the function cannot be ended, because it sleeps in a call that nothing wakes (`time.sleep`).
        """
        __tracebackhide__ = True  # IPython and pytest leave this frame out: the learner's own frame comes next
        timeout = check_timeout(timeout)
        late = self.finish(timeout)
        if self.error is not None and not self._error_raised:
            self._error_raised = True
            raise self.error
        if late:
            errors.warn(
                f"{self.name} did not return within {timeout:g} s of being told to stop, and was ended by force. "
                "Watch `stop` in the wait, and return when stop.is_set()."
            )

    def end(self, timeout: float = 1.0) -> None:
        """Stop without raising anything, as when a cell runs again or the process ends; an error stays in `error`."""
        with contextlib.suppress(TimeoutError):
            self.finish(timeout)

    def finish(self, timeout: float, force: bool = False, wait: Callable[[float], object] | None = None) -> bool:
        """End the function and close its sockets; a second call does nothing.

        Args:
            timeout: seconds that the function is given to return.
            force: ignore what the function raises on its way out; for a stepper, which ends it in the middle of a line.
            wait: waits so many seconds for the end of the thread, on a clock of its own; by default `thread.join`.

        Returns:
            True when the function was asked to return, and did not.

        Raises:
            TimeoutError: the function cannot be ended.
        """
        if threading.current_thread() is self.thread:
            raise RuntimeError("a server function cannot stop its own server: it ends by returning")
        with self._stop_lock:
            if self._released:
                running.remove(self)
                return False
            self.forced = self.forced or (force and self.alive)
            self._finishing = True
            held = self.listener.sockets()  # keeps them from being garbage-collected: they are closed here
            if self._stop.fileno() < 0:
                self._stop = Stop()  # the function has closed its own
            self._stop.set()
            if self.takes_stop or force:
                (wait or self.thread.join)(timeout)
            late = self.alive and self.takes_stop
            if self.alive:
                self.forced = True
                if self.tap is not None:
                    self.tap.over = True  # later calls only follow from this end: they are not recorded
                waits = self.listener.sockets, self.threads, self._stop.fileno()
                interrupt.end_thread(self.thread, *waits, self._may_raise, FORCE_TIMEOUT)
            else:
                self.thread.join()
            self._release(held)
            return late and not force

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        __tracebackhide__ = True
        if kind is not None and not issubclass(kind, Exception):
            self.end()  # an interrupt is raised rather than the error of the server
        else:
            self._error_raised = self._error_raised or error is self.error
            self.stop()

    def __repr__(self) -> str:
        state = "alive" if self.alive else f"died of {errors.text_of(self.error)}" if self.error else "ended"
        return f"<muxlab server {self.name!r} on {self.address[0]}:{self.address[1]}, {state}>"

    # ---- in the server's thread

    def _run(self) -> None:
        try:
            self._family = Family()
            try:
                self._function.prepare(self.listener, self._stop)
                self._function.call(self.listener, self._stop)
            except BaseException as error:  # kept, and raised again by stop() in the learner's cell
                if not self.forced:
                    self.error = errors.trim(error)
            self._note_end()
        except interrupt.ServerStopped:  # it was pending when the function ended: see _may_raise
            self._note_end()

    def _note_end(self) -> None:
        if os.getpid() != self._pid:
            return  # a forked child got here: the sockets belong to its parent, too
        try:
            self._function.note_end(self.error, self.forced)
        finally:
            if self._family is not None:
                self._cpu = self._family.cpu_seconds(look=False)
            with self._state_lock:
                self._ended = True
            if self.forced:
                interrupt.take_pending()
            elif self._finishing:
                shut_down(self.listener.sockets())  # `finish` waits for this, and closes them
            else:
                hang_up(self.listener.sockets())
            self._function.note_close()

    # ---- in any other thread

    def _release(self, held: list[socket.socket]) -> None:
        if self.thread.is_alive():
            self._finishing = False
            raise TimeoutError(
                f"{self.name} sleeps in a call that nothing can wake, such as time.sleep, and runs on until that call "
                "returns. Let a server wait in select, poll or epoll, and take a `stop` argument."
            )
        hang_up([*held, *self.listener.sockets()], self.threads())
        self._stop.close()
        self._released = True
        running.remove(self)

    @contextlib.contextmanager
    def _may_raise(self) -> Iterator[bool]:
        """Keep the function from ending, and yield whether the thread is inside it.

        An exception is raised only inside the function: so at most one arrives after the function has ended.
        """
        with self._state_lock:
            frame = None if self._ended else sys._current_frames().get(self.thread.ident or 0)
            while frame is not None and frame.f_code is not ServerFunction.call.__code__:
                frame = frame.f_back
            yield frame is not None


def serve(fn: Callable, *, port: int = 0, backlog: int = 128, tap: bool = False) -> Server:
    """Serve TCP clients on 127.0.0.1 with a function of a listening socket, in a background thread.

    Args:
        fn: `fn(listener, stop)` or `fn(listener)`: one of `SERVERS`, or your own. `stop` has `is_set()`, and a
            `fileno()` that becomes readable when the server has to return. A function without `stop` is ended by force.
        port: the TCP port; 0 takes a free one.
        backlog: the length of the accept queue, in connections: listen(2). 128 is CPython's own default.
        tap: whether to count the function's calls, see `Server.calls`; otherwise the function runs untouched.

    Returns:
        The running server, which is also a context manager. Running the same notebook cell again stops it.

    Raises:
        TypeError: `fn` is not a function of `(listener, stop)` or `(listener)`.
        ValueError: `port` or `backlog` is out of range.
        OSError: the port is taken or not allowed; or the system has no epoll, which the reference server `fn` needs.
    """
    return Server(fn, port, backlog, Tap() if tap else None)
