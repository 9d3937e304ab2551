"""`winners`: a map, connections by talking clients, with the cheapest server in each square, and how far ahead it is.

`winners_table` says the same in numbers, and more of them.
"""

from __future__ import annotations

import math
import textwrap
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

from muxlab.measure.rows import cheapest, form_of
from muxlab.show import style
from muxlab.show.findings import describe, set_finding, two_digits
from muxlab.show.log_axes import explain, legend_below

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TIE = 1.5  # times the cheapest: who costs no more is as good, as two short runs of one server may differ so far
ALIKE = "alike"  # the owner of a square that several share
RELATIVES = dict.fromkeys(("epoll-edge", "selectors", "asyncio"), "epoll")  # all wait with epoll: ahead together
LETTER = 5.6  # points that a small letter takes
KEY = "the number: how many times as much the next one costs"


class Field(NamedTuple):
    """One square of the map.

    Attributes:
        won: the cheapest, and those that are as good, in the course's order.
        behind: the others, and how many times as much each of them costs, nearest first.
        costs: what each costs, in microseconds.
    """

    won: list[str]
    behind: list[tuple[str, float]]
    costs: dict[str, float]


Map = dict[tuple[int, int], Field]


def winners(rows: Iterable[Any], ax: Axes | None = None) -> Axes:
    """Draw a map, connections by talking clients: each square shows who serves such a crowd for the least.

    A square has the colour and the name of its winner, and one number: how many times as much the next one costs. Where
    several are alike, nobody wins: the square is grey, and says how many are. (Those that wait with epoll count as one
    winner.)

    Args:
        rows: of `echo_cost` for several servers, connections and talking clients; or any objects with `.server`,
            `.connections`, `.active` and `.cpu_us_per_reply` (microseconds). Drawn is the cheapest.
        ax: where to draw; a new figure when None.

    Returns:
        The Axes; both axes name the numbers that were measured, at equal distances. What was not measured is empty.

    Raises:
        ValueError: there are no rows, they say nothing of talking clients, or a cost is not a number above zero.
    """
    rows = list(rows)
    fields = fields_of(rows)
    owners = owners_of(fields)
    columns, lines = (sorted({place[axis] for place in fields}) for axis in (0, 1))
    with style.style():
        ax = style.new_axes(ax, height=1.9 + 0.78 * len(lines))
        for (size, active), field in fields.items():
            letters = int(72 * (style.CHART[0] - 1) / len(columns) / LETTER)
            _draw(ax, columns.index(size), lines.index(active), owners[size, active], field, letters)
        ax.set(xlim=(-0.52, len(columns) - 0.48), ylim=(-0.52, len(lines) - 0.48))
        ax.set_xticks(range(len(columns)), [style.human_number(size) for size in columns])
        ax.set_yticks(range(len(lines)), [style.human_number(active) for active in lines])
        ax.set(xlabel="connections", ylabel="of them talk")
        set_finding(ax, _finding(fields, owners))
        explain(ax, KEY)
        ax.grid(False)
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
        _legend(ax, owners)
        describe(ax, "What each costs, in times the cheapest:", str(winners_table(rows)))
    return ax


def fields_of(rows: Iterable[Any]) -> Map:
    """Return who won for each (connections, talking clients); errors as for `winners`."""
    costs: dict[tuple[int, int], dict[str, list[float]]] = {}
    for row in rows:
        form = form_of(row)
        if not hasattr(row, "active"):
            raise ValueError(f"winners() needs rows that tell how many were active; {type(row).__name__} does not")
        name, cost = getattr(row, form.name), cheapest(row)
        if not 0 < cost < math.inf:
            raise ValueError(f"winners() cannot compare {name!r} at a cost of {cost}: it has to be above zero")
        costs.setdefault((getattr(row, form.size), row.active), {}).setdefault(name, []).append(cost)
    if not costs:
        raise ValueError("winners() was given no rows: measure first, then draw")
    return {place: _field({name: min(found) for name, found in own.items()}) for place, own in costs.items()}


def owners_of(fields: Map) -> dict[tuple[int, int], str]:
    """Return the winner of each square, by its first name; `ALIKE` where several share it."""
    return {place: ALIKE if len(_families(field.won)) > 1 else field.won[0] for place, field in fields.items()}


def _families(names: Iterable[str]) -> set[str]:
    return {RELATIVES.get(name, name) for name in names}


def _field(costs: dict[str, float]) -> Field:
    least = min(costs.values())
    factors = sorted(((name, cost / least) for name, cost in costs.items()), key=_factor)
    order = [*style.WAITING, *costs]
    won = sorted((name for name, factor in factors if factor <= TIE), key=order.index)
    return Field(won, [one for one in factors if one[1] > TIE], costs)


