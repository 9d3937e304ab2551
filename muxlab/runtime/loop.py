"""The loop: tasks that take turns, and one epoll that tells whose turn it is.

A coroutine runs until it has to wait. Then it yields a *request*: a method of `Loop`, and its arguments. The loop notes
in `_waiting` which task waits for what, lets the other tasks run, and sleeps in epoll when none of them can.

Not handled here: what a coroutine can await, see `awaitables.py`; waiting for another task; and a socket that is closed
while a copy of its descriptor is open, made by `dup` or a fork: epoll may go on reporting its number, which can no
longer be taken off the list (epoll(7), question 6), and the loop does not sleep until the copy is closed, too.
"""

import contextlib
import errno
import heapq
import itertools
import select
import time
from collections import deque
from collections.abc import Callable, Coroutine, Hashable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

from ..arguments import check_timeout
from .bell import Bell

THREADS = 8
"""Threads that work for one loop, at most; further work waits for one of them. They spend their time asleep."""

FINISHED_TIMERS = 100
"""Timers in the heap that nobody waits for any more: this few are not worth cleaning up."""

LONGEST_WAIT = 3600.0
"""Seconds that one call of epoll may take, as it counts milliseconds in 31 bits; then the loop calls it again."""

IN, OUT = getattr(select, "EPOLLIN", 1), getattr(select, "EPOLLOUT", 4)
"""Events of epoll that a task can wait for. Without epoll, this module can be imported, but a Loop cannot be made."""


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
        self._cancelled: Cancelled | None = None  # the last one that `cancel` has made

    def cancel(self) -> None:
        """Raise `Cancelled` at the task's `await`, so that its `finally` and `with` close what it holds."""
        if self._cancelled not in self._errors:  # a second one, before its turn, would interrupt its `finally`
            self._cancelled = Cancelled()
            self._interrupt(self._cancelled)

    def _interrupt(self, error: BaseException) -> None:
        if not self.done:
            self._errors.append(error)
            self._loop._wake(self._key)  # if it was waiting, it no longer is


