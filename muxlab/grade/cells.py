"""The code cells of a notebook, as IPython would run them. They are only read, with `ast`: nothing is run in here.

Magic commands become the calls that IPython makes of them. A cell magic that does no more than run its cell, such
as %%time, becomes a comment.

Not handled here: the limits of what reading may take. See reader.py.
"""

import ast
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MOST_BYTES = 20 * 2**20
"""Size of the largest notebook that is read. With all its pictures, a chapter of the course has less than 1 MiB."""

RUNS_ITS_CELL = re.compile(r"\A(\s*)%%(?=(time|capture|prun)\b)")
"""The beginning of a cell that IPython runs like any other. After %%timeit, the names of the cell are gone."""


class Refused(Exception):
    """The notebook cannot be graded; says why."""


@dataclass(frozen=True)
class CodeCell:
    """One code cell.

    Attributes:
        place: how tracebacks call it: "cell 12".
        source: the whole text, with magic commands turned into Python.
        statements: what it consists of; none if it is not Python.
        trouble: why it is not Python, or "".
    """

    place: str
    source: str
    statements: tuple[ast.stmt, ...]
    trouble: str = ""


def code_cells(notebook: Path) -> list[CodeCell]:
    """Return the code cells of a notebook.

    Raises:
        Refused: the file is not a notebook, or one of its cells cannot be read.
    """
    found = []
    for number, cell in enumerate(_cells(notebook), 1):
        if isinstance(cell, dict) and cell.get("cell_type") == "code":
            lines = cell.get("source", "")
            source = "".join(map(str, lines)) if isinstance(lines, list) else str(lines)
            found.append(_code_cell(f"cell {number}", RUNS_ITS_CELL.sub(r"\1# %%", source)))
    return found


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


def _code_cell(place: str, source: str) -> CodeCell:
    try:
        return CodeCell(place, source, tuple(ast.parse(source).body))
    except SyntaxError as error:
        python = _without_magic(source)
        if python is not None:
            return CodeCell(place, python, tuple(ast.parse(python).body))
        line = f" (line {error.lineno} of the cell)" if error.lineno else ""
        return CodeCell(place, source, (), f"{place} is not Python: {error.msg}{line}")
    except ValueError as error:  # null bytes
        return CodeCell(place, source, (), f"{place} cannot be read: {error}")
    except (RecursionError, MemoryError):
        raise Refused(f"{place} is too long, or nested too deep, to be read") from None


def _without_magic(source: str) -> str | None:
    """Return a cell with its magic commands, such as %time, turned into Python; None if it is no Python then either."""
    from IPython.core.inputtransformer2 import TransformerManager  # only now: few cells need it

    try:
        python: str = TransformerManager().transform_cell(source)
        ast.parse(python)
    except (SyntaxError, ValueError):
        return None
    return python
