"""A conversation that breaks a server, told and drawn: as text, and as a picture for a notebook.

The picture has a line for each client, from its coming to its leaving, broken while it reads nothing; along it are the
steps, and in each of them the marks of what is done.
"""

import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape
from itertools import groupby

from .conversation import CLOSES, CONNECTS, HALF_CLOSES, LEAVES, POURS, READS, RESETS, SAYS, Act, Break, Conversation
from .report import FAILED, INDENT, MARKS, WIDTH, badge, page, plain
from .talker import BLOCK

LETTERS = 20
"""Bytes of what a client says that are quoted; of more, it is said how many."""

SIGNS = {
    CONNECTS: "\u25cb", SAYS: "\u25cf", POURS: "\u25c6", READS: "\u25c7", HALF_CLOSES: "\u25d7", CLOSES: "\u25a0",
    RESETS: "\u2715",
}  # fmt: skip
"""The marks of the deeds: a ring, a disc, a full and an empty diamond, half a disc, a square, a cross."""

MEANINGS = {
    CONNECTS: "connects", SAYS: "says something", POURS: "says much and reads nothing", READS: "reads again",
    HALF_CLOSES: "half-closes", CLOSES: "closes", RESETS: "resets",
}  # fmt: skip
"""What the legend says of each mark."""

ENTRIES = 4
"""Entries of the legend in one line."""

LINE, BROKEN = "\u2500", "\u2504"
"""The line of a client that reads what comes, and of one that reads nothing."""

PLACE, ROW, LEFT, TOP = 54, 40, 78, 34
"""Pixels of the drawing: from one mark to the next, from one line to the next, and before the first of each."""


