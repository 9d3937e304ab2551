"""`Exercise`: a server to write, to extend or to repair, with a check, hints and a solution.

The trials of a check are the battery's own (muxlab/trials); an exercise names those that matter, and perhaps the way
of waiting that it asks for, which the battery leaves open.
"""

import difflib
import dis
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from types import CodeType
from typing import Any, cast

from .. import notebook
from ..journal import notes
from ..trials import runner
from ..trials.report import Report, Verdict
from . import markup
from .variant import difference, same, source
from .ways import takes

ALIKE = 0.5
"""Share of lines that two servers have in common, from 0 to 1, above which their difference is easier to read than the
two one after the other."""


@dataclass(frozen=True)
class Note:
    """A text to read, in a notebook and on a terminal.

    Attributes:
        text: a sentence or two, with code between backticks.
        imports: the import lines that the source needs.
        code: Python source, or "".
        yours: the learner's source, to compare the code with, or "".
    """

    text: str
    imports: str = ""
    code: str = ""
    yours: str = ""

    @property
    def source(self) -> str:
        """The whole source: paste it into an empty notebook."""
        return f"{self.imports}\n\n{self.code}" if self.imports else self.code

    def _difference(self, context: int) -> str:
        alike = difflib.SequenceMatcher(None, self.yours.splitlines(), self.code.splitlines()).ratio() >= ALIKE
        return difference(self.yours, self.code, ("yours", "ours"), context) if self.yours and alike else ""

    def __str__(self) -> str:
        return "\n\n".join(filter(None, [self.text, self.source, self._difference(context=2)]))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        if changes := self._difference(context=len(self.code)):
            legend = markup.prose("Lines with `-` are only in yours, lines with `+` only in this one.")
            return markup.page(markup.prose(self.text) + legend + markup.diff(changes))
        return markup.page(markup.prose(self.text) + (markup.python(self.source) if self.code else ""))


@dataclass(frozen=True)
class Answer:
    """The outcome of a check.

    Attributes:
        report: the battery's report; None when there was nothing to check yet.
        said: how far the answer is.
        advice: what to do next.
    """

    report: Report | None
    said: str
    advice: str

    @property
    def passed(self) -> bool:
        """True when trials were run, and none failed."""
        return self.report is not None and self.report.passed

    @property
    def trials(self) -> list[Verdict]:
        """The trials that were run."""
        return self.report.trials if self.report else []

    def __str__(self) -> str:
        end = f"{self.said} {self.advice}"
        return f"{self.report}\n\n{end}" if self.report else end

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return (self.report._repr_html_() if self.report else "") + markup.prose(f"{self.said} {self.advice}")


