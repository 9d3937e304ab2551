"""What is running: so that running a cell again replaces, and nothing outlives the kernel."""

import abc
import atexit
import threading

from .notebook import current_cell


class Running(abc.ABC):
    """Anything that can be told to end: servers, swarms, panels."""

    @abc.abstractmethod
    def end(self) -> None:
        """Stop, release everything, raise nothing."""


_running: list[tuple[Running, tuple[str, str] | None]] = []
_lock = threading.RLock()


def add(thing: Running) -> None:
    """Note that `thing` runs, and which notebook cell started it."""
    with _lock:
        _running.append((thing, current_cell()))


def remove(thing: Running) -> None:
    """Note that `thing` has ended; a second time does nothing."""
    with _lock:
        _running[:] = [entry for entry in _running if entry[0] is not thing]


def replace_earlier() -> None:
    """End what an earlier run of the cell that is being run now has left running."""
    cell = current_cell()
    if cell is None:
        return
    with _lock:
        earlier = [thing for thing, other in _running if other and other[0] == cell[0] and other[1] != cell[1]]
    for thing in reversed(earlier):
        thing.end()


def stop_all() -> None:
    """Stop every server, swarm and panel of this process, the latest first.

    Errors of servers are not raised here; they stay in their `error`.
    """
    with _lock:
        things = [thing for thing, _ in _running]
    for thing in reversed(things):
        thing.end()


atexit.register(stop_all)
