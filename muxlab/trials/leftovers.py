"""What a server leaves behind, counted for the whole process: child processes, descriptors, objects in memory."""

import contextlib
import gc
import os
import signal
import sys
from collections.abc import Iterable

from .. import limits


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
        with contextlib.suppress(OSError), open(f"/proc/{name}/stat", "rb") as stat:  # it may end while we are looking
            _, parent, _ = stat.read().rpartition(b") ")[2].split(maxsplit=2)
            if int(parent) == os.getpid():
                found.add(int(name))
    return found


def end_children(pids: Iterable[int]) -> None:
    """Kill child processes, and wait for them, so that nothing of them is left: waitpid(2)."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, ChildProcessError):  # somebody else has waited for it
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def descriptors() -> int:
    """Return how many descriptors this process has open."""
    return len(limits.open_descriptors())


def objects() -> int:
    """Return how many blocks of memory Python has in use, when nothing is left that could be collected."""
    gc.collect()
    return sys.getallocatedblocks()
