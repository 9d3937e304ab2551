"""The learners' copies: a folder with one folder for each learner, and in it, somewhere, the chapters.

Not handled here: what is in the notebooks. See answer.py.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from ..journal.place import CHAPTER
from .cells import Refused

DEPTH = 8
"""Folders within a learner's in which a chapter is looked for."""


def learners(folder: Path) -> list[Path]:
    """Return the learners' folders, by name.

    Raises:
        ValueError: there are none, or the folder is a single learner's; says what to do.
    """
    if not folder.is_dir():
        raise ValueError(f"there is no folder {folder}: give one that holds a folder for each learner")
    found = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    own = [path.name for path in folder.iterdir() if CHAPTER.fullmatch(path.name)]
    if own:
        raise ValueError(
            f"{folder} is one learner's copy: it has {min(own)} in it. Put it into a folder of its own, "
            "as in class/alice, and grade the folder around it: muxlab grade class"
        )
    if not found:
        raise ValueError(f"{folder} has no folder in it: give one that holds a folder for each learner")
    return found


def notebook_of(learner: Path, chapter: str, exercise: str) -> Path:
    """Return the notebook with a learner's answer; of several, the one that lies least deep.

    Args:
        learner: the learner's folder.
        chapter: the number of the chapter, as "05". The answer is looked for in the learner's copy of this chapter.
        exercise: the name of the exercise. The answer may also be in a notebook of that name.

    Raises:
        FileNotFoundError: there is none; says what there is instead.
        Refused: there are two that lie equally deep, or it is a link to another file, or a folder cannot be read.
    """
    if learner.is_symlink():
        raise Refused("the learner's folder is a link to another one")
    notebooks = sorted(_notebooks(learner), key=lambda path: (len(path.parts), path.name))
    found = [path for path in notebooks if _counts(path.name, chapter, exercise)]
    if not found:
        like = next((path.name for path in notebooks if path.name.startswith(f"{chapter}_")), "")
        instead = f", but {like!r}: rename it to grade it" if like else ""
        raise FileNotFoundError(f"there is no copy of chapter {chapter}{instead}")
    first, *others = found
    if others and len(others[0].parts) == len(first.parts):
        names = " and ".join(str(path.relative_to(learner)) for path in (first, others[0]))
        raise Refused(f"more than one notebook could be the answer: {names}")
    if first.is_symlink() or not first.is_file():
        raise Refused(f"{first.name} is not a file, but a link to one or something else")
    return first


def _counts(name: str, chapter: str, exercise: str) -> bool:
    is_chapter = CHAPTER.fullmatch(name) and name.startswith(chapter)  # not one that is kept beside it
    return bool(is_chapter) or name == f"{exercise}.ipynb"


def _notebooks(learner: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(learner, onerror=_refuse):
        here = Path(place)
        deep = len(here.relative_to(learner).parts) >= DEPTH
        folders[:] = [] if deep else [name for name in folders if not name.startswith(".")]
        yield from (here / name for name in files if name.endswith(".ipynb"))


def _refuse(error: OSError) -> None:
    raise Refused(f"the folder {Path(error.filename).name} cannot be read: {error.strerror}")
