"""What the experiments of the last chapter have found about the article: a verdict for each claim and each bug.

A claim is judged by what follows from it. If all of that happens, it is true; if some of it does, it is true within
limits; if none of it does, it is false. The verdict is worked out from the experiments alone, and then compared with
the one that the course has come to (`claims`); where the two differ, that is said.
"""

import html
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass

from ...lab.chapters import chapters_in, course_folder
from .. import markup
from ..claims import AGAIN, CLAIMS, FALSE, LIMITED, TRUE, WIDTH
from .bugs import BUGS, Bug

YES, NO = "\u2713", "\u2717"
"""The marks of what happened, and of what did not: a tick and a cross."""

SEEN, UNSEEN = "seen", "not seen"
REFUSED = "refused by Python"
UNJUDGED = "not judged yet"
NO_TRIAL = "\u2013"

CHANGED = "If you have changed the cell, that may be why. If not: run it again when the machine has nothing else to do."

LIMITS = {3: YES + NO, 9: YES + NO + NO, 10: YES + NO, 12: YES + NO + NO}
"""What came out for the claims that are true within limits, in the order of the chapter's sentences: the reason that
`claims` gives speaks of these limits, and of no others."""


def verdict_of(follows: Mapping[str, bool]) -> str:
    """Return the verdict on a claim, by what follows from it and whether that happened."""
    if all(follows.values()):
        return TRUE
    return LIMITED if any(follows.values()) else FALSE


class Verdicts:
    """What was found about the claims and the bugs of the article, as far as the experiments have run."""

    def __init__(self) -> None:
        self._claims: dict[int, dict[str, bool]] = {}
        self._bugs: dict[int, dict[str, bool]] = {}

    def claim(self, number: int, follows: Mapping[str, bool]) -> None:
        """Judge a claim, and print the verdict.

        Args:
            number: the claim's number, 1 to 12.
            follows: what follows from the claim, in sentences, and whether each of it happened.

        Raises:
            ValueError: there is no claim of that number, or nothing follows.
            TypeError: a sentence is not text, or what is said of it is neither true nor false.
        """
        __tracebackhide__ = True
        self._claims[number] = _evidence("claim", number, CLAIMS, follows)
        claim, found = CLAIMS[number], verdict_of(follows)
        _say(f"{number}. {claim.words}", 0)
        _say_evidence(follows)
        if found != claim.verdict:
            _say(_differs(found, claim.verdict), 4)
        elif number in LIMITS and _marks(follows) != LIMITS[number]:
            _say(f"{found.capitalize()}, but not within the limits that the course has found. {CHANGED}", 4)
        else:
            _say(f"{found.capitalize()}. {claim.why}", 4)

    def bug(self, number: int, seen: Mapping[str, bool]) -> None:
        """Note whether a bug was seen at work, and print it.

        Args:
            number: the bug's number, 1 to 12.
            seen: what was to be seen if the program has this bug, in sentences, and whether it was.

        Raises:
            ValueError, TypeError: as for `claim`.
        """
        __tracebackhide__ = True
        self._bugs[number] = _evidence("bug", number, BUGS, seen)
        bug = BUGS[number]
        _say(f"{number}. The {bug.program} {'server' if bug.program != 'client' else 'program'}: {bug.words}", 0)
        _say_evidence(seen)
        word = _word_for(bug)[0].upper() + _word_for(bug)[1:]
        _say(f"{word}. {bug.effect}" if all(seen.values()) else f"Not seen on this machine, just now. {AGAIN}", 4)

    @property
    def claims(self) -> "Table":
        """The table of the claims: what the article says, the verdict, where the course shows it."""
        lines = []
        for number, claim in CLAIMS.items():
            follows = self._claims.get(number)
            verdict = verdict_of(follows) if follows else UNJUDGED
            if follows and verdict != claim.verdict:
                verdict += f" (here, just now; the course says: {claim.verdict})"
            lines.append((str(number), claim.words, verdict, _links(claim.chapters)))
        return Table(("", "the article says", "verdict", "chapters"), lines)

    @property
    def bugs(self) -> "Table":
        """The table of the bugs: the program, what is wrong in it, whether it was seen, which trials catch it."""
        lines = []
        for number, bug in BUGS.items():
            seen = self._bugs.get(number)
            verdict = UNJUDGED if seen is None else _word_for(bug) if all(seen.values()) else UNSEEN
            trials = "; ".join(bug.trials) or NO_TRIAL
            lines.append((str(number), bug.program, bug.words, verdict, trials, _links(bug.chapters)))
        return Table(("", "program", "what is wrong", "at work", "caught by the trial", "chapters"), lines)