def _factor(one: tuple[str, float]) -> float:
    return one[1]


def _finding(fields: Map, owners: dict[tuple[int, int], str]) -> str:
    """Say who wins most squares, or as many as another and with a longer lead, and where its lead is longest."""
    wins = Counter(owner for owner in owners.values() if owner != ALIKE)
    if not wins:
        return "In each of these crowds, several cost about the same"
    leads = {place: field.behind[0] for place, field in fields.items() if owners[place] != ALIKE and field.behind}
    longest = sorted(leads, key=lambda place: leads[place][1])  # the last of each winner is the longest
    by_winner = {owners[place]: place for place in longest}
    first = max(wins, key=lambda name: (wins[name], longest.index(by_winner[name]) if name in by_winner else -1))
    finding = f"{first} wins in {wins[first]} of {len(fields)} crowds"
    if first not in by_winner:
        return finding
    (connections, active), (next_, factor) = by_winner[first], leads[by_winner[first]]
    talk = f"one of {connections:,} talks" if active == 1 else f"{active:,} of {connections:,} talk"
    return f"{finding}; where {talk}, {next_} costs {two_digits(factor)} times as much"


def _colour(owner: str) -> str:
    return style.MUTED if owner == ALIKE else style.fill_colour(owner)


def _draw(ax: Axes, x: int, y: int, owner: str, field: Field, letters: int) -> None:
    """Draw one square, which has room for a line of so many small letters."""
    colour = _colour(owner)
    ax.bar(x - 0.48, 0.94, 0.96, y - 0.47, align="edge", linewidth=0, color=colour)
    look: Any = {"textcoords": "offset points", "ha": "center", "va": "center", "color": style.letters_on(colour),
                 "parse_math": False}  # fmt: skip
    who = textwrap.fill(_who(owner, field), max(8, letters))
    if owner != ALIKE and field.behind:
        lead = f"{two_digits(field.behind[0][1])}×"
        shift = 6 * who.count("\n")
        ax.annotate(lead, (x, y), xytext=(0, 8 + shift), fontsize=15, fontweight="bold", **look)
        look["xytext"] = 0, -12
    ax.annotate(who, (x, y), **{"xytext": (0, 0), "fontsize": 10, "linespacing": 1.1} | look)


def _who(owner: str, field: Field) -> str:
    """Name the winners of a square, or say how many are alike."""
    if owner != ALIKE:
        return ", ".join(field.won)
    if len(field.behind) <= 1:
        return "all alike" + "".join(f" but {name}" for name, _ in field.behind)
    return f"{len(field.won)} of {len(field.costs)} alike"


def _legend(ax: Axes, owners: dict[tuple[int, int], str]) -> None:
    from matplotlib.patches import Patch

    order = [*style.WAITING, *owners.values()]
    names = sorted(set(owners.values()) - {ALIKE}, key=order.index)
    names += [ALIKE] * (ALIKE in owners.values())
    texts = [f"nobody: alike within {TIE:g} times" if name == ALIKE else name for name in names]
    legend_below(ax, [Patch(color=_colour(name)) for name in names], texts, ncols=3, columnspacing=1.4)


# ---- the same in numbers


@dataclass(frozen=True)
class WinnersTable:
    """The numbers of a map: `header` names the columns, each of `lines` is a square; shown as text, or as HTML."""

    header: tuple[str, ...]
    lines: list[tuple[str, ...]]

    def __str__(self) -> str:
        table = [self.header, *self.lines]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        return "\n".join(
            "  ".join(text.rjust(width) for text, width in zip(line, widths, strict=True)) for line in table
        )

    __repr__ = __str__

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{escape(text)}</th>" for text in self.header)
        body = "".join(f"<tr>{''.join(f'<td>{escape(text)}</td>' for text in line)}</tr>" for line in self.lines)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def winners_table(rows: Iterable[Any]) -> WinnersTable:
    """Return the numbers of the map that `winners` draws: what each server costs, in times the cheapest of its crowd.

    Args:
        rows: as for `winners`.

    Returns:
        A table with a line for each crowd, the fewest connections first: connections, how many of them talk, the
        microseconds of the cheapest, and for each server the factor, 1.0 for the cheapest. `print` writes it as text.

    Raises:
        ValueError: as for `winners`.
    """
    fields = fields_of(rows)
    names = list(dict.fromkeys(name for field in fields.values() for name in field.costs))
    lines = []
    for (connections, active), field in sorted(fields.items()):
        least = min(field.costs.values())
        factors = (f"{field.costs[name] / least:,.1f}×" if name in field.costs else "–" for name in names)
        lines.append((f"{connections:,}", f"{active:,}", f"{least:.1f} µs", *factors))
    return WinnersTable(("connections", "talk", "cheapest", *names), lines)
