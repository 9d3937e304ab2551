"""The stored pictures of the stepper and the duel, drawn from what `stepper_view` returns. All places are in inches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from muxlab.show import style
from muxlab.show.stepper_view import HEADINGS, bar_of
from muxlab.show.style import COLOURS, write

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH, MARGIN = style.SIZE[0], 0.25
LINE, LINES = 0.165, 14  # of the source: height, and how many are drawn
LETTER = 7 / style.DPI  # of the source: whole pixels, or the parts of a line would not meet
CODE = 72 * LETTER / 0.602  # points: a letter of DejaVu Sans Mono is 0.602 of its size wide
ROW, ROWS = 0.34, 5  # of the table: height, and how many clients are drawn
COLUMNS = {"reply": 1.3, "receive": 2.4, "send": 3.9, "ready": 5.0, "interest": 6.05}  # where they begin
BARS = {"reply": 0.8, "receive": 1.2, "send": 0.8}  # how wide they are
HALVES, HALF = (1.05, 4.15), 2.8  # of a duel: where they begin, and how wide they are
BYTE = 0.045  # from byte to byte, where they are drawn one by one
SEATS, SEAT = 5, 0.62  # of the accept queue: how many are drawn, and how wide
NOTHING = bar_of(0)  # of a queue that cannot be seen
PNG_COLOURS = 64  # enough for smooth letters, and a third of the size


def draw_stepper(source: dict, view: dict, note: str) -> bytes:
    """Return a PNG of a stepper: name and status, the source around the line that comes next, queues of all sockets."""
    shown = lines_around(view["line"], len(source["lines"]), source["fold"])
    rows = view["rows"][:ROWS]
    table = 0.95 + LINE * len(shown) + 0.2
    notes = {note["line"]: note for note in view["notes"]}
    with style.style():
        figure, ax = style.new_picture(table + ROW * (len(rows) + 1) + 0.3)
        write(ax, MARGIN, 0.32, view["name"], fontsize=15, weight="bold", color=style.text_colour(view["name"]))
        write(ax, WIDTH - MARGIN, 0.32, note, fontsize=9.5, ha="right")
        write(ax, MARGIN, 0.65, view["headline"], fontsize=10.5, weight="bold")
        for place, number in enumerate(shown):
            parts, status = source["lines"][number - 1], view["status"] if number == view["lit"] else ""
            _draw_line(ax, 0.95 + LINE * place, number, parts, status, notes.get(number))
        for column, left in COLUMNS.items():
            write(ax, left, table, HEADINGS[column], fontsize=8.5)
        _draw_listener(ax, table + 0.3, view["listener"])
        for place, row in enumerate(rows, 1):
            _draw_client(ax, table + 0.3 + ROW * place, row)
        return style.png(figure, PNG_COLOURS)


def lines_around(line: int, count: int, fold: list[int]) -> list[int]:
    """Return the numbers of the lines to be drawn, of `count`: those around `line`, without what is folded."""
    numbers = [number for number in range(1, count + 1) if not (fold and fold[0] <= number <= fold[1])]
    before = sum(number < line for number in numbers)
    first = max(0, min(before + 1 - LINES // 2, len(numbers) - LINES))
    return numbers[first : first + LINES]


def draw_duel(sides: list[dict], note: str) -> bytes:
    """Return a PNG of a duel: two servers side by side, with what each has left in its receive queues."""
    count = min(ROWS, max(len(side["rows"]) for side in sides))
    with style.style():
        figure, ax = style.new_picture(1.4 + 0.6 * count)
        write(ax, WIDTH - MARGIN, 0.32, note, fontsize=9.5, ha="right")
        for place, row in enumerate(sides[0]["rows"][:count]):
            write(ax, MARGIN, 1.5 + 0.6 * place, row["name"], fontsize=9.5, weight="bold")
        for left, side in zip(HALVES, sides, strict=True):
            write(ax, left, 0.65, side["name"], fontsize=14, weight="bold", color=style.text_colour(side["name"]))
            tone = style.on_any_page(COLOURS["left"], 4.2) if side["forgotten"] else style.MID
            words = side["headline"].replace(" with ", "\nwith ").replace(": ", ":\n")
            write(ax, left, 0.98, words, fontsize=9, weight="bold", color=tone)
            for place, row in enumerate(side["rows"][:count]):
                for queue, middle in (("receive", 1.4), ("reply", 1.66)):
                    forgotten = queue == "receive" and side["forgotten"] and row["open"]
                    bar = row["bars"].get(queue, NOTHING)
                    colour = COLOURS["left" if forgotten else "queue"]
                    _draw_bar(ax, left, HALF, middle + 0.6 * place, bar, f"{HEADINGS[queue]}: ", colour)
        return style.png(figure, PNG_COLOURS)


def _draw_line(ax: Axes, top: float, number: int, parts: list, status: str, note: dict | None) -> None:
    """Draw one line of the source, in a frame if it has a status, and what stands beside it.

    Nothing is filled: a letter that is to be read on any page has no contrast to lose to a tinted ground.
    """
    if status:
        _draw_frame(ax, MARGIN, top - LINE / 2, WIDTH - 2 * MARGIN, LINE, COLOURS[status])
        _draw_box(ax, MARGIN, top - LINE / 2, 0.04, LINE, COLOURS[status])
    look: Any = {"fontsize": CODE, "family": "monospace"}
    left = MARGIN + 3 * LETTER
    write(ax, left, top, str(number), ha="right", **look)
    left += 2 * LETTER
    room = int((WIDTH - MARGIN - left) / LETTER)
    for kind, part in parts:
        text = part.expandtabs(4)
        write(ax, left, top, text[: max(0, room)].rstrip(), color=_ink(kind), **look)
        left += LETTER * len(text)
        room -= len(text)
    if note and room > len(note["text"]) + 3:
        edge = style.on_any_page(COLOURS[note["kind"]])
        box = {"boxstyle": "round,pad=0.15", "facecolor": "none", "edgecolor": edge, "linewidth": 0.8}
        write(ax, left + 2 * LETTER, top, note["text"], bbox=box, weight="bold" if status else "normal", **look)


def _ink(kind: str) -> str:
    """Return the colour of a part of a line: see `style.SYNTAX`."""
    return style.on_any_page(style.SYNTAX[kind], 4.2) if kind in style.SYNTAX else style.MID


def _draw_listener(ax: Axes, middle: float, row: dict) -> None:
    """Draw who waits in the accept queue, and how many there are."""
    _draw_name(ax, middle, row)
    left = COLUMNS["reply"]
    for name in row["queue"][:SEATS]:
        _draw_frame(ax, left, middle - 0.1, SEAT - 0.06, 0.2, COLOURS["queue"])
        write(ax, left + SEAT / 2 - 0.03, middle, name, fontsize=8, ha="center")
        left += SEAT
    write(ax, left, middle, row["count"], fontsize=8.5)


def _draw_client(ax: Axes, middle: float, row: dict) -> None:
    """Draw one client's queues."""
    _draw_name(ax, middle, row)
    for queue, bar in row["bars"].items():
        _draw_bar(ax, COLUMNS[queue], BARS[queue], middle, bar)


