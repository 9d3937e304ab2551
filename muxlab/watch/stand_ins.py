"""Sockets that report: what a watched server gets in place of the standard ones.

They are real ones: a tapped socket is a `socket.socket`, with the descriptor it had. Only the calls that a server
lives by are reported; `setblocking` and `setsockopt` are not.
"""

import contextlib
import functools
import select
import selectors
import socket
import time
from collections.abc import Callable, Iterable
from typing import Any

from .kernel import flags, ready_now
from .tap import NOT_YET, PREVIEW, Brief, Judge, Tap, Wait, done, quote


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


NAMED = 8
"""Descriptors that the text of a wait names one by one; where there are more, they are counted."""


def _nothing(_: int) -> None:
    """How to wake a wait that watches the descriptor it was given: that descriptor is enough."""


class Waiter:
    """A stand-in for an epoll or a poll object, which cannot be subclassed: passes on what it does not report."""

    tap: Tap
    make: Callable[..., Any]

    def __init__(self, *args: Any, real: Any = None, **more: Any) -> None:
        self._real = self.make(*args, **more) if real is None else real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def _judge(self, ready: list[tuple[int, int]]) -> tuple[str, int, Brief]:
        """What came of a poll, with those who are ready and for what."""
        if len(ready) > NAMED:
            return "ready", len(ready), f"{len(ready)} ready"
        names = self.tap.names
        return "ready" if ready else "timeout", len(ready), [(names.get(fd, "another"), mask) for fd, mask in ready]


class Epoll(Waiter):
    """In place of an epoll object."""

    def __init__(self, *args: Any, real: Any = None, **more: Any) -> None:
        super().__init__(*args, real=real, **more)
        self.tap.names[self._real.fileno()] = "epoll"

    def poll(self, timeout: float | None = None, maxevents: int = -1) -> list[tuple[int, int]]:
        real, fd = self._real.poll, -1 if self._real.closed else self._real.fileno()
        wait = self._wait(fd, timeout, maxevents) if self.tap.gate else None
        return self.tap.call("epoll.poll", fd, _seconds(timeout), self._judge, wait, real, timeout, maxevents)

    def _wait(self, fd: int, timeout: float | None, maxevents: int) -> Wait:
        def attempt() -> Any:
            ready = self._real.poll(0, maxevents)
            return ready if ready or timeout == 0 else NOT_YET

        def wake(end: int) -> None:
            with contextlib.suppress(FileExistsError):  # the server watches it already
                self._real.register(end, select.EPOLLIN)

        return Wait(
            attempt,
            sleep=lambda _: self._real.poll(timeout, maxevents),
            wake=wake,
            ready=lambda: bool(ready_now(fd, select.POLLIN)),
        )

    def register(self, fd: Any, eventmask: int = select.POLLIN | select.POLLPRI | select.POLLOUT) -> None:
        self._control("register", fd, eventmask)

    def modify(self, fd: Any, eventmask: int) -> None:
        self._control("modify", fd, eventmask)

    def unregister(self, fd: Any) -> None:
        self._control("unregister", fd)

    def _control(self, name: str, fd: Any, *mask: int) -> None:
        real = getattr(self._real, name)
        self.tap.call(f"epoll.{name}", _number(fd), "".join(map(flags, mask)), done, None, real, fd, *mask)

    def close(self) -> None:
        if not self._real.closed:
            fd = self._real.fileno()
            self.tap.call("epoll.close", fd, "", done, None, lambda: (self.tap.names.pop(fd), self._real.close()))

    def __enter__(self) -> "Epoll":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Poll(Waiter):
    """In place of a poll object."""

    def __init__(self, *args: Any, real: Any = None, **more: Any) -> None:
        super().__init__(*args, real=real, **more)
        self._asked: dict[int, int] = {}  # as in the real one, which does not tell

    def register(self, fd: Any, eventmask: int = select.POLLIN | select.POLLPRI | select.POLLOUT) -> None:
        self._real.register(fd, eventmask)
        self._asked[_number(fd)] = eventmask

    def modify(self, fd: Any, eventmask: int) -> None:
        self._real.modify(fd, eventmask)
        self._asked[_number(fd)] = eventmask

    def unregister(self, fd: Any) -> None:
        self._real.unregister(fd)
        del self._asked[_number(fd)]

    def poll(self, timeout: float | None = None) -> list[tuple[int, int]]:
        wait = self._wait(timeout) if self.tap.gate else None
        return self.tap.call("poll.poll", -1, _seconds(timeout), self._judge, wait, self._real.poll, timeout)

    def _wait(self, timeout: float | None) -> Wait:
        def attempt() -> Any:
            ready = self._real.poll(0)
            return ready if ready or timeout == 0 else NOT_YET

        def sleep(end: int) -> list[tuple[int, int]]:
            asked = {**self._asked, end: self._asked.get(end, 0) | select.POLLIN}
            return [(fd, mask) for fd, mask in _poll(asked, timeout) if fd in self._asked]

        return Wait(attempt, sleep, _nothing, ready=lambda: bool(_poll(self._asked, 0)))


