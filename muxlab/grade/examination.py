"""One examination, from the classroom's side: an examiner's process, begun, listened to, and ended without a trace.

Not handled here: what an examiner does. See examiner.py.
"""

import contextlib
import json
import socket
import subprocess
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..course.exercises import Exercise
from ..python_process import cut, start_python
from .bounds import Bounds
from .grades import Grade

ENDING = 10.0
"""Seconds in which an examiner has to be gone that is told to end; it takes a few thousandths."""

REMOVING = 60.0
"""Seconds that the removal of a folder may take: an answer may have made a great many files."""


@dataclass(frozen=True)
class Work:
    """What is to be examined: an exercise of a learner, and what that learner has handed in (reader.py)."""

    learner: Path
    exercise: Exercise
    answer: dict[str, Any]

    def grade(self, result: str, seen: str, began: float, passed: int = 0, trials: int = 0, failed: str = "") -> Grade:
        """Return the grade."""
        seconds = round(time.monotonic() - began, 1)
        exercise = self.exercise
        return Grade(self.learner.name, exercise.chapter, exercise.name, result, passed, trials, failed, seen, seconds)


@dataclass(frozen=True)
class Examination:
    """An examiner at work.

    Attributes:
        work: what it examines.
        process: the examiner.
        tie: the socket to it.
        folder: what the answer may use lies in there.
        began: when, in seconds of the monotonic clock.
    """

    work: Work
    process: subprocess.Popen[bytes]
    tie: socket.socket
    folder: str
    began: float

    @classmethod
    def begin(cls, work: Work, bounds: Bounds) -> "Examination":
        """Start an examiner.

        Raises:
            OSError: it cannot be started.
        """
        began = time.monotonic()
        with contextlib.ExitStack() as undo:
            folder = tempfile.mkdtemp(prefix="muxlab-grade-")
            undo.callback(remove, folder)
            process, tie = start_python("muxlab.grade.examiner")
            undo.pop_all()
        home = Path(folder, "home")  # an answer that removes the folder above its own removes nobody else's
        home.mkdir()
        task = {"exercise": work.exercise.name, "answer": work.answer, "folder": str(home), "bounds": asdict(bounds)}
        with contextlib.suppress(OSError):  # it has ended already: its outcome will say so
            tie.send(json.dumps(task).encode())
        return cls(work, process, tie, folder, began)

    def outcome(self) -> Grade:
        """Return what came of it, when the examiner has told, or has ended, or should have long ago."""
        try:
            told = json.loads(self.tie.recv(2**17, socket.MSG_DONTWAIT))
            numbers = told["passed"], told["trials"]
            return self.work.grade(told["result"], told["seen"], self.began, *numbers, told["first_failed"])
        except BlockingIOError:
            return self.work.grade(
                "crashed", "the examiner was silent for too long: it may have been stopped", self.began
            )
        except (ValueError, OSError):
            return self.work.grade(
                "crashed", "the process that was checking this answer was killed; grade it again", self.began
            )

    def end(self) -> None:
        """End the examiner, and with it all that it has started; remove the folder."""
        cut(self.tie)
        try:
            self.process.wait(ENDING)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        remove(self.folder)


def remove(folder: str) -> None:
    """Remove a folder with all that an answer has put into it.

    By rm(1), because it follows folders to any depth; shutil of Python 3.11 does so only as deep as it may recurse.
    """
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        subprocess.run(["rm", "-rf", "--", folder], stderr=subprocess.DEVNULL, timeout=REMOVING)
