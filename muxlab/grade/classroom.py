"""`grade`: the answers of a whole class, each examined in processes of its own, some of them at a time.

Not handled here: what an examiner does (examiner.py). This process reads no notebook and runs nothing of a learner's.
"""

import contextlib
import errno
import json
import os
import selectors
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from ..course import EXERCISES
from ..course.exercises import Exercise
from ..python_process import cut, start_python
from .answer import Refused
from .bounds import Bounds
from .copies import learners, notebook_of
from .process_tree import adopt_orphans, descendants, end_descendants

ENDING = 10.0
"""Seconds in which an examiner has to be gone that is told to end; it takes a few thousandths."""

OVERTIME = 60.0
"""Seconds that an examiner may take beyond what an answer may: to start, to end everything, to wait for a core."""


RESULTS = {
    "passed": "all trials passed, also when run from outside",
    "failed": "a trial failed",
    "doubtful": "it passed by its own account, but not from outside: look at it yourself",
    "untouched": "the cell is as the course gives it, or empty",
    "missing": "no such notebook or function",
    "refused": "the notebook cannot be read, or there are two of it",
    "too slow": "no verdict within the time",
    "crashed": "the process ended without a verdict, or used more than it is allowed",
}
"""What may come of an answer."""


@dataclass(frozen=True)
class Grade:
    """What came of one exercise of one learner.

    Attributes:
        learner: the name of the folder.
        chapter: "05".
        exercise: its name.
        result: "passed", "failed", or another of `RESULTS`.
        passed: trials passed, of
        trials: those that were run.
        first_failed: the first trial that failed, and
        seen: what was seen there; or why there is no verdict.
        seconds: how long it took.
    """

    learner: str
    chapter: str
    exercise: str
    result: str
    passed: int
    trials: int
    first_failed: str
    seen: str
    seconds: float


@dataclass(frozen=True)
class _Work:
    learner: Path
    exercise: Exercise

    def grade(self, result: str, seen: str, began: float, passed: int = 0, trials: int = 0, failed: str = "") -> Grade:
        seconds = round(time.monotonic() - began, 1)
        exercise = self.exercise
        return Grade(self.learner.name, exercise.chapter, exercise.name, result, passed, trials, failed, seen, seconds)


@dataclass(frozen=True)
class _Examination:
    work: _Work
    process: subprocess.Popen[bytes]
    tie: socket.socket
    folder: str
    began: float

    def outcome(self) -> Grade:
        """Return what came of it, when the examiner has told, or has ended."""
        try:
            told = json.loads(self.tie.recv(2**17))
            numbers = told["passed"], told["trials"]
            return self.work.grade(told["result"], told["seen"], self.began, *numbers, told["first_failed"])
        except (ValueError, OSError):
            return self.work.grade("crashed", "the examiner itself was ended, and cannot say why", self.began)

    def end(self) -> None:
        """End the examiner, and with it all that it has started; remove the folder."""
        cut(self.tie)
        try:
            self.process.wait(ENDING)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)  # what cannot be removed yet goes with the folder of all of them


def exercises_called(names: Iterable[str] | None) -> list[Exercise]:
    """Return the exercises of these names, in the order of the course; all of them for None.

    Raises:
        ValueError: there is none of such a name; lists those that there are.
    """
    wanted = set(EXERCISES if names is None else names)
    if unknown := sorted(wanted - set(EXERCISES)):
        raise ValueError(f"no exercise {unknown[0]!r}; there are: {', '.join(EXERCISES)}")
    return sorted((EXERCISES[name] for name in wanted), key=lambda one: (one.chapter, list(EXERCISES).index(one.name)))


def how_many(folder: Path, exercises: list[Exercise]) -> int:
    """Return how many grades there will be."""
    return len(learners(folder)) * len(exercises)


def grade(folder: Path, exercises: list[Exercise], jobs: int, bounds: Bounds) -> Generator[Grade, None, None]:
    """Grade the answers of a class, and yield each grade as soon as it is known.

    When the generator is closed half-way, or interrupted, everything that was started is ended.

    Args:
        folder: it holds a folder for each learner.
        exercises: those to be graded.
        jobs: how many answers are examined at the same time.
        bounds: what one answer may take.

    Raises:
        ValueError: the folder does not hold such folders.
        OSError: this is no Linux.
    """
    waiting = [_Work(learner, exercise) for learner in learners(folder) for exercise in exercises]
    waiting.reverse()
    if sys.platform != "linux":
        raise OSError(errno.ENOSYS, "muxlab grade needs Linux, as epoll does: use a container or a virtual machine")
    ours = set(descendants(os.getpid()))
    adopt_orphans()
    with contextlib.ExitStack() as undo:
        undo.callback(adopt_orphans, False)
        undo.callback(end_descendants, os.getpid(), spare=ours)  # a killed examiner leaves some to us
        folders = undo.enter_context(tempfile.TemporaryDirectory(prefix="muxlab-grade-"))
        selector = undo.enter_context(selectors.DefaultSelector())
        running: dict[int, _Examination] = {}
        undo.callback(_end_all, running)
        while waiting or running:
            while waiting and len(running) < jobs:
                work = waiting.pop()
                begun = _begin(work, folders, bounds)
                if isinstance(begun, Grade):
                    yield begun
                else:
                    running[begun.tie.fileno()] = begun
                    selector.register(begun.tie, selectors.EVENT_READ)
            ready = [key.fd for key, _ in selector.select(1.0)] if running else []
            late = time.monotonic() - bounds.seconds - OVERTIME
            for fd in {*ready, *(fd for fd, one in running.items() if one.began < late)}:
                selector.unregister(running[fd].tie)
                running[fd].tie.setblocking(False)
                found = running[fd].outcome()
                running.pop(fd).end()
                yield found


def _end_all(running: dict[int, _Examination]) -> None:
    for examination in running.values():
        examination.end()


def _begin(work: _Work, folders: str, bounds: Bounds) -> _Examination | Grade:
    """Start an examiner; where there is nothing to examine, return the grade at once."""
    began = time.monotonic()
    try:
        notebook = notebook_of(work.learner, work.exercise)
    except Refused as why:
        return work.grade("refused", str(why), began)
    if notebook is None:
        return work.grade("missing", f"there is no copy of chapter {work.exercise.chapter}", began)
    folder = tempfile.mkdtemp(dir=folders)
    process, tie = start_python("muxlab.grade.examiner")
    task = {
        "exercise": work.exercise.name,
        "notebook": str(notebook.resolve()),
        "folder": folder,
        "bounds": asdict(bounds),
    }
    with contextlib.suppress(OSError):  # it has ended already: its outcome will say so
        tie.send(json.dumps(task).encode())
    return _Examination(work, process, tie, folder, began)
