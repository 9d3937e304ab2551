"""The ways of waiting, clocked alone: one wait (`wait_cost`), and one pass of a server's loop (`pass_cost`).

What they watch are pairs of descriptors in this one process, with nothing at the other end but the experiment itself.
"""

import contextlib
import fcntl
import os
import random
import select
import socket
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from .. import limits
from ..arguments import check_count, check_duration, require_epoll
from ..running import undisturbed
from ..servers.select_server import FD_SETSIZE
from .protocol import each, repeat, summary
from .rows import Form, Row, Rows, settings

MODELS = ("nonblocking", "select", "poll", "epoll")

BOUND = 10.0
"""Seconds that a wait may take, in which a descriptor is ready before it begins."""


@dataclass(frozen=True)
class WaitCost(Row):
    """What one wait cost.

    Attributes:
        model: how it waited.
        watched: descriptors watched.
        ready: how many of them could be read, each time others.
        us_per_wait: microseconds, the median.
    """

    form: ClassVar[Form] = Form(
        *("model", "watched", "us_per_wait"),
        title="What one wait costs",
        sizes="descriptors watched",
        costs="microseconds for one wait",
        one="a wait",
    )
    model: str
    watched: int
    ready: int
    us_per_wait: float


@dataclass(frozen=True)
class PassCost(Row):
    """What one pass over all sockets cost.

    Attributes:
        model: how it waited.
        sockets: sockets watched.
        ready: how many of them had a byte, each time others.
        us_per_pass: microseconds, the median.
    """

    form: ClassVar[Form] = Form(
        *("model", "sockets", "us_per_pass"),
        title="What one pass of the loop costs",
        sizes="sockets",
        costs="microseconds for one pass",
        one="a pass",
    )
    model: str
    sockets: int
    ready: int
    us_per_pass: float

    @property
    def us_per_event(self) -> float:
        """Microseconds for each socket that had something to say."""
        return self.us_per_pass / self.ready


def wait_cost(model: str, watched: int | Iterable[int], ready: int = 1, seconds: float = 0.1) -> Rows:
    """Measure one wait on many pipes of which a random few can be read: M. Kerrisk's measurement, from Python.

    Protocol: open `watched` pipes; then again and again write a byte into `ready` of them, chosen at random, wait once,
    and read the bytes. Only the wait is clocked, each by itself. "nonblocking" does not wait: it asks all in turn.

    Source: M. Kerrisk, *The Linux Programming Interface*, section 63.4.5, table 63-9; see `published.waits`.

    Known weaknesses: the figures hold what Python adds, about a microsecond for each wait, and for select the copying
    of the list, descriptor by descriptor; a pipe is asked sooner than a TCP socket; and the kernel's data stay in the
    processor's cache, as they would not in a server that does something between two waits.

    Args:
        model: "nonblocking", "select", "poll" or "epoll".
        watched: how many descriptors are watched; a number, or several. Each is one end of a pipe, so it takes two.
        ready: how many can be read at each wait.
        seconds: how long each setting is measured.

    Returns:
        One row for each number.

    Raises:
        TypeError: a count is not a whole number.
        ValueError: a number is out of range, select is to watch more than it can, or this machine allows fewer.
        OSError: epoll is asked for, and this system has none.
    """
    counts = _check(model, "watched", watched, ready, seconds)
    found = each(counts, f"waits, {model}", lambda count: _measure(model, count, ready, seconds, os.pipe, hear=False))
    medians = zip(counts, map(summary, found), strict=True)
    return Rows(WaitCost(model, count, ready, cost, **rest) for count, (cost, rest) in medians)


def pass_cost(model: str, sockets: int | Iterable[int], ready: int = 1, seconds: float = 0.1) -> Rows:
    """Measure one pass of a server's loop: learn which of many sockets have something to say, and hear each of those.

    Protocol: open `sockets` pairs of connected sockets; then again and again send a byte into `ready` of them, chosen
    at random, and clock one pass. For "nonblocking" that is one recv for each socket, for the others one wait and one
    recv for each that is ready.

    Source: the course's own; it isolates what differs between the reference servers. With all sockets ready it shows
    where epoll has no lead, with one where it has most.

    Known weaknesses: those of `wait_cost`; the sockets are AF_UNIX, whose recv is cheaper than TCP's; nothing is sent
    back, so what is equal for all is left out and ratios are larger than between whole servers (see `echo_cost`).

    Args:
        model: "nonblocking", "select", "poll" or "epoll".
        sockets: how many sockets are watched; a number, or several.
        ready: how many of them have something to say in each pass.
        seconds: how long each setting is measured.

    Returns:
        One row for each number.

    Raises:
        TypeError, ValueError, OSError: as for `wait_cost`.
    """
    counts = _check(model, "sockets", sockets, ready, seconds)
    found = each(counts, f"passes, {model}", lambda n: _measure(model, n, ready, seconds, socket_pair, hear=True))
    medians = zip(counts, map(summary, found), strict=True)
    return Rows(PassCost(model, count, ready, cost, **rest) for count, (cost, rest) in medians)


def _check(model: str, name: str, given: int | Iterable[int], ready: int, seconds: float) -> list[int]:
    counts = settings(name, given)
    check_count("ready", ready)
    check_duration(seconds)
    check_model(model, max(counts))
    if ready > min(counts):
        raise ValueError(f"ready={ready}: no more can be ready than are watched, and {name} is {min(counts)}")
    return counts


