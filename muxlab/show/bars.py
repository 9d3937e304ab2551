"""`replies`: a bar for each server, its replies per second, and beside it the CPU time that one reply took."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from muxlab.show import style
from muxlab.show.findings import SAME, describe, two_digits

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def replies(rows: Iterable[Any], axes: Sequence[Axes] | None = None) -> tuple[Axes, Axes]:
    """Draw a bar for each server: its replies per second, and beside it the CPU time that one reply took.

    Args:
        rows: one for each server, from the same crowd, with `.server` (name), `.replies_per_second` and
            `.cpu_us_per_reply` (microseconds); the fastest is drawn on top.
        axes: the two to draw in; a new figure when None.

    Returns:
        The two Axes: replies per second, where longer is better, and microseconds, where shorter is. Above both of a
        new figure stands how far the fastest is ahead.

    Raises:
        ValueError: there is nothing to draw, two rows have the same server, or a number is negative or not finite.
    """
    ordered = _checked(rows)
    with style.style():
        left, right = axes or _new_pair(len(ordered))
        _bars(left, "Replies per second", ordered, [row.replies_per_second for row in ordered], style.human_number)
        _bars(right, "CPU µs per reply", ordered, [row.cpu_us_per_reply for row in ordered], _short_number)
        right.set_yticklabels([])
        if axes is None:
            left.figure.suptitle(_lead(ordered), x=0.01, ha="left", fontsize=12, fontweight="bold",
                                 parse_math=False)  # fmt: skip
            describe(left, *map(_in_words, reversed(ordered)), title=_lead(ordered))
    return left, right


def _checked(rows: Iterable[Any]) -> list[Any]:
    ordered = sorted(rows, key=lambda row: row.replies_per_second)
    if not ordered:
        raise ValueError("replies() was given no rows: measure first, then draw")
    names = [row.server for row in ordered]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"replies() wants one row for each server, and was given several for {', '.join(twice)}")
    for row in ordered:
        for number in (row.replies_per_second, row.cpu_us_per_reply):
            if not (math.isfinite(number) and number >= 0):
                raise ValueError(f"replies() cannot draw {number} for {row.server!r}: a number from 0 up is wanted")
    return ordered


def _lead(ordered: Sequence[Any]) -> str:
    last, first = ordered[0], ordered[-1]
    if not last.replies_per_second or first.replies_per_second <= SAME * last.replies_per_second:
        return "How many replies a second, and at what cost" if len(ordered) == 1 else "All reply about as fast"
    lead = two_digits(first.replies_per_second / last.replies_per_second)
    return f"{first.server} gives {lead} times as many replies as {last.server}"


def _in_words(row: Any) -> str:
    cost = _short_number(row.cpu_us_per_reply)
    return f"{row.server}: {row.replies_per_second:,.0f} replies per second, {cost} CPU microseconds for each."


def _new_pair(bars: int) -> tuple[Axes, Axes]:
    from muxlab.show.chart_figure import new_charts

    width, _ = style.CHART
    left, right = new_charts(1, 2, figsize=(width, 1.4 + 0.42 * bars))[1][0]  # inches: the titles, and the bars
    return left, right


def _bars(ax: Axes, title: str, rows: Sequence[Any], values: Sequence[float], write: Any) -> None:
    looks = [style.look(row.server) for row in rows]
    bars = ax.barh(range(len(rows)), values, height=0.62, color=[style.line_colour(row.server) for row in rows])
    for bar, look in zip(bars, looks, strict=True):
        if look is style.OWN:  # said by more than a colour
            bar.set(hatch="//", edgecolor=style.PAGES[0], linewidth=0)
    ax.bar_label(bars, [write(value) for value in values], padding=5, fontsize=10.5)
    ax.set_title(title, fontsize=11, fontweight="normal")
    ax.set_yticks(range(len(rows)), [row.server for row in rows])
    for label, row in zip(ax.get_yticklabels(), rows, strict=True):
        label.set(
            color=style.text_colour(row.server), fontweight="bold", parse_math=False
        )  # the axes may be a learner's
    ax.set(xlim=(0, max(values) * 1.4 or 1), xticks=[])  # room for the numbers, which say more than an axis
    ax.tick_params(axis="y", length=0)
    ax.grid(False)
    ax.spines["bottom"].set_visible(False)


def _short_number(value: float) -> str:
    return f"{value:.1f}" if value < 99.95 else style.human_number(value)
