"""`grade`: the answers of a whole class, each examined in processes of its own, some of them at a time.

First all that was handed in is read, then examined: so an answer cannot change what others have handed in.

Not handled here: what an examiner does (examiner.py). This process reads no notebook and runs nothing of a learner's.
"""

import contextlib
import errno
import os
import selectors
import signal
import sys
import time
from collections.abc import Generator, Iterable
from itertools import groupby
from pathlib import Path

from ..course import EXERCISES
from ..course.exercises import Exercise
from .bounds import Bounds
from .copies import learners
from .examination import Examination, Work
from .grades import Grade
from .process_tree import adopt_orphans, descendants, end_descendants, hide_from_learners
from .reader import read_answers

OVERTIME = 60.0
"""Seconds that an examiner may take beyond what an answer may: to start, to end everything, to wait for a core."""


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
    if sys.platform != "linux":
        raise OSError(errno.ENOSYS, "muxlab grade needs Linux, as epoll does: use a container or a virtual machine")
    waiting = _all_work(learners(folder), exercises)
    waiting.reverse()
    ours = set(descendants(os.getpid()))
    with contextlib.ExitStack() as undo:
        adopt_orphans()
        undo.callback(adopt_orphans, False)
        undo.callback(end_descendants, os.getpid(), spare=ours)  # a killed examiner leaves some to us
        hide_from_learners()
        undo.callback(hide_from_learners, False)
        selector = undo.enter_context(selectors.DefaultSelector())
        running: dict[int, Examination] = {}
        undo.callback(_end_all, running)
        while waiting or running:
            while waiting and len(running) < jobs:
                begun = _begin(waiting.pop(), bounds)
                if isinstance(begun, Grade):
                    yield begun
                else:
                    running[begun.tie.fileno()] = begun
                    selector.register(begun.tie, selectors.EVENT_READ)
            for one in running.values():
                one.process.send_signal(signal.SIGCONT)  # an answer may have stopped its examiner
            ready = [key.fd for key, _ in selector.select(1.0)] if running else []
            late = time.monotonic() - bounds.seconds - OVERTIME
            for fd in {*ready, *(fd for fd, one in running.items() if one.began < late)}:
                selector.unregister(running[fd].tie)
                found = running[fd].outcome()
                running[fd].end()
                del running[fd]
                end_descendants(os.getpid(), spare=ours | {one.process.pid for one in running.values()})
                yield found


def _all_work(learners: list[Path], exercises: list[Exercise]) -> list[Work]:
    """Return all that is to be examined. It is read here and now, before the code of any learner is run."""
    work = []
    for learner in learners:
        for chapter, those in groupby(exercises, key=lambda exercise: exercise.chapter):
            of_chapter = list(those)
            answers = read_answers(learner, chapter, [(exercise.name, exercise.answer) for exercise in of_chapter])
            work += [Work(learner, exercise, answers[exercise.name]) for exercise in of_chapter]
    return work


def _end_all(running: dict[int, Examination]) -> None:
    for examination in running.values():
        examination.end()


def _begin(work: Work, bounds: Bounds) -> Examination | Grade:
    """Start an examiner; where there is nothing to examine, or that fails, return the grade at once."""
    began = time.monotonic()
    if "result" in work.answer:
        return work.grade(work.answer["result"], work.answer["seen"], began)
    try:
        return Examination.begin(work, bounds)
    except OSError as error:  # no room on the disk, for example: the next one may be luckier
        return work.grade("crashed", f"no examiner could be started: {error}", began)
