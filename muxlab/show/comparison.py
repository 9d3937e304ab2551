"""One chart for one's own figures and those that somebody else has published."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from muxlab.measure.growth import slope
from muxlab.measure.rows import form_of
from muxlab.show import theme
from muxlab.show.lines import Label, Points, halo, lines_of, log_axes, log_ticks, name_lines

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DASHED = (0, (3, 2))
PUBLISHED: Any = {"linestyle": DASHED, "linewidth": 1.3, "markerfacecolor": theme.CARD}


def beside(rows: Iterable[Any], published: Iterable[Any], ax: Axes | None = None) -> Axes:
    """Draw one's own rows, solid, on one chart with published rows of the same experiment, dashed and hollow.

    Another machine and another year shift a curve up or down as a whole, and say nothing. To be compared are the
    slopes, written beside the lines (0 is flat, 1 is proportional), and how many times the dearest costs the cheapest
    where both were measured, which the two upright lines show.

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
    with theme.style():
        ax = log_axes(ax, form)
        ax.set_title(f"{form.title}: yours, and as published")
        labels = []
        for name, points in theirs.items():
            look = theme.look(name)
            ax.plot(*zip(*points, strict=True), color=look.colour, marker=look.marker, **PUBLISHED, label="_published")
            labels.append(Label(_text(name, published), name, points[-1], "normal"))
        for name, points in own.items():
            look = theme.look(name)
            ax.plot(*zip(*points, strict=True), color=look.colour, marker=look.marker, label=name)
            labels.append(Label(_text(name, rows), name, points[-1]))
        _ratios(ax, own, theirs)
        _key(ax, published[0].machine)
        log_ticks(ax)
        name_lines(ax, labels)
    return ax


def _text(name: str, rows: list[Any]) -> str:
    """A line's name, with its slope where it has one."""
    line = [row for row in rows if getattr(row, form_of(row).name) == name]
    sizes = {getattr(row, form_of(row).size) for row in line}
    return f"{name}, slope {slope(line).exponent:.2f}" if len(sizes) > 1 else name


def _ratios(ax: Axes, own: Mapping[str, Points], theirs: Mapping[str, Points]) -> None:
    """Span the distance from the cheapest line to the dearest, for each family, at the largest size that both have."""
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
        ax.plot([x, x], [low, high], color=theme.INK, linewidth=1, linestyle=line, marker="_", label="_ratio")
        ax.annotate(f"{high / low:.0f}×", (x, math.sqrt(low * high)), xytext=(6 * aside, 0), va="center",
                    ha="right" if aside < 0 else "left", textcoords="offset points", path_effects=halo(),
                    fontweight="bold" if family is own else "normal")  # fmt: skip


def _key(ax: Axes, source: str) -> None:
    """Say which lines are whose, in the corner that lines which rise leave free."""
    look: Any = {"color": theme.MUTED, "marker": "o", "markersize": 5}
    ours = ax.plot([], [], **look, label="this machine")
    theirs = ax.plot([], [], **look, **PUBLISHED, label=source)
    ax.legend(handles=[*ours, *theirs], loc="upper left", fontsize=9, labelcolor=theme.MUTED)
