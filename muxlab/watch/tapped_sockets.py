"""Sockets that report: what a watched server gets in place of the standard ones.

They are real ones: a tapped socket is a `socket.socket`, with the descriptor it had. Only the calls that a server
lives by are reported; `setblocking` and `setsockopt` are not.
"""

import functools
import select
import socket
from collections.abc import Callable
from typing import Any

from .calls import PREVIEW, Brief, quote
from .kernel import ready_now
from .tap import NOT_YET, Judge, Tap, Wait, done


def _received(data: bytes) -> tuple[str, int, Brief]:
    size = len(data)
    return "data" if size else "end", size, (data[:PREVIEW], size)


def _received_into(count: int) -> tuple[str, int, Brief]:
    return "data" if count else "end", count, count


def _sent(count: int) -> tuple[str, int, Brief]:
    return "data" if count else "done", count, count


def _briefly(show: Callable[[Any], Brief], *first: Any) -> Brief:
    """The first argument in short. It may be a wrong one: then it is the call's part to say so, not ours."""
    try:
        return show(*first) if first else ""
    except (TypeError, ValueError):
        return f"a {type(first[0]).__name__}"


def socket_class(tap: Tap, base: type[socket.socket]) -> type[socket.socket]:
    """A subclass of `base` whose calls are reported. It has its size and shape, so that a socket can change to it."""

    def method(name: str, judge: Judge, event: int = 0, show: Callable[[Any], Brief] = lambda _: "") -> Callable:
        real = getattr(base, name)

        @functools.wraps(real)
        def call(self: socket.socket, *args: Any) -> Any:
            wait = _socket_wait(self, event, real, self, *args) if tap.gate and event else None
            return tap.call(name, self.fileno(), _briefly(show, *args[:1]), judge, wait, real, self, *args)

        return call

    def accept(self: socket.socket) -> tuple[socket.socket, Any]:
        sock, address = accept_bare(self)
        if type(sock) is socket.socket:
            sock.__class__ = ordinary  # the same object and descriptor; from now on it reports
        tap.greet(sock.fileno())
        return sock, address

    def accept_reported(self: socket.socket) -> tuple[socket.socket, Any]:
        wait = _socket_wait(self, select.POLLIN, accept, self) if tap.gate else None
        return tap.call("accept", self.fileno(), "", accepted, wait, accept, self)

    def accepted(value: tuple[socket.socket, Any]) -> tuple[str, int, Brief]:
        return "done", 0, tap.names.get(value[0].fileno(), "")

    def close(self: socket.socket) -> None:
        fd = self.fileno()
        if fd >= 0:  # closing a second time does nothing
            tap.call("close", fd, "", done, None, lambda: (tap.names.pop(fd, None), base.close(self)))

    accept_bare = base.accept
    methods = {
        "__slots__": (), "__module__": base.__module__, "accept": accept_reported, "close": close,
        "connect": method("connect", done, select.POLLOUT),
        "recv": method("recv", _received, select.POLLIN, int),
        "recv_into": method("recv_into", _received_into, select.POLLIN),
        "send": method("send", _sent, select.POLLOUT, quote),
        "sendall": method("sendall", done, select.POLLOUT, quote),
        "shutdown": method("shutdown", done),
    }  # fmt: skip
    tapped = type(base.__name__, (base,), methods)
    ordinary = tapped if base is socket.socket else socket_class(tap, socket.socket)
    return tapped


def _socket_wait(sock: socket.socket, event: int, real: Callable, *given: Any) -> Wait | None:
    """How a call on a socket waits: not at all if it is nonblocking."""
    if sock.gettimeout() == 0:
        return None

    def ready() -> bool:
        return sock.fileno() < 0 or bool(ready_now(sock.fileno(), event))

    return Wait(
        attempt=lambda: real(*given) if ready() else NOT_YET,
        sleep=lambda _: real(*given),
        wake=lambda _: socket.socket.shutdown(sock, socket.SHUT_RDWR),
        ready=ready,
    )
