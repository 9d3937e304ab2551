"""`serve`: run a server function in a background thread, and stop it whatever it does."""

import contextlib
import socket
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from types import TracebackType

from . import force, registry
from .function import name_of, stop_arguments
from .listening import check_numbers, listen
from .stop import Stop

FORCE_TIMEOUT = 2.0
"""Seconds that a server function is given to end once it is being ended by force."""


class Server(registry.Running):
    """A server function at work in its own thread; made by `serve`.

    Attributes:
        name: "epoll" for a reference server, else the function's own name.
        address: (host, port) that it listens on.
        error: what the function raised, or None.
    """

    def __init__(self, fn: Callable, port: int = 0, backlog: int = 128) -> None:
        self.name = name_of(fn)
        self._arguments = stop_arguments(fn, self.name)
        check_numbers(port, backlog)
        registry.replace_earlier()
        self._fn = fn
        self._listener = listen(port, backlog)
        self.address: tuple[str, int] = self._listener.getsockname()
        self.error: BaseException | None = None
        self._stop = Stop()
        self._gate = threading.Lock()  # held while the end of the function is noted, or brought about
        self._ended = False
        self._forced = False
        self._told = False  # the error was raised where the learner is looking
        self._cpu = 0.0
        self._closing = threading.RLock()
        self._thread = threading.Thread(target=self._run, name=f"muxlab-server-{self.name}", daemon=True)
        self._thread.start()
        registry.add(self)

    @property
    def alive(self) -> bool:
        """True while the function runs."""
        return not self._ended

    @property
    def native_id(self) -> int:
        """The number of the server's thread in the kernel: gettid(2)."""
        return self._thread.native_id or 0

    @property
    def takes_stop(self) -> bool:
        """True when the function takes a `stop`, so that it can be asked to return."""
        return bool(self._arguments)

    @property
    def forced(self) -> bool:
        """True when the function had to be ended by force."""
        return self._forced

    def cpu_seconds(self) -> float:
        """CPU time that the server's thread has used so far, in seconds: of that thread alone.

        Source: pthread_getcpuclockid(3).
        """
        with self._gate:
            if self._ended:
                return self._cpu
            return time.clock_gettime(time.pthread_getcpuclockid(self._thread.ident or 0))

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
        self._conclude(timeout)

    def wait(self, timeout: float = 5.0) -> bool:
        """Wait until the function has ended by itself: returned, or raised.

        Args:
            timeout: seconds to wait at most.

        Returns:
            True when it has ended.
        """
        self._thread.join(timeout)
        return not self.alive

    def end(self, timeout: float = 1.0) -> None:
        """Stop quietly: for a re-run cell and the end of the process; an error stays in `error`."""
        with contextlib.suppress(TimeoutError):
            self._finish(timeout)

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if kind is not None and not issubclass(kind, Exception):
            self.end()  # an interrupt goes before anything that the server has to tell
        else:
            self._told = self._told or error is self.error
            self._conclude()

    def __repr__(self) -> str:
        state = "alive" if self.alive else f"died of {self.error!r}" if self.error else "ended"
        return f"<muxlab server {self.name!r} on {self.address[0]}:{self.address[1]}, {state}>"

    # ---- in the server's thread

    def _run(self) -> None:
        arguments = {"stop": self._stop} if self._arguments == "keyword" else {}
        positional = [self._stop] if self._arguments == "positional" else []
        try:
            try:
                self._call(*positional, **arguments)
            except BaseException as error:  # kept, and raised where the learner is looking: see stop()
                if not self._forced:
                    self.error = error.with_traceback(_own_part(error.__traceback__))
            self._note_end()
        except force.ServerStopped:  # one may have been on its way when the function ended; see _may_raise
            self._note_end()

    def _call(self, *positional: Stop, **arguments: Stop) -> None:
        self._fn(self._listener, *positional, **arguments)

    def _note_end(self) -> None:
        with self._gate:
            self._cpu = time.thread_time()
            self._ended = True
        if self._forced:
            force.take_pending()
        else:
            self._hang_up()

    # ---- in anybody else's

    def _conclude(self, timeout: float = 2.0) -> None:
        """Finish, and tell whoever called `stop` or left the `with` what there is to tell."""
        late = self._finish(timeout)
        if self.error is not None and not self._told:
            self._told = True
            raise self.error
        if late:
            warnings.warn(
                f"{self.name} did not return within {timeout:g} s of being told to stop; it was ended by force. "
                "Watch `stop` in the wait, and return when stop.is_set().",
                RuntimeWarning,
                stacklevel=3,
            )

    def _finish(self, timeout: float) -> bool:
        """End the function and give everything back; returns whether it was asked to return, and did not."""
        if threading.current_thread() is self._thread:
            raise RuntimeError("a server function cannot stop its own server: it ends by returning")
        with self._closing:
            if self._stop.fileno() < 0:
                return False
            self._stop.set()
            if self._arguments:
                self._thread.join(timeout)
            late = self.alive and bool(self._arguments)
            if self.alive:
                self._forced = True
                force.end_thread(self._thread, self._sockets, self._stop.fileno(), self._may_raise, FORCE_TIMEOUT)
            else:
                self._thread.join()
            self._give_back()
            return late

    def _give_back(self) -> None:
        if self._thread.is_alive():
            raise TimeoutError(
                f"{self.name} could not be stopped: it sleeps in a call that nothing can wake, time.sleep for example. "
                "Let a server wait in select, poll or epoll, and take a `stop` argument."
            )
        self._hang_up()
        self._stop.close()
        registry.remove(self)

    def _sockets(self) -> list[socket.socket]:
        return [self._listener, *self._listener.accepted()]

    def _hang_up(self) -> None:
        """Close the listener and every connection that the function left open: their peers learn that it is over."""
        for sock in self._sockets():
            force.hang_up(sock)
            sock.close()

    @contextlib.contextmanager
    def _may_raise(self) -> Iterator[bool]:
        """Hold the end of the function back, and yield whether the thread is inside of it.

        Only then is an exception raised in it: so one at the most arrives after the function has ended.
        """
        with self._gate:
            frame = None if self._ended else sys._current_frames().get(self._thread.ident or 0)
            while frame is not None and frame.f_code is not Server._call.__code__:
                frame = frame.f_back
            yield frame is not None


def serve(fn: Callable, *, port: int = 0, backlog: int = 128) -> Server:
    """Serve TCP clients on 127.0.0.1 with a function of a listening socket, in a background thread.

    Arguments, result and errors as for `muxlab.serve`, which adds looking inside.
    """
    return Server(fn, port, backlog)


def _own_part(traceback: TracebackType | None) -> TracebackType | None:
    """The traceback without the lab's own first lines."""
    while traceback and traceback.tb_frame.f_code.co_filename == __file__:
        traceback = traceback.tb_next
    return traceback
