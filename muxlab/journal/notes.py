"""Which chapter this kernel runs, and what is noted in the journal of its copy while it does.

The name of the notebook comes from the kernel: JupyterLab tells it to the process, VS Code to the notebook. From
anything else (plain Python, nbval, nbclient) there is none, and nothing is noted.

A journal that cannot be written does not stop the course. The learner is told once, and the notes wait until it can be
written: at the next note, or at the latest when the kernel ends.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import notebook
from . import contents, file
from .place import CHAPTER, OWN, find_copy
from .record import Guess

MOST_WAITING = 1000
"""Notes that wait while the journal cannot be written. A chapter has some dozens of cells."""


@dataclass(frozen=True)
class Cell:
    """A code cell of a chapter."""

    chapter: str
    id: str


_lock = threading.Lock()  # a question is answered on another thread than a cell runs on, see ipykernel's subshells
_watching = False
_owner = os.getpid()
_looked: Cell | None = None
_waiting: list[file.Change] = []
_said: set[str] = set()


def watch() -> None:
    """Note from now on which cells are run, if this is the kernel of a notebook in a learner's copy."""
    global _watching
    shell = notebook.shell()
    if shell is None or _watching or copy() is None:
        return
    shell.events.register("post_run_cell", _ran)
    atexit.register(write_what_waits)
    _watching = True


def cell() -> Cell | None:
    """Return the cell that is being run; None when it belongs to no chapter of a learner's copy.

    A cell is known by its id in the notebook. VS Code does not tell that, but the source, and the id that the course
    gives to a cell is made of its source: as long as the learner has not changed the cell, it is found.
    """
    path = _notebook()
    source = notebook.request().get("content", {}).get("code")  # None when a widget has sent something: no cell runs
    if path is None or source is None or not CHAPTER.fullmatch(path.name) or copy() is None:
        return None
    told = notebook.cell_id()
    known = told and not told.startswith(notebook.VS_CODE)
    return Cell(path.stem, told if known else contents.cell_id("code", source))


def looked() -> Cell | None:
    """Note that the cell that is being run only looks at how far the learner has come, and return the cell."""
    global _looked
    _looked = cell()
    return _looked


def guessed(asked: Cell | None, answer: int, truth: int | None) -> None:
    """Note what the learner predicted in the cell that has asked, and what came out, if that is known."""
    if asked:
        _note(lambda journal: journal.guessed(asked.chapter, asked.id, Guess(answer, truth)))


def checked(exercise: str, passed: bool) -> None:
    """Note a check of an exercise, in whichever notebook of the copy it was made."""
    if notebook.shell():
        _note(lambda journal: journal.checked(exercise, passed))


def _ran(result: Any) -> None:
    """Note a cell that has just been run; IPython calls this."""
    global _looked
    if (here := cell()) and result.info.store_history:
        only_looked, _looked = here == _looked, None
        _note(lambda journal: journal.ran(here.chapter, here.id, only_looked))


def _notebook() -> Path | None:
    """Return the path of the notebook that this process is the kernel of, as the front-end has told it, or None."""
    told = os.environ.get("JPY_SESSION_NAME") or getattr(notebook.shell(), "user_ns", {}).get("__vsc_ipynb_file__")
    return Path(told) if told else None


def copy() -> Path | None:
    """Return the learner's copy that the notebook lies in; one that was moved meanwhile is where this process is."""
    path = _notebook()
    return path and (find_copy(path) or find_copy(os.curdir))


def _note(make: file.Change) -> None:
    """Make a change to the journal, and those that are still waiting; keep them if it cannot be written now."""
    if os.getpid() == _owner and copy():  # what a fork of the kernel does is an experiment, and no progress
        with _lock:
            _waiting.append(make)
            del _waiting[:-MOST_WAITING]
        write_what_waits()


def write_what_waits() -> None:
    """Make the changes that are waiting; they go on waiting if the journal cannot be written."""
    folder = copy() if _waiting and os.getpid() == _owner else None
    if folder is None:
        return
    with _lock:
        try:
            kept = file.change(folder, [*_waiting])
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            _say(
                f"{OWN}/{file.NAME} cannot be written ({reason}). The course goes on, and your progress is recorded as "
                "soon as it can be."
            )
            return
        _waiting.clear()
    if kept:
        _say(f"{OWN}/{file.NAME} could not be read. It is now {OWN}/{kept}, and a new record of your progress begins.")


def _say(text: str) -> None:
    """Say it below the cell, once."""
    if text not in _said:
        _said.add(text)
        print(f"muxlab: {text}", file=sys.stderr)
