"""`predict`: a question to answer before the experiment runs, and which the experiment's own result decides.

Which choice is right is written nowhere: `reveal` is given what the experiment returned, and finds the choice that
stands for it. Right or wrong is said below the experiment, where the learner is looking. A question that nobody has
answered stays open after the experiment, and gives nothing away until it is answered.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Mapping
from itertools import combinations
from string import ascii_lowercase
from typing import Any

import anywidget
import traitlets
from IPython.display import display
from ipywidgets import DOMWidget

from muxlab.journal import notes
from muxlab.show.panel import read_script, read_style

NONE = -1
"""In place of a choice's number: nobody has answered; or the result is none of the choices."""


class Prediction(anywidget.AnyWidget):
    """A question with choices; made by `predict`. One click answers it, and locks the answer.

    Attributes:
        answer: the number of the choice that the learner took, from 0; -1 for none yet. The first one stays.
        truth: the number of the choice that came out, -1 when none of them did; None before `reveal`.
    """

    _esm = read_script("prediction.js", "pictures.js", "predict.js")
    _css = read_style("predict.css")

    question = traitlets.Unicode().tag(sync=True)  # as text with `code`, like the choices
    choices = traitlets.List(traitlets.Unicode()).tag(sync=True)
    answer = traitlets.Int(NONE).tag(sync=True)
    truth = traitlets.Int(None, allow_none=True).tag(sync=True)
    result = traitlets.Unicode().tag(sync=True)  # in words, when it is none of the choices

    def __init__(self, question: str, choices: Mapping[str, Any]) -> None:
        self._meanings = [*choices.values()]
        self._outcome: Outcome | None = None
        self._cell = notes.cell()
        super().__init__(question=question, choices=[*choices])

    def reveal(self, result: Any) -> None:
        """Say below the experiment whether the prediction was right; anew, with another result, when it runs again.

        As text, and where no kernel runs, this is the choice that came out, whether or not the question was answered.

        Args:
            result: what the experiment returned; compared with what each choice stands for, see `predict`.

        Raises:
            ValueError: two choices stand for this result.
        """
        found = [number for number, meant in enumerate(self._meanings) if _fits(meant, result)]
        if len(found) > 1:
            several = " and ".join(_lettered(self.choices)[number] for number in found)
            raise ValueError(f"{result!r} fits {several}: let each choice stand for something else")
        with self.hold_sync():
            self.truth, self.result = (found[0], "") if found else (NONE, repr(result))
        self._note()
        if self._outcome:
            self._outcome.close()
        self._outcome = Outcome(choices=self.choices, truth=self.truth, result=self.result, answer=self.answer)
        display(self._outcome)

    @traitlets.observe("answer")
    def _tell(self, change: Any) -> None:
        self._note()
        if self._outcome:
            self._outcome.answer = change["new"]

    def _note(self) -> None:
        """Enter the answer in the learner's journal. A question that nobody has answered is not wrong: it is open."""
        if self.answer != NONE:
            notes.guessed(self._cell, self.answer, self.truth)

    @traitlets.validate("answer")
    def _lock(self, proposal: Any) -> int:
        return self.answer if self.answer != NONE else proposal["value"]

    def __repr__(self) -> str:
        """Return the question and its choices, the same before and after an answer: nbval compares it."""
        return "\n  ".join([f"Predict. {_plain(self.question)}", *_lettered(self.choices)])

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        data = DOMWidget._repr_mimebundle_(self, **kwargs)  # that of anywidget has another form in each version
        items = "".join(f"<li>{line}</li>" for line in _lettered(self.choices, _as_html))
        stored = f'<p><em>Predict.</em> {_as_html(self.question)}</p><ul style="list-style: none">{items}</ul>'
        return data | {"text/plain": repr(self), "text/html": stored}  # all of the text: ipywidgets would cut it


class Outcome(anywidget.AnyWidget):
    """The line below an experiment: which choice came out, and whether it is the one that was predicted.

    Attributes:
        choices, answer, truth, result: as those of the `Prediction`.
    """

    _esm = read_script("prediction.js", "outcome.js")
    _css = read_style("predict.css")

    choices = traitlets.List(traitlets.Unicode()).tag(sync=True)
    answer = traitlets.Int(NONE).tag(sync=True)
    truth = traitlets.Int(NONE).tag(sync=True)
    result = traitlets.Unicode().tag(sync=True)

    def __repr__(self) -> str:
        """Return the choice that came out, whatever was answered: nbval compares it."""
        return f"none of these: {self.result}" if self.truth == NONE else _lettered(self.choices)[self.truth]

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        data = DOMWidget._repr_mimebundle_(self, **kwargs)
        return data | {"text/plain": repr(self), "text/html": f"<p>{html.escape(self._verdict())}</p>"}

    def _verdict(self) -> str:
        """Return what is read here when the chapter is opened on another day and no kernel runs."""
        if self.answer == NONE:
            return f"→ {self!r}"
        if self.answer == self.truth:
            return f"✓ Right: {self!r}"
        return f"✗ Not so: you said {_lettered(self.choices)[self.answer]}; it is {self!r}."


def predict(question: str, choices: Mapping[str, Any] | Iterable[str]) -> Prediction:
    """Ask the learner what an experiment will show, before it runs; its result decides which choice was right.

    Args:
        question: one or two sentences; `code` between backticks.
        choices: {text: what the result is if this is so}: a value that is equal to the result, or a function that is
            true for it. A list of texts is short for texts that are the results themselves.

    Returns:
        The question, a widget: let it be the last line of its cell. The cell that runs the experiment ends with
        `.reveal(result)`. Running the question's cell again asks anew.

    Raises:
        TypeError: the question or a choice is not text.
        ValueError: fewer than two choices, or more than letters; or two that stand for the same.
    """
    pairs = dict(choices) if isinstance(choices, Mapping) else {text: text for text in choices}
    if isinstance(choices, str) or not all(isinstance(text, str) for text in (question, *pairs)):
        raise TypeError("predict takes a question and its choices as text: predict(question, {text: result, ...})")
    if not 2 <= len(pairs) <= len(ascii_lowercase):
        raise ValueError(f"a question has 2 to {len(ascii_lowercase)} different choices; there are {len(pairs)}")
    for one, other in combinations(pairs, 2):
        if not callable(pairs[one]) and pairs[one] == pairs[other]:
            raise ValueError(f"{one!r} and {other!r} stand for the same result, {pairs[one]!r}")
    return Prediction(question, pairs)


def _fits(meant: Any, result: Any) -> bool:
    return bool(meant(result)) if callable(meant) else bool(meant == result)


def _plain(text: str) -> str:
    return text.replace("`", "")


def _as_html(text: str) -> str:
    return re.sub("`([^`]+)`", r"<code>\1</code>", html.escape(text))


def _lettered(texts: Iterable[str], write: Callable[[str], str] = _plain) -> list[str]:
    return [f"({letter}) {write(text)}" for letter, text in zip(ascii_lowercase, texts, strict=False)]
