"""`serve`, with windows: the lab's server, whose calls can be counted, and whose tables in the kernel can be seen.

`muxlab.lab` runs a function and knows nothing of this: the imports run from here to there, never back. `Server` adds
to the lab's what looking inside needs, and lets the lab call the function with the tap put in.
"""

from collections.abc import Callable
from types import TracebackType

from .. import lab, listening
from .calls import Calls
from .kernel import XRay, accept_queue, xray
from .rebind import Globals
from .tap import Tap
from .tapped_sockets import socket_class


class Server(lab.Server):
    """A server function at work in its own thread; made by `serve`.

    Attributes:
        name: "epoll" for a reference server, else the function's own name.
        address: (host, port) that it listens on.
        error: what the function raised, or None.
    """

    def __init__(self, fn: Callable, port: int = 0, backlog: int = 128, tap: Tap | None = None) -> None:
        self._tap = tap
        self._globals: Globals | None = None
        super().__init__(fn, port, backlog)

    @property
    def calls(self) -> Calls:
        """The calls that the server made so far: counts by (name, outcome), and `events`, the latest 10,000.

        Raises:
            RuntimeError: the server is not tapped.
        """
        if self._tap is None:
            raise RuntimeError("this server runs bare: its calls are seen with muxlab.serve(fn, tap=True)")
        calls = self._tap.calls
        calls.server = self.name
        return calls

    def xray(self) -> XRay:
        """The kernel's tables about this server: queues, readiness, interest list. Reads nothing, changes nothing.

        Connections are numbered in the order in which they were accepted: with a tap all there ever were, without it
        those that are open.

        Source: FIONREAD and SIOCOUTQ in tcp(7); TCP_INFO; poll(2); /proc/self/fdinfo and syscall in proc(5).
        """
        return xray(self._listener, self.connections(), self._thread)

    def accept_queue(self) -> tuple[int, int]:
        """Connections that wait to be accepted, and how many may: (now, limit). Source: TCP_INFO, tcp(7)."""
        return accept_queue(self._listener) if self.alive else (0, 0)

    def connections(self) -> dict[str, int]:
        """The accepted connections that are open, by name, with their descriptors."""
        names = self._tap.names if self._tap else {}
        fds = [fd for sock in self._listener.accepted() if (fd := sock.fileno()) >= 0]
        return {names.get(fd, f"client {place}"): fd for place, fd in enumerate(fds, 1)}

    # ---- in the server's thread

    def _run(self) -> None:
        if self._tap is not None:
            self._listener.__class__ = socket_class(self._tap, type(self._listener))  # type: ignore[assignment]
            self._tap.names |= {self._listener.fileno(): "listener", self._stop.fileno(): "stop"}
            self._globals = Globals(self._fn, self._tap)
            self._fn = self._globals.fn
        super()._run()

    def _note_end(self) -> None:
        if self._tap is not None:
            self._tap.over = True
        if self._globals is not None:
            self._globals.write_back()
        if self.error is not None:
            _hide(self.error)
        super()._note_end()

    def _sockets(self) -> list:
        if self._tap is not None:
            self._tap.over = True  # the lab takes hold of them: what it does to them is not the server's doing
        return super()._sockets()


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


def _hide(error: BaseException) -> None:
    """Let a traceback begin and end in the learner's lines, not in those of the lab and the tap around them."""
    entry = error.__traceback__
    while entry is not None and _is_ours(entry):
        entry = entry.tb_next
    first = entry
    while entry is not None and entry.tb_next is not None:
        if _is_ours(entry.tb_next):
            entry.tb_next = None
        entry = entry.tb_next
    error.__traceback__ = first


def _is_ours(entry: TracebackType) -> bool:
    name = str(entry.tb_frame.f_globals.get("__name__"))
    return name in (lab.__name__, listening.__name__) or name.startswith(f"{__package__}.")
