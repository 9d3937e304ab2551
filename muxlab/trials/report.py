"""What the battery found: one line for each trial, as text and for a notebook."""

from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import NamedTuple

VERDICTS = {True: "passed", False: "failed", None: "limit of the model"}
MARKS = {True: "\u2713", False: "\u2717", None: "\u25cb"}  # a tick, a cross, a ring


class Verdict(NamedTuple):
    """What came of one trial.

    Attributes:
        name: what was asked of the server, in a few words.
        passed: True, False, or None where the server's way of waiting, or the machine, does not allow it.
        detail: what was seen.
        lesson: what to look at.
    """

    name: str
    passed: bool | None
    detail: str
    lesson: str

    @property
    def verdict(self) -> str:
        """ "passed", "failed" or "limit of the model"."""
        return VERDICTS[self.passed]


@dataclass(frozen=True, repr=False)
class Report:
    """What the battery found about one server; print it, or let a notebook show it.

    Attributes:
        server: the name of the function.
        trials: what came of each trial, in the order in which they were run.
    """

    server: str
    trials: list[Verdict]

    @property
    def passed(self) -> bool:
        """True when no trial failed."""
        return all(trial.passed is not False for trial in self.trials)

    @property
    def summary(self) -> str:
        """The report in one line: "select_server: 21 of 22 trials passed, 1 limit of the model"."""
        verdicts = [trial.verdict for trial in self.trials]
        others = "".join(
            f", {verdicts.count(verdict)} {verdict}" for verdict in list(VERDICTS.values())[1:] if verdict in verdicts
        )
        return f"{self.server}: {verdicts.count('passed')} of {len(verdicts)} trials passed{others}"

    def __repr__(self) -> str:
        width = max((len(trial.name) for trial in self.trials), default=0)
        lines = [self.summary, ""]
        for trial in self.trials:
            lines.append(f"{MARKS[trial.passed]} {trial.name:<{width}}  {trial.detail}")
            if trial.passed is False:
                lines.append(f"  {'':<{width}}  {trial.lesson}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = "".join(_row(trial) for trial in self.trials)
        style = Path(__file__).with_name("report.css").read_text()
        return (
            f'<style>{style}</style><div class="muxlab-report"><p>{escape(self.summary)}</p>'
            f"<table><tbody>{rows}</tbody></table></div>"
        )


def _row(trial: Verdict) -> str:
    kind = {True: "passed", False: "failed", None: "limit"}[trial.passed]
    lesson = f"<em>{escape(trial.lesson)}</em>" if trial.passed is False else ""
    return (
        f'<tr class="{kind}"><td><span>{MARKS[trial.passed]}</span> {trial.verdict}</td>'
        f"<th>{escape(trial.name)}</th><td>{escape(trial.detail)}{lesson}</td></tr>"
    )