@dataclass(frozen=True, repr=False)
class Story:
    """A conversation that breaks a server; print it, or let a notebook show it.

    Attributes:
        conversation: the conversation; its `play` plays it again.
        broke: what broke, and when.
    """

    conversation: Conversation
    broke: Break

    @property
    def steps(self) -> list[tuple[Act, ...]]:
        """What is done in each moment, up to the one in which the server broke; () when it is told to stop."""
        whole = [*self.conversation.moments, *self.conversation.closing, ()]
        return whole[: max(1, self.broke.moment)]

    @property
    def sentences(self) -> list[str]:
        """What is done in each moment, and last what broke."""
        known: set[int] = set()
        first, *others = [_sentence(step, known) for step in self.steps]
        told = [f"Before the server begins, {first}.", *(f"Then {sentence}." for sentence in others)]
        numbered = [f"{number}. {sentence}" for number, sentence in enumerate(told, 1)]
        return [*numbered, f"{MARKS[FAILED]}  {plain(self.broke.what)}"]

    def __repr__(self) -> str:
        told = [line for text in self.sentences for line in textwrap.wrap(text, WIDTH, subsequent_indent=INDENT)]
        return "\n".join([*told, "", *self._drawn()])

    def _drawn(self) -> Iterator[str]:
        """Yield the picture, line by line, in letters: two for each place."""
        picture = _Picture(self.steps)
        yield _letters("step", picture, {place: str(number) for place, number in picture.heads})
        for name, lane in picture.lanes.items():
            yield _letters(name, picture, {place: SIGNS[act.does] for place, act in lane.marks}, lane.pieces())
        yield _letters("server", picture, {picture.end: MARKS[FAILED]})
        used = picture.used()
        yield ""
        for row in range(0, len(used), ENTRIES):
            yield "   ".join(f"{SIGNS[does]} {MEANINGS[does]}" for does in used[row : row + ENTRIES])

    def _repr_html_(self) -> str:
        return page(self.html())

    def html(self) -> str:
        """Return the story and its picture as HTML, for a page that has the style of a report."""
        *told, broke = (escape(sentence.partition(" ")[2].strip()) for sentence in self.sentences)
        steps = "".join(f"<li>{sentence}</li>" for sentence in told)
        return f'<section class="story"><ol>{steps}</ol><p>{badge(FAILED)}{broke}</p>{self._svg()}</section>'

    def _svg(self) -> str:
        """Return the picture as SVG."""
        picture = _Picture(self.steps)
        width, bottom = LEFT + PLACE * (picture.end + 1), TOP + ROW * len(picture.lanes)
        parts = [_text(_along(place), TOP - 20, f"step {number}", "head") for place, number in picture.heads]
        for row, (name, lane) in enumerate(picture.lanes.items()):
            y = TOP + ROW * row + ROW // 2
            parts.append(_text(0, y + 4, name, "name"))
            for start, stop, broken in lane.pieces():
                kind = "lane broken" if broken else "lane"
                parts.append(f'<line class="{kind}" x1="{_along(start)}" x2="{_along(stop)}" y1="{y}" y2="{y}"/>')
            for place, act in lane.marks:
                title = escape(f"{name} {' and '.join(_words(act))}")
                parts.append(f"<g><title>{title}</title>{_text(_along(place), y + 5, SIGNS[act.does], 'sign')}</g>")
                parts.append(_text(_along(place), y - 9, _label(act), "label"))
        parts.append(_text(0, bottom + ROW // 2 + 4, "server", "name"))
        parts.append(_text(_along(picture.end), bottom + ROW // 2 + 5, MARKS[FAILED], "broke"))
        legend = "".join(f"<span>{SIGNS[does]}</span> {MEANINGS[does]} " for does in picture.used())
        return (
            f'<svg role="img" aria-label="the steps above, as a timeline" width="{width}" height="{bottom + ROW}" '
            f'viewBox="0 0 {width} {bottom + ROW}">{"".join(parts)}</svg><p class="legend">{legend}</p>'
        )


class _Lane:
    """The line of one client."""

    def __init__(self, end: int) -> None:
        self.marks: list[tuple[int, Act]] = []
        self._end = end

    def pieces(self) -> Iterator[tuple[int, int, bool]]:
        """Yield the pieces of the line: where each begins and ends, and whether the client reads nothing meanwhile."""
        start, broken = self.marks[0][0], False
        for place, act in self.marks:
            if act.does not in (POURS, READS, *LEAVES):
                continue
            if start < place:
                yield start, place, broken
            if act.does in LEAVES:
                return
            start, broken = place, act.does == POURS
        if start < self._end:
            yield start, self._end, broken


class _Picture:
    """Where everything stands: a place along for each deed, and one between two moments.

    Attributes:
        heads: the first place of each moment, and its number.
        lanes: the clients' lines by their names.
        end: the place at which the server breaks.
    """

    def __init__(self, steps: list[tuple[Act, ...]]) -> None:
        self.end = sum(max(1, len(step)) + 1 for step in steps) - 2
        self.heads: list[tuple[int, int]] = []
        self.lanes: dict[str, _Lane] = {}
        place = 0
        for number, step in enumerate(steps, 1):
            self.heads.append((place, number))
            for there, act in enumerate(step, place):
                self.lanes.setdefault(f"client {act.client}", _Lane(self.end)).marks.append((there, act))
            place += max(1, len(step)) + 1

    def used(self) -> list[str]:
        """Return the deeds that are shown, in the order of the legend."""
        shown = {act.does for lane in self.lanes.values() for _, act in lane.marks}
        return [does for does in MEANINGS if does in shown]


def _letters(name: str, picture: _Picture, signs: dict[int, str], pieces: Iterable[tuple[int, int, bool]] = ()) -> str:
    """Return a line of the picture in letters: a name, signs at their places, and the pieces of a line."""
    row = [" "] * (2 * picture.end + 3)
    for start, stop, broken in pieces:
        row[2 * start : 2 * stop + 1] = (BROKEN if broken else LINE) * (2 * (stop - start) + 1)
    for place, sign in signs.items():
        row[2 * place : 2 * place + len(sign)] = sign
    return f"{name:10}{''.join(row)}".rstrip()


def _along(place: int) -> int:
    return LEFT + PLACE // 2 + PLACE * place


def _text(x: int, y: int, text: str, kind: str) -> str:
    return f'<text x="{x}" y="{y}" class="{kind}">{escape(text)}</text>'


def _label(act: Act) -> str:
    """Return what stands above a mark: "128 KiB", "6 bytes"."""
    if act.does == CONNECTS:
        return f"and {act.many}" if act.many else ""
    if act.many:
        return f"{act.many * BLOCK // 1024:,} KiB"
    return f"{len(act.text)} byte{'s' * (len(act.text) != 1)}" if act.text else ""


def _sentence(step: tuple[Act, ...], known: set[int]) -> str:
    """Say what is done in a moment; `known` are the clients that are connected, and those that come are added."""
    if not step:
        return "the server is told to stop"
    told = []
    for client, acts in groupby(step, key=lambda act: act.client):
        deeds = [words for act in acts for words in _words(act)]
        if client not in known and not deeds[0].startswith("connects"):
            deeds.insert(0, "connects")
        known.add(client)
        *first, last = deeds
        told.append(f"client {client} {', '.join(first)}{' and ' * bool(first)}{last}")
    return "; ".join(told)


def _words(act: Act) -> list[str]:
    """Say what a client does, in a phrase or two: "says b'hello'"."""
    if act.does == CONNECTS and act.many:
        others = "one other, who is" if act.many == 1 else f"{act.many} others, who are"
        return [f"connects with {others} silent"]
    return {
        CONNECTS: ["connects"],
        SAYS: [f"says {_quoted(act)}"],
        POURS: [f"says {_quoted(act)}", "reads nothing from now on"],
        READS: ["reads what has come"],
        HALF_CLOSES: ["half-closes"],
        CLOSES: ["closes its connection"],
        RESETS: ["resets its connection"],
    }[act.does]


def _quoted(act: Act) -> str:
    if act.text and len(act.text) <= LETTERS:
        return repr(act.text)
    return f"{len(act.text) or act.many * BLOCK:,} bytes"