@dataclass(repr=False)
class Exercise:
    """A server to write, to extend or to repair; a notebook shows it with buttons for its hints, check and solution.

    Attributes:
        name: as in `muxlab.exercise(name)`.
        chapter: "02" for the chapter whose file name begins so.
        about: what to do, in a sentence or two.
        trials: names of the battery's trials that an answer has to pass, the simplest first; () for all of them.
        hints: each says a little more than the one before.
        why: what is special about the solution, or what it changes.
        functions: the solution: the server, which has the name that the chapter gives to the answer, and its helpers.
        broken: the broken server that a repair starts from; None when there is nothing to repair.
        start: the working server that an extension starts from; None when there is nothing to extend.
        way: the way of waiting that it asks for, see `takes`; "" for any.
        pieces: where the server is made of several functions, names of those that the chapter's cell holds: they are
            what there is to repair or to extend. The others are the chapter's, or an earlier answer's.
        told: how many hints were told so far.
    """

    name: str
    chapter: str
    about: str
    trials: tuple[str, ...]
    hints: tuple[str, ...]
    why: str
    functions: tuple[Callable, ...]
    broken: Callable | None = None
    start: Callable | None = None
    way: str = ""
    pieces: tuple[str, ...] = ()
    told: int = field(default=0, init=False)

    @property
    def answer(self) -> str:
        """The name that the chapter gives to the learner's server."""
        return self.functions[0].__name__

    def check(self, fn: object) -> Answer:
        """Run the trials of this exercise on an answer; one that is untouched gets a friendly line, and no trial.

        Args:
            fn: your server: `fn(listener, stop)` or `fn(listener)`.

        Raises:
            TypeError: `fn` is a function, and not one of these.
        """
        stuck = f"Stuck? {self.call}.hint()"
        if why := self.unattempted(fn):
            do = "Repair it" if self.broken else "Extend it" if self.start else "Write it"
            return Answer(None, f"{self.name}: {why}. {do}, and run the cell again.", stuck)
        server = cast(Callable, fn)
        report = runner.check(server, self.trials or None)
        if report.passed and self.way:
            report = replace(report, trials=[*report.trials, takes(server, self.way)])
        notes.checked(self.name, report.passed)
        if report.passed:
            return Answer(report, f"{self.name}: solved.", f"Compare with another way to do it: {self.call}.solution()")
        return Answer(report, f"{self.name}: not yet.", stuck)

    def hint(self) -> Note:
        """Return the next hint; the last one stays."""
        self.told = min(self.told + 1, len(self.hints))
        text = f"Hint {self.told} of {len(self.hints)}. {self.hints[self.told - 1]}"
        if self.told == len(self.hints):
            text += f" That was the last hint; `{self.call}.solution()` shows a server that passes."
        return Note(text)

    def solution(self, yours: object = None) -> Note:
        """Return a server that passes, as source: the one that the tests of the course run.

        Args:
            yours: your server, to have it compared, if you like.
        """
        helpers = (_helper(yours, function.__name__) for function in self.functions[1:])
        mine = _source_or_nothing(yours, *filter(None, helpers))
        return Note(self.why, imports_of(self.functions), source(*self.functions), mine)

    def unattempted(self, fn: object) -> str:
        """Say why there is nothing to check yet: no server, an empty one, the given one as it was; else return ""."""
        if fn is None or fn is ...:
            return "there is no server here yet"
        if not callable(fn):
            return f"{fn!r} is not a function: check takes your server itself, {self.call}.check(my_server)"
        code = getattr(fn, "__code__", None)
        if code is None:
            return ""
        if _is_empty(code):
            return "the server is still empty"
        if self.broken and self._is_as_given(fn, self.broken):
            return "this is the broken server as it was"
        if self.start and self._is_as_given(fn, self.start):
            return "this is still the server that you start from"
        return ""

    def _is_as_given(self, fn: Callable, given: Callable) -> bool:
        """Tell whether all that the chapter's cell holds is in the words in which it was given."""
        if not self.pieces:
            return same(fn, given)
        return all(same(_helper(fn, name), _helper(given, name)) for name in self.pieces)

    @property
    def call(self) -> str:
        """The Python expression for this exercise."""
        return f'muxlab.exercise("{self.name}")'

    @property
    def title(self) -> str:
        """The name, and what kind of exercise it is."""
        return f"{self.name}: a server to {'repair' if self.broken else 'extend' if self.start else 'write'}"

    def __repr__(self) -> str:
        about = textwrap.fill(self.about, 100)
        return (
            f"{self.title}\n\n{about}\n\n"
            f"{self.call}.check({self.answer})  # {len(self.trials) or len(runner.TRIALS)} trials with your server\n"
            f"{self.call}.hint()  # the next of {len(self.hints)} hints\n"
            f"{self.call}.solution({self.answer})  # a server that passes, compared with yours"
        )

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        shown = {
            "text/plain": repr(self),
            "text/html": markup.prose(self.about, f"{self.title}.")
            + markup.prose(f"Run this cell for its buttons, or call `{self.call}.check({self.answer})`."),
        }
        if not notebook.request():  # a terminal has no buttons
            return shown
        from .panel import show  # only now: it loads a widget library

        return {**show(self)._repr_mimebundle_(), **shown}


def _helper(server: Any, name: str) -> Any:
    """Return what a server calls by this name, or None."""
    return getattr(server, "__globals__", {}).get(name)


def imports_of(functions: Iterable[Callable]) -> str:
    """Return the import lines that these functions need, for modules and for what is muxlab's."""
    found = {name: function.__globals__.get(name) for function in functions for name in _names(function.__code__)}
    lines = [f"import {name}\n" for name, value in sorted(found.items()) if inspect.ismodule(value)]
    homes: dict[str, list[str]] = {}
    for name, value in sorted(found.items()):
        if home := _home(value):
            homes.setdefault(home, []).append(name)
    return "".join(lines + [f"from {home} import {', '.join(names)}\n" for home, names in sorted(homes.items())])


def _home(thing: Any) -> str:
    """Return where to import a class or a function of muxlab's from; "" if it is another's, or of an exercise."""
    module = str(getattr(thing, "__module__", ""))
    if not (inspect.isclass(thing) or inspect.isfunction(thing)) or not module.startswith("muxlab."):
        return ""
    package = module.rpartition(".")[0]
    if package == __package__:
        return ""
    return package if getattr(sys.modules[package], thing.__name__, None) is thing else module


def _names(code: CodeType) -> set[str]:
    """Return the global names that a function uses, with those of the functions inside it."""
    inside = (_names(constant) for constant in code.co_consts if isinstance(constant, CodeType))
    own = {step.argval for step in dis.get_instructions(code) if step.opname == "LOAD_GLOBAL"}
    return own.union(*inside)


def _is_empty(code: CodeType) -> bool:
    """Tell whether a function does nothing: a docstring, `...`, `pass`, `raise NotImplementedError`."""
    return set(code.co_names) <= {"NotImplementedError"} and not code.co_freevars


def _source_or_nothing(*functions: Any) -> str:
    try:
        return source(*functions)
    except (OSError, TypeError, SyntaxError, ValueError):  # no function, or without a text of its own
        return ""
