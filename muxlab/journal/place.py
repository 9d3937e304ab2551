"""Which folder is a learner's copy of the course: the one that `muxlab lab` has put its mark into."""

import os
import re
from pathlib import Path

OWN = ".muxlab"
"""The folder in a copy that holds what the course itself keeps there."""
MARK = "course.json"
"""The file in there by which a copy is known. `muxlab lab` writes it."""

CHAPTER = re.compile(r"\d\d_[a-z0-9_]+\.ipynb")
"""The name of a chapter. What a learner keeps beside it has a name of another form."""


USUAL = ("muxlab-course", "my-course")
"""The copies that `muxlab lab` and, in a checkout, `make lab` make unless they are told otherwise."""


def usual_copy() -> Path | None:
    """Return the copy that the working folder lies in, or else the first of the usual ones that lies in it, or None."""
    return find_copy(os.curdir) or next((Path(name) for name in USUAL if find_copy(name)), None)


def find_copy(path: str | os.PathLike[str]) -> Path | None:
    """Return the learner's copy that a folder is, or that a file or folder lies in; None when there is none.

    The path need not exist: a notebook that is yet to be saved lies in a copy, too.
    """
    try:
        begin = Path(os.path.abspath(path))  # links are not followed: a notebook in the copy may be one
    except FileNotFoundError:  # the path is relative to a working directory that has been removed
        return None
    mark = os.path.join(OWN, MARK)
    return next((folder for folder in (begin, *begin.parents) if os.path.isfile(folder / mark)), None)
