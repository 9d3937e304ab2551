"""`variant`: a server made from a good one by replacing a few pieces of its text. What differs is the bug.

An exhibit of the museum, a broken server to repair and a wrong answer in the tests are all written this way: the good
server once, and then each bug as its difference, which is what a reader wants to see. `Exhibit` shows it.

Not handled here: a server that uses names of a function around it (a closure has no text of its own).
"""

import __future__

import ast
import difflib
import functools
import inspect
import itertools
import linecache
import re
import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass

from . import markup

_numbers = itertools.count(1)  # so that two variants of one name do not share a file


def variant(good: Callable | tuple[Callable, ...], name: str, symptom: str, *changes: tuple[str, str]) -> Callable:
    """Make a server from a good one by replacing pieces of its text.

    The new server is compiled from its own text, with its own line numbers: tracebacks, `inspect.getsource`, the
    stepper and the tap show what it really runs. It has a copy of the good one's global names.

    Args:
        good: the good server; or a tuple of it and those helper functions and classes that are to be changed or watched
            with it. What uses one of them has to be in the tuple, too.
        name: the name of the new server.
        symptom: what one sees when it is in use, in a sentence; it becomes the docstring.
        changes: pairs (old, new). Several lines are written as if the first one were not indented; blank lines around
            them are taken off, so that they may stand in triple quotes. With "" for new, whole lines go.

    Raises:
        ValueError: an `old` does not stand exactly once in the text.
    """
    server, *helpers = good if isinstance(good, tuple) else (good,)
    text = source(server, *helpers)
    for change in changes:
        old, new = (textwrap.dedent(piece).strip("\n") for piece in change)
        text = _changed(text, old, new, server.__name__)
    text = text.replace(f"def {server.__name__}(", f"def {name}(", 1)
    file = f"<variant {next(_numbers)}: {name}>"
    linecache.cache[file] = len(text), None, text.splitlines(keepends=True), file
    names: dict = {}
    for thing in (*helpers, server):
        names |= vars(sys.modules[thing.__module__]) if inspect.isclass(thing) else getattr(thing, "__globals__", {})
    exec(compile(text, file, "exec", flags=__future__.annotations.compiler_flag, dont_inherit=True), names)
    made = names[name]
    made.__doc__ = symptom
    return made


def source(*functions: Callable) -> str:
    """Return the text of some functions and classes, one below the other, without their docstrings.

    Raises:
        OSError: there is no text, as for what was typed at a prompt.
        TypeError: it is not written in Python.
        SyntaxError: it is not a `def` or `class` of its own, as a lambda within a line.
    """
    return "\n\n".join(map(_without_docstring, functions))


def difference(old: str, new: str, names: tuple[str, str] = ("", ""), context: int = 3) -> str:
    """Return a unified diff of two texts, with so many lines of `context`; "" where they are equal."""
    return "\n".join(difflib.unified_diff(old.splitlines(), new.splitlines(), *names, n=context, lineterm=""))


def same(one: Callable, other: Callable) -> bool:
    """Tell whether two functions are written in the same words, whatever their names, docstrings and comments."""
    return _words(one) is not None and _words(one) == _words(other)