class Loop:
    """Tasks that take turns in one thread, and one epoll that tells whose turn it is.

    It holds three descriptors, and `run` closes them at its end: so run every loop that you make.

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
        self._running = False
        self._epoll = epoll or select.epoll()
        self._watched: dict[int, tuple[Watchable, int]] = {}  # by descriptor: whose it is, and the events
        self._bell = Bell()  # for calls from other threads
        self._bell_fd = self._bell.fileno()
        self._epoll.register(self._bell, IN)
        self._threads = ThreadPoolExecutor(THREADS, "muxlab-runtime")

    def spawn(self, coroutine: Coroutine) -> Task:
        """Make a task of a coroutine; it takes its first turn soon. An error in it ends `run`, which raises it."""
        if not isinstance(coroutine, Coroutine):
            raise TypeError(f"a task is made of a coroutine, as `talk(conn)` of an `async def`; not of {coroutine!r}")
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
        `await` any more. A function that is at work `in_thread` cannot be stopped: `run` does not wait for it, but
        Python does before the process ends. A loop runs once.

        Raises:
            BaseException: what a task raised; that ends the loop.
        """
        if self._running:
            raise RuntimeError("this loop is running: `await` the coroutine, or make a task of it with `spawn`")
        self._running = True
        try:
            main = self.spawn(coroutine)
            while not main.done:
                self._wait_for_news()
                for _ in range(len(self._ready)):  # tasks woken now wait for the next round, after epoll
                    self._turn(self._ready.popleft())
            return main.result
        finally:
            self._running = False
            self._close()

    def call_from_thread(self, fn: Callable, *args: Any) -> None:
        """Have the loop call `fn(*args)` soon, and wake it if it sleeps; from any thread. Ignored after its end."""
        self._bell.ring(fn, args)

    # ---- one round

    def _wait_for_news(self) -> None:
        """Sleep until something happens, unless a task can go on; then wake the tasks that waited for it."""
        rung = False
        for fd, mask in self._epoll.poll(self._time_to_sleep()):
            if fd == self._bell_fd:
                rung = True
                continue
            reader = writer = False
            if mask & ~OUT:  # an error or a hang-up is news for both
                reader = self._wake((fd, IN))
            if mask & ~IN:
                writer = self._wake((fd, OUT))
            if not reader and not writer:
                self._watch_less(fd)
        if self._timers:
            self._wake_sleepers()
        if rung:  # only now: what is called may close a socket that epoll has named
            self._bell.answer()

    def _time_to_sleep(self) -> float | None:
        if self._ready:
            return 0
        if not self._timers:
            return None
        return min(max(0.0, self._timers[0][0] - time.monotonic()), LONGEST_WAIT)

    def _wake_sleepers(self) -> None:
        now = time.monotonic()
        while self._timers and self._timers[0][0] <= now:
            _, number = heapq.heappop(self._timers)
            if number in self._alarms:
                task, error = self._alarms.pop(number)
                task._interrupt(error)
            self._wake(number)

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
        """Do what a task asks for; return whether it has to wait.

        An error goes into `task._errors`, and `_turn` raises it at once at the `await` that asked.
        """
        if task._errors:  # it cancelled itself during this turn: raise that first
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

        It stays on epoll's list afterwards: a client that talks again costs no call. We compare the objects, not their
        numbers: a closed socket's number is given to the next one.
        """
        fd = thing.fileno()
        if fd < 0:
            raise OSError(errno.EBADF, f"{thing!r} is closed")
        known, events = self._watched.get(fd, (None, 0))
        if known is not thing:
            try:
                self._epoll.register(fd, event)
            except FileExistsError:
                raise RuntimeError(f"descriptor {fd} is watched already, as {known!r}: wait for that object") from None
            self._forget_closed(fd)  # epoll took the number as a new one, so the thing that had it is closed
            self._watched[fd] = thing, event
        elif (fd, event) in self._waiting:
            raise RuntimeError(f"two tasks wait for {thing!r} at the same time: only one of them would be woken")
        elif not events & event:
            self._epoll.modify(fd, events | event)
            self._watched[fd] = thing, events | event
        return self._wait(task, (fd, event))

    def _watch_less(self, fd: int) -> None:
        """Stop watching a descriptor for what no task waits for: epoll would report it again at once."""
        wanted = sum(event for event in (IN, OUT) if (fd, event) in self._waiting)
        try:
            if wanted:
                self._epoll.modify(fd, wanted)
                self._watched[fd] = self._watched[fd][0], wanted
            else:
                self._epoll.unregister(fd)
                self._watched.pop(fd, None)
        except OSError:  # closed, and still reported, as a copy is open: see "Not handled here"
            self._forget_closed(fd)

    def _forget_closed(self, fd: int) -> None:
        """Forget a descriptor that has been closed, and tell the tasks that wait for it: nothing else would."""
        for event in (IN, OUT):
            if (fd, event) in self._waiting:
                self._waiting[fd, event]._interrupt(OSError(errno.EBADF, "closed while a task waited for it"))
        self._watched.pop(fd, None)

    def _sleep(self, task: Task, seconds: float) -> bool:
        return self._wait(task, self._timer(seconds))

    def _timer(self, seconds: float) -> int:
        """Set a timer and return its number; when most timers are finished, drop those."""
        live = len(self._waiting) + len(self._alarms)
        if len(self._timers) > 2 * live + FINISHED_TIMERS:
            self._timers = [timer for timer in self._timers if timer[1] in self._waiting or timer[1] in self._alarms]
            heapq.heapify(self._timers)
        number = next(self._numbers)
        heapq.heappush(self._timers, (time.monotonic() + check_timeout(seconds, "seconds"), number))
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
        self._threads.shutdown(wait=False, cancel_futures=True)  # one that is at work goes on to its end
        with contextlib.ExitStack() as closing:  # all of it, whatever one of them raises; the last one first
            closing.callback(self._bell.close)
            for task in self._tasks:
                task.done = True
                closing.callback(task._coroutine.close)
            closing.callback(self._epoll.close)
