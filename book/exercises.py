"""An exercise on a page where nothing can be run: what it is about, how to get a kernel, its hints and its solution."""

import re

from nbformat import NotebookNode

import muxlab
from muxlab.course import markup

SHOWN = re.compile(r'muxlab\.exercise\("([\w-]+)"\)\s*')
CHECKED = re.compile(r"muxlab\.exercise\(.*\)\.check\(\w+\)\s*$")


def exercise_in(cell: NotebookNode) -> str | None:
    """Return the name of the exercise that a cell shows, or None."""
    found = SHOWN.fullmatch(cell.source)
    return found[1] if found else None


def is_check(cell: NotebookNode) -> bool:
    """Tell whether a cell ends with the check of an exercise."""
    return bool(CHECKED.search(cell.source))


def exercise_html(name: str, start: str) -> str:
    """Return an exercise for the page; `start` is the address of the page that says how to get a kernel."""
    exercise = muxlab.exercise(name)
    kernel = (
        f'<p class="book-kernel">This page runs nothing, so it can neither run your server nor check it. The notebook '
        f'of this chapter can: <a href="{start}">two commands open it</a>, with a button for each.</p>'
    )
    many = len(exercise.hints)
    hints = [
        _folded(f"Hint {number}" if many > 1 else "Hint", markup.prose(hint))
        for number, hint in enumerate(exercise.hints, 1)
    ]
    solution = exercise.solution()
    parts = [markup.prose(exercise.about, f"{exercise.title}."), kernel, *hints]
    parts.append(_folded("A solution", markup.prose(solution.text) + markup.python(solution.source)))
    return f'<div class="book-exercise">{markup.page("".join(parts))}</div>'


def _folded(summary: str, content: str) -> str:
    return f"<details><summary>{summary}</summary>{content}</details>"
