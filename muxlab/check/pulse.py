"""Whether a thread is awake, also when nothing more can be opened to find it out."""

import os

from .. import force


class Pulse:
    """A look at one thread of this process; what it needs is opened at once.

    Args:
        thread: the thread's number in the kernel: gettid(2).
    """

    def __init__(self, thread: int) -> None:
        try:
            self._fd = os.open(f"/proc/self/task/{thread}/syscall", os.O_RDONLY)
        except OSError:  # it has ended, or this is no Linux
            self._fd = -1

    def awake(self) -> bool:
        """Whether it runs, or would if it could: not asleep in a system call. Source: proc(5), syscall."""
        try:
            words = os.pread(self._fd, 200, 0).split()
        except OSError:
            return False
        return bool(words) and (words[0] == b"running" or words[0] == b"%d" % force.FUTEX.get(force.MACHINE, -1))

    def close(self) -> None:
        """Give it back; a second time does nothing."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
