"""The loop: tasks that take turns, and one epoll that tells whose turn it is.

A coroutine runs until it has to wait. Then it yields a *request*: a method of `Loop`, and its arguments. The loop notes
in `_waiting` which task waits for what, lets the other tasks run, and sleeps in epoll when none of them can.

Not handled here: what a coroutine can await, see `awaitables.py`; and waiting for another task.
"""

import contextlib
import heapq
import itertools
import select
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine, Hashable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

from ..arguments import check_timeout

THREADS = 8
"""Threads that work for one loop, at most; further work waits for one of them. They spend their time asleep."""

FINISHED_TIMERS = 100
"""Timers in the heap that nobody waits for any more: so many are not worth the cleaning up."""


IN, OUT = getattr(select, "EPOLLIN", 1), getattr(select, "EPOLLOUT", 4)
"""Events of epoll that a task can wait for. Elsewhere than on Linux this module can be imported, and no loop made."""


class Watchable(Protocol):
    """A thing that epoll can watch: a socket, or the `stop` of a server."""

    def fileno(self) -> int: ...


class Cancelled(BaseException):
    """The exception that a cancelled task gets at its `await`; not an Exception, so that few handlers catch it."""


class Task:
    """A coroutine at work in a loop; made by `Loop.spawn`.

    Attributes:
        done: whether it has ended.
        result: what the coroutine returned.
    """

    def __init__(self, loop: "Loop", coroutine: Coroutine) -> None:
        self.done = False
        self.result: Any = None
        self._loop, self._coroutine = loop, coroutine
        self._key: Hashable = None  # what it waits for: its key in the loop's table
        self._answer: Any = None  # what its `await` returns
        self._errors: deque[BaseException] = deque()  # what its `await` raises instead, one at a time

    def cancel(self) -> None:
        """Raise `Cancelled` at the task's `await`, so that its `finally` and `with` close what it holds."""
        self._interrupt(Cancelled())

    def _interrupt(self, error: BaseException) -> None:
        if not self.done:
            self._errors.append(error)
            self._loop._wake(self._key)  # it waits no more, if it did


