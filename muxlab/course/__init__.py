"""What a learner solves: `exercise`, the exercises of the chapters by name, and the museum of broken servers.

exercise   what an exercise is: its trials, hints and solution, and the check of an answer
panel      the same with buttons
chNN       the exercises of chapter NN
claims     what the article says, worded once, and the course's verdicts: `article`, `expect`
variant    a broken server as its difference from a good one
museum/    broken servers to look at, to check and to repair
review/    the article's own servers, its bugs, and verdicts that experiments decide
markup     sentences, Python and differences as HTML
"""

from . import ch01, ch02, ch03, ch04, ch05, ch06, ch07, ch08, ch09, ch10, ch11, ch12, ch13, ch14
from .claims import article, expect
from .exercises import Exercise

__all__ = ["EXERCISES", "article", "exercise", "expect"]

EXERCISES: dict[str, Exercise] = {
    found.name: found
    for chapter in (ch01, ch02, ch03, ch04, ch05, ch06, ch07, ch08, ch09, ch10, ch11, ch12, ch13, ch14)
    for found in chapter.EXERCISES
}


def exercise(name: str) -> Exercise:
    """Return an exercise of the course: `.check(fn)` your answer, ask for a `.hint()`, look at a `.solution()`.

    In a notebook it is shown with buttons for the three.

    Args:
        name: as the chapter gives it: "polling-echo".

    Returns:
        The exercise; always the same object, so that the hints go on where they were.

    Raises:
        ValueError: there is none of this name; lists those that there are.
    """
    if name not in EXERCISES:
        there = "; ".join(f"chapter {chapter}: {', '.join(names)}" for chapter, names in by_chapter().items())
        raise ValueError(f"there is no exercise {name!r}. There are, in {there}")
    return EXERCISES[name]


def by_chapter() -> dict[str, list[str]]:
    """Return the names of the exercises for each chapter that has some: `{"01": ["cut-short", ...], ...}`."""
    chapters: dict[str, list[str]] = {}
    for found in EXERCISES.values():
        chapters.setdefault(found.chapter, []).append(found.name)
    return dict(sorted(chapters.items()))
