"""A learner's copy of the course, in which nothing of theirs is ever overwritten.

`.muxlab/course.json` in the copy says which version of the package has made it, and has a digest of each file as it was
handed out. So a file that the learner has not touched can be told from one that they have changed: the first kind
follows the package, the second stays.
"""

import contextlib
import json
import os
import shlex
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ..journal.place import CHAPTER, MARK, OWN, find_copy
from ..shared_files import replaced, take_lock
from .chapters import digest, handed_out

if TYPE_CHECKING:
    from packaging.version import Version

LOCK_SECONDS = 90
"""How long another `muxlab lab` may keep a copy to itself: it may be waiting for a slow start of JupyterLab."""


@dataclass
class Changes:
    """What `bring_up_to_date` has done to a copy.

    Attributes:
        before: the version of the package that the copy came from; None when there was no copy yet.
        files: for each file that was not as the package has it: "added" when it was not there, "replaced" when the
            learner had not changed it, "outdated" when the learner has changed it and the package has, too, "retired"
            when the package no longer has it: it stays in the copy.
        is_newer: True when the copy comes from a newer package than this one. Then nothing was done.
    """

    before: str | None
    files: dict[str, str] = field(default_factory=dict)
    is_newer: bool = False

    def chapters(self, change: str) -> list[str]:
        """Return the names of the chapters with this change."""
        return sorted(name for name, what in self.files.items() if what == change and CHAPTER.fullmatch(name))


def check_place(folder: Path) -> None:
    """Raise ValueError when a folder is not one for a copy, and say why. Nothing is written."""
    copy = find_copy(folder)
    if copy == Path(os.path.abspath(folder)):
        return
    if copy:
        raise ValueError(
            f"{folder} lies inside your copy of the course; for that copy, run: muxlab lab {shlex.quote(str(copy))}"
        )
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file; name a folder, which is made if there is none")
    inside = shlex.quote(str(folder / "muxlab-course"))
    home = Path(os.path.expanduser("~"))  # "~" where this user has none, as in some containers
    if folder.resolve() in (home.resolve(), Path("/")):
        raise ValueError(f"{folder} is not a good place for the chapters; use a folder inside it: muxlab lab {inside}")
    if (folder / ".git").exists():
        raise ValueError(f"{folder} is a git checkout; name a folder of its own: muxlab lab {inside}")


def bring_up_to_date(folder: Path, course: Path, version: str) -> Changes:
    """Make a copy of the course in `folder`, or bring the one that is there up to date.

    Args:
        folder: the learner's folder; it is made when there is none.
        course: the folder of the package's own chapters.
        version: the version of the package.

    Raises:
        OSError: the folder cannot be written.
    """
    before, known = _read_record(folder)
    changes = Changes(before)
    if before is not None and _as_version(before) > _as_version(version):
        changes.is_newer = True
        return changes
    files = handed_out(course)
    for name in known.keys() - files.keys():
        del known[name]  # so this is told once
        if os.path.lexists(folder / name):
            changes.files[name] = "retired"
    for name, content in files.items():
        here, new = _digest_of(folder, name), digest(name, content)
        if here in (None, known.get(name)) and here != new:
            _write(folder, name, content)
            changes.files[name] = "added" if here is None else "replaced"
            known[name] = new
        elif here == new:
            known[name] = new
        elif known.setdefault(name, new) != new:  # the learner began with what was handed out before
            changes.files[name] = "outdated"
    _write_record(folder, version, known)
    return changes


def give_again(folder: Path, name: str, course: Path, version: str) -> str | None:
    """Put a chapter into the copy as the package has it.

    Returns:
        The name under which the learner's own chapter is kept beside it; None when it was not changed.
    """
    content = handed_out(course)[name]
    before, known = _read_record(folder)
    kept = None
    if _digest_of(folder, name) not in (None, digest(name, content), known.get(name)):
        kept = _free_name(folder, name)
    _write(folder, name, content, kept)
    _write_record(folder, before or version, known | {name: digest(name, content)})
    return kept


def _free_name(folder: Path, name: str) -> str:
    stem, number = name.removesuffix(".ipynb"), 1
    while os.path.lexists(folder / (kept := f"{stem}.yours{f'-{number}' if number > 1 else ''}.ipynb")):
        number += 1
    return kept


def _digest_of(folder: Path, name: str) -> str | None:
    """Return the digest of a file in the copy, None when there is none."""
    try:
        return digest(name, (folder / name).read_bytes())
    except FileNotFoundError:
        return None
    except IsADirectoryError:
        return "a folder"


def _read_record(folder: Path) -> tuple[str | None, dict[str, str]]:
    """Return the version that the copy comes from, and the digests; a record that cannot be read is put aside."""
    path = folder / OWN / MARK
    try:
        record = json.loads(path.read_bytes())
        _as_version(record["version"])
        return record["version"], {str(name): str(value) for name, value in record["files"].items()}
    except FileNotFoundError:
        return None, {}
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        path.replace(path.with_name("course.broken.json"))
        return None, {}


def _as_version(text: str) -> "Version":
    """Return a version that can be compared; raise ValueError when the text is not one."""
    from packaging.version import Version  # here, because nobody else who asks for a copy needs it

    return Version(text)


def _write_record(folder: Path, version: str, files: dict[str, str]) -> None:
    record = {"version": version, "files": dict(sorted(files.items()))}
    _write(folder, f"{OWN}/{MARK}", (json.dumps(record, indent=1) + "\n").encode())


def _write(folder: Path, name: str, content: bytes, kept: str | None = None) -> None:
    """Write a file of the copy; with `kept`, the old one goes on under that name."""
    (folder / name).parent.mkdir(exist_ok=True)
    with replaced(folder / name, folder / OWN / "unfinished") as file:
        file.write(content)
        if kept:
            file.flush()
            os.fsync(file.fileno())  # a full disk is noticed here, while the old one still has its name
            (folder / name).rename(folder / kept)


@contextlib.contextmanager
def keep_to_oneself(folder: Path, tell_waiting: Callable[[], object] = lambda: None) -> Iterator[None]:
    """Make the folder if there is none, and keep it from every other `muxlab lab` meanwhile.

    Args:
        folder: the learner's copy, or what is to be one.
        tell_waiting: called if this has to wait for another one.

    Raises:
        OSError: the folder cannot be written, or another one does not let go of it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / OWN).mkdir(exist_ok=True)
    with open(folder / OWN / "lock", "ab") as file:
        end = time.monotonic() + LOCK_SECONDS
        if not (locked := take_lock(file.fileno())):
            tell_waiting()
        while not locked:
            if time.monotonic() > end:
                raise TimeoutError(f"another `muxlab lab` has been using {folder} for {LOCK_SECONDS} s; stop it first")
            time.sleep(0.1)
            locked = take_lock(file.fileno())
        yield
