"""`progress`: the map of the course, with how far the learner has come on it.

What there is in a chapter is read from the chapters themselves, what the learner has done from the journal of their
copy (muxlab/journal). Outside a copy the map is the table of contents: nobody has begun.
"""

from __future__ import annotations

import html
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..journal import contents, file, notes, place
from ..journal.record import Guess, Journal
from ..lab.chapters import chapters_in, course_folder
from . import EXERCISES, markup

STYLE = f"<style>{Path(__file__).with_name('progress.css').read_text(encoding='utf-8')}</style>"
COLUMNS = ("minutes", "cells run", "predictions", "exercises")


@dataclass(frozen=True)
class ChapterProgress:
    """How far the learner has come in one chapter.

    Attributes:
        chapter: what there is in it.
        run: how many of its cells were run.
        guesses: the predictions that were made, of the questions that it asks.
        exercises: the names of its exercises.
        tried: the names of those that were checked.
        passed: the names of those that a check has found solved.
    """

    chapter: contents.Contents
    run: int
    guesses: tuple[Guess, ...]
    exercises: tuple[str, ...]
    tried: tuple[str, ...]
    passed: tuple[str, ...]

    @property
    def right(self) -> int:
        """How many predictions came true."""
        return sum(guess.right for guess in self.guesses)

    @property
    def begun(self) -> bool:
        """True when the learner has done anything in it."""
        return bool(self.run or self.guesses or self.tried)

    @property
    def finished(self) -> bool:
        """True when every one of its cells was run."""
        return 0 < self.run == len(self.chapter.cells)

    def figures(self) -> tuple[str, str, str, str]:
        """Return what stands in the columns; of a chapter that was not begun, only the minutes."""
        minutes = str(self.chapter.minutes or "")
        if not self.begun:
            return minutes, "", "", ""
        still = len(self.chapter.questions) - len(self.guesses)
        told = [f"{self.right} of {len(self.guesses)} right"] if self.guesses else []
        told += [f"{still} open"] if still else []
        exercises = f"{len(self.passed)} of {len(self.exercises)}" if self.exercises else ""
        return minutes, f"{self.run} of {len(self.chapter.cells)}", ", ".join(told), exercises


