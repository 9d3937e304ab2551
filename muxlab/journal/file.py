"""The journal's file: read, changed under a lock, and replaced as a whole.

Two kernels may write at once: each takes the lock in its turn, reads what is there, changes it and writes all of it.
Whoever reads meets the old journal or the new one, and never a part, even after a writer was killed half-way.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from pathlib import Path

from ..shared_files import replaced, take_lock
from .place import OWN
from .record import Journal, NewerForm

NAME = "progress.json"
LOCK = "progress.lock"
TURN = "progress.turn"
NEW = "progress.json.new"
PATIENCE = 1.0
"""Seconds to wait for the lock, at most. Whoever has it holds it for as long as the disk takes: mostly milliseconds."""
PAUSE = 0.005
"""Seconds between two looks at the lock: flock(2) waits without a bound, or not at all."""

Change = Callable[[Journal], None]


def read(copy: str | os.PathLike[str]) -> Journal:
    """Return the journal of a copy; an empty one when nothing was noted yet.

    Raises:
        OSError: it is there, and cannot be opened.
        ValueError: what is there is not a journal, or is one of a newer form.
    """
    try:
        return Journal.from_json((Path(copy) / OWN / NAME).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Journal()


def change(copy: str | os.PathLike[str], changes: Iterable[Change]) -> str:
    """Change the journal of a copy, and write it if that made it another one.

    A file that is not a journal is kept under another name, and a new journal begins.

    Args:
        copy: the learner's copy.
        changes: functions that change the journal that they are given.

    Returns:
        The name under which a file that is not a journal was kept; "" when there was none.

    Raises:
        OSError: it cannot be written: the folder is read-only, the disk is full, another process keeps the lock. The
            journal is as it was.
        NewerForm: a newer version of muxlab has written it, and it stays as it is.
    """
    home = Path(copy) / OWN
    kept = ""
    with _locked(home):
        try:
            journal = read(copy)
        except NewerForm:
            raise
        except (ValueError, IsADirectoryError):
            kept = _keep_aside(home)
            journal = Journal()
        before = journal.to_json()
        for make in changes:
            make(journal)
        if (after := journal.to_json()) != before:
            _replace(home, after)
    return kept


@contextlib.contextmanager
def _locked(home: Path) -> Iterator[None]:
    """Hold the lock of the journal in `home`, once it is our turn.

    A process that lets go of the lock and wants it again would find it free, and take it, before the one that is
    waiting has its next look. So there is a second lock, for the place at the front: whoever waits keeps that one.
    """
    deadline = time.monotonic() + PATIENCE
    with contextlib.ExitStack() as at_the_front:
        at_the_front.enter_context(_held(home / TURN, deadline))
        with _held(home / LOCK, deadline):
            at_the_front.close()
            yield


@contextlib.contextmanager
def _held(path: Path, deadline: float) -> Iterator[None]:
    """Hold one lock. The kernel releases it, if we do not live to do so."""
    with path.open("ab") as lock:
        while not take_lock(lock.fileno()):
            if time.monotonic() > deadline:
                raise TimeoutError(f"another process has had it locked for {PATIENCE:g} s")
            time.sleep(PAUSE)
        try:
            yield
        finally:
            fcntl.flock(lock, fcntl.LOCK_UN)  # a child that was forked meanwhile has the file open, too


def _replace(home: Path, text: str) -> None:
    with replaced(home / NAME, home / NEW) as file:
        file.write(text.encode())


def _keep_aside(home: Path) -> str:
    """Give what stands in the journal's place another name, and return that."""
    names = (f"progress-kept-{number}.json" for number in count(1))
    name = next(name for name in names if not (home / name).exists())
    (home / NAME).rename(home / name)
    return name
