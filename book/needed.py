"""What a panel's cell needs of the cells above it: imports, definitions, and the few statements that make its names.

A panel of a chapter stands at the end of experiments that take seconds, and needs none of them: of everything above
it, the function that it shows, and what that function calls. Statements are found by their names, the latest first.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from muxlab.grade.needs import names_in

RUNS_LATER = (ast.FunctionDef, ast.AsyncFunctionDef)
"""A function needs its names when it is called; every other statement needs them where it stands."""


@dataclass
class Statement:
    """One statement of a cell.

    Attributes:
        cell: the number of its cell.
        tree: the statement.
        makes: names that it gives a value to.
        uses: names that it needs.
    """

    cell: int
    tree: ast.stmt
    makes: frozenset[str] = field(default_factory=frozenset)
    uses: frozenset[str] = field(default_factory=frozenset)


def needed(sources: Sequence[str]) -> list[tuple[int, ast.Module]]:
    """Return what has to run so that the last of these cells can: (number of the cell, a part of it), in order.

    Args:
        sources: the code of the cells from the top down to the one that is wanted.
    """
    statements = [_statement(number, tree) for number, source in enumerate(sources) for tree in ast.parse(source).body]
    last_cell = len(sources) - 1
    wanted = [place for place, one in enumerate(statements) if one.cell == last_cell]
    taken: set[int] = set()
    while wanted:
        place = wanted.pop()
        if place in taken:
            continue
        taken.add(place)
        limit = len(statements) if isinstance(statements[place].tree, RUNS_LATER) else place
        for name in statements[place].uses:
            wanted.extend(_makers(statements, name, limit))
    modules: dict[int, ast.Module] = {}
    for place in sorted(taken):
        module = modules.setdefault(statements[place].cell, ast.Module([], []))
        module.body.append(statements[place].tree)
    return list(modules.items())


def _makers(statements: Sequence[Statement], name: str, limit: int) -> Iterator[int]:
    """Yield the place of the last statement before `limit` that makes a name."""
    for place in reversed(range(limit)):
        if name in statements[place].makes:
            yield place
            return


def _statement(cell: int, tree: ast.stmt) -> Statement:
    return Statement(cell, tree, frozenset(_made_by(tree)), frozenset(names_in(tree)))


def _made_by(tree: ast.stmt) -> Iterator[str]:
    if isinstance(tree, ast.Import | ast.ImportFrom):
        for alias in tree.names:
            yield (alias.asname or alias.name).partition(".")[0]
    elif isinstance(tree, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield tree.name
    elif isinstance(tree, ast.Assign | ast.AnnAssign | ast.AugAssign):
        for target in tree.targets if isinstance(tree, ast.Assign) else [tree.target]:
            yield from (node.id for node in ast.walk(target) if isinstance(node, ast.Name))
