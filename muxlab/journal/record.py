"""What a journal holds, and what a note changes in it.

Notes are made so that no order of them loses anything: a cell that runs again is already there, a prediction that the
experiment has decided stays as it was, and an exercise stays solved. So two kernels may note things in turn, and the
chapter that is run again after a restart counts once.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

FORM = 1
"""The form of the file. A later version of muxlab that writes another form writes a higher number."""


class NewerForm(ValueError):
    """The journal was written by a newer muxlab, in a form that this one does not know."""


@dataclass
class Guess:
    """What the learner predicted, and what came out: numbers of choices, from 0.

    Attributes:
        answer: the choice that they took.
        truth: the choice that came out, -1 for none of them; None while the experiment has not been run.
    """

    answer: int
    truth: int | None = None

    @property
    def right(self) -> bool:
        """True when the experiment came out as predicted."""
        return self.answer == self.truth


@dataclass
class Attempts:
    """The checks of one exercise.

    Attributes:
        checks: how many there were.
        passed: when the first one passed, as "2026-11-27T08:40:00+00:00"; "" when none has.
        latest: when the latest one was.
    """

    checks: int = 0
    passed: str = ""
    latest: str = ""


@dataclass
class Journal:
    """How far a learner has come.

    Attributes:
        cells: by chapter ("05_scale_with_epoll"), the ids of the code cells that were run.
        guesses: by chapter, and in it by the id of the cell that asks.
        exercises: by name.
        last: the chapter that was worked on last, or "". To do once more what was done before is not to work on it: who
            goes back to an earlier chapter and runs a cell again has not lost their place.
    """

    cells: dict[str, set[str]] = field(default_factory=dict)
    guesses: dict[str, dict[str, Guess]] = field(default_factory=dict)
    exercises: dict[str, Attempts] = field(default_factory=dict)
    last: str = ""

    def ran(self, chapter: str, cell: str, only_looked: bool = False) -> None:
        """Note that a cell was run; to look at the map of the course is not to work on the chapter that shows it."""
        done = self.cells.setdefault(chapter, set())
        if not self.last or (cell not in done and not only_looked):
            self.last = chapter
        done.add(cell)

    def guessed(self, chapter: str, cell: str, guess: Guess) -> None:
        """Note an answer, and perhaps what came out. Once it is decided, it stays: a later guess does not count."""
        known = self.guesses.setdefault(chapter, {})
        if cell not in known or (known[cell].truth is None and guess.truth is not None):
            self.last = chapter
        if cell not in known or known[cell].truth is None:
            known[cell] = guess

    def checked(self, exercise: str, passed: bool) -> None:
        """Note a check of an exercise, made now."""
        attempts = self.exercises.setdefault(exercise, Attempts())
        attempts.checks += 1
        attempts.latest = datetime.now(UTC).isoformat(timespec="seconds")
        if passed and not attempts.passed:
            attempts.passed = attempts.latest

    def to_json(self) -> str:
        """Return the text of the file: the same journal always gives the same text."""
        chapters = {
            name: {
                "cells": sorted(self.cells.get(name, ())),
                "predictions": {cell: asdict(guess) for cell, guess in sorted(self.guesses.get(name, {}).items())},
            }
            for name in sorted({*self.cells, *self.guesses})
        }
        exercises = {name: asdict(attempts) for name, attempts in sorted(self.exercises.items())}
        whole = {"form": FORM, "last": self.last, "chapters": chapters, "exercises": exercises}
        return json.dumps(whole, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Journal:
        """Return the journal that a text holds. What an older form did not have yet is taken as empty.

        Raises:
            NewerForm: it has a form that only a later version of muxlab can read.
            ValueError: it is not a journal.
        """
        try:
            stored = json.loads(text)
        except RecursionError:
            raise ValueError("it is not a journal (its JSON is nested too deeply)") from None
        if not isinstance(stored, dict) or not isinstance(stored.get("form"), int):
            raise ValueError("it holds no journal of the course")
        if stored["form"] > FORM:
            raise NewerForm("it was written by a newer version of muxlab; upgrade muxlab to continue with it")
        try:
            return _from_stored(stored)
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError(f"it holds a damaged journal: {error!r}") from None


def _from_stored(stored: dict[str, Any]) -> Journal:
    journal = Journal(last=_text(stored.get("last", "")))
    for name, chapter in stored.get("chapters", {}).items():
        if cells := {_text(cell) for cell in chapter.get("cells", ())}:
            journal.cells[name] = cells
        for cell, one in chapter.get("predictions", {}).items():
            guess = Guess(_whole(one["answer"]), _maybe(one.get("truth")))
            journal.guesses.setdefault(name, {})[cell] = guess
    for name, one in stored.get("exercises", {}).items():
        known = _whole(one.get("checks", 0)), _text(one.get("passed", "")), _text(one.get("latest", ""))
        journal.exercises[name] = Attempts(*known)
    return journal


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a text")
    return value


def _whole(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError(f"{value!r} is not a whole number")
    return value


def _maybe(value: object) -> int | None:
    return None if value is None else _whole(value)
