"""Which way of waiting a server takes: an exercise asks for one, and the battery takes any."""

import ast
import html
import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field
from types import CodeType
from typing import cast

from ..trials import runner
from ..trials.bench import Bench
from ..trials.report import Report, Verdict

CALLS = {"select": "select.select", "poll": "poll.poll", "epoll": "epoll.poll"}


def takes(fn: Callable, way: str) -> Verdict:
    """Whether a server takes a way of waiting.

    Args:
        fn: the server function.
        way: "select", "poll" or "epoll"; or "edge", for an epoll that is asked for edges.
    """
    with Bench(fn) as bench:
        if way == "edge":
            return _is_told_of_edges(bench)
        found = bench.model().waits
    detail = f"it waits with {' and '.join(sorted(found)) or 'none of the calls that wait for several'}"
    return Verdict(f"waits with {CALLS[way]}", found == {CALLS[way]}, detail, "Which call does your server sleep in?")


def _is_told_of_edges(bench: Bench) -> Verdict:
    """A client has been answered, and is silent: what does an epoll watch it for?"""
    bench.answered(bench.client().say(b"hello\n"))
    interest = [row.interest for row in bench.server.xray().connections if row.interest]
    detail = f"epoll watches a client for {interest[0]}" if interest else "no epoll watches its clients"
    passed = any("ET" in found.split("|") for found in interest)
    return Verdict("is told of edges", passed, detail, "Which flag of register asks for edges?")


@dataclass(frozen=True)
class Note:
    """Something to read, in a notebook and on a terminal: a sentence or two, and perhaps source."""

    text: str
    source: str = ""

    def __str__(self) -> str:
        return f"{self.text}\n\n{self.source}" if self.source else self.text

    __repr__ = __str__

    def _repr_html_(self) -> str:
        source = f"<pre>{html.escape(self.source)}</pre>" if self.source else ""
        return f"<p>{html.escape(self.text)}</p>{source}"


@dataclass(frozen=True)
class Answer:
    """What became of an answer: the report of the trials, if any were held, and what to do next.

    Attributes:
        passed: True when every trial was passed.
        report: the battery's report; None when there was nothing to check yet.
        advice: what to do next.
    """

    report: Report | None
    advice: str

    @property
    def passed(self) -> bool:
        return self.report is not None and self.report.passed

    @property
    def trials(self) -> list[Verdict]:
        """The trials that were held."""
        return self.report.trials if self.report else []

    def __str__(self) -> str:
        return f"{self.report}\n\n{self.advice}" if self.report else self.advice

    __repr__ = __str__

    def _repr_html_(self) -> str:
        report = self.report._repr_html_() if self.report else ""
        return f"{report}<p>{html.escape(self.advice)}</p>"


@dataclass
class Exercise:
    """A task of a chapter: to write a server, or to repair one.

    Attributes:
        name: as in `muxlab.exercise(name)`.
        chapter: "02" for the chapter whose file name begins so.
        trials: names of the battery's trials that an answer has to pass, the simplest first; () for all of them.
        hints: each says a little more than the one before.
        why: what is special about the solution, or what it changes.
        functions: the solution: the server first, then its helpers.
        exhibit: the broken server that the task starts from; None when the task is to write one.
        way: the way of waiting that it has to take, see `ways.takes`; "" for any.
    """

    name: str
    chapter: str
    trials: tuple[str, ...]
    hints: tuple[str, ...]
    why: str
    functions: tuple[Callable, ...]
    exhibit: Callable | None = None
    way: str = ""
    _told: int = field(default=0, init=False, repr=False)

    def check(self, fn: object) -> Answer:
        """Hold an answer against the trials of this exercise; one that is untouched gets a friendly line, and no trial.

        Args:
            fn: your server: `fn(listener, stop)` or `fn(listener)`.

        Raises:
            TypeError: `fn` is a function, and not one of these.
        """
        if why := self.unattempted(fn):
            task = "Repair it" if self.exhibit else "Write it"
            return Answer(None, f"{self.name}: {why}. {task}, and run the cell again. Stuck? {self}.hint()")
        report = runner.check(cast(Callable, fn), self.trials or None)
        if report.passed and self.way:
            report.trials.append(takes(cast(Callable, fn), self.way))
        if report.passed:
            return Answer(report, f"{self.name}: solved. Compare with another way to do it: {self}.solution()")
        return Answer(report, f"{self.name}: not yet. Stuck? {self}.hint()")

    def hint(self) -> Note:
        """The next hint; the last one stays."""
        self._told = min(self._told + 1, len(self.hints))
        text = f"Hint {self._told} of {len(self.hints)}. {self.hints[self._told - 1]}"
        if self._told == len(self.hints):
            text += f" That was the last hint; {self}.solution() shows a server that passes."
        return Note(text)

    def solution(self) -> Note:
        """A server that passes, as source: the one that the tests of the course run."""
        names = {name for function in self.functions for name in function.__code__.co_names}
        modules = sorted(name for name in names if inspect.ismodule(self.functions[0].__globals__.get(name)))
        parts = ["".join(f"import {name}\n" for name in modules)] if modules else []
        return Note(self.why, "\n\n".join([*parts, *map(inspect.getsource, self.functions)]))

    def unattempted(self, fn: object) -> str:
        """Say why there is nothing to check yet: no server, an empty one, the exhibit as it was. "" when there is."""
        if fn is None or fn is ...:
            return "there is no server here yet"
        if not callable(fn):
            return f"{fn!r} is not a function: check takes your server itself, {self}.check(my_server)"
        code = getattr(fn, "__code__", None)
        if code is None:
            return ""
        if _is_empty(code):
            return "the server is still empty"
        if self.exhibit and _same(fn, self.exhibit):
            return "this is the broken server as it was"
        return ""

    def __str__(self) -> str:
        return f'muxlab.exercise("{self.name}")'


def _is_empty(code: CodeType) -> bool:
    """Whether a function does nothing: a docstring, `...`, `pass`, `raise NotImplementedError`."""
    return set(code.co_names) <= {"NotImplementedError"} and not code.co_freevars


def _same(fn: Callable, other: Callable) -> bool:
    """Whether two functions are written in the same words, whatever their names, docstrings and comments."""
    return _words(fn) is not None and _words(fn) == _words(other)


def _words(fn: Callable) -> str | None:
    """What a function does, as a syntax tree in text; None when its source cannot be found.

    Not its bytecode: that of `select.select()` differs with where `import select` stands (CPython 3.11).
    """
    try:
        (definition,) = ast.parse(textwrap.dedent(inspect.getsource(fn))).body
    except (OSError, TypeError, SyntaxError, ValueError):  # typed at a prompt; a lambda within a line
        return None
    if not isinstance(definition, ast.FunctionDef):
        return None
    body = definition.body[ast.get_docstring(definition) is not None :]
    return "\n".join(map(ast.dump, [definition.args, *body]))