def check_model(model: str, most_watched: int) -> None:
    """Refuse what cannot be measured here, before anything is opened.

    Raises:
        ValueError: there is no such way of waiting, or select is to watch more than it can.
        OSError: epoll is asked for, and this system has none.
    """
    if model not in MODELS:
        raise ValueError(f"model={model!r}: the ways of waiting are {', '.join(MODELS)}")
    require_epoll(model)
    check_wall(model, most_watched)


def check_wall(name: str, count: int) -> None:
    """Refuse with a ValueError what select cannot watch; `name` is a way of waiting or a server."""
    taken = sum(fd < FD_SETSIZE for fd in limits.open_descriptors())
    if name == "select" and count > FD_SETSIZE - taken:
        raise ValueError(
            f"select cannot watch {count:,} descriptors here. It takes numbers below {FD_SETSIZE:,} only (FD_SETSIZE: "
            f"select(2), BUGS), and this process uses {taken} of them already, so {FD_SETSIZE - taken} can be added. "
            "No limit of the system moves that wall; poll and epoll have none"
        )


def _measure(
    model: str, count: int, ready: int, seconds: float, make: Callable[[], tuple[int, int]], hear: bool
) -> list[float]:
    """Return the microseconds of each wait, or with `hear` of each wait together with the reading."""
    with pairs(count, make) as (readers, writers), waiting(model, readers, most=ready) as (ask, take):

        def once() -> float:
            for writer in random.sample(writers, ready):
                os.write(writer, b"!")
            start = time.perf_counter()
            found = ask()
            asked = time.perf_counter()
            for fd in found:
                take(fd, 1)
            heard = time.perf_counter()
            if len(found) != ready:
                raise RuntimeError(f"{model} named {len(found)} descriptors, and {ready} were ready")
            return ((heard if hear else asked) - start) * 1e6

        return repeat(once, seconds)


@contextlib.contextmanager
def waiting(
    model: str, fds: list[int], most: int, seconds: float = BOUND
) -> Iterator[tuple[Callable[[], Collection[int]], Callable[[int, int], object]]]:
    """Set up one way of waiting.

    Args:
        model: one of `MODELS`.
        fds: the nonblocking descriptors to watch.
        most: how many of them can be ready at once. (CPython's epoll reports 1,023 at a time unless it is told more.)
        seconds: how long one wait may take. With 0 the kernel only looks, and does not prepare to be woken by each
            descriptor: that makes select and poll two or three times as fast.

    Yields:
        A function that waits and returns the descriptors that can be read, and one that reads from such a descriptor so
        many bytes. The nonblocking loop has read by then, because to it asking is reading.
    """
    if model == "nonblocking":
        yield lambda: [fd for fd in fds if has_said_something(fd)], lambda fd, size: None
    elif model == "select":
        yield lambda: select.select(fds, [], [], seconds)[0], os.read
    elif model == "poll":
        poll = select.poll()
        for fd in fds:
            poll.register(fd, select.POLLIN)
        yield lambda: dict(poll.poll(seconds * 1000)), os.read
    else:
        with select.epoll() as epoll:
            for fd in fds:
                epoll.register(fd, select.EPOLLIN)
            yield lambda: dict(epoll.poll(seconds, most)), os.read


def has_said_something(fd: int) -> bool:
    """Ask one descriptor, as the nonblocking loop does: the answer is a byte, or EAGAIN."""
    try:
        return bool(os.read(fd, 1))
    except BlockingIOError:
        return False


@contextlib.contextmanager
def pairs(count: int, make: Callable[[], tuple[int, int]] = os.pipe) -> Iterator[tuple[list[int], list[int]]]:
    """Open `count` connected pairs, and close them at the end.

    Args:
        count: pairs.
        make: `os.pipe` or `socket_pair`.

    Yields:
        The descriptors to read from, nonblocking and with low numbers, and those to write to.

    Raises:
        ValueError: the machine does not allow so many.
    """
    floor = _make_room(count)
    readers: list[int] = []
    writers: list[int] = []

    def open_all() -> None:
        for _ in range(count):
            reader, writer = make()
            readers.append(reader)
            writers.append(writer)
            os.set_blocking(reader, False)
            if writer < floor:  # out of the way: select needs the low numbers for those that it watches
                writers[-1] = fcntl.fcntl(writer, fcntl.F_DUPFD_CLOEXEC, floor)
                os.close(writer)

    try:
        undisturbed(open_all)
        yield readers, writers
    finally:
        for fd in (*readers, *writers):
            os.close(fd)


def socket_pair() -> tuple[int, int]:
    """Return two connected sockets, as descriptors: socketpair(2)."""
    one, other = socket.socketpair()
    return one.detach(), other.detach()


def _make_room(count: int) -> int:
    """Make room for `count` pairs, and return the lowest number for their writing ends."""
    needed, floor = limits.descriptors_needed(count, server_here=True)
    hard = limits.descriptor_limits()[1]
    if needed > hard:
        fitting = max(0, hard - limits.SPARE - len(limits.open_descriptors())) // 2
        raise ValueError(
            f"{count:,} pairs take {needed:,} descriptors, and this process may have {hard:,} (RLIMIT_NOFILE, the hard "
            f"limit). {fitting:,} would fit now. "
            f"To raise it, start JupyterLab from a shell after: sudo prlimit --pid $$ --nofile={needed}:{needed}"
        )
    limits.raise_descriptor_limit(needed)
    return floor
