"""`exercise`: the tasks of the chapters by name, and the check of an answer."""

from . import ch02, ch03, ch04, ch05, ch06, ch09, ch10
from .exercise import Exercise

EXERCISES = {task.name: task for chapter in (ch02, ch03, ch04, ch05, ch06, ch09, ch10) for task in chapter.TASKS}


def exercise(name: str) -> Exercise:
    """An exercise of the course: `.check(fn)` your answer, ask for a `.hint()`, look at a `.solution()`.

    Args:
        name: as the chapter gives it: "polling-echo".

    Returns:
        The exercise; always the same object, so that the hints go on where they were.

    Raises:
        ValueError: there is none of this name; lists those that there are.
    """
    if name not in EXERCISES:
        chapters: dict[str, list[str]] = {}
        for task in EXERCISES.values():
            chapters.setdefault(task.chapter, []).append(task.name)
        there = "; ".join(f"chapter {chapter}: {', '.join(names)}" for chapter, names in sorted(chapters.items()))
        raise ValueError(f"there is no exercise {name!r}. There are, in {there}")
    return EXERCISES[name]
