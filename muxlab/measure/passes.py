"""What one wait costs by how many are watched, and what one pass of a server's loop costs with it."""

import os
import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import ClassVar

from ..limits import check_count
from ..progress import progress
from .clock import check_seconds, repeat, summary
from .pairs import pairs, socket_pair
from .rows import Form, Row, Rows, settings
from .waiting import check_model, waiting


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
        ValueError: a number is out of range, select is to watch more than it can, or this machine allows fewer.
        OSError: epoll is asked for, and this system has none.
    """
    counts = _check(model, "watched", watched, ready, seconds)
    rows = Rows()
    for count in progress(counts, f"waits, {model}"):
        cost, rest = summary(_measure(model, count, ready, seconds, os.pipe, hear=False))
        rows.append(WaitCost(model, count, ready, cost, **rest))
    return rows


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
        ValueError, OSError: as for `wait_cost`.
    """
    counts = _check(model, "sockets", sockets, ready, seconds)
    rows = Rows()
    for count in progress(counts, f"passes, {model}"):
        cost, rest = summary(_measure(model, count, ready, seconds, socket_pair, hear=True))
        rows.append(PassCost(model, count, ready, cost, **rest))
    return rows


def _check(model: str, name: str, given: int | Iterable[int], ready: int, seconds: float) -> list[int]:
    counts = settings(name, given)
    check_count("ready", ready)
    check_seconds(seconds)
    check_model(model, max(counts))
    if ready > min(counts):
        raise ValueError(f"ready={ready}: more than the {min(counts)} that are watched")
    return counts


def _measure(
    model: str, count: int, ready: int, seconds: float, make: Callable[[], tuple[int, int]], hear: bool
) -> list[float]:
    """Microseconds of each wait, or with `hear` of each wait together with the reading."""
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