@dataclass(frozen=True, repr=False)
class Exhibit:
    """A server with a well-known bug; print it, or let a notebook show it.

    Attributes:
        fn: the server: `muxlab.check(exhibit.fn)`, `muxlab.show.stepper(exhibit.fn)`.
        good: the good server that it differs from, or a tuple of it and its helpers, as of `variant`; None when it is a
            server of its own kind, shown whole.
    """

    fn: Callable
    good: Callable | tuple[Callable, ...] | None = None

    @property
    def name(self) -> str:
        """The name of the server."""
        return self.fn.__name__

    @property
    def symptom(self) -> str:
        """The effect of the bug, as one sees it when the server is in use."""
        return self.fn.__doc__ or ""

    @property
    def difference(self) -> str:
        """The difference from the good server, as a unified diff; of one that is shown whole, its source."""
        if self.good is None:
            return source(self.fn)
        if isinstance(self.good, tuple):
            good, mine = source(*self.good), "".join(linecache.getlines(self.fn.__code__.co_filename))
        else:
            good, mine = source(self.good), source(self.fn)
        mine = mine.replace(f"def {self.name}(", f"def {self._good_server.__name__}(", 1)
        return difference(good, mine, (self.good_name, self.name))

    @property
    def _good_server(self) -> Callable:
        return self.good[0] if isinstance(self.good, tuple) else self.good or self.fn

    @property
    def good_name(self) -> str:
        """The good server's name; one that was repaired has the same."""
        name = self._good_server.__name__
        return f"{name}, repaired" if name == self.name else name

    def __repr__(self) -> str:
        return f"<exhibit {self.name}: {self.symptom}>"

    def __str__(self) -> str:
        return f"{self.name}: {self.symptom}\n\n{self.difference}"

    def _repr_html_(self) -> str:
        said = markup.prose(self.symptom, f"{self.name}:")
        if self.good is None:
            return markup.page(said + markup.python(self.difference))
        legend = markup.prose(f"Lines with `-` are only in `{self.good_name}`, lines with `+` only here.")
        return markup.page(said + legend + markup.diff(self.difference))


def bug(good: Callable | tuple[Callable, ...], name: str, symptom: str, *changes: tuple[str, str]) -> Exhibit:
    """Make an exhibit of a good server; arguments and errors as of `variant`."""
    return Exhibit(variant(good, name, symptom, *changes), good)


def _changed(text: str, old: str, new: str, where: str) -> str:
    """Replace `old` by `new` in `text`, where it stands exactly once."""
    spots = []
    for found in re.finditer(re.escape(old.split("\n")[0]), text):
        line = text[text.rfind("\n", 0, found.start()) + 1 :]
        margin = "\n" + line[: len(line) - len(line.lstrip(" "))]
        if text.startswith(_indented(old, margin), found.start()):
            spots.append((found.start(), margin))
    if len(spots) != 1:
        raise ValueError(f"what is to be replaced in {where} stands there {len(spots)} times, not once:\n{old}")
    ((at, margin),) = spots
    end = at + len(_indented(old, margin))
    if not new and text[:at].endswith(margin) and text[end : end + 1] == "\n":
        at -= len(margin)  # whole lines: nothing is left of them
    return text[:at] + _indented(new, margin) + text[end:]


def _indented(text: str, margin: str) -> str:
    """Return a piece of text with all lines but the first one indented; blank lines stay empty."""
    return re.sub(r"\n(?!\n)", lambda _: margin, text)


@functools.lru_cache(maxsize=32)  # the museum has dozens of variants of the same few servers
def _without_docstring(function: Callable) -> str:
    text = textwrap.dedent(inspect.getsource(function))
    (definition,) = ast.parse(text).body
    if not isinstance(definition, ast.FunctionDef | ast.ClassDef):
        raise SyntaxError(f"{function!r} is written neither as a `def` nor as a `class`")
    first, *others = definition.body
    if others and ast.get_docstring(definition) is not None:
        lines = text.splitlines(keepends=True)
        text = "".join(lines[: first.lineno - 1] + lines[first.end_lineno :])
    return text


def _words(function: Callable) -> str | None:
    """Return what a function does, as a syntax tree in text; None when its text cannot be found.

    Not its bytecode: that of `select.select()` differs with where `import select` stands (CPython 3.11).
    """
    try:
        (definition,) = ast.parse(source(function)).body
    except (OSError, TypeError, SyntaxError, ValueError):
        return None
    if not isinstance(definition, ast.FunctionDef):
        return None
    return ast.dump(ast.Module([definition.args, *definition.body], []))  # type: ignore[list-item]
