"""Stand-ins: the sockets and the waits that a watched server gets in place of the standard ones.

They do what the standard ones do, through the tap. A socket's is in socket_stand_in.py; here are those of the waits.
Epoll and poll objects cannot be subclassed, so `Epoll` and `Poll` pass each call on to a real one. If the tap has a
gate, each wait comes in parts, as a `Wait`.
"""

import contextlib
import functools
import select
import selectors
import socket
import time
from collections.abc import Callable, Iterable
from typing import Any

from ..sockets import mask_names
from .calls import Summary
from .kernel import ready_now
from .socket_stand_in import socket_class
from .tap import WOULD_BLOCK, Tap, Wait, done_outcome

NAMED = 8
"""Descriptors that the text of a wait names one by one; more than that are counted."""


def stand_ins(tap: Tap) -> dict[Any, Any]:
    """Return all stand-ins: {standard class or function: the one that reports to the tap}."""

    def with_tapped_socket(make: Callable[..., socket.socket]) -> Callable[..., socket.socket]:
        @functools.wraps(make)
        def tapped_make(*args: Any, **more: Any) -> socket.socket:
            sock = make(*args, **more)
            sock.__class__ = tapped_socket
            return sock

        return tapped_make

    tapped_socket, tapped_select = socket_class(tap, socket.socket), select_function(tap)
    found: dict[Any, Any] = {
        select.select: tapped_select,
        time.sleep: sleep_function(tap),
        socket.socket: tapped_socket,
        socket.create_server: with_tapped_socket(socket.create_server),
        socket.create_connection: with_tapped_socket(socket.create_connection),
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


# ---- waits


def select_function(tap: Tap) -> Callable:
    """Return a `select.select` that reports its calls."""

    def tapped_select(r: Iterable, w: Iterable, x: Iterable, timeout: float | None = None) -> tuple[list, list, list]:
        lists = list(r), list(w), list(x)
        args = [*_names(tap, lists), *filter(None, [_seconds(timeout)])]
        wait = _select_wait(*lists, timeout) if tap.gate else None
        return tap.call("select.select", -1, args, select_outcome, wait, select.select, *lists, timeout)

    def select_outcome(ready: tuple[list, list, list]) -> tuple[str, int, Summary]:
        count = sum(map(len, ready))
        return "ready" if count else "timeout", count, _names(tap, ready)

    return tapped_select


def _select_wait(r: list, w: list, x: list, timeout: float | None) -> Wait:
    def attempt() -> Any:
        ready = select.select(r, w, x, 0)
        return ready if any(ready) or timeout == 0 else WOULD_BLOCK

    def sleep(end: int) -> tuple[list, list, list]:
        readable, writable, broken = select.select([*r, end], w, x, timeout)
        return [thing for thing in readable if thing != end], writable, broken

    return Wait(attempt, sleep, _no_wake, ready=lambda: any(select.select(r, w, x, 0)))


def sleep_function(tap: Tap) -> Callable:
    """Return a `time.sleep` that reports its calls."""

    def tapped_sleep(seconds: float) -> None:
        wait = Wait(lambda: WOULD_BLOCK, lambda end: select.select([end], [], [], seconds), _no_wake, lambda: False)
        tap.call("time.sleep", -1, f"{seconds:g}", done_outcome, wait, time.sleep, seconds)

    return tapped_sleep


def _no_wake(_: int) -> None:
    """Do nothing: the call watches the descriptor that it was given, and needs no other wake."""


def _names(tap: Tap, lists: Iterable[list]) -> list:
    """Return the names of what is in each list of select, or their number where there are many."""
    return [
        len(things) if len(things) > NAMED else [tap.names.get(_descriptor(thing), "another") for thing in things]
        for things in lists
    ]


class Waiter:
    """The common part of `Epoll` and `Poll`: a real object, to which they pass on what they do not define."""

    tap: Tap
    make: Callable[..., Any]
    _real: Any

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def _attempt(self, timeout: float | None, *more: int) -> Any:
        """Return what is ready now, or `WOULD_BLOCK`."""
        ready = self._real.poll(0, *more)
        return ready if ready or timeout == 0 else WOULD_BLOCK

    def _poll_outcome(self, ready: list[tuple[int, int]]) -> tuple[str, int, Summary]:
        if len(ready) > NAMED:
            return "ready", len(ready), f"{len(ready)} ready"
        names = self.tap.names
        return "ready" if ready else "timeout", len(ready), [(names.get(fd, "another"), mask) for fd, mask in ready]


class Epoll(Waiter):
    """The stand-in for an epoll object."""

    def __init__(self, *args: Any, real: Any = None, **more: Any) -> None:
        self._real = self.make(*args, **more) if real is None else real
        self.tap.names[self._real.fileno()] = "epoll"

    def poll(self, timeout: float | None = None, maxevents: int = -1) -> list[tuple[int, int]]:
        real, fd = self._real.poll, -1 if self._real.closed else self._real.fileno()
        wait = self._wait(fd, timeout, maxevents) if self.tap.gate else None
        return self.tap.call("epoll.poll", fd, _seconds(timeout), self._poll_outcome, wait, real, timeout, maxevents)

    def _wait(self, fd: int, timeout: float | None, maxevents: int) -> Wait:
        def wake(end: int) -> None:
            with contextlib.suppress(FileExistsError):  # it was woken already
                self._real.register(end, select.EPOLLIN)

        return Wait(
            attempt=lambda: self._attempt(timeout, maxevents),
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
        real, args = getattr(self._real, name), "".join(map(mask_names, mask))
        self.tap.call(f"epoll.{name}", _descriptor(fd), args, done_outcome, None, real, fd, *mask)

    def close(self) -> None:
        if not self._real.closed:
            fd, names = self._real.fileno(), self.tap.names
            self.tap.call("epoll.close", fd, "", done_outcome, None, lambda: (names.pop(fd), self._real.close()))

    def __enter__(self) -> "Epoll":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Poll(Waiter):
    """The stand-in for a poll object."""

    def __init__(self) -> None:
        self._real = self.make()
        self._interest: dict[int, int] = {}  # a copy of the real object's list, which cannot be read

    def register(self, fd: Any, eventmask: int = select.POLLIN | select.POLLPRI | select.POLLOUT) -> None:
        self._real.register(fd, eventmask)
        self._interest[_descriptor(fd)] = eventmask

    def modify(self, fd: Any, eventmask: int) -> None:
        self._real.modify(fd, eventmask)
        self._interest[_descriptor(fd)] = eventmask

    def unregister(self, fd: Any) -> None:
        self._real.unregister(fd)
        del self._interest[_descriptor(fd)]

    def poll(self, timeout: float | None = None) -> list[tuple[int, int]]:
        wait = self._wait(timeout) if self.tap.gate else None
        return self.tap.call("poll.poll", -1, _seconds(timeout), self._poll_outcome, wait, self._real.poll, timeout)

    def _wait(self, timeout: float | None) -> Wait:
        def sleep(end: int) -> list[tuple[int, int]]:
            return [(fd, mask) for fd, mask in _poll({**self._interest, end: select.POLLIN}, timeout) if fd != end]

        return Wait(lambda: self._attempt(timeout), sleep, _no_wake, ready=lambda: bool(_poll(self._interest, 0)))


def _poll(interest: dict[int, int], timeout: float | None) -> list[tuple[int, int]]:
    """Poll once with a poll object of our own: the real one may not be used by two threads at a time."""
    poll = select.poll()
    for fd, mask in dict(interest).items():
        poll.register(fd, mask)
    return poll.poll(timeout)


def _descriptor(thing: Any) -> int:
    """Return the descriptor of what select or epoll was given, or -1 if it has none: the real call then raises."""
    try:
        return thing if isinstance(thing, int) else thing.fileno()
    except (AttributeError, ValueError, OSError):
        return -1


def _seconds(timeout: float | None) -> str:
    return "" if timeout is None or timeout < 0 else f"{timeout:g}"
