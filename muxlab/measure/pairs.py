"""Many connected pairs of descriptors: what the experiments watch."""

import contextlib
import fcntl
import os
import socket
from collections.abc import Callable, Iterator

from .. import limits
from ..servers.select_server import FD_SETSIZE


def socket_pair() -> tuple[int, int]:
    """Two connected sockets, as descriptors: socketpair(2)."""
    one, other = socket.socketpair()
    return one.detach(), other.detach()


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
    try:
        for _ in range(count):
            reader, writer = make()
            readers.append(reader)
            writers.append(writer)
            os.set_blocking(reader, False)
            if writer < floor:  # out of the way: select needs the low numbers for those that it watches
                writers[-1] = fcntl.fcntl(writer, fcntl.F_DUPFD_CLOEXEC, floor)
                os.close(writer)
        yield readers, writers
    finally:
        for fd in (*readers, *writers):
            os.close(fd)


def check_wall(name: str, count: int) -> None:
    """Refuse with a ValueError what select cannot watch; `name` is a way of waiting or a server."""
    taken = sum(fd < FD_SETSIZE for fd in limits.open_descriptors())
    if name == "select" and count > FD_SETSIZE - taken:
        raise ValueError(
            f"select cannot watch {count:,} descriptors here. It takes numbers below {FD_SETSIZE:,} only (FD_SETSIZE: "
            f"select(2), BUGS), and this process uses {taken} of them already, so {FD_SETSIZE - taken} can be added. "
            "No limit of the system moves that wall; poll and epoll have none"
        )


def _make_room(count: int) -> int:
    """Make room for `count` pairs; returns the lowest number for their writing ends."""
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
