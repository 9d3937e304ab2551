"""What a server leaves behind in this process: child processes, descriptors, objects; and a lack of descriptors."""

import contextlib
import gc
import os
import resource
import signal
import socket
import stat
import sys
import time
from collections.abc import Iterator

from .. import limits

CLOSING = 0.02
"""Seconds that a thread is given to finish the close of a socket."""


class Leftovers:
    """What there is more in this process than there was when this was made."""

    def __init__(self) -> None:
        self._children, self._descriptors = children(), descriptors()

    def children(self) -> set[int]:
        """Return the child processes that are new, also those that have ended and were not waited for."""
        return children() - self._children

    def clear(self, port: int) -> None:
        """End the new child processes, and close the connections that a server has lost, so that nothing is left.

        Args:
            port: of the server.
        """
        for pid in self.children():
            with contextlib.suppress(ProcessLookupError, ChildProcessError):  # somebody else has waited for it
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
        if descriptors() > self._descriptors:
            _close_lost(port)


def children() -> set[int]:
    """Return the child processes of this process, also those that have ended and were not waited for.

    Source: waitid(2), ECHILD: there are none. /proc/[pid]/stat, proc(5): the fourth field is the parent; without /proc
    none are seen.
    """
    found: set[int] = set()
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)  # waits for nobody, and takes nobody away
    except ChildProcessError:
        return found
    for name in filter(str.isdigit, os.listdir("/proc") if os.path.isdir("/proc") else ()):
        with contextlib.suppress(OSError), open(f"/proc/{name}/stat", "rb") as file:  # it may end while we are looking
            _, parent, _ = file.read().rpartition(b") ")[2].split(maxsplit=2)
            if int(parent) == os.getpid():
                found.add(int(name))
    return found


def descriptors() -> int:
    """Return how many descriptors this process has open."""
    return len(limits.open_descriptors())


def objects() -> int:
    """Return how many blocks of memory Python has in use, when nothing is left that could be collected."""
    gc.collect()
    return sys.getallocatedblocks()


@contextlib.contextmanager
def no_descriptors_left() -> Iterator[None]:
    """Take all free descriptors of this process, and let it open no more; give them back at the end.

    The limit is put above all that are open: the poll of another thread fails when it watches more than the limit
    has numbers (poll(2), EINVAL), and a notebook's kernel goes on working meanwhile.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken = [os.open(os.devnull, os.O_RDONLY)]
    try:
        highest = max(limits.open_descriptors())
        while taken[-1] < highest:
            taken.append(os.dup(taken[0]))
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(highest, taken[-1]) + 1, hard))
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for fd in taken:
            os.close(fd)


def _close_lost(port: int) -> None:
    """Close the connections of a port that no socket object owns any more: the server has detached them.

    A socket that some thread is just closing has lost its number, and its descriptor is still open: so look twice.
    """
    lost = _lost(port)
    if lost:
        time.sleep(CLOSING)
        for fd in lost & _lost(port):
            with contextlib.suppress(OSError):  # it is not open any more
                os.close(fd)


def _lost(port: int) -> set[int]:
    """Return the descriptors of connections of a port that no socket object owns."""
    owned = {thing.fileno() for thing in gc.get_objects() if isinstance(thing, socket.socket)}
    found = set()
    for fd in set(limits.open_descriptors()) - owned:
        with contextlib.suppress(OSError):  # it is not open any more
            if stat.S_ISSOCK(os.fstat(fd).st_mode) and _port(fd) == port:
                found.add(fd)
    return found


def _port(fd: int) -> int:
    with socket.socket(fileno=os.dup(fd)) as copy:
        return copy.getsockname()[1] if copy.family == socket.AF_INET else 0