@dataclass(frozen=True, repr=False)
class Table:
    """A table; print it, or let a notebook show it.

    Attributes:
        header: the names of the columns.
        lines: the texts of each line. In the last column stand chapters, as (number, file) pairs.
    """

    header: tuple[str, ...]
    lines: list[tuple]

    def __repr__(self) -> str:
        told = []
        for *texts, chapters in self.lines:
            numbers = ", ".join(str(number) for number, _ in chapters)
            number, *others = (text.replace("`", "") for text in texts)
            told.append(f"{number:>2}  {' | '.join(others)}{f' | chapter {numbers}' * bool(numbers)}")
        return "\n".join(told)

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{html.escape(name)}</th>" for name in self.header)
        body = "".join(map(_row, self.lines))
        return markup.page(f'<table class="mux-verdicts"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>')


def _row(line: tuple) -> str:
    *texts, chapters = line
    cells = [f"<td>{_cell(text)}</td>" for text in texts]
    links = ", ".join(f'<a href="{file}">{number}</a>' if file else str(number) for number, file in chapters)
    return f"<tr>{''.join(cells)}<td>{links}</td></tr>"


def _cell(text: str) -> str:
    kind = {TRUE: "true", SEEN: "true", REFUSED: "true", LIMITED: "limited", FALSE: "false", UNSEEN: "false"}.get(
        text.partition(" (")[0]
    )
    shown = markup.inline(text)
    return f'<span class="mux-verdict mux-{kind}">{shown}</span>' if kind else shown


def _links(chapters: tuple[int, ...]) -> list[tuple[int, str]]:
    """Return chapters with their files; "" where there is none, as in a copy of the package without the chapters."""
    try:
        files = {int(path.name[:2]): path.name for path in chapters_in(course_folder())}
    except FileNotFoundError:
        files = {}
    return [(number, files.get(number, "")) for number in chapters]


def _evidence(what: str, number: int, known: Mapping[int, object], found: Mapping[str, bool]) -> dict[str, bool]:
    if isinstance(number, bool) or not isinstance(number, int) or number not in known:
        raise ValueError(f"the article has no {what} {number!r}; they are numbered 1 to {len(known)}")
    if not isinstance(found, Mapping):
        raise TypeError(f"{what} {number}: give {{sentence: True or False}}, not {found!r:.60}")
    if not found:
        raise ValueError(
            f"{what} {number}: say at least one thing that follows from it, as {{sentence: True or False}}"
        )
    for words, came_out in found.items():
        if not isinstance(words, str) or not isinstance(came_out, bool):
            raise TypeError(f"{what} {number}: give {{sentence: True or False}}, not {words!r}: {came_out!r}")
    return dict(found)


def _marks(found: Mapping[str, bool]) -> str:
    """Return what came out, a mark each."""
    return "".join(YES if came_out else NO for came_out in found.values())


def _word_for(bug: Bug) -> str:
    """Return what is said of a bug that was found: a program that does not even begin can't be seen at work."""
    return SEEN if bug.alone else REFUSED


def _say_evidence(found: Mapping[str, bool]) -> None:
    for words, came_out in found.items():
        _say(f"{YES if came_out else NO} {words}", 4, 6)


def _differs(found: str, course: str) -> str:
    return f"{found.capitalize()}, on this machine, just now. The course says: {course}. {AGAIN}"


def _say(text: str, first: int, others: int = 4) -> None:
    plain = text.replace("`", "")
    print(textwrap.fill(plain, WIDTH, initial_indent=" " * first, subsequent_indent=" " * others))
