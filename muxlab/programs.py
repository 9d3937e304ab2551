"""Programs that a machine may not have, and how one of them is run: it never outlives the process that started it.

`missing` says in one line what to install. `Program` is a program at work: it is ended by its process number, and it
also ends when this process is killed, after which no Python code runs.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import weakref
from collections.abc import Callable, Iterator
from typing import IO

PATIENCE = 10.0
"""Seconds in which a program ends once it is asked to; then it is killed."""

UNTIL_INPUT_ENDS = """
folder=$1; shift
exec 3<&0                   # keep the input as descriptor 3: what runs in the background loses descriptor 0
(                           # in the background:
    read -r nothing <&3     # wait for the end of the input
    kill $$                 # end the program: the shell has become it, and has kept its process number
    rm -rf "$folder"
) >/dev/null 2>&1 &
exec "$@" </dev/null 3<&-   # become the program, which does not see that input
"""
"""A shell script: run a program, and when the script's input ends, end the program and remove its folder.

Arguments: the folder, the program, and the program's own. The input ends when it is closed, and also when the process
that holds the other end is killed.
"""

AS_A_CHILD = """
folder=$1; shift
exec 3<&0                       # keep the input as descriptor 3
(
    "$@" </dev/null 3<&- &      # the program, a child of this shell
    program=$!
    (                           # another child:
        trap '' HUP             # comes when this process is killed while the program is stopped: setpgid(2)
        read -r nothing <&3     # wait for the end of the input
        trap '' TERM            # and go through with this, although the program's end ends this child, see below
        kill $program
        tries=200               # two seconds
        while [ $tries -gt 0 ] && kill -0 $program; do tries=$((tries - 1)); sleep 0.01; done
        rm -rf "$folder"
        kill -KILL 0            # whatever is left of the group: what the program has started, and these shells
    ) >/dev/null 2>&1 &
    wait $program
    status=$?
    rm -rf "$folder"
    [ $status = 137 ] && kill -KILL 0   # somebody has killed strace, which has let go of what it had started
    kill $! 2>/dev/null         # the program has ended: nobody has to wait for the input any more
) 2>&1 | (
    exec 3<&-
    dd bs=4096 count=1024 2>/dev/null   # 4 MiB of what it prints at most: a chatty program must not fill the disk
    exec cat >/dev/null
)
"""
"""The same, for a program that must not have a child that it knows nothing of: strace would wait for it."""

PACKAGES = {
    "nginx": "nginx",
    "redis-benchmark": "redis-tools",
    "redis-cli": "redis-tools",
    "redis-server": "redis-server",
    "strace": "strace",
}
"""The Debian package of each program."""


class MissingProgram(OSError):
    """A program that is not installed on this machine; the message says how to install it."""


def find(program: str) -> str | None:
    """Return the path of a program, or None. Some, such as nginx, are where only the superuser's PATH leads."""
    return shutil.which(program) or shutil.which(program, path="/usr/local/sbin:/usr/sbin:/sbin")


def missing(*programs: str) -> str:
    """Return "", or one sentence that says which of these programs are not installed, and how to install them."""
    names = [name for name in programs if find(name) is None]
    if not names:
        return ""
    packages = " ".join(sorted({PACKAGES.get(name, name) for name in names}))
    *others, last = names
    listed = f"{', '.join(others)} and {last} are" if others else f"{last} is"
    return f"{listed} not installed here: on Debian or Ubuntu, `apt install {packages}`"


def require(program: str) -> str:
    """Return the path of a program; raise MissingProgram, with what to install, where there is none."""
    path = find(program)
    if path is None:
        raise MissingProgram(missing(program))
    return path


class Program:
    """A program in a process of its own, with a temporary folder that is removed when the program ends.

    Args:
        name: what the folder is called after.
        command: a function of the folder that returns the program's path and its arguments.
        script: the shell script that runs it.
        cwd: where the program works: "folder", or "here", where this process does.
        log: a file that keeps what the program prints, for its owner alone to read; without it, `said` tells it.

    Attributes:
        folder: the temporary folder.
    """

    def __init__(
        self,
        name: str,
        command: Callable[[str], list[str]],
        script: str = UNTIL_INPUT_ENDS,
        cwd: str = "folder",
        log: str | os.PathLike | None = None,
    ) -> None:
        self._owner = os.getpid()
        with contextlib.ExitStack() as undo, _two_spare_descriptors():
            self.folder = tempfile.mkdtemp(prefix=f"muxlab-{name}-")
            undo.callback(shutil.rmtree, self.folder, ignore_errors=True)
            self._said = undo.enter_context(_file(log))
            self._process = subprocess.Popen(
                ["sh", "-c", script, "sh", self.folder, *command(self.folder)],
                cwd=self.folder if cwd == "folder" else None,
                stdin=subprocess.PIPE,
                stdout=self._said,
                stderr=subprocess.STDOUT,
                process_group=0,  # Ctrl-C goes to the group of this process
            )
            undo.pop_all()  # it runs: `end` closes and removes
        _running_programs.add(self)

    @property
    def is_ours(self) -> bool:
        """Whether this process has started it, and is not a fork of the one that has."""
        return os.getpid() == self._owner

    @property
    def pid(self) -> int:
        """The process number; with `AS_A_CHILD`, that of the shell."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    @property
    def status(self) -> int | None:
        """Its exit status, negative when a signal has ended it; None while it runs."""
        return self._process.poll()

    def said(self) -> str:
        """Return what it has printed so far; "" after `end`."""
        if self._said.closed:
            return ""
        size = os.fstat(self._said.fileno()).st_size
        return os.pread(self._said.fileno(), size, 0).decode(errors="replace")  # its own place in the file is not ours

    def wait(self, seconds: float | None = PATIENCE) -> bool:
        """Wait until it has ended by itself, and return True; False if it has not after so many seconds."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        return not self.alive

    def end(self) -> str:
        """End it, remove its folder, and return what it has printed; a second call does nothing.

        In a fork, the program and its folder are left to the process that forked.
        """
        self.close_input()
        if self.is_ours:
            if not self.wait():
                os.killpg(self._process.pid, signal.SIGKILL)  # the shell's other half, too
                self._process.wait()
            shutil.rmtree(self.folder, ignore_errors=True)  # the script may be doing the same
        said = self.said()
        self._said.close()
        return said

    def close_input(self) -> None:
        """Close this process's end of the input. In a fork, this leaves the input to the process that forked."""
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()


def _file(log: str | os.PathLike | None) -> IO[bytes]:
    return tempfile.TemporaryFile() if log is None else open(log, "w+b", opener=private)


def private(path: str, flags: int) -> int:
    """Open a file that only its owner may read."""
    return os.open(path, flags, 0o600)


@contextlib.contextmanager
def _two_spare_descriptors() -> Iterator[None]:
    """Hold two descriptors meanwhile: to undo something may take them, and there may be no others left."""
    with open(os.devnull), open(os.devnull):
        yield


_running_programs: weakref.WeakSet[Program] = weakref.WeakSet()


def _close_inputs() -> None:
    for program in list(_running_programs):
        program.close_input()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_close_inputs)  # else a fork would keep programs going after its owner is killed
