"""What charts with two logarithmic scales share: lines out of rows, plain ticks, a guide, names beside the lines."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from muxlab.measure.rows import Form, form_of
from muxlab.show import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Points = list[tuple[int, float]]

NEAR = 1.3  # lines whose ends differ by less than this factor end together: 9,000 and 10,000 are a few pixels apart


class Label(NamedTuple):
    """A text at the end of a line, in the colour of what is called `name`."""

    text: str
    name: str
    end: tuple[float, float]
    weight: str = "bold"


def lines_of(rows: Iterable[Any], caller: str) -> tuple[Form, dict[str, Points]]:
    """Return what the rows are about, and for each name the points of its line.

    Rows of the same name and size become one point, their median.

    Args:
        rows: of one experiment.
        caller: the chart's function, which the messages name.

    Raises:
        ValueError: there are no rows, rows of several kinds, or a figure that a logarithmic scale cannot show.
    """
    found: dict[str, dict[int, list[float]]] = {}
    forms = []
    for row in rows:
        form = form_of(row)
        name, size, cost = getattr(row, form.name), getattr(row, form.size), getattr(row, form.cost)
        if not (size > 0 and cost > 0 and math.isfinite(cost)):
            raise ValueError(
                f"{caller}() cannot draw {name!r} with {size} {form.sizes} at {cost} {form.costs} "
                "on logarithmic scales: both have to be above zero"
            )
        found.setdefault(name, {}).setdefault(size, []).append(cost)
        forms.append(form)
    if not found:
        raise ValueError(f"{caller}() was given no rows: measure first, then draw")
    if len(set(forms)) > 1:
        kinds = " and ".join(sorted({form.costs for form in forms}))
        raise ValueError(f"{caller}() was given rows of several kinds, with different axes: {kinds}")
    lines = {
        name: [(size, sorted(costs)[len(costs) // 2]) for size, costs in sorted(points.items())]
        for name, points in found.items()
    }
    return forms[0], lines


def log_axes(ax: Axes | None, form: Form) -> Axes:
    """Return `ax`, or a new one, with both scales logarithmic and its axes named (call it inside `style()`)."""
    ax = style.new_axes(ax)
    ax.set(xscale="log", yscale="log", xlabel=form.sizes, ylabel=form.costs)
    return ax


def decade(ax: Axes) -> None:
    """Widen the vertical axis to a factor of ten; otherwise a wobble of a few per cent would fill the chart."""
    low, high = ax.get_ylim()
    wider = math.sqrt(max(10 * low / high, 1))
    ax.set_ylim(low / wider, high * wider)


def log_ticks(ax: Axes) -> None:
    """Label both axes in plain numbers, once everything is drawn."""
    plain_ticks(ax.xaxis, style.human_number)
    plain_ticks(ax.yaxis, lambda value: style.human_number(value) if value >= 1 else f"{value:g}")


def plain_ticks(axis: Any, write: Callable[[float], str]) -> None:
    """Label a logarithmic axis at 1, 10, 100 in plain words, and also at 2 and 5 where it spans few decades."""
    from matplotlib.ticker import LogLocator, NullFormatter

    low, high = axis.get_view_interval()
    axis.set_major_locator(LogLocator(subs=(1.0,) if high / low > 100 else (1.0, 2.0, 5.0)))
    axis.set_major_formatter(lambda value, _: write(value))
    axis.set_minor_formatter(NullFormatter())


def guide(ax: Axes, lines: Mapping[str, Points], noun: str) -> None:
    """Add a dotted line of "ten times the `noun`, ten times the cost" where the chart is wide enough for one.

    Its key stands in the corner that rising lines leave free.
    """
    counts = [count for points in lines.values() for count, _ in points]
    left, right, bottom = min(counts), max(counts), min(cost for points in lines.values() for _, cost in points)
    if right < 10 * left:
        return
    top = ax.get_ylim()[1]
    start = max(left, right * bottom / top)  # so that the line ends inside the chart
    rise = right / start
    line = ax.plot([start, right], [bottom, bottom * rise], color=style.MUTED, linewidth=1, linestyle=(0, (1, 2.5)),
                   zorder=0, label="_guide")  # fmt: skip
    ax.legend(line, [f"10× {noun}, 10× cost"], loc="upper left", fontsize=9, labelcolor=style.MUTED)


def name_lines(ax: Axes, labels: Sequence[Label]) -> None:
    """Write each label beside the end of its line; labels that would lie on each other are moved apart."""
    waiting, outside = sorted(labels, key=lambda label: label.end[0]), True
    while waiting:
        edge = waiting[-1].end[0] / NEAR
        together = [label for label in waiting if label.end[0] >= edge]
        waiting = [label for label in waiting if label.end[0] < edge]
        for label, shift in zip(together, _apart(ax, [label.end for label in together]), strict=True):
            if outside:
                _write(ax, label, xytext=(11, shift), va="center")
            else:  # the line ends inside the chart, where others go on: write above its last point
                _write(ax, label, xytext=(0, 9 + shift), va="bottom", ha="right")
        outside = False


def _apart(ax: Axes, ends: Sequence[tuple[float, float]]) -> list[float]:
    """Return by how many points each text has to be moved so that all are a line of text (14 points) apart."""
    ax.figure.canvas.draw()  # only now is it known where things are on the screen
    to_points = 72 / ax.figure.dpi
    true = [float(ax.transData.transform(end)[1]) * to_points for end in ends]
    order, now = sorted(range(len(true)), key=lambda number: true[number]), list(true)
    for _ in range(100):  # each round halves what is left of an overlap; a dozen names need far fewer
        for low, high in pairwise(order):
            overlap = 14 - (now[high] - now[low])
            if overlap > 0.01:
                now[low] -= overlap / 2
                now[high] += overlap / 2
    return [after - before for after, before in zip(now, true, strict=True)]


def _write(ax: Axes, label: Label, **place: Any) -> None:
    ax.annotate(label.text, label.end, textcoords="offset points", fontweight=label.weight, annotation_clip=False,
                color=style.darker(style.look(label.name).colour), path_effects=halo(), **place)  # fmt: skip


def halo() -> list[Any]:
    """Return the effect that keeps a text readable where it lies on a line."""
    from matplotlib.patheffects import withStroke

    return [withStroke(linewidth=3, foreground=style.CARD)]
