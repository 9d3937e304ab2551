"""A learner's answer in a notebook: the cell that hands it in, and those statements of other cells that it needs.

A chapter has experiments and panels in it that nobody wants to wait for, and whoever hands it in may have changed them.
So the notebook is not run. What the answer needs is found by the names in it: the statements that give a value to such
a name, and those that give a value to a name in these, and so on. They are run in the order in which they stand.

Nothing of the learner's is run in here: cells are only read, with `ast`.

Not handled here: names that are made in another way, as by `exec`, `globals()` or a magic command of IPython.
"""

import ast
import json
import symtable
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MOST_BYTES = 20 * 2**20
"""Size of the largest notebook that is read. With all its pictures, a chapter of the course has less than 1 MiB."""

BINDS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
IMPORTS = (ast.Import, ast.ImportFrom)
ASSIGNS = (ast.Assign, ast.AnnAssign, ast.AugAssign)


class Refused(Exception):
    """The notebook cannot be graded; says why."""


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


@dataclass(frozen=True)
class _Read:
    place: str
    source: str
    statements: tuple[ast.stmt, ...]


def find_answer(notebook: Path, exercise: str, name: str) -> Handed | None:
    """Return the answer to an exercise, or None if the notebook has none.

    Args:
        notebook: the file.
        exercise: as in `muxlab.exercise(exercise).check(...)`.
        name: what the chapter calls the answer: it counts where no cell calls `check`.

    Raises:
        Refused: the file is no notebook, or a cell that may hold the answer is not Python.
    """
    cells = list(_code_cells(notebook, name))
    calls = [(number, call) for number, cell in enumerate(cells) for call in _checks(cell, exercise)]
    if calls:
        last, expression = calls[-1]
        cells = cells[: last + 1]
    else:
        expression = ast.Name(name)
    needed = _needed(cells, _names(expression))
    if not any(cell.chosen for cell in needed):
        return None
    return Handed(ast.unparse(expression), tuple(cell for cell in needed if cell.chosen))


# ---- the notebook


def _code_cells(notebook: Path, name: str) -> Iterator[_Read]:
    for number, cell in enumerate(_cells(notebook), 1):
        if not isinstance(cell, dict) or cell.get("cell_type") != "code":
            continue
        lines = cell.get("source", "")
        source = "".join(map(str, lines)) if isinstance(lines, list) else str(lines)
        try:
            yield _Read(f"cell {number}", source, tuple(ast.parse(source).body))
        except SyntaxError as error:
            python = _without_magic(source)
            if python is not None:
                yield _Read(f"cell {number}", python, tuple(ast.parse(python).body))
            elif name in source:
                raise Refused(f"cell {number} is not Python: {error.msg}, in its line {error.lineno}") from None
        except (ValueError, RecursionError, MemoryError) as error:
            raise Refused(f"cell {number} cannot be read: {error}") from None


def _cells(notebook: Path) -> list[Any]:
    try:
        if notebook.stat().st_size > MOST_BYTES:
            raise Refused(f"it is larger than {MOST_BYTES // 2**20} MiB: clear its outputs")
        content = json.loads(notebook.read_bytes())
        cells = content["cells"]
    except OSError as error:
        raise Refused(f"it cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError, KeyError, TypeError):
        raise Refused("it is not a notebook that Jupyter could open") from None
    if not isinstance(cells, list):
        raise Refused("it is not a notebook that Jupyter could open")
    return cells


def _without_magic(source: str) -> str | None:
    """Return a cell with its magic commands, such as %time, turned into Python; None if it is no Python then either."""
    from IPython.core.inputtransformer2 import TransformerManager  # only now: few cells need it

    try:
        python: str = TransformerManager().transform_cell(source)
        ast.parse(python)
    except (SyntaxError, ValueError):
        return None
    return python


def _checks(cell: _Read, exercise: str) -> Iterator[ast.expr]:
    """Yield what a cell hands in: the argument of each `exercise("...").check(...)`, in the order of the text."""
    calls = [node for statement in cell.statements for node in ast.walk(statement) if isinstance(node, ast.Call)]
    for call in sorted(calls, key=lambda call: (call.lineno, call.col_offset)):
        match call:
            case ast.Call(
                func=ast.Attribute(
                    attr="check",
                    value=ast.Call(
                        func=ast.Attribute(attr="exercise") | ast.Name(id="exercise"), args=[ast.Constant(value=name)]
                    ),
                ),
                args=[answer],
            ) if name == exercise:
                yield answer


# ---- what it needs


def _needed(cells: list[_Read], names: set[str]) -> list[Cell]:
    """Return the cells, with those statements chosen that give a value to a name that is needed."""
    makers: dict[str, list[tuple[int, int]]] = {}
    for number, cell in enumerate(cells):
        for place, statement in enumerate(cell.statements):
            for name in _bound(statement):
                makers.setdefault(name, []).append((number, place))
    chosen: set[tuple[int, int]] = set()
    looked_up: set[str] = set()
    while names:
        name = names.pop()
        looked_up.add(name)
        for number, place in makers.get(name, ()):
            if (number, place) not in chosen:
                chosen.add((number, place))
                statement = cells[number].statements[place]
                names |= (_names(statement) | _bound(statement)) - looked_up
    return [
        Cell(cell.place, cell.source, tuple(place for one, place in sorted(chosen) if one == number))
        for number, cell in enumerate(cells)
    ]


def _bound(statement: ast.stmt) -> set[str]:
    """Return the names that a statement of a cell gives a value to; of what runs for its effect alone, none."""
    if isinstance(statement, BINDS):
        return {statement.name}
    if isinstance(statement, IMPORTS):
        return {alias.asname or alias.name.partition(".")[0] for alias in statement.names}
    if isinstance(statement, ASSIGNS):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        return set().union(*map(_targets, targets))
    if isinstance(statement, ast.If | ast.Try):  # as in: try to import a thing, else use another
        inside = [part for part in ast.iter_child_nodes(statement) if isinstance(part, ast.stmt)]
        handlers = [part for handler in getattr(statement, "handlers", ()) for part in handler.body]
        return set().union(*map(_bound, inside + handlers))
    return set()


def _targets(target: ast.expr) -> set[str]:
    """Return the names that an assignment changes: x, and the x of `x.part` and `x[key]`."""
    if isinstance(target, ast.Attribute | ast.Subscript | ast.Starred):
        return _targets(target.value)
    if isinstance(target, ast.Tuple | ast.List):
        return set().union(*map(_targets, target.elts))
    return {target.id} if isinstance(target, ast.Name) else set()


def _names(part: ast.stmt | ast.expr) -> set[str]:
    """Return the global names that a piece of a program asks for, also inside the functions and classes in it."""
    found = set()
    tables = [symtable.symtable(ast.unparse(part), "cell", "exec")]
    for table in tables:  # it grows meanwhile
        tables += table.get_children()
        top = table.get_type() == "module"
        found |= {one.get_name() for one in table.get_symbols() if (one.is_referenced() if top else one.is_global())}
    return found
