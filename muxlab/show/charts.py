"""The charts with lines: `cost`, of replies or of waits; `beside`, the same next to published costs; `round_trip`.

A chart takes what `muxlab.measure` returned, draws it in the course's look, and returns matplotlib's Axes, so that a
cell can go on with it. Nothing here measures anything.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
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
    slopes, written beside the lines (0 is flat, 1 is proportional), and how many times the cheapest the most expensive
    is, where both were measured, which the two upright lines show.

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
