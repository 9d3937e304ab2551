"""What the process that runs a learner's code may use: time, memory, descriptors, output.

The limits are setrlimit(2)'s, so the kernel keeps them. They hold for each process; the examiner counts how many there
are (`examiner.py`). Root could raise them again: do not grade as root, other than in a container.

Not handled here: the number of files. Each has a largest size, and all of them are removed after the answer.
"""

import resource
import signal
import threading
from dataclasses import dataclass

OUTPUT = 2**20
"""Bytes of the largest file that it may write."""

STACK = 512 * 1024
"""Bytes of a thread's stack. With the usual 8 MiB, a server with a thread for each client would run into the limit of
memory by the room that it reserves and never uses."""


@dataclass(frozen=True)
class Bounds:
    """What the answer to one exercise may use.

    Attributes:
        seconds: in all, on the clock.
        memory: bytes, for each process.
        descriptors: open at the same time, for each process.
        processes: with all that it starts.
    """

    seconds: float = 300.0
    memory: int = 1024 * 2**20
    descriptors: int = 4096
    processes: int = 400


def keep_within(bounds: Bounds) -> None:
    """Give this process its limits; those that it starts have the same."""
    _limit(resource.RLIMIT_CPU, int(bounds.seconds) + 1)
    _limit(resource.RLIMIT_AS, bounds.memory)
    _limit(resource.RLIMIT_NOFILE, bounds.descriptors)
    _limit(resource.RLIMIT_FSIZE, OUTPUT)
    _limit(resource.RLIMIT_CORE, 0)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # to write more than that is an error, as on a full disk
    threading.stack_size(STACK)


def _limit(what: int, wanted: int) -> None:
    _, hard = resource.getrlimit(what)
    least = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(what, (least, least))
