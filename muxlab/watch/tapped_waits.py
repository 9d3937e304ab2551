"""Waits that report: what a watched server gets in place of `epoll` and `poll` objects, of `select` and of `sleep`."""

import contextlib
import select
import time
from collections.abc import Callable, Iterable
from typing import Any

from .calls import Brief
from .kernel import flags, ready_now
from .tap import NOT_YET, Tap, Wait, done

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
