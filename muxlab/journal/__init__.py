"""The learner's journal: how far they have come in their copy of the course, in one small file beside its chapters.

place     which folder is a learner's copy
record    what is noted, and what a second note of the same thing changes
file      the file: read, changed under a lock, and replaced as a whole
notes     which chapter this kernel runs, and what is noted while it does
contents  what there is to do in a chapter: its cells and questions

Only a learner's copy has a journal. Anywhere else, in the course's own folder too, nothing is written. The file says
nothing about who the learner is, or on which machine, or where the copy lies: a copy that was moved takes it along.

`import muxlab` imports this file, so it loads the others only when they are needed.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["begin", "find_copy", "last_chapter"]


def begin() -> None:
    """Note from now on which cells are run, if this process is the kernel of a chapter in a learner's copy."""
    if "IPython" in sys.modules:
        from . import notes

        notes.watch()


def find_copy(path: str | os.PathLike[str]) -> Path | None:
    """Return the learner's copy that a folder is, or that a file or folder lies in; None when there is none."""
    from . import place

    return place.find_copy(path)


def last_chapter(folder: str | os.PathLike[str]) -> str | None:
    """Return the chapter that was worked on last, as "05_scale_with_epoll"; None when the journal names none.

    Running a cell a second time is not work on its chapter, nor is looking at the map of the course.

    Args:
        folder: a learner's copy. One without a journal, or whose journal cannot be read, is one without a last chapter.
    """
    from . import file

    try:
        return file.read(folder).last or None
    except (OSError, ValueError):
        return None
