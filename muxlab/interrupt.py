"""How to force a server function to end that ignores `stop`, and how to tell whether a thread is asleep.

A thread cannot be killed. It can be made to leave the system call it sleeps in, and while it runs bytecode an
exception can be raised in it. The order matters: an exception that is left pending for a thread asleep in the
kernel makes traced calls of *other* threads spin on CPython 3.11, so the sleeper is woken first.

Not handled here: on CPython 3.12, a loop around a bare `except` that never sleeps catches whatever is raised in it.
"""

import contextlib
import os
import select
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager

from .listener import hang_up, shut_down

MACHINE = os.uname().machine
"""Name of the processor architecture: the numbers of the system calls depend on it."""

EPOLL_WAITS = {"x86_64": {232, 281, 441}, "aarch64": {22, 441}}
"""Numbers of the system calls epoll_wait, epoll_pwait and epoll_pwait2: linux/arch/*/entry/syscalls."""

FUTEX = {"x86_64": 202, "aarch64": 98}
"""Number of the system call in which a thread waits for the interpreter's lock: such a thread is about to run."""

LOOK_AGAIN = 0.005
"""Seconds before each attempt: one switch interval of the interpreter, so that the thread gets a turn."""


class ServerStopped(BaseException):
    """The exception that ends a server function by force; not an Exception, so that few handlers catch it."""


def end_thread(
    thread: threading.Thread,
    sockets: Callable[[], Iterable[socket.socket]],
    others: Callable[[], Iterable[threading.Thread]],
    wake_fd: int,
    may_raise: Callable[[], AbstractContextManager[bool]],
    timeout: float,
) -> bool:
    """End a thread: wake it while it sleeps, raise `ServerStopped` in it while it runs.

    Args:
        thread: a started thread.
        sockets: returns the sockets that the thread may sleep on now. They are shut down, which wakes it, and closed at
            the end.
        others: returns the threads that it has started, which may sleep on them, too.
        wake_fd: a readable descriptor, to be added to an epoll that the thread sleeps in.
        may_raise: makes a context manager that yields whether an exception may be raised in the thread, and keeps that
            answer true while it is open.
        timeout: seconds to try for.

    Returns:
        Whether the thread has ended.
    """
    began = time.monotonic()
    deadline = began + timeout
    held: set[socket.socket] = set()  # keeps the sockets from being garbage-collected, so that they are closed here
    while thread.is_alive() and time.monotonic() < deadline:
        held.update(sockets())
        shut_down(held)
        thread.join(LOOK_AGAIN)
        call = sleeping_in(thread)
        if call is not None and call[0] in EPOLL_WAITS.get(MACHINE, ()):
            _wake_epoll(call[1], wake_fd)
            call = sleeping_in(thread)  # now: a loop that drops a descriptor which it does not know soon sleeps again
        if call is None:
            with may_raise() as running:
                late = time.monotonic() > began + timeout / 2  # it does nothing else, perhaps
                if running and (late or not (starts_a_thread(thread) or accepts(thread))):
                    _set_exception(thread.ident or 0, ServerStopped)
    hang_up(held, others())
    with may_raise() as running:
        if running:
            _set_exception(thread.ident or 0, None)  # it may sleep for long: nothing is left pending for it
            take_pending()
    return not thread.is_alive()


def starts_a_thread(thread: threading.Thread) -> bool:
    """Tell whether a thread is inside `Thread.start`: cut off there, it may hold a lock that the new thread needs."""
    frame = sys._current_frames().get(thread.ident or 0)
    while frame is not None and frame.f_code.co_filename == threading.__file__:
        if frame.f_code is threading.Thread.start.__code__:
            return True
        frame = frame.f_back
    return False


def accepts(thread: threading.Thread) -> bool:
    """Tell whether a thread is inside `socket.accept`: cut off there, it loses the descriptor that it was given."""
    frame = sys._current_frames().get(thread.ident or 0)
    while frame is not None:
        if frame.f_code is socket.socket.accept.__code__:
            return True
        frame = frame.f_back
    return False


def sleeping_in(thread: threading.Thread) -> tuple[int, int] | None:
    """Return the system call that a thread sleeps in, and its first argument; None if it runs, or if that is hidden.

    Source: /proc/[pid]/syscall, proc(5).
    """
    try:
        with open(f"/proc/self/task/{thread.native_id}/syscall") as file:
            words = file.read().split()
    except OSError:
        return None
    if len(words) < 2 or not words[0].isdigit() or int(words[0]) == FUTEX.get(MACHINE):
        return None
    return int(words[0]), int(words[1], 16)


def take_pending() -> None:
    """Let an exception that was raised in the calling thread, and has not arrived yet, arrive here.

    Withdrawing it would not do: CPython 3.11 resets its "an exception is pending" flag only when one arrives.
    """
    try:
        _set_exception(threading.get_ident(), ServerStopped)  # takes the place of any other
        for _ in range(1_000_000):  # it arrives at the first jump backwards
            pass
    except ServerStopped:
        return


def _set_exception(ident: int, error: type[BaseException] | None) -> None:
    """Raise `error` in a thread when it next runs bytecode. Source: PyThreadState_SetAsyncExc, CPython's C API."""
    import ctypes  # imported here: few servers need it, and it would slow down `import muxlab`

    exception = None if error is None else ctypes.py_object(error)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(ident), exception)


def _wake_epoll(epoll_fd: int, wake_fd: int) -> None:
    """Make a wait in an epoll return: register a readable descriptor with it, through a duplicate."""
    try:
        with select.epoll.fromfd(os.dup(epoll_fd)) as epoll, contextlib.suppress(FileExistsError):
            epoll.register(wake_fd, select.EPOLLIN)
    except OSError:
        return  # closed meanwhile: no thread sleeps in it any more


class Pulse:
    """A view of one thread that works even when no descriptor is left: its own is opened when it is made.

    Args:
        thread: the thread's number in the kernel: gettid(2), `threading.Thread.native_id`.
        process: the number of the process that it belongs to; "self" for this one.
    """

    def __init__(self, thread: int, process: int | str = "self") -> None:
        try:
            self._fd = os.open(f"/proc/{process}/task/{thread}/syscall", os.O_RDONLY)
        except OSError:  # the thread has ended, or this is not Linux
            self._fd = -1

    def call(self) -> int | None:
        """Return the number of the system call that it sleeps in, -1 when it has ended; None while it runs.

        Source: proc(5), syscall.
        """
        try:
            word = os.pread(self._fd, 200, 0).partition(b" ")[0].strip()
        except OSError:
            return -1
        return None if word in (b"running", b"-1") else int(word or -1)  # -1: it waits for its memory, in no call

    def awake(self) -> bool:
        """Tell whether the thread runs or waits for its turn, and is not asleep in a call."""
        return self.call() in (None, FUTEX.get(MACHINE))

    def close(self) -> None:
        """Close the descriptor; a second call does nothing."""
        if self._fd >= 0:
            with contextlib.suppress(OSError):  # a server function has closed it by its number
                os.close(self._fd)
            self._fd = -1
