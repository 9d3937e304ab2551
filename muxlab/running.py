"""The list of all that is running: a cell that runs again ends what it started before, and nothing outlives the kernel.

Not handled here: the kernel's end by SIGKILL, after which no Python code runs.
"""

import abc
import atexit
import threading

from .notebook import current_cell


class Running(abc.ABC):
    """Anything that can be ended: a server, a swarm, a panel."""

    @abc.abstractmethod
    def end(self) -> None:
        """Stop, release everything, and raise nothing."""


_running: list[tuple[Running, tuple[str, str] | None]] = []
_lock = threading.RLock()


def add(thing: Running) -> None:
    """Add `thing` to the list, with the notebook cell that started it."""
    with _lock:
        _running.append((thing, current_cell()))


def remove(thing: Running) -> None:
    """Take `thing` off the list; a second call does nothing."""
    with _lock:
        _running[:] = [entry for entry in _running if entry[0] is not thing]


def replace_earlier() -> None:
    """End all that an earlier run of the current notebook cell left running."""
    cell = current_cell()
    if cell is None:
        return
    with _lock:
        earlier = [thing for thing, other in _running if other and other[0] == cell[0] and other[1] != cell[1]]
    for thing in reversed(earlier):
        thing.end()


def stop_all() -> None:
    """Stop every server, swarm and panel of this process, the latest first.

    The error of a server is not raised here; it stays in the server's `error`.
    """
    with _lock:
        things = [thing for thing, _ in _running]
    for thing in reversed(things):
        thing.end()


atexit.register(stop_all)
