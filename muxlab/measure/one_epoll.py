"""Several threads, one epoll, one connection: how many of them get hold of it, and what that does to the replies.

The threads themselves are in `one_epoll_threads`.
"""

import errno
import select
from dataclasses import dataclass

from ..arguments import check_count
from ..interrupt import EPOLL_WAITS, MACHINE
from ..sockets import mask_names
from .apart import ask_apart
from .herd import require_linux

MOST_THREADS = 64
"""As many as `herd` has workers at most: enough to see how the counts grow."""


@dataclass(frozen=True)
class OneEpoll:
    """What happened when two messages came on one connection, and several threads slept in the epoll that watches it.

    Attributes:
        watched_for: names of the mask's bits, "IN|ET".
        threads: how many there were.
        at_once: how many had an event for the connection in hand at the same time.
        for_nothing: how many of the events led to a recv that found nothing to read.
        replies: what the client read, in the order in which it came.
        unread: bytes that no thread ever read.
    """

    watched_for: str
    threads: int
    at_once: int
    for_nothing: int
    replies: tuple[str, ...]
    unread: int


def one_epoll(mask: int, threads: int = 4, rearm: bool = True) -> OneEpoll:
    """Let two messages come on one connection that several threads wait for in one epoll.

    Protocol: all threads are asleep in `epoll.poll`. The message "one" comes; all threads that wake are counted, and
    the first of them reads it and then works for a while. Meanwhile "two" comes; all that wake are counted again. Now
    the threads are let go on one after the other, whoever woke last being the quickest: it reads, if it has not
    read yet, sends what it read, and goes back to sleep.

    Source: epoll(7); epoll_ctl(2), EPOLLET and EPOLLONESHOT.

    Args:
        mask: what the connection is watched for: select.EPOLLIN, and beside it EPOLLET or EPOLLONESHOT.
        threads: how many.
        rearm: with EPOLLONESHOT, whether a thread that has replied has the connection watched again, by `modify`.

    Returns:
        What was counted.

    Raises:
        TypeError: `threads` is not a whole number, or `rearm` neither True nor False.
        ValueError: a number is out of range.
        OSError: this system is not Linux.
        RuntimeError: the experiment failed; says how.
    """
    check_count("threads", threads, least=2, most=MOST_THREADS)
    require_linux("one_epoll")
    if not isinstance(rearm, bool):
        raise TypeError(f"rearm={rearm!r}: it has to be True or False")
    allowed = {select.EPOLLIN | extra for extra in (0, select.EPOLLET, select.EPOLLONESHOT)}
    if isinstance(mask, bool) or not isinstance(mask, int) or mask not in allowed:
        masks = ", ".join(mask_names(one) for one in sorted(allowed))
        raise ValueError(f"mask={mask!r}: this experiment knows {masks}, made of select.EPOLLIN and so on")
    if MACHINE not in EPOLL_WAITS:
        raise OSError(errno.ENOSYS, f"one_epoll() does not know the numbers of the system calls of this {MACHINE}")
    calls = ",".join(map(str, EPOLL_WAITS[MACHINE]))
    found = ask_apart("one_epoll_threads.py", mask, threads, int(rearm), calls)
    replies = tuple(found["replies"])
    return OneEpoll(mask_names(mask), threads, found["at_once"], found["for_nothing"], replies, found["unread"])
