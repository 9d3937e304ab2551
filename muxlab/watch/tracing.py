"""`trace`: any program's calls, through strace, as the tap would show them.

    with muxlab.trace(pid) as trace:                                  # a program that is running
    with muxlab.trace(["redis-server", "--port", "7000"]) as trace:   # one that is started for it
    with muxlab.trace(server) as trace:                               # the thread of a muxlab server

strace stops the program before and after each call, which takes time: look at counts here, and never at speeds. When
it is taken off, the program goes on as before. (Attaching interrupts a sleeping call, which then returns EINTR; every
server has to be ready for that: signal(7).)

Not handled here: what the lines mean, see `strace.py` and `strace_calls.py`;
what can be traced, see `target.py`.
"""

import contextlib
import math
import os
import re
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, TypeVar

from .. import running
from ..arguments import check_timeout
from ..programs import AS_A_CHILD, Program, require
from .calls import PREVIEW, Calls
from .strace_calls import TracedCalls
from .target import Target, descendants, may_be_traced, target_of, traced_by, why_not
from .watched_before import watched_before

Answer = TypeVar("Answer")

PATIENCE = 20.0
"""Seconds in which strace begins; it takes some hundredths of one."""

OPTIONS = ("-ttt", "-T", "-yy", "--decode-pids=comm", "-s", str(PREVIEW))
"""When, how long, what the descriptors are, what the processes are called, and how many bytes of a message."""

PIECE = 2**18
"""Bytes that are read at a time: about a fifth of a second's work."""


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
        self._place = 0  # in the file, up to which it has been read
        self._stopping = threading.Lock()
        self._reading = threading.Lock()  # a live picture and a cell may look at the same time
        self._traced = TracedCalls(target.name, time.monotonic() - time.time())
        running.replace_earlier()
        running.start(self, self._begin)

    # ---- what it has seen

    @property
    def calls(self) -> Calls:
        """The calls so far, of all processes and threads: counts by (name, outcome), and the latest in `events`."""
        calls = self._look(lambda traced: traced.calls)
        calls.server = self.name
        return calls

    @property
    def processes(self) -> dict[str, Calls]:
        """The same for each process or thread that has made any: "nginx", and "nginx 2" for the next."""
        return self._look(lambda traced: traced.processes)

    @property
    def others(self) -> Counter[str]:
        """Counts of the system calls that are neither waits nor about TCP sockets: "openat", "futex"."""
        return self._look(lambda traced: Counter(traced.others))

    @property
    def unread(self) -> int:
        """How many of strace's lines could not be understood."""
        return self._look(lambda traced: traced.unread)

    @property
    def pids(self) -> list[int]:
        """The numbers of the processes and threads that have made any of the calls."""
        return self._look(lambda traced: traced.pids())

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
        if not callable(seen):
            raise TypeError(f"wait_for({seen!r}): give a function of the calls so far")
        deadline = time.monotonic() + check_timeout(timeout)
        while True:
            alive = self.alive  # asked before the look: nothing comes after the end
            if seen(self._look(lambda traced: traced.calls, deadline)):
                return True
            if not alive or time.monotonic() > deadline:
                return False
            time.sleep(0.005)

    def _look(self, at: Callable[[TracedCalls], Answer], deadline: float = math.inf) -> Answer:
        """Read what is new in the file, by the deadline, and return something of all that has been read."""
        end = self._size()  # a chatty program may write faster than this reads
        while self._place < end and time.monotonic() < deadline:
            if not running.undisturbed(self._read_piece):  # undisturbed: half a piece would make wrong counts
                break
        with self._reading:
            return at(self._traced)

    def _read_piece(self) -> bool:
        """Read the next whole lines, and return whether there are any."""
        with self._reading:
            new = self._bytes_from(self._place, PIECE)
            whole = new[: new.rfind(b"\n") + 1]
            self._place += len(whole)
            self._traced.feed(whole.decode(errors="replace"))
            return bool(whole)

    def _size(self) -> int:
        return os.fstat(self._file).st_size if self._file >= 0 else 0

    def _bytes_from(self, place: int, most: float = math.inf) -> bytes:
        return os.pread(self._file, int(min(most, self._size() - place)), place) if self._file >= 0 else b""

    # ---- begin and end

    def _begin(self) -> None:
        if self._target.follow and self.pid:
            self._family += descendants(self.pid)
        with may_be_traced(self._target):
            self._program = Program("trace", self._command, AS_A_CHILD, cwd="here")
            self._wait_until_attached(self._program)

    def _command(self, folder: str) -> list[str]:
        file = os.path.join(folder, "strace")
        self._file = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)  # it is ours also when it is removed
        follow = ["-f"] if self._target.follow else []
        command = self._target.command
        whom = command(folder) if command else [word for pid in self._family for word in ("-p", str(pid))]
        return [self._strace, *follow, *OPTIONS, "-I", "2", "-o", file, *whom]  # -I 2: it can be ended

    def _wait_until_attached(self, program: Program) -> None:
        deadline = time.monotonic() + PATIENCE
        while True:
            ended, said, first = not program.alive, program.said(), self._bytes_from(0, PIECE).partition(b"\n")[0]
            if self._target.command and (started := re.match(rb"(\d+).* execve\(.*\) = 0", first)):
                self.pid = int(started[1])
                return
            attached = len(re.findall(r" attached|attach: ", said))  # or gone meanwhile
            if f"Process {self.pid} attached" in said and attached >= len(self._family):
                self._note_watched()
                return
            if ended or time.monotonic() > deadline:
                raise why_not(self._target, said)
            time.sleep(0.005)

    def _note_watched(self) -> None:
        for pid in self._family:
            for epoll, data, watched in watched_before(pid):
                self._traced.add_watched(pid, epoll, data, watched)

    def stop(self) -> None:
        """Take strace off. A program that was started for it is ended, any other goes on; again, do nothing.

        In a fork of the process that has begun the trace, strace and the program are left alone.
        """
        try:
            running.undisturbed(self._end_program)
            self._look(TracedCalls.pids)  # the rest, which may be long: an interrupt leaves it
        finally:
            running.undisturbed(self._release)

    end = stop

    def _end_program(self) -> None:
        with self._stopping:
            program = self._program
            if program is None:
                return
            if self._target.command and program.is_ours:
                _end_command(program)
            program.end()
            self._program = None

    def _release(self) -> None:
        self._end_program()  # nothing is left to do, unless an interrupt has kept it from being begun
        with self._stopping, self._reading:
            file, self._file = self._file, -1
            if file >= 0:
                os.close(file)
            running.remove(self)

    def __enter__(self) -> "Trace":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<trace of {self.name}: {self.calls.total():,} calls>"


def _end_command(program: Program) -> None:
    """End all that runs under this strace, while it is there to see it: politely, and then by force."""
    for numbers in ((signal.SIGTERM, signal.SIGCONT), (signal.SIGKILL,)):
        for pid in traced_by(descendants(program.pid)):
            for number in numbers:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
        if program.wait():
            return


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
        TypeError, ValueError: this is nothing that can be traced.
        OSError: strace does not begin, and says why.
    """
    __tracebackhide__ = True
    return Trace(target_of(what))


def trace_in_folder(name: str, command: Callable[[str], list[str]]) -> Trace:
    """Start a program that needs a temporary folder, and trace it; the folder is removed when the program ends.

    Args:
        name: of the program.
        command: a function of the folder that puts there what the program needs, and returns its arguments.

    Returns, raises: as `trace`.
    """
    __tracebackhide__ = True
    path = require(name)
    return Trace(Target(name, 0, lambda folder: [path, *command(folder)], follow=True))
