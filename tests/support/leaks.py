"""What a test may leave behind: threads, child processes, open descriptors. Used by conftest.py around every test."""

import gc
import os
import threading
import time
from pathlib import Path

GRACE = 5.0  # seconds for threads and processes that are just ending; a busy machine may not give them a turn sooner


def threads() -> dict[object, str]:
    """Return the running threads of this process, by identity, with their names."""
    return {thread: f"thread {thread.name}" for thread in threading.enumerate()}


def has_children() -> bool:
    """Ask the kernel whether this process has a child at all, a zombie included. The child is left as it is."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def children() -> dict[object, str]:
    """Return the child processes, zombies included, by process id, with their command names. Empty without /proc."""
    found: dict[object, str] = {}
    if not has_children():  # most tests start none: one call, and not a file to read for each process of the machine
        return found
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            pid, rest = stat.read_text().split(" (", 1)
        except OSError:  # it ended while we were reading
            continue
        name, fields = rest.rsplit(") ", 1)
        if int(fields.split()[1]) == os.getpid():
            found["process", pid] = f"child process {pid} ({name})"
    return found


def descriptors() -> dict[object, str]:
    """Return the open descriptors, by number and target, so that a number used again counts as new."""
    found: dict[object, str] = {}
    for number in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{number}")
        except OSError:  # the descriptor that the listing itself used
            continue
        found["descriptor", number, target] = f"descriptor {number} ({target})"
    return found


def snapshot() -> dict[object, str]:
    """Return everything that counts as left behind, with a name for each."""
    gc.collect()
    return threads() | children() | descriptors()


def left_over(before: dict[object, str], grace: float = GRACE) -> list[str]:
    """Return the names of what is there now and was not `before`, after up to `grace` seconds for it to end."""
    deadline = time.monotonic() + grace
    while True:
        new = {key: name for key, name in snapshot().items() if key not in before}
        if not new or time.monotonic() > deadline:
            return sorted(new.values())
        for thread in [key for key in new if isinstance(key, threading.Thread)]:
            thread.join(max(0.0, deadline - time.monotonic()))
        threading.Event().wait(0.01)  # a process or a descriptor cannot be joined: look again, a hundred times a second
