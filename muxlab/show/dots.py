"""One dot for each client of a swarm: what a dot says, and how dots are drawn in a stored picture.

In the browser they are drawn by dots.js, from the same bytes and the same marks.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from muxlab.show import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

KINDS = {0: "quiet", 251: "waiting", 252: "connecting", 253: "lost"}
"""What one byte of `Swarm.activity` says; the others, 1 to 250, say "answered"."""

LARGEST = 0.26  # inches from dot to dot when there are few
MEANT = 1.4  # inches from one entry of the legend to the next


def kinds_of(dots: Iterable[int]) -> list[str]:
    """Return what each dot says: "answered", "quiet", "waiting", "connecting" or "lost"."""
    return [KINDS.get(dot, "answered") for dot in dots]


def side_of(count: int, width: float, height: float) -> float:
    """Return the side of the squares, at most `LARGEST`, of which `count` fit row by row into width × height inches."""
    return min(LARGEST, math.sqrt(width * height / max(1, count)))


def rows_of(count: int, side: float, width: float) -> int:
    """Return how many rows `count` such squares take."""
    return math.ceil(count / int(width / side))


def draw_dots(ax: Axes, kinds: Sequence[str], left: float, top: float, side: float, width: float) -> None:
    """Draw one mark for each client, row by row, in squares of `side`; all in inches."""
    columns = int(width / side)
    for kind in present(kinds):
        places = [divmod(index, columns) for index, other in enumerate(kinds) if other == kind]
        xs, ys = [left + (x + 0.5) * side for _, x in places], [top + (y + 0.5) * side for y, _ in places]
        ax.plot(xs, ys, **_mark(kind, side))


def draw_legend(ax: Axes, kinds: Sequence[str], left: float, middle: float, counted: bool = True) -> None:
    """Write what the marks mean that are there, and how many there are of each."""
    for kind in present(kinds):
        ax.plot([left + 0.08], [middle], **_mark(kind, 0.16))
        text = f"{kind} {kinds.count(kind):,}" if counted else kind
        style.write(ax, left + 0.2, middle, text, fontsize=9.5)
        left += MEANT


def present(kinds: Iterable[str]) -> list[str]:
    """Return those kinds of which there is one at least, in the order of the legend."""
    there = set(kinds)
    return [kind for kind in style.CLIENT if kind in there]


def _mark(kind: str, side: float) -> dict:
    look = style.CLIENT[kind]
    colour = style.on_any_page(look.colour)
    size = 72 * side * look.size / (math.sqrt(2) if look.marker == "D" else 1)  # a diamond is a square on its corner
    return {
        "linestyle": "none", "marker": look.marker, "markersize": size, "markeredgewidth": min(1.3, size / 4),
        "markeredgecolor": colour, "markerfacecolor": "none" if look.hollow else colour,
    }  # fmt: skip
