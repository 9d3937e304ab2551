"""The charts with lines: `cost`, of replies or of waits; `beside`, next to published costs; `round_trip`.

A chart takes what `muxlab.measure` returned, draws it in the course's look, and returns matplotlib's Axes, so that a
cell can go on with it. Nothing here measures anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from muxlab.measure.rows import Form, form_of, slope
from muxlab.show import style
from muxlab.show.findings import describe, numbers_of, rise, set_finding, times_as, two_digits
from muxlab.show.log_axes import (
    Points,
    decade,
    explain,
    guide,
    legend_below,
    lines_of,
    log_axes,
    log_ticks,
    name_lines,
    plain_ticks,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROUND_TRIP = Form(
    *("server", "connections", "seconds"),
    title="How long a reply takes while the crowd grows",
    sizes="connections",
    costs="time of a round trip, median",
    one="a round trip",
    verb="takes",
    much="long",
)
OWN_MARKERS = style.OWN.marker, "p", "h", "8"  # of several of the learner's own, which have one colour
PUBLISHED: Any = {"linestyle": (0, (3, 2)), "linewidth": 1.4, "markersize": 5, "fillstyle": "none"}


def cost(rows: Iterable[Any], ax: Axes | None = None) -> Axes:
    """Draw what something costs against how many there are: one line for each server, or each way of waiting.

    Args:
        rows: of one experiment of `muxlab.measure`; or any objects with `.server` (name), `.connections` and
            `.cpu_us_per_reply` (microseconds). Drawn is the cheapest repetition (`.least`, if a row has it).
        ax: where to draw; a new figure when None.

    Returns:
        The Axes, both scales logarithmic: a flat line costs the same however many there are, and a line as
        steep as the dotted guide costs ten times as much for ten times as many. The title says, from the rows, by how
        much each line rises.

    Raises:
        ValueError: there is nothing to draw, the rows are of several experiments, or a row has a number that a
            logarithmic scale cannot show.
    """
    form, lines = lines_of(rows, "cost")
    with style.style():
        ax = log_axes(ax, form)
        set_finding(ax, rise(form, lines))
        for name, points in lines.items():
            _line(ax, name, points)
        decade(ax)
        log_ticks(ax)
        explain(ax, guide(ax, lines, form.size))
        name_lines(ax, lines)
        describe(ax, numbers_of(lines, form))
    return ax


def beside(rows: Iterable[Any], published: Iterable[Any], ax: Axes | None = None) -> Axes:
    """Draw your own rows, solid, and published rows of the same experiment, dashed and hollow, in one chart.

    Another machine and another year shift a curve up or down as a whole, and say nothing. What can be compared is how
    far apart the lines are: the title says how many times as much the most expensive costs as the cheapest, yours and
    theirs, at the largest size that was measured for both. And how steep they are: the names at the foot say so (slope
    0 is flat, 1 is proportional).

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
        ax = log_axes(ax, form, height=5.0)  # inches: three more lines of text above it, and the slopes below
        set_finding(ax, _apart_in_both(form, own, theirs))
        for name, points in theirs.items():
            look = style.look(name)
            ax.plot(*zip(*points, strict=True), color=style.line_colour(name), marker=look.marker, **PUBLISHED,
                    label=f"_published {name}")  # fmt: skip
        for name, points in own.items():
            _line(ax, name, points, "-")
        log_ticks(ax)
        explain(ax, f"solid: this machine; dashed: {published[0].machine}")
        _slopes(ax, [*dict.fromkeys([*own, *theirs])], rows, published)
        describe(ax, f"This machine. {numbers_of(own, form)}", f"{published[0].machine}. {numbers_of(theirs, form)}")
    return ax


