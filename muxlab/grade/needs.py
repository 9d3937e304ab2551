"""What has to be run of a notebook so that a name in it has its value: statements, found by the names in them.

A statement is needed when it gives a value to a name that is needed, wherever in it that happens: in a loop, behind a
`with`, as a walrus. So is one that calls something on a value that is needed, or hands that value to a function, as
in `sizes.update(big=1024)` and `fill(sizes)`: it may change the value. And whatever names a needed statement has in it
are needed, too. `from x import *` is always needed: nobody can tell what it brings.

What the course itself is given is no change: `muxlab.race(server)` is an experiment, and only looks.

Not handled here: an `await` outside a function; names that are made in another way, as by `exec`, `globals()`, a line
magic, or a function that declares them `global`.
"""

import ast
import symtable
from collections.abc import Iterator

from .cells import CodeCell

Where = tuple[int, int]
"""A statement: the number of its cell, and its own in that cell."""

DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
OWN_NAMES = (*DEFINITIONS, ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
"""What has names of its own in it."""


def needed(cells: list[CodeCell], names: set[str]) -> set[Where]:
    """Return which statements are needed, for these names to have their values."""
    made: dict[str, set[Where]] = {}
    changed: dict[str, set[Where]] = {}
    fixed = {name for cell in cells for part in cell.statements for name in _defined(part)}
    course: set[str] = set()
    chosen: set[Where] = set()
    for number, cell in enumerate(cells):
        for place, statement in enumerate(cell.statements):
            course |= _from_the_course(statement, course)
            for name in bound(statement):
                made.setdefault(name, set()).add((number, place))
            for name in _may_change(statement, course) - fixed:
                changed.setdefault(name, set()).add((number, place))
            if any(alias.name == "*" for alias in getattr(statement, "names", ()) if isinstance(alias, ast.alias)):
                chosen.add((number, place))
    waiting, looked_up = set(names), set()
    while waiting:
        name = waiting.pop()
        looked_up.add(name)
        if name not in made:
            continue  # it is Python's own, as `print`
        for where in (made[name] | changed.get(name, set())) - chosen:
            chosen.add(where)
            statement = cells[where[0]].statements[where[1]]
            waiting |= (names_in(statement) | bound(statement)) - looked_up
    return chosen


def bound(statement: ast.stmt) -> set[str]:
    """Return the names that a statement of a cell gives a value to: x, and the x of `x.part = 1` and `x[key] = 1`."""
    found: set[str | None] = set()
    for node in _outside_functions(statement):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
            case ast.Name(id=name, ctx=ast.Store()):
                found.add(name)
            case ast.Attribute(ctx=ast.Store()) | ast.Subscript(ctx=ast.Store()):
                found.add(_root(node))
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                found |= {alias.asname or alias.name.partition(".")[0] for alias in names}
            case ast.ExceptHandler(name=name) | ast.MatchAs(name=name) | ast.MatchStar(name=name):
                found.add(name)
            case ast.MatchMapping(rest=name):
                found.add(name)
    return {name for name in found if name}


def names_in(part: ast.stmt | ast.expr) -> set[str]:
    """Return the global names that a piece of a program asks for, also inside the functions and classes in it."""
    found = set()
    tables = [symtable.symtable(ast.unparse(part), "cell", "exec")]
    for table in tables:  # it grows meanwhile
        tables += table.get_children()
        top = table.get_type() == "module"
        found |= {one.get_name() for one in table.get_symbols() if (one.is_referenced() if top else one.is_global())}
    return found


def _may_change(statement: ast.stmt, course: set[str]) -> set[str]:
    """Return the names whose values a statement may change by a call; `course` are names of the course's own things."""
    found: set[str | None] = set()
    for node in _outside_functions(statement):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Attribute):
                found.add(_root(node.func))
            if _root(node.func) not in course:
                found |= {part.id for part in node.args if isinstance(part, ast.Name)}
    return {name for name in found if name}


def _defined(statement: ast.stmt) -> set[str]:
    """Return the names of modules, functions and classes that a statement brings: a call does not change those."""
    return bound(statement) if isinstance(statement, (*DEFINITIONS, ast.Import, ast.ImportFrom)) else set()


def _from_the_course(statement: ast.stmt, course: set[str]) -> set[str]:
    """Return the names that a statement gives to what is the course's: imported, or made by something in `course`."""
    match statement:
        case ast.Import(names=names):
            return {one.asname or "muxlab" for one in names if one.name.partition(".")[0] == "muxlab"}
        case ast.ImportFrom(module=str(module)) if module.partition(".")[0] == "muxlab":
            return bound(statement)
        case ast.Assign(value=value) if _root(value) in course:
            return bound(statement)
    return set()


def _outside_functions(node: ast.AST) -> Iterator[ast.AST]:
    """Yield a node and all below it that is run at once, with the names of the notebook itself."""
    yield node
    if not isinstance(node, OWN_NAMES):
        for part in ast.iter_child_nodes(node):
            yield from _outside_functions(part)


def _root(part: ast.expr) -> str | None:
    """Return the name that an expression begins with: x for `x.part[key]` and `x.part(1)`."""
    while isinstance(part, ast.Attribute | ast.Subscript | ast.Starred | ast.Call):
        part = part.func if isinstance(part, ast.Call) else part.value
    return part.id if isinstance(part, ast.Name) else None
