"""One trial, and what trials are made of: messages, long and short, and the sizes of the queues that they fill."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from .bench import Bench


class Failed(Exception):
    """The trial is not passed.

    Args:
        seen: what was seen.
        lesson: what to look at, where the trial's own lesson is about something else.
    """

    def __init__(self, seen: str, lesson: str = "") -> None:
        super().__init__(seen)
        self.lesson = lesson


class NotAllowed(Exception):
    """The trial cannot be passed, and the server is not to blame; says why."""


class Trial(NamedTuple):
    """One thing that is done to a server, and a lesson for those that fail.

    Attributes:
        name: what is asked of the server.
        lesson: what to look at when it fails, without giving the answer away.
        run: does it; returns what was seen, and raises `Failed` or `NotAllowed`.
        needs: trials that have to pass first: without them this one would tell nothing new.
    """

    name: str
    lesson: str
    run: Callable[[Bench], str]
    needs: tuple[Trial, ...] = ()


def trial(name: str, lesson: str, needs: Iterable[Trial] = ()) -> Callable[[Callable[[Bench], str]], Trial]:
    """Make a trial of a function; arguments as in `Trial`."""
    return lambda run: Trial(name, lesson, run, tuple(needs))


HELLO = b"hello\n"
"""A short message."""

LINE = b"a line of sixty-four bytes, as good as any other line to fill up\n"
"""What long messages are made of."""

NARROW = 131072
"""Size of kernel buffers where a trial fills them (Linux doubles it): room for two of loopback's packets of 64 KiB, as
with less they would wait for each other; and little beside what the server itself may hold."""

SIZES = [len(LINE), *range(NARROW, 8 * NARROW, NARROW // 4)]
"""Bytes that clients ask before a half-close: from what fits into any queue to what fits into none, in steps so small
that one of them comes to its end while part of the reply is still with the server."""

BIG = 4 * 2**20
"""Bytes of the big message: eight times what the queues on its way hold with `NARROW`."""


@functools.cache
def big_message() -> bytes:
    """Return `BIG` bytes in numbered lines, so that a piece that is lost, doubled or misplaced shows."""
    return b"".join(b"%0*d\n" % (len(LINE) - 1, number) for number in range(BIG // len(LINE) + 1))[: BIG - 1] + b"\n"
