"""The charts: `cost`, of replies or of waits; `beside`, next to published costs; `round_trip`; `replies`, with bars.

A chart takes what `muxlab.measure` returned, draws it in the course's look, and returns matplotlib's Axes, so that a
cell can go on with it. Nothing here measures anything.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from muxlab.measure.rows import form_of, slope
from muxlab.show import style
from muxlab.show.log_axes import (
    Label,
    Points,
    decade,
    guide,
    halo,
    lines_of,
    log_axes,
    log_ticks,
    name_lines,
    plain_ticks,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DASHED = (0, (3, 2))
PUBLISHED: Any = {"linestyle": DASHED, "linewidth": 1.3, "markerfacecolor": style.CARD}


def cost(rows: Iterable[Any], ax: Axes | None = None) -> Axes:
    """Draw what something costs against how many there are: one line for each server, or each way of waiting.

    Args:
        rows: of one experiment of `muxlab.measure`; or any objects with `.server` (name), `.connections` and
            `.cpu_us_per_reply` (microseconds). Rows of the same line and size are drawn as their median.
        ax: where to draw; a new figure when None.

    Returns:
        The Axes, both scales logarithmic: a flat line costs the same however many there are, and a line as
        steep as the dotted guide costs ten times as much for ten times as many.

    Raises:
        ValueError: there is nothing to draw, the rows are of several experiments, or a row has a number that a
            logarithmic scale cannot show.
    """
    form, lines = lines_of(rows, "cost")
    with style.style():
        ax = log_axes(ax, form)
        ax.set_title(form.title)
        for name, points in lines.items():
            look = style.look(name)
            ax.plot(*zip(*points, strict=True), color=look.colour, marker=look.marker, linestyle=look.line, label=name)
        decade(ax)
        log_ticks(ax)
        guide(ax, lines, form.size)
        name_lines(ax, [Label(name, name, points[-1]) for name, points in lines.items()])
    return ax


def beside(rows: Iterable[Any], published: Iterable[Any], ax: Axes | None = None) -> Axes:
    """Draw your own rows, solid, and published rows of the same experiment, dashed and hollow, in one chart.

    Another machine and another year shift a curve up or down as a whole, and say nothing. What can be compared are the
    slopes, written beside the lines (0 is flat, 1 is proportional), and the factor between the cheapest and the most
    expensive, which two vertical lines show where both were measured.

    Args:
        rows: of one experiment of `muxlab.measure`.
        published: rows of the same experiment, from `muxlab.measure.published`.
        ax: where to draw; a new figure when None.

    Returns:
        The Axes, both scales logarithmic.

    Raises:
        ValueError: one of the two has nothing to draw, they are of different experiments, or a row has a number that
            a logarithmic scale cannot show.
    """
    rows, published = list(rows), list(published)
    (form, own), (_, theirs) = lines_of(rows, "beside"), lines_of(published, "beside")
    lines_of([*rows, *published], "beside")  # refuses two experiments in one chart
    with style.style():
        ax = log_axes(ax, form)
        ax.set_title(f"{form.title}: yours, and as published")
        labels = []
        for name, points in theirs.items():
            look = style.look(name)
            ax.plot(*zip(*points, strict=True), color=look.colour, marker=look.marker, **PUBLISHED, label="_published")
            labels.append(Label(_text(name, published), name, points[-1], "normal"))
        for name, points in own.items():
            look = style.look(name)
            ax.plot(*zip(*points, strict=True), color=look.colour, marker=look.marker, label=name)
            labels.append(Label(_text(name, rows), name, points[-1]))
        _ratios(ax, own, theirs)
        _key(ax, published[0].machine)
        log_ticks(ax)
        name_lines(ax, labels)
    return ax


def round_trip(curves: Mapping[str, Mapping[int, float]], ax: Axes | None = None) -> Axes:
    """Draw the time of a round trip against the number of connections that a server holds.

    Args:
        curves: for each server's name, connections and the seconds measured with so many.
        ax: where to draw; a new figure when None.

    Returns:
        The Axes, both scales logarithmic; the time is written under each mark.

    Raises:
        ValueError: there is nothing to draw, or a number that a logarithmic scale cannot show.
    """
    if not any(curves.values()):
        raise ValueError("round_trip() was given no times: pass {name: {connections: seconds}}")
    points = {name: sorted(curve.items()) for name, curve in curves.items() if curve}
    if any(not (count > 0 and seconds > 0) for line in points.values() for count, seconds in line):
        raise ValueError("round_trip() wants connections and seconds above zero")
    with style.style():
        ax = style.new_axes(ax)
        ax.set(xscale="log", yscale="log", xlabel="connections", ylabel="time of a round trip, median")
        ax.set_title("How long a reply takes while the crowd grows")
        for name, line in points.items():
            look = style.look(name)
            ax.plot(*zip(*line, strict=True), color=look.colour, marker=look.marker, linestyle=look.line, label=name)
            for count, seconds in line:
                ax.annotate(style.human_seconds(seconds), (count, seconds), xytext=(4, -7), textcoords="offset points",
                            ha="left", va="top", fontsize=9, color=style.darker(look.colour))  # fmt: skip
        times = [seconds for line in points.values() for _, seconds in line]
        ax.set_ylim(min(times) / 3, max(times) * 3)  # room for the writing, and for a flat line to look flat
        plain_ticks(ax.xaxis, style.human_number)
        plain_ticks(ax.yaxis, style.short_seconds)
        name_lines(ax, [Label(name, name, line[-1]) for name, line in points.items()])
    return ax


def replies(rows: Iterable[Any], axes: Sequence[Axes] | None = None) -> tuple[Axes, Axes]:
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


# ---- parts of `beside`


def _text(name: str, rows: list[Any]) -> str:
    """Return a line's name, with its slope where it has one."""
    line = [row for row in rows if getattr(row, form_of(row).name) == name]
    sizes = {getattr(row, form_of(row).size) for row in line}
    return f"{name}, slope {slope(line).exponent:.2f}" if len(sizes) > 1 else name


