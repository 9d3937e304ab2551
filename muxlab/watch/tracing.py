"""`trace`: any program's calls, through strace, as the tap would show them.

    with muxlab.trace(pid) as trace:                                  # a program that is running
    with muxlab.trace(["redis-server", "--port", "7000"]) as trace:   # one that is started for it
    with muxlab.trace(server) as trace:                               # the thread of a muxlab server

strace stops the program before and after each call, which takes time: look at counts here, and never at speeds. When
it is taken off, the program goes on as before. (Attaching interrupts a sleeping call, which then returns EINTR; every
server has to be ready for that: signal(7).)

Not handled here: what the lines mean, see `strace.py` and `strace_calls.py`.
"""

import contextlib
import ctypes
import os
import re
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import running
from ..programs import AS_A_CHILD, Program, require
from .strace_calls import TracedCalls
from .tap import PREVIEW, Calls
from .watched_before import watched_before

PATIENCE = 20.0
"""Seconds in which strace begins; it takes some hundredths of one."""

OPTIONS = ("-ttt", "-T", "-yy", "--decode-pids=comm", "-s", str(PREVIEW))
"""When, how long, what the descriptors are, what the processes are called, and how many bytes of a message."""

PR_SET_PTRACER, ANY = 0x59616D61, ctypes.c_ulong(-1)
"""The request to let any process of the same user trace this one. Source: prctl(2), linux/prctl.h."""


@dataclass(frozen=True)
class Target:
    """What is to be traced.

    Attributes:
        name: as it is shown.
        pid: the process or thread; 0 before it is started.
        command: the program to start and its arguments; [] if it runs already.
        follow: whether the threads and processes that it starts are traced, too.
    """

    name: str
    pid: int
    command: list[str]
    follow: bool


class Trace(running.Running):
    """A program under strace; made by `trace`, and a context manager.

    Attributes:
        name: what is traced: the program's name, or the server's.
        pid: the process or thread that is traced; the first, if it has started others.
    """

    def __init__(self, target: Target) -> None:
        self.name, self.pid, self._target = target.name, target.pid, target
        self._strace = require("strace")
        self._family = [self.pid]  # all that are to be attached to
        self._program: Program | None = None
        self._file = -1  # where strace writes
        self._pidfd = -1  # of a program that was started for this trace
        self._place = 0  # in the file, up to which it has been read
        self._traced = TracedCalls(target.name, time.monotonic() - time.time())
        running.replace_earlier()
        running.start(self, self._begin)

    # ---- what it has seen

    @property
    def calls(self) -> Calls:
        """The calls so far, of all processes and threads: counts by (name, outcome), and the latest in `events`."""
        calls = self._latest().calls
        calls.server = self.name
        return calls

    @property
    def processes(self) -> dict[str, Calls]:
        """The same for each process or thread that has made any: "nginx", and "nginx 2" for the next."""
        return self._latest().processes

    @property
    def others(self) -> Counter[str]:
        """Counts of the system calls that are neither waits nor about TCP sockets: "openat", "futex"."""
        return Counter(self._latest().others)

    @property
    def unread(self) -> int:
        """How many of strace's lines could not be understood."""
        return self._latest().unread

    @property
    def pids(self) -> list[int]:
        """The numbers of the processes and threads that have made any of the calls."""
        return self._latest().pids()

    @property
    def alive(self) -> bool:
        """Whether the program is being traced: strace leaves with it, or at `stop`."""
        return self._program is not None and self._program.alive

    def said(self) -> str:
        """Return what a program that was started for this trace has printed, with strace's remarks; "" after `stop`."""
        return self._program.said() if self._program is not None else ""

    def text(self) -> str:
        """Return what strace has printed so far; "" after `stop`."""
        return self._bytes_from(0).decode(errors="replace")

    def wait_for(self, seen: Callable[[Calls], bool], timeout: float = PATIENCE) -> bool:
        """Wait until the calls are as asked for, and return True; False after `timeout` seconds, or when all is over.

        Args:
            seen: a function of the calls so far.
            timeout: in seconds.
        """
        deadline = time.monotonic() + timeout
        while self.alive and not seen(self.calls) and time.monotonic() < deadline:
            time.sleep(0.005)
        return seen(self.calls)

    def _latest(self) -> TracedCalls:
        """Read what is new in the file, in whole lines."""
        new = self._bytes_from(self._place)
        whole = new[: new.rfind(b"\n") + 1]
        self._place += len(whole)
        self._traced.feed(whole.decode(errors="replace"))
        return self._traced

    def _bytes_from(self, place: int) -> bytes:
        if self._file < 0:
            return b""
        return os.pread(self._file, os.fstat(self._file).st_size - place, place)

    # ---- begin and end

    def _begin(self) -> None:
        if self._target.follow and self.pid:
            self._family += descendants(self.pid)
        folder = tempfile.mkdtemp(prefix="muxlab-trace-")
        file = os.path.join(folder, "strace")
        self._file = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)  # it is ours also when it is removed
        follow = ["-f"] if self._target.follow else []
        whom = self._target.command or [word for pid in self._family for word in ("-p", str(pid))]
        with _may_be_traced(self._target):
            command = [self._strace, *follow, *OPTIONS, "-I", "2", "-o", file, *whom]  # -I 2: it can be ended
            self._program = Program(command, folder, os.getcwd(), AS_A_CHILD)
            self._wait_until_attached(self._program)

    def _wait_until_attached(self, program: Program) -> None:
        deadline = time.monotonic() + PATIENCE
        while True:
            ended, said, first = not program.alive, program.said(), self.text().partition("\n")[0]
            if self._target.command and (started := re.match(r"(\d+).* execve\(.*\) = 0", first)):
                self.pid = int(started[1])
                with contextlib.suppress(ProcessLookupError):  # it has ended already
                    self._pidfd = os.pidfd_open(self.pid)
                return
            attached = len(re.findall(r" attached|attach: ", said))  # or gone meanwhile
            if f"Process {self.pid} attached" in said and attached >= len(self._family):
                self._note_watched()
                return
            if ended or time.monotonic() > deadline:
                raise _reason(self._target, said)
            time.sleep(0.005)

    def _note_watched(self) -> None:
        for pid in self._family:
            for epoll, data, watched in watched_before(pid):
                self._traced.add_watched(pid, epoll, data, watched)

    def stop(self) -> None:
        """Take strace off. A program that was started for it is ended, any other goes on; again, do nothing."""
        program = self._program
        if program is not None:
            if self._pidfd >= 0:
                _end(self._pidfd, program)
            program.end()
            self._latest()
        for fd in (self._file, self._pidfd):
            if fd >= 0:
                os.close(fd)
        self._program, self._file, self._pidfd = None, -1, -1
        running.remove(self)

    end = stop

    def __enter__(self) -> "Trace":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<trace of {self.name}: {self.calls.total():,} calls>"


