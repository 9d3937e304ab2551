"""The stand-in for a socket: the same object, of a subclass whose calls go through the tap.

It is still a `socket.socket`, with the descriptor and the layout that it had, so a socket that is open already can
change to it. If the tap has a gate, each call that may sleep comes with a `Wait`.

Not handled here: calls that neither wait nor move data, such as `setblocking` and `setsockopt`; they go unrecorded.
"""

import functools
import select
import socket
from collections.abc import Callable, Iterable
from typing import Any

from .calls import PREVIEW, Summary, preview, preview_of_pieces
from .kernel import ready_now
from .tap import WOULD_BLOCK, OutcomeOf, Tap, Wait, done_outcome


def socket_class(tap: Tap, base: type[socket.socket]) -> type[socket.socket]:
    """Return a subclass of `base` that reports its calls, with the same layout: an open socket can change to it."""

    def method(name: str, outcome_of: OutcomeOf, event: int = 0, show: Callable | None = None) -> Callable:
        real = getattr(base, name)

        @functools.wraps(real)
        def call(self: socket.socket, *args: Any) -> Any:
            wait = _socket_wait(self, event, real, self, *args) if tap.gate and event else None
            summary = _summary(show, args[0]) if show and args else ""
            return tap.call(name, self.fileno(), summary, outcome_of, wait, real, self, *args)

        return call

    def accept(self: socket.socket) -> tuple[socket.socket, Any]:
        sock, address = bare_accept(self)
        if type(sock) is socket.socket:
            sock.__class__ = ordinary  # the same object and descriptor; from now on it reports
        tap.name_accepted(sock.fileno())
        return sock, address

    def tapped_accept(self: socket.socket) -> tuple[socket.socket, Any]:
        wait = _socket_wait(self, select.POLLIN, accept, self) if tap.gate else None
        return tap.call("accept", self.fileno(), "", accept_outcome, wait, accept, self)

    def accept_outcome(value: tuple[socket.socket, Any]) -> tuple[str, int, Summary]:
        return "done", 0, tap.names.get(value[0].fileno(), "")

    def sendmsg(self: socket.socket, buffers: Iterable[bytes], *more: Any) -> int:
        pieces = list(buffers)  # it may be an iterator, which can be gone through only once
        wait = _socket_wait(self, select.POLLOUT, base.sendmsg, self, pieces, *more) if tap.gate else None
        summary, given = _summary(preview_of_pieces, pieces), (self, pieces, *more)
        return tap.call("sendmsg", self.fileno(), summary, _count_outcome("done"), wait, base.sendmsg, *given)

    def close(self: socket.socket) -> None:
        fd = self.fileno()
        if fd >= 0:  # a second close does nothing, and is not recorded
            tap.call("close", fd, "", done_outcome, None, lambda: (tap.names.pop(fd, None), base.close(self)))

    bare_accept = base.accept
    methods = {
        "__slots__": (), "__module__": base.__module__, "accept": tapped_accept, "close": close,
        "connect": method("connect", done_outcome, select.POLLOUT),
        "recv": method("recv", _recv_outcome, select.POLLIN, int),
        "recv_into": method("recv_into", _count_outcome("end"), select.POLLIN),
        "send": method("send", _count_outcome("done"), select.POLLOUT, preview),
        "sendall": method("sendall", done_outcome, select.POLLOUT, preview),
        "sendmsg": sendmsg,
        "shutdown": method("shutdown", done_outcome),
    }  # fmt: skip
    tapped = type(base.__name__, (base,), methods)
    ordinary = tapped if base is socket.socket else socket_class(tap, socket.socket)
    return tapped


def _recv_outcome(data: bytes) -> tuple[str, int, Summary]:
    size = len(data)
    return "data" if size else "end", size, (data[:PREVIEW], size)


def _count_outcome(if_none: str) -> OutcomeOf:
    """Return an `OutcomeOf` for a call that returns a number of bytes; `if_none` is the outcome of 0 bytes."""
    return lambda count: ("data" if count else if_none, count, count)


def _summary(show: Callable[[Any], Summary], argument: Any) -> Summary:
    """Return an argument in short, or its type if it is a wrong one: the real call then raises the error."""
    try:
        return show(argument)
    except (TypeError, ValueError):
        return f"a {type(argument).__name__}"


def _socket_wait(sock: socket.socket, event: int, real: Callable, *given: Any) -> Wait | None:
    """Return the parts of a socket's call, or None on a nonblocking socket, where no call sleeps."""
    if sock.gettimeout() == 0:
        return None

    def ready() -> bool:
        return sock.fileno() < 0 or bool(ready_now(sock.fileno(), event))

    return Wait(
        attempt=lambda: real(*given) if ready() else WOULD_BLOCK,
        sleep=lambda _: real(*given),
        wake=lambda _: socket.socket.shutdown(sock, socket.SHUT_RDWR),
        ready=ready,
    )
