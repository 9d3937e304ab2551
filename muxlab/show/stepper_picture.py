"""The stored picture of a stepper: what its cell shows where no kernel runs, on GitHub or in a printed book."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from muxlab.show import style
from muxlab.show.style import png, sheet_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH, MARGIN = style.SIZE[0], 0.25  # inches, as everything here
LINE, LINES = 0.165, 14  # of the source: height, and how many are drawn
LETTER = 7 / style.DPI  # of the source: whole pixels, or the parts of a line would not meet
CODE = 72 * LETTER / 0.602  # points: a letter of DejaVu Sans Mono is 0.602 of its size wide
ROW, ROWS = 0.34, 5  # of the table: height, and how many clients are drawn
COLUMNS = {"reply waiting": 1.3, "receive queue": 2.4, "send queue": 3.9, "ready for": 5.0, "epoll watches": 6.05}
# Where the bars of a row begin, and how wide they are; and the halves of a duel.
BARS = {"reply": (1.3, 0.8), "receive": (2.4, 1.2), "send": (3.9, 0.8)}
HALVES, HALF = (1.05, 4.15), 2.8
BYTE, TICKS, FULL = 0.045, 12, 2**22  # a few bytes are drawn one by one, more of them as a bar: as in stepper_queues.js
SEAT = 0.62  # of the accept queue: width
COLOURS = 64  # in a picture: enough for smooth letters, and it makes a third of the size
QUEUE = style.WAITING["epoll"].colour
INKS = {"comment": style.MUTED, "keyword": "#00705A", "string": "#A23B00", "def": "#1B4F8A", "builtin": "#00705A"}
TONES = {"paused": "#E69F00", "crashed": style.OUTCOME["error"].colour, "blocked": style.OUTCOME["wait"].colour}


def draw(source: dict, view: dict, note: str) -> bytes:
    """Return a PNG of a stepper: name and status, the source around the line that comes next, queues of all sockets.

    Args:
        source: the lines, as from `view.source`.
        view: as from `view.moment`.
        note: one line, such as what to do to see it move.
    """
    lines = source["lines"]
    first = max(0, min(view["line"] - LINES // 2, len(lines) - LINES))
    shown = lines[first : first + LINES]
    rows = view["rows"][:ROWS]
    table = 0.95 + LINE * len(shown) + 0.2
    height = table + ROW * (len(rows) + 1) + 0.3
    notes = {note["line"]: note for note in view["notes"]}
    tone = TONES.get(view["status"], style.GRID)
    with style.style():
        figure, sheet = sheet_of(height)
        own = style.darker(view["colour"])
        _text(sheet, MARGIN, 0.32, view["name"], fontsize=15, weight="bold", color=own)
        _text(sheet, WIDTH - MARGIN, 0.32, note, fontsize=9.5, color=style.MUTED, ha="right")
        _text(sheet, MARGIN, 0.65, view["headline"], fontsize=10.5, weight="bold")
        for number, parts in enumerate(shown, first + 1):
            top = 0.95 + LINE * (number - first - 1)
            _line(sheet, top, number, parts, tone if number == view["line"] else "", notes.get(number))
        for heading, left in COLUMNS.items():
            _text(sheet, left, table, heading, fontsize=8.5, color=style.MUTED)
        for place, row in enumerate([view["listener"], *rows]):
            _row(sheet, table + 0.3 + ROW * place, row, [row["name"] for row in view["rows"] if row["queued"]])
        return png(figure, COLOURS)


def draw_duel(sides: list[dict], note: str) -> bytes:
    """Return a PNG of a duel: two servers side by side, with what each has left in its receive queues.

    Args:
        sides: views of the two, as from `view.moment`.
        note: one line, such as what to do to see it move.
    """
    count = min(ROWS, max(len(side["rows"]) for side in sides))
    height = 1.4 + 0.6 * count
    left_over = style.OUTCOME["error"].colour
    with style.style():
        figure, sheet = sheet_of(height)
        _text(sheet, WIDTH - MARGIN, 0.32, note, fontsize=9.5, color=style.MUTED, ha="right")
        for left, side in zip(HALVES, sides, strict=True):
            _text(sheet, left, 0.65, side["name"], fontsize=14, weight="bold", color=style.darker(side["colour"]))
            tone = style.darker(left_over) if side["forgotten"] else style.INK
            words = side["headline"].replace(" with ", "\nwith ").replace(": ", ":\n")
            _text(sheet, left, 0.98, words, fontsize=9, weight="bold", color=tone)
            for place, row in enumerate(side["rows"][:count]):
                top = 1.5 + 0.6 * place
                if left == HALVES[0]:
                    _text(sheet, MARGIN, top, row["name"], fontsize=9.5, weight="bold")
                colour = left_over if side["forgotten"] and row["open"] else QUEUE
                _bar(sheet, left, HALF, top - 0.1, row["receive"], "receive queue: ", colour)
                _bar(sheet, left, HALF, top + 0.16, row["reply"], "reply waiting: ")
        return png(figure, COLOURS)


def _line(sheet: Axes, top: float, number: int, parts: list, tone: str, note: dict | None) -> None:
    """One line of the source, lit in `tone` if there is one, and what stands beside it."""
    if tone:
        sheet.axhspan(top - LINE / 2, top + LINE / 2, MARGIN / WIDTH, 1 - MARGIN / WIDTH, color=tone, alpha=0.3, lw=0)
    look: Any = {"fontsize": CODE, "family": "monospace"}
    left = MARGIN + 3 * LETTER
    _text(sheet, left, top, str(number), color=style.MUTED, ha="right", **look)
    left += 2 * LETTER
    room = int((WIDTH - MARGIN - left) / LETTER)
    for ink, text in parts:
        _text(sheet, left, top, text[: max(0, room)].rstrip(), color=INKS.get(ink, style.INK), **look)
        left += LETTER * len(text)
        room -= len(text)
    if note and room > len(note["text"]) + 3:
        colour = TONES.get(note["kind"]) or style.OUTCOME.get(note["kind"], style.OUTCOME["wait"]).colour
        box = {"boxstyle": "round,pad=0.15", "facecolor": colour, "alpha": 0.25, "linewidth": 0}
        _text(sheet, left + 2 * LETTER, top, note["text"], bbox=box, weight="bold" if tone else "normal", **look)


def _row(sheet: Axes, middle: float, row: dict, queued: list[str]) -> None:
    """One socket: its name, its queues, what it is ready for and watched for."""
    _text(sheet, MARGIN, middle - 0.07, row["name"], fontsize=9.5, weight="bold")
    _text(sheet, MARGIN, middle + 0.08, row["place"], fontsize=7.5, color=style.MUTED)
    if row["limit"] is not None:
        left = BARS["reply"][0]
        for name in queued[:5]:
            _rectangle(sheet, left, middle - 0.1, SEAT - 0.06, 0.2, QUEUE, alpha=0.25)
            _text(sheet, left + SEAT / 2 - 0.03, middle, name, fontsize=8, ha="center")
            left += SEAT
        _text(sheet, left, middle, f"{row['receive']} of {row['limit']}", fontsize=8.5, color=style.MUTED)
    else:
        for queue in BARS if row["open"] else ("reply", "receive") if row["queued"] else ("reply",):
            _bar(sheet, *BARS[queue], middle, row[queue])
    for heading, words in (("ready for", row["ready"]), ("epoll watches", row["interest"])):
        _text(sheet, COLUMNS[heading], middle, " ".join(words) or "–", fontsize=8.5)


def _bar(
    sheet: Axes, left: float, width: float, middle: float, count: int, what: str = "", colour: str = QUEUE
) -> None:
    """How many bytes are in a queue: as a number, and as a bar."""
    ink = style.INK if count else style.MUTED
    _text(sheet, left, middle - 0.07, what + style.human_bytes(count), fontsize=8, color=ink)
    _rectangle(sheet, left, middle + 0.03, width, 0.1, style.GRID)
    if count <= TICKS:
        for place in range(count):
            _rectangle(sheet, left + BYTE * place, middle + 0.03, 0.75 * BYTE, 0.1, colour)
    else:
        share = min(1.0, math.log(count / TICKS) / math.log(FULL / TICKS))
        _rectangle(sheet, left, middle + 0.03, BYTE * TICKS + share * (width - BYTE * TICKS), 0.1, colour)


def _rectangle(
    sheet: Axes, left: float, top: float, width: float, height: float, colour: str, alpha: float = 1.0
) -> None:
    from matplotlib.patches import Rectangle

    sheet.add_patch(Rectangle((left, top), width, height, facecolor=colour, linewidth=0, alpha=alpha))


def _text(sheet: Axes, left: float, top: float, text: str, **look: Any) -> None:
    sheet.text(left, top, text, va="center", parse_math=False, **look)
