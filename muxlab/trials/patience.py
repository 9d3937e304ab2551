"""Waiting for what may never come: when a trial takes a server to be done, and how long a trial may last.

Seconds alone do not tell that nothing more will come: a machine with too much to do holds up the server as well as its
clients. So what counts is the time that the server had for itself. Of a pause at whose end it sleeps, that is all: it
has nothing left to do. Of a pause at whose end it is running, it is as much as it really ran.

Not handled here: what the children of a server do, or its other threads, if it has any. Then every pause counts.
"""

import contextlib
import os
import select
import threading
import time
from collections.abc import Callable, Iterable

from ..interrupt import FUTEX, MACHINE, Pulse, sleeping_in, starts_a_thread
from ..server import Server
from ..watch.kernel import SLEEPS, ready_now
from .clients import BenchClient

LOOK, GLANCE = 0.1, 0.001
"""Seconds that one look for news takes at most; and that the first one takes, the next twice as long, and so on."""

LONG, BRIEF = 15 * LOOK, 3 * LOOK
"""Seconds without news, of the server's own time, after which nothing more is expected of it. The first time in a check
it is `LONG`, as the server may be slow and yet right; what has hung once will hang again, and then `BRIEF` will do."""

HEARS = 5.0
"""Seconds after which the kernel has told a server of a client's end: the time between its questions to a receiver that
has no room doubles, from 0.2 s on."""

ENDED = select.POLLHUP | select.POLLERR | select.POLLNVAL | getattr(select, "POLLRDHUP", 0)
"""Bits of poll(2) that say that a client has ended its side, or the server the connection."""

SHORT = 0.0001
"""Seconds between the first two looks at something that does not wake us; later ones are further apart, up to 0.01."""

LIMIT = 10.0
"""Seconds that one trial may last, not counting those in which the machine had no core for it. A sound server takes
less than two for each trial."""

NAP, LOCKED = 0.0003, 0.005
"""Seconds that a server has to sleep while somebody waits, to be caught napping. On a lock they are more: in the same
system call a thread waits for its turn to run Python, for one switch interval of the interpreter at most."""

WATCHED, SPUN = 0.15, 0.02
"""Seconds for which a server is watched that has nothing to do, and CPU seconds that it may take in that time: one that
sleeps takes none."""


class TooSlow(Exception):
    """The trial has lasted longer than `LIMIT`."""


class Patience:
    """How long a check waits for something that does not come, in seconds of the server's own time."""

    def __init__(self) -> None:
        self.seconds = LONG

    def lose(self) -> None:
        """Wait no longer than `BRIEF` from now on."""
        self.seconds = BRIEF