class Loop:
    """Tasks that take turns in one thread, and one epoll that tells whose turn it is.

    Args:
        epoll: the epoll to sleep in, which is the loop's from now on; a new one when None. A server function that makes
            it itself, `Loop(select.epoll())`, lets a tap see its calls.
    """

    def __init__(self, epoll: select.epoll | None = None) -> None:
        self._tasks: set[Task] = set()  # all that have not ended
        self._ready: deque[Task] = deque()  # those that can go on
        self._waiting: dict[Hashable, Task] = {}  # by what they wait for: (descriptor, event), timer, future
        self._timers: list[tuple[float, int]] = []  # a heap of (when, number)
        self._alarms: dict[int, tuple[Task, Cancelled]] = {}  # by timer, whom it interrupts, and how
        self._numbers = itertools.count()
        self._epoll = epoll or select.epoll()
        self._watched: dict[int, tuple[Watchable, int]] = {}  # by descriptor: whose it is, and the events
        self._calls: deque[tuple[Callable, tuple]] = deque()  # from other threads
        self._bell, self._ear = socket.socketpair()  # the self-pipe: a byte in it wakes the epoll
        self._ringing = threading.RLock()  # a signal handler may ring, too
        self._bell.setblocking(False)
        self._ear.setblocking(False)
        self._ear_fd = self._ear.fileno()
        self._epoll.register(self._ear, IN)
        self._threads = ThreadPoolExecutor(THREADS, "muxlab-runtime")

    def spawn(self, coroutine: Coroutine) -> Task:
        """Make a task of a coroutine; it takes its first turn soon. An error in it ends `run`, which raises it."""
        if not isinstance(coroutine, Coroutine):
            raise TypeError(
                f"a task is made of a coroutine, as `talk(conn)` of an `async def talk`; not of {coroutine!r}"
            )
        if self._epoll.closed:
            coroutine.close()
            raise RuntimeError("this loop has run to its end: make a new Loop()")
        task = Task(self, coroutine)
        self._tasks.add(task)
        self._ready.append(task)
        return task

    def run(self, coroutine: Coroutine) -> Any:
        """Run a coroutine, and the tasks that it spawns, until it ends; close what is left, and return its result.

        A task that has not ended by then is closed where it waits: its `finally` and `with` blocks run, and cannot
        `await` any more. A loop runs once.

        Raises:
            BaseException: what a task raised; that ends the loop.
        """
        main = self.spawn(coroutine)
        try:
            while not main.done:
                self._wait_for_news()
                for _ in range(len(self._ready)):  # not those that they wake: first epoll is looked at again
                    self._turn(self._ready.popleft())
            return main.result
        finally:
            self._close()

    def call_from_thread(self, fn: Callable, *args: Any) -> None:
        """Have the loop call `fn(*args)` soon, and wake it if it sleeps; from any thread. Ignored after its end."""
        self._calls.append((fn, args))
        with self._ringing, contextlib.suppress(BlockingIOError):  # no room: it is ringing already
            if self._bell.fileno() >= 0:
                self._bell.send(b"!")

    # ---- one round

    def _wait_for_news(self) -> None:
        """Sleep until something happens, unless a task can go on; then wake the tasks that waited for it."""
        rung = False
        for fd, mask in self._epoll.poll(self._time_to_sleep()):
            if fd == self._ear_fd:
                rung = True
                continue
            reader = mask & ~OUT and self._wake((fd, IN))  # an error or a hang-up wakes both
            writer = mask & ~IN and self._wake((fd, OUT))
            if not reader and not writer:
                self._watch_less(fd)
        if self._timers:
            self._wake_sleepers()
        if rung:  # only now: what is called may close a socket that epoll has named
            self._answer_the_bell()

    def _time_to_sleep(self) -> float | None:
        if self._ready:
            return 0
        return max(0.0, self._timers[0][0] - time.monotonic()) if self._timers else None

    def _wake_sleepers(self) -> None:
        now = time.monotonic()
        while self._timers and self._timers[0][0] <= now:
            _, number = heapq.heappop(self._timers)
            if number in self._alarms:
                task, error = self._alarms.pop(number)
                task._interrupt(error)
            self._wake(number)

    def _answer_the_bell(self) -> None:
        """Make the calls that other threads asked for: first empty the pipe, so that no ring is missed."""
        self._ear.recv(4096)
        while self._calls:
            fn, args = self._calls.popleft()
            fn(*args)

    def _turn(self, task: Task) -> None:
        """Let a task run until it has to wait, or to its end."""
        waits = False
        try:
            while not waits:
                if task._errors:
                    request = task._coroutine.throw(task._errors.popleft())
                else:
                    request = task._coroutine.send(task._answer)
                waits = self._carry_out(task, request)
        except BaseException as end:
            task.done = True
            self._tasks.discard(task)
            if isinstance(end, StopIteration):
                task.result = end.value
            elif not isinstance(end, Cancelled):
                raise

    def _carry_out(self, task: Task, request: Any) -> bool:
        """Do what a task asks for; return whether it has to wait. An error is raised where the task asked."""
        if task._errors:  # it has been interrupted, by itself: that comes first
            return False
        try:
            if type(request) is not tuple:
                raise TypeError(f"muxlab's loop cannot wait for {request!r}: await the functions of muxlab.runtime")
            return request[0](self, task, *request[1:])
        except Exception as error:
            task._errors.append(error)
            return False

    def _wait(self, task: Task, key: Hashable) -> bool:
        task._key, task._answer = key, None
        self._waiting[key] = task
        return True

    def _wake(self, key: Hashable, answer: Any = None) -> bool:
        """Let the task that waits for `key` go on; return whether there was one."""
        task = self._waiting.pop(key, None)
        if task is None:
            return False
        task._key, task._answer = None, answer
        self._ready.append(task)
        return True

    # ---- requests

    def _watch(self, task: Task, thing: Watchable, event: int) -> bool:
        """Wait until a descriptor is ready.

        It stays on epoll's list afterwards: a client that talks again costs no call. A thing is recognised by itself
        and not by its number, which may have been that of another one, now closed.
        """
        fd = thing.fileno()
        if (fd, event) in self._waiting:
            raise RuntimeError(f"two tasks wait for {thing!r} at the same time: only one of them would be woken")
        known, events = self._watched.get(fd, (None, 0))
        if known is not thing:
            self._epoll.register(fd, event)
            self._watched[fd] = thing, event
        elif not events & event:
            self._epoll.modify(fd, events | event)
            self._watched[fd] = thing, events | event
        return self._wait(task, (fd, event))

    def _watch_less(self, fd: int) -> None:
        """Stop watching a descriptor for what no task waits for: epoll would report it again at once."""
        wanted = sum(event for event in (IN, OUT) if (fd, event) in self._waiting)
        if wanted:
            self._epoll.modify(fd, wanted)
            self._watched[fd] = self._watched[fd][0], wanted
        else:
            with contextlib.suppress(OSError):  # closed, and still reported: a fork of this process has it, epoll(7)
                self._epoll.unregister(fd)
            self._watched.pop(fd, None)

    def _sleep(self, task: Task, seconds: float) -> bool:
        return self._wait(task, self._timer(seconds))

    def _timer(self, seconds: float) -> int:
        """Set a timer and return its number; throw away finished ones when they are the greater part."""
        live = len(self._waiting) + len(self._alarms)
        if len(self._timers) > 2 * live + FINISHED_TIMERS:
            self._timers = [timer for timer in self._timers if timer[1] in self._waiting or timer[1] in self._alarms]
            heapq.heapify(self._timers)
        number = next(self._numbers)
        heapq.heappush(self._timers, (time.monotonic() + check_timeout(seconds), number))
        return number

    def _set_alarm(self, task: Task, seconds: float, error: Cancelled) -> bool:
        """Interrupt the task after some time; answer with the function that stops the alarm."""
        number = self._timer(seconds)
        self._alarms[number] = task, error

        def stop() -> None:
            self._alarms.pop(number, None)
            if error in task._errors:
                task._errors.remove(error)

        task._answer = stop
        return False

    def _hand_over(self, task: Task, fn: Callable, args: tuple) -> bool:
        """Have a thread call `fn(*args)`, and wait for it."""
        work = self._threads.submit(fn, *args)
        self._wait(task, work)
        work.add_done_callback(lambda _: self.call_from_thread(self._wake, work, work))
        return True

    # ---- the end

    def _close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)  # a call that is under way cannot be stopped
        with contextlib.ExitStack() as closing:  # all of it, whatever one of them raises; the last one first
            closing.callback(self._ear.close)
            closing.callback(self._close_bell)
            for task in self._tasks:
                task.done = True
                closing.callback(task._coroutine.close)
            closing.callback(self._epoll.close)

    def _close_bell(self) -> None:
        with self._ringing:  # not while another thread rings: the number may soon be another socket's
            self._bell.close()
