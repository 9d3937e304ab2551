"""Several processes at one door: who wakes up when a client comes, and who gets it.

A server that wants all cores has several workers, and each of them waits for clients. `herd` lets clients come one at a
time, each when all workers are asleep, and counts. The workers themselves are in `herd_workers`.
"""

import errno
import select
from collections.abc import Iterable
from dataclasses import dataclass

from ..arguments import check_count
from .apart import ask_apart
from .protocol import each
from .rows import Rows, settings

WAYS = {
    "accept": "all sleep in accept, on one listener",
    "epoll": "an epoll for each, and all watch one listener",
    "exclusive": "the same with EPOLLEXCLUSIVE",
    "in turn": "the same, and who got a client goes to the end of the line",
    "one epoll": "all sleep in one epoll, edge-triggered",
    "reuseport": "a listener for each, on one port: SO_REUSEPORT",
}
"""What the workers do, by name."""

MOST_WORKERS, MOST_CONNECTIONS = 64, 1000
"""A worker is a process; a connection leaves its port in TIME_WAIT for a minute, and there are some 28,000."""


@dataclass(frozen=True)
class Herd:
    """What happened when clients came one at a time, and all workers slept.

    Attributes:
        way: how the workers waited, one of `WAYS`.
        workers: how many there were.
        connections: how many clients came.
        busy: how many of the workers, the first ones, did something else all the time.
        wake_ups: how often a worker was woken, in all.
        for_nothing: how often one was woken and found that another had taken the client.
        shares: for each worker, in the order in which they were started, how many clients it got.
    """

    way: str
    workers: int
    connections: int
    busy: int
    wake_ups: int
    for_nothing: int
    shares: tuple[int, ...]

    @property
    def woken_by_each(self) -> float:
        """Workers that one client woke, on average."""
        return self.wake_ups / self.connections


def herd(way: str, workers: int | Iterable[int] = 4, connections: int = 20, busy: int = 0) -> Rows:
    """Let clients come to several sleeping workers, one at a time; count who wakes up, and who gets the client.

    Protocol: start the workers, each a process, and wait until the kernel says that they are asleep. Then a client
    connects, and every worker that wakes is counted before any of them may accept, so that none comes too late to be
    counted. Then all of them try, and the next client comes when they are asleep again.

    Source: epoll_ctl(2), EPOLLEXCLUSIVE; socket(7), SO_REUSEPORT.

    Known weaknesses: in a real server, now this worker is busy and now that one; such a worker is not woken. So it has
    a smaller herd than this, and less uneven shares. With "epoll" the shares say little: of those that have woken, the
    first to be let go gets the client.

    Args:
        way: what the workers do, one of `WAYS`: "accept", "epoll", "exclusive", "in turn", "one epoll", "reuseport".
        workers: how many; a number, or several.
        connections: clients that come.
        busy: so many workers, the first ones, watch the door as the others do, but are busy with something else. Not
            for "reuseport", where the clients of a busy worker wait for it.

    Returns:
        One row for each number of workers.

    Raises:
        TypeError: a count is not a whole number.
        ValueError: a number is out of range, or there is no such way.
        OSError: this system is not Linux.
        RuntimeError: the workers failed; says how.
    """
    if not isinstance(way, str) or way not in WAYS:
        raise ValueError(f"way={way!r}: what workers can do is {', '.join(map(repr, WAYS))}")
    counts = settings("workers", workers)
    check_count("workers", max(counts), most=MOST_WORKERS)
    check_count("connections", connections, most=MOST_CONNECTIONS)
    check_count("busy", busy, least=0)
    if busy >= min(counts):
        raise ValueError(f"busy={busy}: one worker at least has to wait for clients, and there are {min(counts)}")
    if busy and way == "reuseport":
        raise ValueError(f'busy={busy}: with "reuseport", the clients of a busy worker would wait for it')
    require_linux("herd")
    found = each(counts, f"herd, {way}", lambda count: _run(way, count, connections, busy))
    return Rows(found)


def _run(way: str, workers: int, connections: int, busy: int) -> Herd:
    found = ask_apart("herd_workers.py", way, workers, connections, busy)
    return Herd(way, workers, connections, busy, found["wake_ups"], found["for_nothing"], tuple(found["shares"]))


def require_linux(name: str) -> None:
    """Refuse an experiment with epoll on another system, with an OSError that says what to do."""
    if not hasattr(select, "EPOLLEXCLUSIVE"):
        raise OSError(errno.ENOSYS, f"{name}() needs Linux: this system has no epoll. Run the course in a container")