def descendants(pid: int) -> list[int]:
    """Return the processes that a process has started, and those that they have. Source: proc(5), /proc/PID/stat."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has just ended
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
    found, generation = [], [pid]
    while generation:
        generation = [child for child, parent in parents.items() if parent in generation]
        found += generation
    return found


def _end(pidfd: int, strace: Program) -> None:
    """End a program that was started for a trace, while strace is there to see it: politely, and then by force."""
    for number in (signal.SIGCONT, signal.SIGTERM):
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(pidfd, number)
    if not strace.wait():
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)


@contextlib.contextmanager
def _may_be_traced(target: Target) -> Iterator[None]:
    """Let strace look at a thread of this process also where a process may only be traced by one that started it."""
    own = not target.command and os.path.exists(f"/proc/self/task/{target.pid}")
    prctl = ctypes.CDLL(None).prctl
    if own:
        prctl(PR_SET_PTRACER, ANY)  # fails where there is no such rule
    try:
        yield
    finally:
        if own:
            prctl(PR_SET_PTRACER, 0)


def _reason(target: Target, said: str) -> OSError:
    """Return the error that says why strace did not begin, and what to do."""
    if "No such process" in said:
        return ProcessLookupError(f"there is no process {target.pid} any more: `ps` lists those that there are")
    if "not permitted" in said:
        if other := _tracer(target.pid):
            return PermissionError(f"{target.name} is being traced already, by process {other}: only one can")
        return PermissionError(
            f"this system does not let strace look at {target.name}. In a container, start the container with "
            "--cap-add=SYS_PTRACE; elsewhere, `sudo sysctl kernel.yama.ptrace_scope=0` allows it for your own programs"
        )
    if target.command:
        said = said.replace("strace: ", "")
    return OSError(f"strace cannot begin with {target.name}: {said.strip() or 'it says nothing'}")


def _tracer(pid: int) -> int:
    """Return the process that traces another, or 0. Source: TracerPid in proc(5), status."""
    try:
        found = re.search(r"TracerPid:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return 0
    return int(found[1]) if found else 0


def _target(what: Any) -> Target:
    """Return what is to be traced; errors as of `trace`."""
    if isinstance(what, int) and not isinstance(what, bool):
        try:
            name = Path(f"/proc/{what}/comm").read_text().strip()
        except OSError:
            raise ProcessLookupError(f"there is no process {what}: `ps` lists those that there are") from None
        return Target(name, what, [], follow=True)
    if isinstance(what, list | tuple) and what and all(isinstance(word, str) for word in what):
        if "/" in what[0] and not os.access(what[0], os.X_OK):
            raise FileNotFoundError(f"there is no program {what[0]} that could be started")
        return Target(os.path.basename(what[0]), 0, [require(what[0]), *what[1:]], follow=True)
    thread = getattr(what, "thread", None)
    if thread is not None and getattr(thread, "native_id", None) is not None:
        if not thread.is_alive():
            raise ProcessLookupError(f"the server {what.name} has ended: start it again")
        return Target(what.name, thread.native_id, [], follow=False)
    raise TypeError(
        f"trace({what!r}): give a process number, a command as a list of words, as in "
        '["redis-server", "--port", "7000"], or a running server of muxlab.serve'
    )


def trace(what: Any) -> Trace:
    """Watch the system calls of any program, through strace, as the tap watches those of a function.

    Args:
        what: a process number: the process, its threads, the processes that it has started, and those that come; or a
            command as a list of words, which is started for the trace and ended with it; or a running server of
            `muxlab.serve`: its thread.

    Returns:
        The `Trace`, which is also a context manager: its `.calls` are those of a tap, so that `muxlab.show.timeline`
        and `muxlab.show.compare` draw it. `.stop()` takes strace off again; a program that ran before runs on.

    Raises:
        MissingProgram: strace, or the program to start, is not installed; says what to install.
        ProcessLookupError, FileNotFoundError: there is no such process, or no such program.
        PermissionError: this system does not allow it; says what to do.
        TypeError: this is nothing that can be traced.
        OSError: strace does not begin, and says why.
    """
    __tracebackhide__ = True
    return Trace(_target(what))
