"""The source of the learner's functions: their lines, and the lines in which the tracer must not raise an exception.

Not handled here: code without source, such as a function made by `exec`; its listing has no lines.
"""

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
    """The source of one function, from a file or a notebook cell.

    Attributes:
        name: the function's name, with its class: "EchoServer.serve".
        lines: its source lines; empty when the source cannot be found.
        file: the file that the lines are in.
        first: the number of the first line in that file.
        protected: numbers, in the file, of the lines where the tracer should raise no exception: those inside a `try`
            with a bare `except:` or `except BaseException:`, which would swallow it, and `finally` blocks and `with`
            lines, which clean up.
        repeated: numbers of the lines with a comprehension, which Python 3.12 and later trace once for each turn.
    """

    name: str
    lines: tuple[str, ...]
    file: str
    first: int
    protected: frozenset[int]
    repeated: frozenset[int]

    def contains(self, code: CodeType) -> bool:
        """Tell whether `code` is this function, or one defined inside it."""
        return code.co_filename == self.file and 0 <= code.co_firstlineno - self.first < max(1, len(self.lines))


class Sources:
    """The listings of all functions that a server has run so far, its own first."""

    def __init__(self, fn: Any) -> None:
        self.listings: list[Listing] = []
        if hasattr(fn, "__code__"):
            self.listing_of(fn.__code__)

    @property
    def served(self) -> str:
        """The name of the server function; "" for one without Python code, such as a function written in C."""
        return self.listings[0].name if self.listings else ""

    def listing_of(self, code: CodeType) -> Listing:
        """Return the listing that contains a function; make one if there is none yet."""
        for listing in self.listings:
            if listing.contains(code):
                return listing
        self.listings.append(_listing(code))
        return self.listings[-1]

    def protects(self, frame: FrameType) -> bool:
        """Tell whether the current line of a frame is protected, or that of a learner's function that called it."""
        learner_globals = frame.f_globals
        outer: FrameType | None = frame
        while outer is not None:
            if outer.f_globals is learner_globals and outer.f_lineno in self.listing_of(outer.f_code).protected:
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
    found = (_numbers(nodes, first) for nodes in (_protected(tree), _comprehensions(tree)))
    return Listing(code.co_qualname, tuple(text.splitlines()), code.co_filename, first, *found)


def _protected(tree: ast.AST) -> Iterator[ast.expr | ast.stmt]:
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
    """Return the numbers, in the file, of the lines that syntax nodes span."""
    spans = (range(node.lineno, (node.end_lineno or node.lineno) + 1) for node in nodes)
    return frozenset(first - 1 + line for span in spans for line in span)
