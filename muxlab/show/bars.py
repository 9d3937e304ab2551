"""`replies`: servers side by side under the same crowd, how many replies a second, and what each of them cost."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from muxlab.show import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class ReplyRow(Protocol):
    """The part of a row that `replies` needs; `muxlab.measure.echo_cost` returns such rows."""

    @property
    def server(self) -> str: ...
    @property
    def replies_per_second(self) -> float: ...
    @property
    def cpu_us_per_reply(self) -> float: ...


def replies(rows: Iterable[ReplyRow], axes: Sequence[Axes] | None = None) -> tuple[Axes, Axes]:
    """Draw a bar for each server: its replies per second, and beside it the CPU time that one reply took.

    Args:
        rows: one for each server, from the same crowd, with `.server` (name), `.replies_per_second` and
            `.cpu_us_per_reply` (microseconds); the fastest is drawn on top.
        axes: the two to draw in; a new figure when None.

    Returns:
        The two Axes: replies per second, where longer is better, and microseconds, where shorter is.

    Raises:
        ValueError: there is nothing to draw, two rows have the same server, or a number is negative or not finite.
    """
    ordered = _checked(rows)
    with style.style():
        left, right = axes or _new_pair(len(ordered))
        _bars(left, "Replies per second", ordered, [row.replies_per_second for row in ordered], style.human_number)
        _bars(right, "CPU µs per reply", ordered, [row.cpu_us_per_reply for row in ordered], _short_number)
        right.set_yticklabels([])
    return left, right


def _checked(rows: Iterable[ReplyRow]) -> list[ReplyRow]:
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


def _new_pair(bars: int) -> tuple[Axes, Axes]:
    import matplotlib.pyplot as plt

    width, _ = style.SIZE
    left, right = plt.subplots(1, 2, figsize=(width, 1.1 + 0.42 * bars))[1]  # inches: the titles, and the bars
    return left, right


def _bars(ax: Axes, title: str, rows: Sequence[ReplyRow], values: Sequence[float], write: Any) -> None:
    looks = [style.look(row.server) for row in rows]
    bars = ax.barh(range(len(rows)), values, height=0.62, color=[look.colour for look in looks])
    for bar, look in zip(bars, looks, strict=True):
        if look is style.OWN:  # said by more than a colour
            bar.set(hatch="//", edgecolor=style.CARD, linewidth=0)
    ax.bar_label(bars, [write(value) for value in values], padding=5, color=style.MUTED, fontsize=10)
    ax.set_title(title)
    ax.set_yticks(range(len(rows)), [row.server for row in rows])
    for label, look in zip(ax.get_yticklabels(), looks, strict=True):
        label.set(color=style.darker(look.colour), fontweight="bold", parse_math=False)  # the axes may be a learner's
    ax.set(xlim=(0, max(values) * 1.28 or 1), xticks=[])  # room for the numbers, which say more than an axis
    ax.tick_params(axis="y", length=0)
    ax.grid(False)
    ax.spines["bottom"].set_visible(False)


def _short_number(value: float) -> str:
    return f"{value:.1f}" if value < 99.95 else style.human_number(value)
