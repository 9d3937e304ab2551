"""What is to be traced: a process, a command, or a server's thread; what it has started; and why strace cannot begin.

Not handled here: how strace is run, see `tracing.py`.
"""

import contextlib
import ctypes
import os
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..programs import require

PR_SET_PTRACER, ANY = 0x59616D61, ctypes.c_ulong(-1)
"""The request to let any process of the same user trace this one. Source: prctl(2), linux/prctl.h."""

_attaching = threading.Lock()
"""Held while that request stands: another trace must not take it back meanwhile."""


@dataclass(frozen=True)
class Target:
    """What is to be traced.

    Attributes:
        name: as it is shown.
        pid: the process or thread; 0 before it is started.
        command: a function of the trace's temporary folder that returns the program to start and its arguments; None
            if it runs already.
        follow: whether the threads and processes that it starts are traced, too.
    """

    name: str
    pid: int
    command: Callable[[str], list[str]] | None
    follow: bool


def target_of(what: Any) -> Target:
    """Return what is to be traced; errors as of `trace`."""
    if isinstance(what, int) and not isinstance(what, bool):
        return Target(_name_of_running(what), what, None, follow=True)
    if isinstance(what, list | tuple) and what and all(isinstance(word, str) for word in what):
        words = [_path_of(what), *what[1:]]
        return Target(os.path.basename(what[0]), 0, lambda folder: words, follow=True)
    thread, name = getattr(what, "thread", None), getattr(what, "name", None)
    if isinstance(thread, threading.Thread) and thread.native_id is not None and isinstance(name, str):
        if not thread.is_alive():
            raise ProcessLookupError(f"the server {name} has ended: start it again")
        return Target(name, thread.native_id, None, follow=False)
    raise TypeError(
        f"trace({what!r}): give a process number, a command as a list of words, as in "
        '["redis-server", "--port", "7000"], or a running server of muxlab.serve'
    )


def _name_of_running(pid: int) -> str:
    """Return what a process is called; one that has ended, and waits for its parent to ask how, is refused."""
    try:
        name = Path(f"/proc/{pid}/comm").read_text(errors="replace").strip()
        state = _stat(pid)[0]
    except (FileNotFoundError, ProcessLookupError):
        raise ProcessLookupError(f"there is no process {pid}: `ps` lists those that there are") from None
    if state in "ZX":
        raise ProcessLookupError(f"the process {pid}, {name}, has ended: it only waits for its parent to notice")
    return name


def _path_of(command: list[str] | tuple[str, ...]) -> str:
    program = command[0]
    if not program or any("\0" in word for word in command):
        raise ValueError(f"trace({list(command)}): the first word is a program, and no word has a zero byte in it")
    if "/" in program:
        if os.path.isdir(program):
            raise FileNotFoundError(f"{program} is a folder, and no program that could be started")
        if os.path.exists(program) and not os.access(program, os.X_OK):
            raise PermissionError(f"{program} is a file that may not be run: `chmod +x` makes a program of a script")
    if not re.fullmatch(r"\w[\w.+-]*", program) and not os.access(program, os.X_OK):
        raise FileNotFoundError(f"there is no program {program} that could be started")
    return require(program)


# ---- what /proc tells


def descendants(pid: int) -> list[int]:
    """Return the processes that a process has started, and those that they have. Source: proc(5), /proc/PID/stat."""
    parents = {}
    for other in _all_processes():
        with contextlib.suppress(OSError):  # it has just ended
            parents[other] = int(_stat(other)[1])
    found, generation = [], [pid]
    while generation:
        generation = [child for child, parent in parents.items() if parent in generation]
        found += generation
    return found


def traced_by(tracers: list[int]) -> list[int]:
    """Return the processes that one of these traces."""
    return [pid for pid in _all_processes() if tracer_of(pid) in tracers]


def tracer_of(pid: int) -> int:
    """Return the process that traces another, or 0. Source: TracerPid in proc(5), status."""
    try:
        found = re.search(r"TracerPid:\s+(\d+)", Path(f"/proc/{pid}/status").read_text(errors="replace"))
    except OSError:
        return 0
    return int(found[1]) if found else 0


def _all_processes() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdecimal()]


def _stat(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat after the name: the state, the parent, ..."""
    return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()


# ---- permission


@contextlib.contextmanager
def may_be_traced(target: Target) -> Iterator[None]:
    """Let strace look at a thread of this process also where a process may only be traced by one that started it."""
    if target.command or not os.path.exists(f"/proc/self/task/{target.pid}"):
        yield
        return
    prctl = ctypes.CDLL(None).prctl
    with _attaching:
        prctl(PR_SET_PTRACER, ANY)  # fails where there is no such rule
        try:
            yield
        finally:
            prctl(PR_SET_PTRACER, 0)


def why_not(target: Target, said: str) -> OSError:
    """Return the error that says why strace did not begin, and what to do."""
    if "No such process" in said:
        return ProcessLookupError(f"there is no process {target.pid} any more: `ps` lists those that there are")
    if "not permitted" in said:
        if other := tracer_of(target.pid):
            return PermissionError(f"{target.name} is being traced already, by process {other}: only one can")
        return PermissionError(
            f"this system does not let strace look at {target.name}. In a container, start the container with "
            "--cap-add=SYS_PTRACE; elsewhere, `sudo sysctl kernel.yama.ptrace_scope=0` allows it for your own programs"
        )
    if target.command:
        said = said.replace("strace: ", "")
    return OSError(f"strace cannot begin with {target.name}: {said.strip() or 'it says nothing'}")
