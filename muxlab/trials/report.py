"""What a check has found, as text and for a notebook: failures first, each with its lesson; what passed is folded."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from .story import Story

NOT_TRIED = "not tried: "
"""How the detail of a trial begins that was not run."""

PASSED, FAILED, LIMITED, UNTRIED = "passed", "failed", "limit of the model", "not tried"
MARKS = {PASSED: "\u2713", FAILED: "\u2717", LIMITED: "\u25cb", UNTRIED: "\u2013"}  # a tick, a cross, a ring, a dash

WIDTH, INDENT = 100, "    "
"""Columns of the text, and how lines begin that belong to the one above."""

HINT = "\u2192"
"""An arrow before a lesson."""

BEGINNING, END = 300, 150
"""Characters that are shown of a longer detail: an exception may say as much as it likes, and its line comes last."""

NAMED = 3
"""Trials that are named when there is no more to say of them than that they were not tried."""


class Verdict(NamedTuple):
    """What came of one trial.

    Attributes:
        name: what was asked of the server, in a few words.
        passed: True, False, or None where the server's way of waiting or the machine does not allow it, or where it was
            not tried.
        detail: what was seen; or "not tried: ", and why.
        lesson: what to look at.
    """

    name: str
    passed: bool | None
    detail: str
    lesson: str

    @property
    def verdict(self) -> str:
        """ "passed", "failed", "limit of the model" or "not tried"."""
        if self.passed is not None:
            return PASSED if self.passed else FAILED
        return UNTRIED if self.detail.startswith(NOT_TRIED) else LIMITED


@dataclass(frozen=True, repr=False)
class Report:
    """What a check has found about one server; print it, or let a notebook show it.

    Attributes:
        server: the name of the function.
        trials: what came of each trial, in the order in which they were run.
        story: the shortest conversation that breaks the server, if one was looked for and found.
    """

    server: str
    trials: list[Verdict]
    story: Story | None = None

    @property
    def passed(self) -> bool:
        """True when a trial was passed, and none failed."""
        return bool(self._those(PASSED)) and not self._those(FAILED)

    @property
    def summary(self) -> str:
        """The report in one line: "select_server: 28 of 29 trials passed, 1 limit of the model"."""
        counts = {kind: len(self._those(kind)) for kind in MARKS}
        passed = counts.pop(PASSED)
        others = "".join(f", {count} {kind}" for kind, count in counts.items() if count)
        return f"{plain(self.server)}: {passed} of {len(self.trials)} trials passed{others}"

    def _those(self, kind: str) -> list[Verdict]:
        return [trial for trial in self.trials if trial.verdict == kind]

    def _others(self) -> Iterable[tuple[str, str]]:
        """Yield a verdict and a sentence for each reason why trials could not be passed, or were not tried."""
        for kind in (LIMITED, UNTRIED):
            for reason, group in _same("detail", self._those(kind)):
                which = f"{len(group)} trials" if kind == UNTRIED and len(group) > NAMED else _names(group)
                yield kind, f"{kind}: {which} ({plain(reason.removeprefix(NOT_TRIED))})"

    def __repr__(self) -> str:
        lines = [self.summary, ""]
        for lesson, group in _same("lesson", self._those(FAILED)):
            for seen, trials in _same("detail", group):
                lines += [*_wrapped(f"{MARKS[FAILED]} {_names(trials)}"), *_wrapped(INDENT + plain(seen))]
            lines += [*_wrapped(f"{INDENT}{HINT} {lesson}"), ""]
        if self.story is not None:
            lines += [*textwrap.indent(repr(self.story), INDENT).splitlines(), ""]
        for kind, sentence in self._others():
            lines += _wrapped(f"{MARKS[kind]} {sentence}")
        if found := self._those(PASSED):
            lines += _wrapped(f"{MARKS[PASSED]} {len(found)} passed: {_names(found)}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        found = self._those(PASSED)
        failed = "".join(
            f"<section>{_list(group)}<em>{escape(lesson)}</em></section>"
            for lesson, group in _same("lesson", self._those(FAILED))
        )
        others = "".join(f"<p>{badge(kind)} {escape(sentence)}</p>" for kind, sentence in self._others())
        folded = f"<details><summary>{badge(PASSED)} {len(found)} passed</summary>{_list(found)}</details>"
        story = self.story.html() if self.story is not None else ""
        return page(f"<p><b>{escape(self.summary)}</b></p>{failed}{story}{others}{folded * bool(found)}")


def page(content: str) -> str:
    """Return HTML in the style of a report."""
    return f'{style()}<div class="muxlab-report">{content}</div>'


def style() -> str:
    """Return the style of a report, for a page that has reports, or parts of them, within something else."""
    return f"<style>{Path(__file__).with_name('report.css').read_text()}</style>"


def plain(text: str) -> str:
    """Make what a learner's function says harmless to print: in one line, without control characters, not too long."""
    shown = text if len(text) <= BEGINNING + END else f"{text[:BEGINNING]} ... {text[-END:]}"
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in shown)


def _same(field: str, trials: Iterable[Verdict]) -> Iterable[tuple[str, list[Verdict]]]:
    """Return the trials with the same detail, or the same lesson, under it; in the order of the first of each."""
    groups: dict[str, list[Verdict]] = {}
    for trial in trials:
        groups.setdefault(getattr(trial, field), []).append(trial)
    return groups.items()


def _names(trials: Iterable[Verdict]) -> str:
    return ", ".join(trial.name for trial in trials)


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, subsequent_indent=INDENT, break_on_hyphens=False)


def badge(kind: str) -> str:
    """Return the sign of a verdict as HTML."""
    return f'<span class="{kind.partition(" ")[0]}" role="img" aria-label="{kind}">{MARKS[kind]}</span>'


def _list(trials: list[Verdict]) -> str:
    rows = "".join(
        f"<dt>{badge(group[0].verdict)} {escape(_names(group))}</dt><dd>{escape(plain(seen))}</dd>"
        for seen, group in _same("detail", trials)
    )
    return f"<dl>{rows}</dl>"
