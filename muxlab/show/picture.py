"""The stored picture of a playground: what its cell shows where no kernel runs, on GitHub or in a printed book."""

from __future__ import annotations

import math

from muxlab.show import theme
from muxlab.show.frame import CONNECTING, LOST, QUIET, TILES, WAITING, Frame
from muxlab.show.sheet import png, sheet_of

# All in inches.
WIDTH, MARGIN, TOP = theme.SIZE[0], 0.25, 1.25  # the dots begin at TOP
COLUMNS = 0.25, 2.0, 3.65, 4.85, 6.05  # where the five numbers begin
DOTS = 2.0  # height of the dots when there are many; below it, each has at most LARGEST
LARGEST = 0.26
SCALE = {"answered": 0.7, "quiet": 0.36, "waiting": 0.5, "connecting": 0.5, "lost": 0.5}  # of the room that a dot has


def draw(name: str, frame: Frame, note: str, message: str = "") -> bytes:
    """Return a PNG of `frame`: the name of the server, five numbers, one dot per connection, and what dots mean.

    Args:
        name: of the server; it decides the colour.
        frame: what was seen.
        note: one line, such as what to do to see it move.
        message: what went wrong, in lines.
    """
    side = min(LARGEST, cell_size(len(frame.dots), WIDTH - 2 * MARGIN, DOTS))
    columns = max(1, int((WIDTH - 2 * MARGIN) / side))
    bottom = TOP + side * math.ceil(len(frame.dots) / columns)
    height = bottom + 0.5 + 0.2 * len(message.splitlines())
    with theme.style():
        figure, sheet = sheet_of(height)
        sheet.text(
            MARGIN, 0.32, name, fontsize=15, weight="bold", va="center", color=theme.darker(theme.look(name).colour)
        )
        sheet.text(WIDTH - MARGIN, 0.32, note, fontsize=9.5, color=theme.MUTED, va="center", ha="right")
        for left, title, value in zip(COLUMNS, TILES, frame.tiles(), strict=True):
            sheet.text(left, 0.72, title, fontsize=9.5, color=theme.MUTED, va="center")
            sheet.text(left, 0.97, value, fontsize=15, va="center")
        kinds = [kind_of(value) for value in frame.dots]
        left = MARGIN
        for kind in [kind for kind in theme.CLIENT if kind in kinds]:
            places = [divmod(index, columns) for index, other in enumerate(kinds) if other == kind]
            xs, ys = [MARGIN + (x + 0.5) * side for _, x in places], [TOP + (y + 0.5) * side for y, _ in places]
            sheet.plot(xs, ys, **_mark(kind, side))
            sheet.plot([left + 0.08], [bottom + 0.25], **_mark(kind, 0.16))
            sheet.text(left + 0.2, bottom + 0.25, f"{kind} {len(xs):,}", fontsize=9, color=theme.MUTED, va="center")
            left += 1.4
        lost = theme.darker(theme.CLIENT["lost"].colour)
        sheet.text(MARGIN, bottom + 0.45, message, fontsize=9.5, color=lost, va="top", parse_math=False, clip_on=True)
        return png(figure)


def cell_size(count: int, width: float, height: float) -> float:
    """Return the side of the largest squares of which `count` fit, row by row, into width × height."""
    best, rows = 0.0, 1
    while rows == 1 or height / rows > best:  # more rows than this only make the squares smaller
        columns = math.ceil(max(1, count) / rows)
        best = max(best, min(width / columns, height / rows))
        rows += 1
    return best


def kind_of(value: int) -> str:
    """Return what one byte of `Frame.dots` means, as a key of `theme.CLIENT`."""
    return {QUIET: "quiet", WAITING: "waiting", CONNECTING: "connecting", LOST: "lost"}.get(value, "answered")


def _mark(kind: str, side: float) -> dict:
    look, size = theme.CLIENT[kind], 72 * side * SCALE[kind]
    return {
        "linestyle": "none", "marker": look.marker, "markersize": size, "markeredgewidth": min(1.3, size / 4),
        "markeredgecolor": look.colour, "markerfacecolor": theme.CARD if kind == "connecting" else look.colour,
    }  # fmt: skip
