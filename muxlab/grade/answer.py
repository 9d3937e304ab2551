"""A learner's answer in a notebook: the cell that hands it in, and those statements of other cells that it needs.

A chapter has experiments and panels in it that nobody wants to wait for, and whoever hands it in may have changed them.
So the notebook is not run: needs.py finds what the answer needs, and that is run, in the order in which it stands.

Nothing of the learner's is run in here: cells are only read.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .cells import CodeCell, Refused, code_cells
from .needs import bound, names_in, needed


@dataclass(frozen=True)
class Cell:
    """One code cell, as far as the answer needs it.

    Attributes:
        place: how tracebacks call it: "cell 12".
        source: the whole text.
        chosen: which of its statements are to be run, counted from 0.
    """

    place: str
    source: str
    chosen: tuple[int, ...]


@dataclass(frozen=True)
class Handed:
    """An answer, ready to be run.

    Attributes:
        expression: what stands in `check(...)`, mostly the name of a function.
        cells: what has to be run before.
    """

    expression: str
    cells: tuple[Cell, ...]


def find_answer(notebook: Path, exercise: str, name: str) -> Handed | None:
    """Return the answer to an exercise, or None if the notebook has none.

    Args:
        notebook: the file.
        exercise: as in `muxlab.exercise(exercise).check(...)`.
        name: what the chapter calls the answer: it counts where no cell calls `check`.

    Raises:
        Refused: the file is not a notebook, or a cell that may hold the answer is not Python.
    """
    cells = code_cells(notebook)
    for cell in cells:
        if cell.trouble and any(word in cell.source for word in (name, f'"{exercise}"', f"'{exercise}'")):
            raise Refused(cell.trouble)
    by_name = ast.Name(name), len(cells) - 1
    expression, last = [by_name, *_handed_in(cells, exercise)][-1]
    cells = cells[: last + 1]
    if isinstance(expression, ast.Name) and not any(
        expression.id in bound(statement) for cell in cells for statement in cell.statements
    ):
        return None
    chosen = sorted(needed(cells, names_in(expression)))
    return Handed(
        ast.unparse(expression),
        tuple(
            Cell(cell.place, cell.source, tuple(place for one, place in chosen if one == number))
            for number, cell in enumerate(cells)
            if any(one == number for one, _ in chosen)
        ),
    )


def _handed_in(cells: list[CodeCell], exercise: str) -> Iterator[tuple[ast.expr, int]]:
    """Yield what is handed in, and in which cell, in the order of the text.

    It is the argument of `exercise("...").check(...)`, or of `shown.check(...)` after `shown = exercise("...")`.
    """
    shown: dict[str, str] = {}
    for number, cell in enumerate(cells):
        parts = [node for statement in cell.statements for node in ast.walk(statement)]
        nodes = [node for node in parts if isinstance(node, ast.stmt | ast.expr)]
        for node in sorted(nodes, key=lambda node: (node.lineno, node.col_offset)):
            match node:
                case ast.Assign(targets=[ast.Name(id=variable)], value=value) if name := _exercise(value):
                    shown[variable] = name
                case ast.Call(func=ast.Attribute(attr="check", value=checker)):
                    of = shown.get(checker.id) if isinstance(checker, ast.Name) else _exercise(checker)
                    given = [*node.args, *(keyword.value for keyword in node.keywords)]
                    if of == exercise and len(given) == 1:
                        yield given[0], number


def _exercise(part: ast.expr) -> str | None:
    """Return the name in `exercise("name")`; None for anything else."""
    match part:
        case ast.Call(
            func=ast.Attribute(attr="exercise") | ast.Name(id="exercise"), args=[ast.Constant(value=str(name))]
        ):
            return name
    return None
