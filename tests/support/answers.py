"""The answers to the exercises: the wrong ones, and the solutions as a learner would paste them.

A check mostly waits, so the tests ask for it with the marker `ahead`.
"""

import inspect
import linecache
import threading
from collections.abc import Callable
from typing import Any, NamedTuple
from unittest import mock

from exercise_answers import WRONG

import muxlab
from muxlab.course import EXERCISES
from muxlab.trials import Verdict, runner

WRONG_ANSWERS = {
    f"{name}-{number}-{fn.__name__}": (name, fn, trial)
    for name, answers in WRONG.items()
    for number, (fn, trial) in enumerate(answers, 1)
}
"""All wrong answers: (exercise, server, a trial that it fails), by a name that no other has."""


class Checked(NamedTuple):
    """What came of one answer.

    Attributes:
        trials: those that were run.
        passed: what the check says of them all.
        text: what it says in words.
    """

    trials: list[Verdict]
    passed: bool
    text: str


def pasted(source: str, file: str = "<cell 1>") -> Callable:
    """Run source as a notebook does, with its lines where `inspect` finds them; return the first function in it."""
    linecache.cache[file] = len(source), None, source.splitlines(True), file
    namespace: dict[str, Any] = {}
    exec(compile(source, file, "exec"), namespace)
    own = (value for value in namespace.values() if inspect.isfunction(value) and value.__code__.co_filename == file)
    return next(own)


def check(answer: str) -> Checked:
    """Check a wrong answer by its name, or the solution of an exercise by the name of the exercise."""
    if answer in EXERCISES:
        found = muxlab.exercise(answer).check(pasted(muxlab.exercise(answer).solution().source))
    else:
        name, fn, trial = WRONG_ANSWERS[answer]
        quiet = mock.patch.object(threading, "excepthook", ignore)  # its threads may raise: it is a wrong answer
        with mock.patch.object(EXERCISES[name], "trials", telling(name, trial)), quiet:
            found = muxlab.exercise(name).check(fn)
    return Checked(found.trials, found.passed, str(found))


def ignore(raised: threading.ExceptHookArgs) -> None:
    """Say nothing of what a thread has raised."""


def telling(name: str, trial: str) -> tuple[str, ...]:
    """Return the trials of an exercise that show a wrong answer: one tells; all of them would take minutes."""
    exercise = EXERCISES[name]
    if exercise.way and trial not in {*runner.TRIALS, *runner.ON_REQUEST}:
        return tuple(exercise.trials[:1])
    assert trial in (exercise.trials or runner.TRIALS), f"{trial!r} is no trial of {name}"
    return (trial,)
