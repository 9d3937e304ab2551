"""`winners`: a map, connections by talking clients, with the cheapest server in each field, and how far ahead it is."""

from __future__ import annotations

import math
import statistics
import textwrap
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from muxlab.measure.rows import form_of
from muxlab.show import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TIE = 1.25  # times the cheapest: who costs no more has won as well, as two runs of one server may differ by as much
FAR = 100.0  # times the cheapest: a longer lead looks the same
PALE, FULL = (
    0.1,
    0.6,
)  # share of the winner's colour in a field: for no lead, and for one of FAR; more would hide the text
KEY = f"bold: the cheapest, and who costs up to {TIE:g} times as much; below: the next, and the last"


class Field(NamedTuple):
    """One field of the map.

    Attributes:
        won: the winners, in the course's order.
        behind: the others, and how many times as much each of them costs, nearest first.
    """

    won: list[str]
    behind: list[tuple[str, float]]


def winners(rows: Iterable[Any], ax: Axes | None = None) -> Axes:
    """Draw a map, connections by talking clients: each field shows who serves such a crowd for the least.

    A field has the colour of its winner, the stronger the further ahead; servers that are close share it, with a
    stripe each. In it stand the winners' names, and how many times as much the next and the last one cost.

    Args:
        rows: of `echo_cost` for several servers, connections and talking clients; or any objects with `.server`,
            `.connections`, `.active` and `.cpu_us_per_reply` (microseconds). Rows for the same count as their median.
        ax: where to draw; a new figure when None.

    Returns:
        The Axes; both axes name the numbers that were measured, at equal distances. What was not measured is empty.

    Raises:
        ValueError: there are no rows, they say nothing of talking clients, or a cost is not a number above zero.
    """
    fields = fields_of(rows)
    columns, lines = (sorted({place[axis] for place in fields}) for axis in (0, 1))
    with style.style():
        ax = style.new_axes(ax, height=1.5 + 0.85 * len(lines))
        for (size, active), field in fields.items():
            _draw(ax, columns.index(size), lines.index(active), field)
        ax.set(xlim=(-0.52, len(columns) - 0.48), ylim=(-0.52, len(lines) - 0.48))
        ax.set_xticks(range(len(columns)), [style.human_number(size) for size in columns])
        ax.set_yticks(range(len(lines)), [style.human_number(active) for active in lines])
        ax.set(xlabel="connections", ylabel="of them talk")
        ax.set_title("Who serves them for the least CPU time", pad=30)
        ax.annotate(KEY, (0, 1), xytext=(0, 12), xycoords="axes fraction", textcoords="offset points",
                    color=style.MUTED, fontsize=9)  # fmt: skip
        ax.grid(False)
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
    return ax


def fields_of(rows: Iterable[Any]) -> dict[tuple[int, int], Field]:
    """Return who won for each (connections, talking clients); errors as for `winners`."""
    costs: dict[tuple[int, int], dict[str, list[float]]] = {}
    for row in rows:
        form = form_of(row)
        if not hasattr(row, "active"):
            raise ValueError(f"winners() needs rows that tell how many were active; {type(row).__name__} does not")
        name, cost = getattr(row, form.name), getattr(row, form.cost)
        if not 0 < cost < math.inf:
            raise ValueError(f"winners() cannot compare {name!r} at a cost of {cost}: it has to be above zero")
        costs.setdefault((getattr(row, form.size), row.active), {}).setdefault(name, []).append(cost)
    if not costs:
        raise ValueError("winners() was given no rows: measure first, then draw")
    medians = {place: {name: statistics.median(all_) for name, all_ in own.items()} for place, own in costs.items()}
    return {place: _field(own) for place, own in medians.items()}


def _field(costs: dict[str, float]) -> Field:
    least = min(costs.values())
    factors = sorted(((name, cost / least) for name, cost in costs.items()), key=lambda one: one[1])
    order = [*style.WAITING, *costs]
    won = sorted((name for name, factor in factors if factor <= TIE), key=order.index)
    return Field(won, [one for one in factors if one[1] > TIE])


def _draw(ax: Axes, x: int, y: int, field: Field) -> None:
    lead = min(FAR, field.behind[0][1]) if field.behind else 1.0
    share = PALE + (FULL - PALE) * math.log(lead) / math.log(FAR)
    width = 0.96 / len(field.won)
    for place, name in enumerate(field.won):
        colour = style.mixed(style.CARD, style.look(name).colour, share)
        ax.bar(x - 0.48 + place * width, 0.96, width, y - 0.48, align="edge", linewidth=0, color=colour)
    all_alike = len(field.won) > 1 and not field.behind
    names = "all alike" if all_alike else textwrap.fill(", ".join(field.won), 20, break_on_hyphens=False)
    ends = dict.fromkeys((field.behind[0], field.behind[-1])) if field.behind else {}
    rest = "\n".join(f"{name} {factor:,.{0 if factor >= 9.95 else 1}f}×" for name, factor in ends)
    shift = 5.5 * (len(ends) - names.count("\n") - 1)  # points, half a line: so that the whole text is in the middle
    look: Any = {"textcoords": "offset points", "ha": "center", "fontsize": 9, "linespacing": 1.15}
    ax.annotate(names, (x, y), xytext=(0, shift + 1.5), va="bottom", fontweight="bold", **look)
    ax.annotate(rest, (x, y), xytext=(0, shift - 1.5), va="top", **look)
