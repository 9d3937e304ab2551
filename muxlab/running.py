"""The list of all that is running: a cell that runs again ends what it started before, and nothing outlives the kernel.

`start` begins a thing so that an interrupt on the way leaves nothing behind.
A fork of this process starts with an empty list: what runs belongs to the process that has started it.
Not handled here: the kernel's end by SIGKILL, after which no Python code runs.
"""

import _thread
import abc
import atexit
import os
import threading
from collections.abc import Callable
from typing import TypeVar

from .notebook import current_cell

Answer = TypeVar("Answer")


class Running(abc.ABC):
    """Anything that can be ended: a server, a swarm, a panel."""

    @abc.abstractmethod
    def end(self) -> None:
        """Stop, release everything, and raise nothing."""


_running: list[tuple[Running, tuple[str, str] | None]] = []
_lock = threading.RLock()


def start(thing: Running, begin: Callable[[], object]) -> None:
    """Note that `thing` runs, and begin it; an error or an interrupt on the way ends it again.

    Args:
        thing: what is to run; its `end` is called, though nothing may have begun.
        begin: opens everything and starts it, or raises and leaves nothing.
    """
    __tracebackhide__ = True
    add(thing)
    try:
        undisturbed(begin)
    except BaseException:
        thing.end()
        raise


def undisturbed(work: Callable[[], Answer]) -> Answer:
    """Do `work` to its end even if the caller is interrupted meanwhile; return or raise what it did.

    Python's signal handlers run in the main thread, between any two instructions: after a pipe was opened, say, and
    before anything knew of it. So the work is done in another thread. `threading` cannot start that one, because an
    interrupt may leave the locks of its `start` locked; so `work` must not ask for `threading.current_thread()`.
    """
    __tracebackhide__ = True
    if threading.get_ident() != threading.main_thread().ident:
        return work()
    pending, failed, finished = [work], list[BaseException](), list[Answer]()
    ended = list[bool]()
    wake = _thread.allocate_lock()
    wake.acquire()

    def run() -> None:
        __tracebackhide__ = True
        try:
            taken = pending.pop()
        except IndexError:  # called off
            return
        try:
            finished.append(taken())
        except BaseException as error:
            failed.append(error)
        ended.append(True)
        wake.release()

    def wait() -> None:
        if not ended:  # an interrupt may have come after the lock was taken
            wake.acquire()

    try:
        try:
            _thread.start_new_thread(run, ())
        except RuntimeError:  # no thread is to be had, as at the interpreter's exit: do it here
            run()
        wait()
    except BaseException:
        try:
            pending.pop()
        except IndexError:  # it has begun: see it through
            wait()
        raise
    if failed:
        raise failed[0]
    return finished[0]


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

    The error of a server is not raised here; it stays in the server's `error`. An `end` that fails does not keep the
    others from being ended; the first such error is raised when all have been.
    """
    with _lock:
        things = [thing for thing, _ in _running]
    failed = []
    for thing in reversed(things):
        try:
            thing.end()
        except Exception as error:
            failed.append(error)
    if failed:
        raise failed[0]


def _forget_all() -> None:
    global _lock
    _lock = threading.RLock()  # another thread may have held it at the fork, and that thread is not in the child
    _running.clear()


atexit.register(stop_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
