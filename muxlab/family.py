"""A thread and those that it starts: which they are, and the CPU time of all of them together.

Python does not say which thread has started another. But Linux gives a new thread the name of the one that starts it
(pthread_setname_np(3); /proc/[pid]/task/[tid]/comm in proc(5)). So the first one gets a name that no other has, and
whoever bears it is of the family. The names in `threading` are others, and stay as they are.

Not handled here: threads that end before anybody has asked for their CPU time. Elsewhere than on Linux a family is one.
"""

import itertools
import os
import threading
import time
from contextlib import suppress

TASKS = "/proc/self/task"
"""Folder with an entry for each thread of this process: proc(5)."""

CPU_CLOCK = 0b110
"""Lowest bits of the number of the clock that is one thread's CPU time; above them is the thread's number, inverted.
Source: CPUCLOCK_PERTHREAD_MASK and CPUCLOCK_SCHED in Linux, include/linux/posix-timers_types.h. Unlike
pthread_getcpuclockid(3), that is safe to ask for a thread that may have ended."""

_numbers = itertools.count(1)


class Family:
    """The thread that makes this, and those that it and they start from now on."""

    def __init__(self) -> None:
        self._name = f"muxlab-{next(_numbers)}".encode()
        self._first = threading.get_native_id()
        self._known = {self._first: True}  # by thread: whether it is of the family
        self._seconds = {self._first: 0.0}  # CPU time of each member, as last seen
        self._gone = 0.0  # that of those that have ended
        self._count = 0  # entries of TASKS, when they were last read
        self._looking = threading.Lock()
        with suppress(OSError), open(f"{TASKS}/{self._first}/comm", "wb") as file:
            file.write(self._name)

    @property
    def members(self) -> frozenset[int]:
        """The members that there were when `cpu_seconds` was last asked, by native id."""
        return frozenset(self._seconds)

    def cpu_seconds(self, look: bool = True) -> float:
        """Return the CPU time of all members so far, in seconds; of those that have ended, as much as was last seen.

        Args:
            look: whether to look for new members first.
        """
        with self._looking:
            if look and self._changed():
                self._look()
            for thread in self._seconds:
                try:
                    self._seconds[thread] = time.clock_gettime((~thread << 3) | CPU_CLOCK)
                except OSError:
                    self._count = 0  # it has just ended: look again next time
            return self._gone + sum(self._seconds.values())

    def _changed(self) -> bool:
        """Tell whether a thread may have come or gone since the last look."""
        before, self._count = self._count, _links(TASKS)
        if self._count != before:
            return True
        # As many as before may be others: one has ended, another has begun.
        return any(thread.native_id not in self._known for thread in threading.enumerate())

    def _look(self) -> None:
        """See who has come and who has gone."""
        try:
            running = {int(thread) for thread in os.listdir(TASKS)}
        except OSError:  # no descriptor is left, or this is not Linux
            running = {self._first, *self._known}
        for thread in running - self._known.keys():
            self._known[thread] = _name_of(thread) == self._name
            if self._known[thread]:
                self._seconds[thread] = 0.0
        for thread in self._known.keys() - running:
            if self._known.pop(thread):
                self._gone += self._seconds.pop(thread)


def _links(folder: str) -> int:
    """Return how many links a folder has: one for each folder in it, and two. Source: stat(2), and proc(5)."""
    try:
        return os.stat(folder).st_nlink
    except OSError:
        return 0


def _name_of(thread: int) -> bytes:
    try:
        with open(f"{TASKS}/{thread}/comm", "rb") as file:
            return file.read().rstrip(b"\n")
    except OSError:
        return b""