def _ratios(ax: Axes, own: Mapping[str, Points], theirs: Mapping[str, Points]) -> None:
    """Span the distance from the cheapest line to the most expensive, of either family, at the largest common size."""
    both = [(name, size) for name in own if name in theirs for size in dict(own[name]) if size in dict(theirs[name])]
    sizes = [size for _, size in both]
    size = max((size for size in sizes if sizes.count(size) > 1), default=None)
    if size is None:
        return
    names = [name for name, of in both if of == size]
    for family, line, aside in ((own, "-", -1), (theirs, DASHED, 1)):
        costs = [dict(family[name])[size] for name in names]
        low, high = min(costs), max(costs)
        x = size * 1.1**aside
        ax.plot([x, x], [low, high], color=style.INK, linewidth=1, linestyle=line, marker="_", label="_ratio")
        ax.annotate(f"{high / low:.0f}×", (x, math.sqrt(low * high)), xytext=(6 * aside, 0), va="center",
                    ha="right" if aside < 0 else "left", textcoords="offset points", path_effects=halo(),
                    fontweight="bold" if family is own else "normal")  # fmt: skip


def _key(ax: Axes, source: str) -> None:
    """Say whose lines are whose, in the corner that rising lines leave free."""
    look: Any = {"color": style.MUTED, "marker": "o", "markersize": 5}
    ours = ax.plot([], [], **look, label="this machine")
    theirs = ax.plot([], [], **look, **PUBLISHED, label=source)
    ax.legend(handles=[*ours, *theirs], loc="upper left", fontsize=9, labelcolor=style.MUTED)


# ---- parts of `replies`


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


def _new_pair(bars: int) -> tuple[Axes, Axes]:
    import matplotlib.pyplot as plt

    width, _ = style.SIZE
    left, right = plt.subplots(1, 2, figsize=(width, 1.1 + 0.42 * bars))[1]  # inches: the titles, and the bars
    return left, right


def _bars(ax: Axes, title: str, rows: Sequence[Any], values: Sequence[float], write: Any) -> None:
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
