"""The four ways to learn which of many descriptors can be read, stripped of everything else: what is measured."""

import contextlib
import os
import select
from collections.abc import Callable, Collection, Iterator

from ..function import require_epoll
from .pairs import check_wall

MODELS = ("nonblocking", "select", "poll", "epoll")
BOUND = 10.0
"""Seconds that a wait may take, in which a descriptor is ready before it begins."""


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
