"""Make an nbgrader assignment of exercises: `python tools/nbgrader_assignment.py COURSE NAME EXERCISE ...`.

COURSE is the folder of an nbgrader course, NAME what the assignment is to be called. The notebooks are written into
COURSE/source/NAME, one for each exercise: what it needs of its chapter, its cell as the course gives it, and a cell
that gives a point for each trial that is passed. book/teaching.md says how to go on.

What learners get is the cell to repair or to extend, so nbgrader has nothing to take out of it. The assignment has to
be generated with `--ClearSolutions.enabled=False`.
"""

import argparse
import ast
import sys
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from muxlab.course import EXERCISES  # noqa: E402
from muxlab.course.exercises import Exercise  # noqa: E402
from muxlab.grade.answer import Cell, find_answer  # noqa: E402
from muxlab.trials import runner  # noqa: E402

CHECK = """
found = {call}.check({answer})
print(found)
sum(trial.verdict in ("passed", "limit of the model") for trial in found.trials)
"""
"""The cell that gives the points: nbgrader takes the number that it returns for them."""


def main(arguments: list[str] | None = None) -> int:
    """Write the notebooks, and print where they are."""
    parser = argparse.ArgumentParser(description="Make an nbgrader assignment of exercises of the course.")
    parser.add_argument("course", type=Path, help="the folder of an nbgrader course")
    parser.add_argument("name", help="what the assignment is to be called")
    parser.add_argument(
        "exercises", nargs="+", metavar="exercise", choices=EXERCISES, help="as in muxlab.exercise(...)"
    )
    options = parser.parse_args(arguments)
    folder = options.course / "source" / options.name
    folder.mkdir(parents=True, exist_ok=True)
    for name in options.exercises:
        file = folder / f"{name}.ipynb"
        nbformat.write(assignment(EXERCISES[name]), file)
        print(file)
    return 0


def assignment(exercise: Exercise) -> nbformat.NotebookNode:
    """Return the notebook of an exercise, in the words of its chapter."""
    (chapter,) = (ROOT / "notebooks").glob(f"{exercise.chapter}_*.ipynb")
    answer = find_answer(chapter, exercise.name, exercise.answer)
    assert answer is not None, f"{chapter.name} has no answer to {exercise.name}"
    *needed, given = answer.cells
    trials = len(exercise.trials or runner.TRIALS) + bool(exercise.way)
    check = CHECK.format(call=exercise.call, answer=answer.expression)
    cells = [
        nbformat.v4.new_markdown_cell(f"## {exercise.title}\n\n{exercise.about}"),
        *(nbformat.v4.new_code_cell(chosen(cell)) for cell in needed),
        nbformat.v4.new_code_cell(f"import muxlab\n\n{exercise.call}"),
        nbformat.v4.new_code_cell(chosen(given), metadata=graded(f"{exercise.name}-answer", solution=True)),
        nbformat.v4.new_code_cell(check.strip(), metadata=graded(f"{exercise.name}-trials", points=trials)),
    ]
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    return nbformat.v4.new_notebook(cells=cells, metadata=kernel)


def chosen(cell: Cell) -> str:
    """Return those statements of a cell that the answer needs, as they stand there."""
    body = ast.parse(cell.source).body
    lines = cell.source.splitlines()
    return "\n\n".join("\n".join(lines[body[one].lineno - 1 : body[one].end_lineno]) for one in cell.chosen)


def graded(cell_id: str, solution: bool = False, points: int = 0) -> dict[str, object]:
    """Return the metadata by which nbgrader knows a cell. Source: nbgrader's documentation, "Metadata format"."""
    said: dict[str, object] = {"grade_id": cell_id, "schema_version": 3, "solution": solution, "task": False}
    said |= {"grade": bool(points), "locked": bool(points)} | ({"points": points} if points else {})
    return {"nbgrader": said}


if __name__ == "__main__":
    sys.exit(main())
