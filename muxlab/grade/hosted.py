"""A learner's server in a process of its own, and what the kernel tells anybody about it.

`HostedServer` answers the questions that a `Server` answers (server.py), as far as that can be done from outside. The
listener is the examiner's, and handed over; so is the pipe that tells the server to return.

Not handled here: what no other process can know: the calls that the server makes, and its objects in memory.
"""

import contextlib
import json
import os
import select
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from ..interrupt import Pulse
from ..listener import listen
from ..sockets import accept_queue
from ..trials.trial import narrow_down
from ..watch.kernel import SLEEPS
from ..watch.socket_table import SocketEntry, connections_on, unix_sockets
from ..watch.tap import Tap
from .candidate_process import Candidate

LOADING = 20.0
"""Seconds in which an answer has to be loaded, before it serves: it is a few definitions."""

SAID = 500
"""Characters that are kept of what a process says of itself."""

CPU_CLOCK = 0b010
"""Lowest bits of the number of the clock that is a process's CPU time; above them is its number, inverted. Source:
CPUCLOCK_SCHED in Linux, include/linux/posix-timers_types.h; clock_getcpuclockid(3) makes the same number."""


class NoAnswer(Exception):
    """The process never got as far as serving; says why."""


class HostedThread(NamedTuple):
    """A thread of a hosted server: what `threading.Thread` has to say of a server's thread in this process.

    Attributes:
        native_id: its number in the kernel.
        ident: its number in Python, which is another process's.
    """

    native_id: int
    ident: int = 0

    def is_alive(self) -> bool:
        """Tell whether it runs."""
        return os.path.exists(f"/proc/{self.native_id}")