class Lookout:
    """A lookout for news of one server and its clients, for as long as one trial lasts.

    Args:
        server: the server.
        alone: tells whether it does everything in its own thread.
        process: the number of the process that the server runs in; "self" for this one.
    """

    def __init__(self, server: Server, alone: Callable[[], bool], process: int | str = "self") -> None:
        self._server, self._alone, self._process = server, alone, process
        self._pulse = Pulse(server.thread.native_id or 0, process)
        self._cpu = 0.0  # seconds that the server had run when that was last looked at
        self._stats: list[int] = []  # opened at once, as `Pulse` is: a trial may leave no descriptor
        for home, thread in ((process, server.thread.native_id), ("self", threading.get_native_id())):
            with contextlib.suppress(OSError):  # not everywhere
                self._stats.append(os.open(f"/proc/{home}/task/{thread}/schedstat", os.O_RDONLY))
        self._end = time.monotonic() + LIMIT - self._without_a_core()
        self._pause = threading.Event()  # never set: to wait for it is to pause

    def close(self) -> None:
        """Give back what was opened to look at the server."""
        self._pulse.close()
        for fd in self._stats:
            with contextlib.suppress(OSError):  # the server has closed it by its number
                os.close(fd)

    def attend(
        self,
        clients: Iterable[BenchClient],
        done: Callable[[], object],
        seconds: float,
        reading: bool = True,
        also: Callable[[], object] = bool,
    ) -> bool:
        """Look after clients until `done()`, or until there has been no news of any of them for some time.

        Args:
            clients: those to look after; all of them send what they have unsent.
            done: tells when there is no more to wait for; asked after all news.
            seconds: of the server's own time, without news: then nothing more is expected.
            reading: whether the clients read as well.
            also: what it returns is news too, when it changes.

        Returns:
            What `done()` says at the end.

        Raises:
            TooSlow: there is news again and again, and no end of it.
        """
        poll = select.poll()
        by_fd = {client.sock.fileno(): client for client in clients if client.sock.fileno() >= 0}
        quiet, look, seen = 0.0, GLANCE, also()
        while not (over := bool(done())) and quiet < seconds:
            for fd, client in by_fd.items():
                mask = (reading and not client.ended) * select.POLLIN | (client.unsent > 0) * select.POLLOUT
                if mask and not client.lost:
                    poll.register(fd, mask)
                else:
                    with contextlib.suppress(KeyError):
                        poll.unregister(fd)
            ready = poll.poll(look * 1000)
            news = [by_fd[fd].send() | (reading and by_fd[fd].read()) for fd, _ in ready]
            last, seen = seen, also()
            own = self._its_own(look)
            quiet, look = (0.0, GLANCE) if any(news) or seen != last else (quiet + own, min(2 * look, LOOK))
            self._in_time()
        return over

    def eventually(self, condition: Callable[[], object], seconds: float) -> bool:
        """Wait until `condition()` holds, for so many seconds of the server's own time at most; return whether it does.

        Raises:
            TooSlow: the server had no time of its own for so long.
        """
        waited, pause = 0.0, SHORT
        while not condition():
            if waited >= seconds:
                return False
            waited += self.pass_time(pause)
            pause = min(2 * pause, 100 * SHORT)
        return True

    def hears_of_ends(self, staying: int) -> bool:
        """Wait until the kernel has told the server that all clients but `staying` have ended; return whether it has.

        Mostly it has by the time they have left. But a reset that overtakes the data sent before it is only questioned,
        by a challenge ACK, and a connection sends few of those: one in half a second. Until the kernel next sends on
        that connection, nobody can know. Sources: RFC 5961, section 3.2; tcp_invalid_ratelimit, ip-sysctl.rst in Linux.
        """
        return self.eventually(lambda: self._unended() <= staying, HEARS)

    def _unended(self) -> int:
        """Return on how many connections the server cannot see an end."""
        return sum(not ready_now(fd) & ENDED for fd in self._server.connections().values())

    def pass_time(self, pause: float) -> float:
        """Let so many seconds pass; return how many of them the server had for itself.

        Raises:
            TooSlow: the trial has lasted too long.
        """
        self._pause.wait(pause)
        own = self._its_own(pause)
        self._in_time()
        return own

    def asleep(self) -> bool:
        """Tell whether the server sleeps: it and all threads that it has started, each in a call of its own."""
        if self._pulse.awake():
            return False
        return all(sleeping_in(thread) for thread in self._server.threads())

    def spins(self) -> bool:
        """Watch the server for a while; return whether it takes CPU time with nothing to do."""
        start = self._server.cpu_seconds()
        return self.eventually(lambda: self._server.cpu_seconds() - start > SPUN, WATCHED)

    def nap(self, waiting: Callable[[], object]) -> str:
        """Return what the server sleeps in although `waiting()`, somebody waits for it: "select"; "" when it does not.

        To sleep in its own wait is no nap: bytes and clients that arrive have woken it by the time they are there. Nor
        is the lock of `Thread.start`, on which it sleeps until the new thread has had a core for a moment.
        """
        call, ran = self._pulse.call(), self._server.cpu_seconds()
        locked = call == FUTEX.get(MACHINE)
        name = "a lock" if locked else SLEEPS.get(MACHINE, {}).get(-1 if call is None else call, "")
        if not name or not waiting() or not self._alone():
            return ""
        self._pause.wait(LOCKED if locked else NAP)
        stays = self._pulse.call() == call and self._server.cpu_seconds() == ran and waiting()
        return name if stays and not starts_a_thread(self._server.thread) else ""

    def times_asleep(self) -> int:
        """Return how often the server's own thread has gone to sleep so far; 0 where that is hidden.

        Source: voluntary_ctxt_switches, /proc/[pid]/task/[tid]/status in proc(5).
        """
        with contextlib.suppress(OSError), open(f"/proc/self/task/{self._server.thread.native_id}/status") as file:
            for line in file:
                if line.startswith("voluntary_ctxt_switches:"):
                    return int(line.split()[1])
        return 0

    def _its_own(self, pause: float) -> float:
        """Return how many of the `pause` seconds that have just passed the server had for itself."""
        before, self._cpu = self._cpu, self._server.cpu_seconds()
        ran, call = self._cpu - before, self._pulse.call()
        asleep = _sleeps(call, ran) and (self._alone() or self._others_sleep(ran))
        return pause if asleep else min(pause, ran)

    def _others_sleep(self, ran: float) -> bool:
        """Tell whether all threads sleep that the server has started; looked at until one does not."""
        for thread in self._server.threads():
            with contextlib.closing(Pulse(thread.native_id or 0, self._process)) as pulse:
                if not _sleeps(pulse.call(), ran):
                    return False
        return True

    def _in_time(self) -> None:
        if time.monotonic() > self._end and time.monotonic() > self._end + self._without_a_core():
            raise TooSlow

    def _without_a_core(self) -> float:
        """Return for how many seconds the server and its clients were ready to run, and the machine had no core.

        Source: /proc/[pid]/task/[tid]/schedstat, Documentation/scheduler/sched-stats.rst in Linux.
        """
        nanoseconds = 0
        for fd in self._stats:
            with contextlib.suppress(OSError):  # the thread has ended
                nanoseconds += int(os.pread(fd, 100, 0).split()[1])
        return nanoseconds / 1e9


def _sleeps(call: int | None, ran: float) -> bool:
    """Tell whether a thread in this system call sleeps; in that of a lock, it may only wait for its turn to run."""
    return call is not None and (not ran or call != FUTEX.get(MACHINE))
