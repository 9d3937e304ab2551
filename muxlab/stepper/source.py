"""The learner's own lines: in which function a line is, and where it is no good to raise an exception."""

import ast
import contextlib
import inspect
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import CodeType, FrameType
from typing import Any


@dataclass(frozen=True)
class Listing:
    """The source of one function, as it was written in a file or a cell.

    Attributes:
        name: the function's name, with its class: "EchoServer.serve".
        lines: its source lines; empty when the source cannot be found.
        file: where they are, and
        first: the number of the first of them there.
        spared: the numbers, in the file, of lines that a bare `except:` guards, or `except BaseException:`, which would
            swallow whatever is raised there; and of `finally` blocks and `with`, which tidy up.
        repeats: the numbers of lines with a comprehension. Since Python 3.12 each turn of it counts as the line again.
    """

    name: str
    lines: tuple[str, ...]
    file: str
    first: int
    spared: frozenset[int]
    repeats: frozenset[int]

    def has(self, code: CodeType) -> bool:
        """Whether a function is this one, or is defined inside of it."""
        return code.co_filename == self.file and 0 <= code.co_firstlineno - self.first < max(1, len(self.lines))


class Sources:
    """The listings of all functions that a server has been in so far, its own first."""

    def __init__(self, fn: Any) -> None:
        self.listings: list[Listing] = []
        if hasattr(fn, "__code__"):
            self.of(fn.__code__)

    @property
    def served(self) -> str:
        """The name of the function that is served; "" when it has no code of its own, as what is written in C."""
        return self.listings[0].name if self.listings else ""

    def of(self, code: CodeType) -> Listing:
        """The listing in which a function is found."""
        for listing in self.listings:
            if listing.has(code):
                return listing
        self.listings.append(_listing(code))
        return self.listings[-1]

    def spared(self, frame: FrameType) -> bool:
        """Whether this line is spared, or that of a function that called this one."""
        home = frame.f_globals
        outer: FrameType | None = frame
        while outer is not None:
            if outer.f_globals is home and outer.f_lineno in self.of(outer.f_code).spared:
                return True
            outer = outer.f_back
        return False


def _listing(code: CodeType) -> Listing:
    lines: list[str] = []
    first = code.co_firstlineno
    with contextlib.suppress(OSError, TypeError):  # typed at a prompt, or made by exec
        lines, first = inspect.getsourcelines(code)
    text = textwrap.dedent("".join(lines))
    tree: ast.AST = ast.Module([], [])
    with contextlib.suppress(SyntaxError):  # a lambda in the middle of an expression
        tree = ast.parse(text)
    found = (_numbers(nodes, first) for nodes in (_spared(tree), _comprehensions(tree)))
    return Listing(code.co_qualname, tuple(text.splitlines()), code.co_filename, first, *found)


def _spared(tree: ast.AST) -> Iterator[ast.expr | ast.stmt]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Try):
            yield from node.finalbody
            if any(handler.type is None or "BaseException" in ast.unparse(handler.type) for handler in node.handlers):
                yield from node.body
        elif isinstance(node, ast.With):
            yield from (item.context_expr for item in node.items)


def _comprehensions(tree: ast.AST) -> Iterator[ast.expr]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp))


def _numbers(nodes: Iterable[ast.expr | ast.stmt], first: int) -> frozenset[int]:
    """The lines of syntax nodes, as numbered in their file."""
    spans = (range(node.lineno, (node.end_lineno or node.lineno) + 1) for node in nodes)
    return frozenset(first - 1 + line for span in spans for line in span)