def _poll(asked: dict[int, int], timeout: float | None) -> list[tuple[int, int]]:
    poll = select.poll()
    for fd, mask in dict(asked).items():
        poll.register(fd, mask)
    return poll.poll(timeout)


def _select_wait(r: list, w: list, x: list, timeout: float | None) -> Wait:
    def attempt() -> Any:
        ready = select.select(r, w, x, 0)
        return ready if any(ready) or timeout == 0 else NOT_YET

    def sleep(end: int) -> tuple[list, list, list]:
        readable, writable, broken = select.select([*r, end], w, x, timeout)
        return [thing for thing in readable if thing != end], writable, broken

    return Wait(attempt, sleep, _nothing, ready=lambda: any(select.select(r, w, x, 0)))


def select_for(tap: Tap) -> Callable:
    """A `select.select` that reports."""

    def tapped_select(r: Iterable, w: Iterable, x: Iterable, timeout: float | None = None) -> tuple[list, list, list]:
        lists = list(r), list(w), list(x)
        args = [*_named(tap, lists), *filter(None, [_seconds(timeout)])]
        wait = _select_wait(*lists, timeout) if tap.gate else None
        return tap.call("select.select", -1, args, selected, wait, select.select, *lists, timeout)

    def selected(ready: tuple[list, list, list]) -> tuple[str, int, Brief]:
        count = sum(map(len, ready))
        return "ready" if count else "timeout", count, _named(tap, ready)

    return tapped_select


def sleep_for(tap: Tap) -> Callable:
    """A `time.sleep` that reports."""

    def tapped_sleep(seconds: float) -> None:
        def nap(end: int) -> None:
            select.select([end], [], [], seconds)

        wait = Wait(lambda: NOT_YET, nap, _nothing, lambda: False) if tap.gate else None
        tap.call("time.sleep", -1, f"{seconds:g}", done, wait, time.sleep, seconds)

    return tapped_sleep


def _named(tap: Tap, lists: Iterable[list]) -> list:
    """The arguments or results of select, by name; where there are many, how many."""
    return [
        len(things) if len(things) > NAMED else [tap.names.get(_number(thing), "another") for thing in things]
        for things in lists
    ]


def _number(thing: Any) -> int:
    """The descriptor of what select or epoll was given; -1 where there is none: the real call will say so."""
    try:
        return thing if isinstance(thing, int) else thing.fileno()
    except (AttributeError, ValueError, OSError):
        return -1


def _seconds(timeout: float | None) -> str:
    return "" if timeout is None or timeout < 0 else f"{timeout:g}"


def stand_ins(tap: Tap) -> dict[Any, Any]:
    """What a watched server gets in place of what: {the standard class or function: the one that reports}."""

    def adopting(make: Callable[..., socket.socket]) -> Callable[..., socket.socket]:
        @functools.wraps(make)
        def made(*args: Any, **more: Any) -> socket.socket:
            sock = make(*args, **more)
            sock.__class__ = tapped_socket
            return sock

        return made

    tapped_socket, tapped_select = socket_class(tap, socket.socket), select_for(tap)
    found: dict[Any, Any] = {
        select.select: tapped_select,
        time.sleep: sleep_for(tap),
        socket.socket: tapped_socket,
        socket.create_server: adopting(socket.create_server),
        socket.create_connection: adopting(socket.create_connection),
    }
    for name, kind in {"epoll": Epoll, "poll": Poll}.items():
        if hasattr(select, name):
            real = getattr(select, name)
            found[real] = type(name, (kind,), {"tap": tap, "make": staticmethod(real)})
            selector: Any = getattr(selectors, f"{name.title()}Selector")
            found[selector] = type(selector.__name__, (selector,), {"_selector_cls": found[real]})
    plain = selectors.SelectSelector
    found[plain] = type(plain.__name__, (plain,), {"_select": staticmethod(tapped_select)})
    return found