@dataclass(frozen=True)
class CourseMap:
    """The chapters of the course, and how far the learner has come: as a table in a notebook, or as text.

    Attributes:
        chapters: all of them, in order.
        go_on: the chapter to go on with; None when all are finished.
        remark: what there is to say about the journal, or "".
    """

    chapters: tuple[ChapterProgress, ...]
    go_on: ChapterProgress | None
    remark: str

    @property
    def begun(self) -> bool:
        """True when the learner has done anything."""
        return any(one.begun for one in self.chapters)

    @property
    def summary(self) -> str:
        """How far the learner has come on the whole, and where to go on, in a sentence or two."""
        if not self.begun:
            return "" if self.remark else "You have not begun yet: chapter 0 is a good place to start."
        done = sum(one.finished for one in self.chapters)
        guesses = sum(len(one.guesses) for one in self.chapters)
        right = sum(one.right for one in self.chapters)
        passed = sum(len(one.passed) for one in self.chapters)
        exercises = sum(len(one.exercises) for one in self.chapters)
        told = [f"{done} of {len(self.chapters)} chapters finished"]
        told += [f"{right} of {guesses} predictions right"] if guesses else []
        return f"{', '.join(told)}, {passed} of {exercises} exercises passed. {self._advice()}"

    def _advice(self) -> str:
        if self.go_on is None:
            return "You have been through the whole course."
        verb = "Go on with" if self.go_on.begun else "Next is"
        return f"{verb} chapter {self.go_on.chapter.number}, {self.go_on.chapter.title}."

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as plain values, for a program to read."""
        return {
            "go_on_with": self.go_on.chapter.name if self.go_on else None,
            "remark": self.remark,
            "chapters": [_plain(one) for one in self.chapters],
        }

    def __str__(self) -> str:
        rows: list[tuple[str, ...]] = [("", "chapter", *COLUMNS)]
        for one in self.chapters:
            sign = "✓" if one.finished else "▸" if self._is_here(one) else ""
            rows.append((sign, f"{one.chapter.number:2} {one.chapter.title}", *one.figures()))
        if not self.begun:
            rows = [row[:3] for row in rows]
        columns = [_aligned(column, right=place == 2) for place, column in enumerate(zip(*rows, strict=True))]
        table = "\n".join("  ".join(row).rstrip() for row in zip(*columns, strict=True))
        return "\n\n".join(filter(None, [self.summary, table, self.remark]))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        columns = COLUMNS if self.begun else COLUMNS[:1]
        head = "".join(f'<th scope="col">{name}</th>' for name in ("chapter", *columns))
        body = "".join(self._row(one, len(columns)) for one in self.chapters)
        table = f'<table class="mux-map-table"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
        before, after = (markup.prose(text) if text else "" for text in (self.summary, self.remark))
        return f'{STYLE}<div class="mux-map">{before}{table}{after}</div>'

    def _row(self, one: ChapterProgress, columns: int) -> str:
        chapter = one.chapter
        state = "finished" if one.finished else "go on here" if self._is_here(one) else ""
        kind = "finished" if one.finished else "here" if state else "other"
        badge = f' <span class="mux-map-state">{state}</span>' if state else ""
        title = (
            f'<a href="{html.escape(chapter.name)}.ipynb">{chapter.number} · {markup.inline(chapter.title)}</a>{badge}'
        )
        promise = f'<div class="mux-map-promise">{markup.inline(chapter.promise)}</div>'
        minutes, run, *others = one.figures()
        shown = [minutes, run + (_bar(one.run / len(chapter.cells)) if one.run else ""), *others][:columns]
        cells = "".join(f"<td>{text}</td>" for text in shown)
        return f'<tr class="mux-map-{kind}"><th scope="row">{title}{promise}</th>{cells}</tr>'

    def _is_here(self, one: ChapterProgress) -> bool:
        return self.begun and one is self.go_on


def progress(folder: str | os.PathLike[str] | None = None) -> CourseMap:
    """Return the map of the course: for each chapter how much of it you have run, predicted right and solved.

    Args:
        folder: your copy of the course, or a folder in it; by default the one that this notebook or program is in.

    Raises:
        ValueError: the folder that is named lies in no copy of the course.
    """
    copy = place.find_copy(folder) if folder is not None else notes.copy() or place.find_copy(os.curdir)
    if folder is not None and copy is None:
        raise ValueError(f"{os.fspath(folder)} is not a copy of the course; `muxlab lab FOLDER` makes one")
    journal, remark = _read(copy)
    if (here := notes.looked()) and folder is None:
        journal.ran(here.chapter, here.id, only_looked=True)  # this very cell; it is noted when it has ended
    chapters = tuple(_progress(_contents(path), journal) for path in chapters_in(copy or course_folder()))
    return CourseMap(chapters, _go_on(chapters, journal.last), remark)


def _read(copy: Path | None) -> tuple[Journal, str]:
    if copy is None:
        remark = "Your progress appears here when you work in a copy of your own, which `muxlab lab` makes."
        return Journal(), remark
    try:
        return file.read(copy), ""
    except (OSError, ValueError) as error:
        return Journal(), f"What you have done so far cannot be read from {place.OWN}/{file.NAME}: {error}"


def _contents(path: Path) -> contents.Contents:
    """Return what there is in a chapter; one that the learner has broken keeps its place on the map."""
    try:
        return contents.read(path)
    except (OSError, ValueError) as error:
        again = f"It cannot be read; `muxlab lab --fresh {path.name[:2]}` gives you a fresh one. ({error})"
        return contents.Contents(path.stem, path.stem[3:].replace("_", " "), again, 0, (), ())


def _progress(chapter: contents.Contents, journal: Journal) -> ChapterProgress:
    known = journal.guesses.get(chapter.name, {})
    exercises = [name for name, one in EXERCISES.items() if one.chapter == chapter.name[:2]]
    tried = [name for name in exercises if name in journal.exercises]
    return ChapterProgress(
        chapter,
        run=len(journal.cells.get(chapter.name, set()) & set(chapter.cells)),
        guesses=tuple(known[question] for question in chapter.questions if question in known),
        exercises=tuple(exercises),
        tried=tuple(tried),
        passed=tuple(name for name in tried if journal.exercises[name].passed),
    )


def _go_on(chapters: tuple[ChapterProgress, ...], last: str) -> ChapterProgress | None:
    """Return the chapter to go on with: the one that was left, or when that is finished, the next one that is not.

    Someone who has been in the chapter after a finished one had only gone back: they go on with the furthest chapter
    that they have begun and not finished, if there is one.
    """
    left = next((number for number, one in enumerate(chapters) if one.chapter.name == last), 0)
    before, here, after = chapters[:left], chapters[left : left + 1], chapters[left + 1 :]
    furthest_first = after[::-1] if after and after[0].begun else ()
    half_way = [one for one in furthest_first if one.begun]
    return next((one for one in (*here, *half_way, *after, *before) if not one.finished), None)


def _aligned(column: Iterable[str], right: bool) -> list[str]:
    """Return the texts of a column, all of one width."""
    texts = list(column)
    wide = max(map(len, texts))
    return [text.rjust(wide) if right else text.ljust(wide) for text in texts]


def _bar(share: float) -> str:
    """Return a bar that is full to a share of its length; the figure beside it says the same to a screen reader."""
    return f'<span class="mux-map-bar" aria-hidden="true"><span style="width: {share:.0%}"></span></span>'


def _plain(one: ChapterProgress) -> dict[str, Any]:
    return {
        "name": one.chapter.name,
        "title": one.chapter.title,
        "minutes": one.chapter.minutes,
        "cells": len(one.chapter.cells),
        "cells_run": one.run,
        "finished": one.finished,
        "questions": len(one.chapter.questions),
        "predictions": len(one.guesses),
        "predictions_right": one.right,
        "exercises": list(one.exercises),
        "exercises_tried": list(one.tried),
        "exercises_passed": list(one.passed),
    }