def _draw_name(ax: Axes, middle: float, row: dict) -> None:
    """Write a socket's name, and what it is ready for and watched for."""
    write(ax, MARGIN, middle - 0.07, row["name"], fontsize=9.5, weight="bold")
    write(ax, MARGIN, middle + 0.08, row["place"], fontsize=7.5)
    for column in ("ready", "interest"):
        write(ax, COLUMNS[column], middle, " ".join(row[column]) or "–", fontsize=8.5)


def _draw_bar(
    ax: Axes, left: float, width: float, middle: float, bar: dict, what: str = "", colour: str = COLOURS["queue"]
) -> None:
    """Draw how many bytes are in a queue, as a number and as a bar."""
    write(ax, left, middle - 0.07, what + bar["text"], fontsize=8)
    _draw_box(ax, left, middle + 0.03, width, 0.1, style.MID, alpha=0.25)
    if bar["share"]:
        few = BYTE * bar["ticks"]
        _draw_box(ax, left, middle + 0.03, few + bar["share"] * (width - few), 0.1, colour)
    else:
        for place in range(bar["ticks"]):
            _draw_box(ax, left + BYTE * place, middle + 0.03, 0.75 * BYTE, 0.1, colour)


def _draw_box(ax: Axes, left: float, top: float, width: float, height: float, colour: str, alpha: float = 1.0) -> None:
    from matplotlib.patches import Rectangle

    ax.add_patch(Rectangle((left, top), width, height, facecolor=colour, linewidth=0, alpha=alpha))


def _draw_frame(ax: Axes, left: float, top: float, width: float, height: float, colour: str) -> None:
    from matplotlib.patches import Rectangle

    edge = style.on_any_page(colour)
    ax.add_patch(Rectangle((left, top), width, height, facecolor="none", edgecolor=edge, linewidth=1.0))