def round_trip(
    curves: Mapping[str, Mapping[int, float]],
    ax: Axes | None = None,
    *,
    one: str = ROUND_TRIP.one,
    sizes: str = ROUND_TRIP.sizes,
    costs: str = ROUND_TRIP.costs,
) -> Axes:
    """Draw the time of a round trip against the number of connections that a server holds.

    Args:
        curves: for each server's name, connections and the seconds measured with so many.
        ax: where to draw; a new figure when None.
        one, sizes, costs: other words, where something else was timed: what takes so long ("a turn"), and what the axes
            say ("clients with a timeout", "time for 20 turns").

    Returns:
        The Axes, both scales logarithmic; beside the end of each line stands its name and the last time, and the title
        says how much longer it takes as the crowd grows.

    Raises:
        ValueError: there is nothing to draw, or a number that a logarithmic scale cannot show.
    """
    if not any(curves.values()):
        raise ValueError("round_trip() was given no times: pass {name: {connections: seconds}}")
    points = {name: sorted(curve.items()) for name, curve in curves.items() if curve}
    if any(not (count > 0 and seconds > 0) for line in points.values() for count, seconds in line):
        raise ValueError("round_trip() wants connections and seconds above zero")
    form = replace(ROUND_TRIP, one=one, sizes=sizes, costs=costs)
    with style.style():
        ax = log_axes(ax, form)
        set_finding(ax, _round_trip_finding(form, points))
        for name, line in points.items():
            _line(ax, name, line)
        times = [seconds for line in points.values() for _, seconds in line]
        ax.set_ylim(min(times) / 3, max(times) * 3)  # room for a flat line to look flat
        plain_ticks(ax.xaxis, style.human_number)
        plain_ticks(ax.yaxis, style.short_seconds)
        name_lines(ax, points, {name: style.human_seconds(line[-1][1]) for name, line in points.items()})
        parts = (f"{name}: {', '.join(f'{style.human_seconds(seconds)} with {size:,}' for size, seconds in line)}"
                 for name, line in points.items())  # fmt: skip
        describe(ax, f"{costs[0].upper()}{costs[1:]}, by {sizes}. {'; '.join(parts)}.")
    return ax


# ---- parts of several


def _line(ax: Axes, name: str, points: Points, line: Any = None) -> None:
    look, colour = style.look(name), style.line_colour(name)
    own = sum(line.get_color() == colour for line in ax.get_lines()) if look is style.OWN else 0
    marker = OWN_MARKERS[own % len(OWN_MARKERS)] if look is style.OWN else look.marker
    ax.plot(*zip(*points, strict=True), color=colour, marker=marker, linestyle=line or look.line, label=name)


def _round_trip_finding(form: Form, points: Mapping[str, Points]) -> str:
    finding = rise(form, points)
    if finding != form.title:
        return finding
    parts = [
        f"{name} takes {times_as(line[-1][1] / line[0][1], 'long')} with {line[-1][0]:,} {form.sizes} "
        f"as with {line[0][0]:,}"
        for name, line in points.items()
        if len(line) > 1
    ]
    return "; ".join(parts) or finding


# ---- parts of `beside`


def _apart_in_both(form: Form, own: Mapping[str, Points], theirs: Mapping[str, Points]) -> str:
    """Say how far the most expensive is from the cheapest, here and as published, at the largest common size."""
    both = [name for name in own if name in theirs]
    sizes = [size for name in both for size in dict(own[name]) if size in dict(theirs[name])]
    size = max((size for size in sizes if sizes.count(size) > 1), default=None)
    if size is None:
        return f"{form.title}: yours, and as published"
    costs = {name: dict(own[name])[size] for name in both if size in dict(own[name]) and size in dict(theirs[name])}
    most, least = max(costs, key=costs.__getitem__), min(costs, key=costs.__getitem__)
    here, there = (dict(family[most])[size] / dict(family[least])[size] for family in (own, theirs))
    return (
        f"With {size:,} {form.sizes}, {most} costs {two_digits(here)} times as much as {least} here, "
        f"and {two_digits(there)} times in the published figures"
    )


def _slopes(ax: Axes, names: Sequence[str], rows: list[Any], published: list[Any]) -> None:
    """Name the lines below the chart, each with its slopes."""
    lines = {str(line.get_label()).removeprefix("_published "): line for line in ax.get_lines()}
    texts = []
    for name in names:
        slopes = (_slope(name, rows), _slope(name, published))
        said = [f"{value} {where}" for value, where in zip(slopes, ("here", "published"), strict=True) if value]
        texts.append(f"{name}: {', '.join(said)}" if said else name)
    legend = legend_below(ax, [lines[name] for name in names], texts, title="slopes (0 is flat, 1 is proportional)",
                          alignment="left", title_fontsize=10)  # fmt: skip
    for name, text in zip(names, legend.get_texts(), strict=True):
        text.set(color=style.text_colour(name), parse_math=False)


def _slope(name: str, rows: list[Any]) -> str:
    line = [row for row in rows if getattr(row, form_of(row).name) == name]
    sizes = {getattr(row, form_of(row).size) for row in line}
    return f"{slope(line).exponent:.2f}" if len(sizes) > 1 else ""
