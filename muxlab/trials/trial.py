"""What trials are made of: the trial itself, messages and the queues that they fill, a server's way of waiting."""

from __future__ import annotations

import functools
import socket
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from ..watch.calls import Calls

Run = Callable[[Any], str]
"""What a trial does: it is given a `Bench`, with a server on it."""


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
        bench: the class of bench that it is run on; None for the usual one.
    """

    name: str
    lesson: str
    run: Run
    needs: tuple[Trial, ...] = ()
    bench: Callable[..., Any] | None = None


def trial(
    name: str, lesson: str, needs: Iterable[Trial] = (), bench: Callable[..., Any] | None = None
) -> Callable[[Run], Trial]:
    """Make a trial of a function; arguments as in `Trial`."""
    return lambda run: Trial(name, lesson, run, tuple(needs), bench)


HELLO = b"hello\n"
"""A short message."""

LINE = b"a line of sixty-four bytes, as good as any other line to fill up\n"
"""What long messages are made of."""

NARROW = 131072
"""Size of kernel buffers where a trial fills them (Linux doubles it): room for two of loopback's packets of 64 KiB, as
with less they would wait for each other; and little beside what the server itself may hold."""


def narrow_down(listener: socket.socket) -> None:
    """Give a listener `NARROW` kernel buffers; the sockets that it accepts inherit them: socket(7), tcp(7)."""
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, NARROW)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, NARROW)


SIZES = [len(LINE), *range(NARROW, 8 * NARROW, NARROW // 4)]
"""Bytes that clients ask before a half-close: from what fits into any queue to what fits into none, in steps so small
that one of them comes to its end while part of the reply is still with the server."""

BIG = 4 * 2**20
"""Bytes of the big message: eight times what the queues on its way hold with `NARROW`."""


@functools.cache
def big_message() -> bytes:
    """Return `BIG` bytes in numbered lines, so that a piece that is lost, doubled or misplaced shows."""
    return b"".join(b"%0*d\n" % (len(LINE) - 1, number) for number in range(BIG // len(LINE) + 1))[: BIG - 1] + b"\n"


# ---- the way of waiting: not every way allows everything

READINESS = ("select.select", "poll.poll", "epoll.poll", "ring.enter")
"""Calls in which a server waits for any of its sockets: for readiness, or with a ring for completion."""

ASKED = 100
"""Answers of EAGAIN that show a server to poll: it gets as many in a thousandth of a second, and one that waits gets
one or two for an event."""


class Model(NamedTuple):
    """A way of waiting.

    Attributes:
        waits: which of the calls in `READINESS` the server makes.
        polls: it makes none, and asks sockets that have nothing, again and again: it cannot sleep.
    """

    waits: frozenset[str]
    polls: bool

    @property
    def is_select(self) -> bool:
        """Whether it waits with select and nothing else: it cannot hold a descriptor of 1,024 or more."""
        return self.waits == {"select.select"}


def model_of(calls: Calls) -> Model:
    """Return the model that a stream of calls shows."""
    waits = frozenset(name for name in READINESS if calls.of(name))
    asked = sum(number for (_, outcome), number in calls.items() if outcome == "EAGAIN")
    return Model(waits, not waits and asked > ASKED)
