"""The processes that descend from this one: found, counted, and ended, whatever they do to get away.

A process that loses its parent goes to the next *subreaper* above it (`PR_SET_CHILD_SUBREAPER`, prctl(2)), also when it
has begun a session of its own. So once this process has made itself one, nothing that it has started can escape it.

Not handled here: a process that starts new ones faster than they can be stopped; `bounds.py` limits their number.
"""

import contextlib
import ctypes
import os
import select
import signal
import time
from collections.abc import Container, Iterable

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_CHILD_SUBREAPER = 1, 4, 36
"""Requests of prctl(2): linux/prctl.h."""

PATIENCE = 5.0
"""Seconds in which a killed process has to be gone. It takes a thousandth of that on a quiet machine."""


def adopt_orphans(adopt: bool = True) -> None:
    """Make this process the one that descendants without a parent go to, or no longer that one."""
    _prctl(PR_SET_CHILD_SUBREAPER, int(adopt))


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process as soon as its parent has ended; `parent` is the number that it should have."""
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)  # it has ended before that was asked for


def hide_from_learners(hide: bool = True) -> None:
    """Keep other processes of this account from tracing this one and from taking its descriptors, or let them again.

    Programs that it starts are not hidden: execve(2) resets it. Root may look at everything.
    """
    _prctl(PR_SET_DUMPABLE, int(not hide))


def _prctl(request: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(request, ctypes.c_ulong(value), 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl was refused by the kernel: grading needs Linux 3.4 or newer")


def descendants(of: int, ended: bool = False, spare: Container[int] = ()) -> list[int]:
    """Return the processes that descend from a process, parents before their children. Source: proc(5), stat.

    Args:
        of: the process.
        ended: whether to count those, too, that have ended and were not waited for.
        spare: children of the process that are left out, with all that descends from them.
    """
    children: dict[int, list[int]] = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError, ValueError), open(f"/proc/{name}/stat", "rb") as file:  # it may just end
            state, parent, _ = file.read().rpartition(b") ")[2].split(maxsplit=2)
            if ended or state not in (b"Z", b"X"):
                children.setdefault(int(parent), []).append(int(name))
    found = [child for child in children.get(of, ()) if child not in spare]
    for process in found:  # it grows meanwhile
        found += children.get(process, ())
    return found


def memory_of(processes: Iterable[int]) -> int:
    """Return how many bytes of memory these processes have in use together: what two of them share is counted once.

    Source: proc(5), smaps_rollup: Pss, the proportional set size.
    """
    kilobytes = 0
    for process in processes:
        with contextlib.suppress(OSError), open(f"/proc/{process}/smaps_rollup") as file:  # it may just end
            kilobytes += next((int(line.split()[1]) for line in file if line.startswith("Pss:")), 0)
    return 1024 * kilobytes


def end_descendants(of: int, spare: Container[int] = ()) -> None:
    """Kill all that descends from a process, wait until it has ended, and leave no trace of it.

    Args:
        of: the process whose descendants are to be ended: this one.
        spare: its children that are to be left alone, with all that descends from them.
    """
    deadline = time.monotonic() + PATIENCE
    for process in kill_descendants(of, spare):
        _wait_for(process, deadline)
    for process in descendants(of, ended=True, spare=spare):
        with contextlib.suppress(ChildProcessError):  # it is not ours, but that of one that has just ended
            os.waitpid(process, os.WNOHANG)


def kill_descendants(of: int, spare: Container[int] = ()) -> set[int]:
    """Kill all that descends from a process, and return what was killed; do not wait until it is gone.

    First the processes are stopped: one that is stopped starts no others. When there are no new ones, they are killed.
    """
    deadline = time.monotonic() + PATIENCE
    stopped: set[int] = set()
    while new := set(descendants(of, spare=spare)) - stopped:
        for process in new:
            _signal(process, signal.SIGSTOP)
        stopped |= new
        if time.monotonic() > deadline:
            break
    kill(stopped)
    return stopped


def kill(processes: Iterable[int]) -> None:
    """Kill these processes, and do not wait until they are gone."""
    for process in processes:
        _signal(process, signal.SIGKILL)


def _signal(process: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(process, number)


def _wait_for(process: int, deadline: float) -> None:
    """Wait until a process has ended."""
    with contextlib.suppress(OSError):  # it is gone already
        handle = os.pidfd_open(process)  # becomes readable at its end: pidfd_open(2)
        try:
            poll = select.poll()  # not select: the number may be high
            poll.register(handle, select.POLLIN)
            poll.poll(1000 * max(0.0, deadline - time.monotonic()))
        finally:
            os.close(handle)