class HostedServer:
    """A server function at work in another process, which waits for the word to begin.

    Args:
        task: what makes the answer.
        folder: the temporary folder that it works in.
        backlog: the length of the accept queue.
        narrow: whether its connections have small kernel buffers.
        settings: further arguments of the function.

    Raises:
        NoAnswer: the process ended before it could serve, or took too long.
    """

    error = None
    """What the function raised: not known here. A process that ends by itself has returned."""

    tap = None
    calls = Tap().calls
    """No calls are seen from here."""

    def __init__(self, task: dict[str, Any], folder: str, backlog: int, narrow: bool, settings: dict) -> None:
        self._lock = threading.RLock()  # a trial may tell it to stop in a thread of its own
        self._released = self.forced = False
        self._cpu = 0.0
        self.listener = listen(0, backlog)
        if narrow:
            narrow_down(self.listener)
        self.address: tuple[str, int] = self.listener.getsockname()
        reader, self._stop = os.pipe()
        fds = self.listener.fileno(), reader
        try:
            task = task | {"listener": fds[0], "stop": fds[1]}
            self._candidate = Candidate("serve", task, folder, pass_fds=fds)
        finally:
            os.close(reader)
        try:
            self._settings = settings
            self._ready = self._load()
        except BaseException:
            self.finish(0)
            raise
        self.process = self._candidate.process.pid
        self.thread = HostedThread(self.process)
        self._others = self._open_sockets()  # the listener, and no connection
        self._seen: set[int] = set()  # connections

    def _load(self) -> dict[str, Any]:
        try:
            ready = self._candidate.hear(LOADING)
        except TimeoutError:
            raise NoAnswer(f"the answer was not loaded within {LOADING:g} s") from None
        if ready is None or not isinstance(ready.get("parameters"), list):
            raise NoAnswer(str((ready or {}).get("error", "the process did not serve"))[:SAID])
        return ready

    def begin(self) -> None:
        """Let the server begin."""
        with contextlib.suppress(OSError):  # it has ended
            self._candidate.channel.send(json.dumps({"settings": self._settings}).encode())

    # ---- what the kernel tells

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._candidate.process.poll() is None

    @property
    def takes_stop(self) -> bool:
        """Whether the function takes a `stop`."""
        return bool(self._ready.get("takes_stop"))

    @property
    def parameters(self) -> list[str]:
        """The names of the function's parameters."""
        return [str(name) for name in self._ready["parameters"]]

    def cpu_seconds(self) -> float:
        """Return the CPU time of the process so far, in seconds; of one that has ended, as much as was last seen."""
        with contextlib.suppress(OSError):
            self._cpu = time.clock_gettime((~self.process << 3) | CPU_CLOCK)
        return self._cpu

    def threads(self) -> list[HostedThread]:
        """Return the threads that the server has started."""
        with contextlib.suppress(OSError):
            tasks = map(int, os.listdir(f"/proc/{self.process}/task"))
            return [HostedThread(task) for task in tasks if task != self.process]
        return []

    def accept_queue(self) -> tuple[int, int]:
        """Return the length of the accept queue and its limit, in connections."""
        try:
            return accept_queue(self.listener)
        except OSError:  # it does not listen any more
            return 0, 0

    def connections(self) -> dict[str, int]:
        """Return the connections that the server has open: {name: inode}; also those that have come to their end."""
        found = self._open_sockets() - self._others
        if found - self._seen:  # whether a new one is a connection is looked up once
            self._others |= found & unix_sockets()  # it may wake itself through a pair of those
            found -= self._others
            self._seen |= found
        return {f"socket {inode}": inode for inode in sorted(found)}

    def entries(self) -> list[SocketEntry | None]:
        """Return the kernel's entry of each open connection; None for one that has come to its end."""
        table = connections_on(self.address[1])
        return [table.get(inode) for inode in self.connections().values()]

    @property
    def listens(self) -> bool:
        """Whether clients can connect, as far as the server goes: the examiner has the listener open, too."""
        inode = os.fstat(self.listener.fileno()).st_ino
        open_there = inode in self._open_sockets()
        return open_there and bool(self.listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))

    def descriptors(self) -> list[int]:
        """Return the descriptors that the process has open. Source: /proc/[pid]/fd, proc(5)."""
        try:
            return [int(name) for name in os.listdir(f"/proc/{self.process}/fd")]
        except OSError:  # it has ended
            return []

    def _open_sockets(self) -> set[int]:
        found = set()
        for fd in self.descriptors():
            with contextlib.suppress(OSError):  # it has just been closed
                kind, _, inode = os.readlink(f"/proc/{self.process}/fd/{fd}").partition(":")
                if kind == "socket":
                    found.add(int(inode.strip("[]")))
        return found

    def sleeps_in(self) -> str:
        """Return the system call that the server's own thread sleeps in, such as "epoll_wait"; "" while it runs."""
        with contextlib.closing(Pulse(self.process, self.process)) as pulse:
            call = pulse.call()
        names = SLEEPS.get(os.uname().machine, {})
        return "" if call is None else names.get(call, "")

    def asks_for_edges(self) -> bool:
        """Tell whether an epoll of the server is asked for edges. Source: /proc/[pid]/fdinfo, proc(5)."""
        for fd in self.descriptors():
            with contextlib.suppress(OSError), open(f"/proc/{self.process}/fdinfo/{fd}") as page:
                words = [line.split() for line in page if line.startswith("tfd:")]
                if any(int(line[3], 16) & select.EPOLLET for line in words):
                    return True
        return False

    # ---- end

    def wait(self, timeout: float) -> bool:
        """Wait for the process to end by itself; return whether it has."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._candidate.process.wait(timeout)
        return not self.alive

    def end(self, timeout: float = 1.0) -> None:
        """End the server: as `finish` does."""
        self.finish(timeout)

    def finish(self, timeout: float, wait: Callable[[float], object] | None = None) -> None:
        """Tell the server to return, and kill it if it does not within `timeout` seconds; a second call does nothing.

        Args:
            timeout: seconds.
            wait: waits so many seconds for its end, on a clock of its own.
        """
        with self._lock:
            if self._released:
                return
            with contextlib.suppress(BrokenPipeError):  # it has ended
                os.write(self._stop, b"!")
            os.close(self._stop)  # a server may read the byte: after that, the end of the pipe can still be seen
            if timeout:
                (wait or self.wait)(timeout)
            self.forced = self.alive
            self._candidate.end()
            self.listener.close()
            self._released = True
