"""What charts with two logarithmic scales share: lines out of rows, plain ticks, a guide, names beside the lines."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from muxlab.measure.rows import Form, cheapest, form_of
from muxlab.show import style
from muxlab.show.findings import letters_beside

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Points = list[tuple[int, float]]

LINE = 13  # points from line to line of small text
NEAR = 1.3  # lines whose ends differ by less than this factor end together: 9,000 and 10,000 are a few pixels apart


def lines_of(rows: Iterable[Any], caller: str) -> tuple[Form, dict[str, Points]]:
    """Return what the rows are about, and for each name the points of its line.

    A point is the cheapest repetition; rows of the same name and size become one point, the cheapest of them.

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
        name, size, cost = getattr(row, form.name), getattr(row, form.size), cheapest(row)
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
    lines = {name: [(size, min(costs)) for size, costs in sorted(points.items())] for name, points in found.items()}
    return forms[0], lines


def log_axes(ax: Axes | None, form: Form, height: float = style.CHART[1]) -> Axes:
    """Return `ax`, or a new one, with both scales logarithmic and its axes named (call it inside `style()`)."""
    ax = style.new_axes(ax, height)
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


def guide(ax: Axes, lines: Mapping[str, Points], noun: str) -> str:
    """Add a dotted line of "ten times the `noun`, ten times the cost" where the chart is wide enough for one.

    Returns:
        What it means, for the line below the title; "" where there is no guide.
    """
    counts = [count for points in lines.values() for count, _ in points]
    left, right, bottom = min(counts), max(counts), min(cost for points in lines.values() for _, cost in points)
    if right < 10 * left:
        return ""
    top = ax.get_ylim()[1]
    start = max(left, right * bottom / top)  # so that the line ends inside the chart
    rise = right / start
    ax.plot([start, right], [bottom, bottom * rise], color=style.MID, linewidth=1.2, linestyle=(0, (1, 2.5)), zorder=0,
            label="_guide")  # fmt: skip
    return f"dotted: ten times the {noun}, ten times the cost"


def explain(ax: Axes, words: str) -> None:
    """Write a line between the title and the chart, where no line of the chart can come."""
    if words:
        words = textwrap.fill(words, letters_beside(ax, LINE / 2.2))
        above = 11 + LINE * (1 + words.count("\n"))
        ax.set_title(ax.get_title("left"), loc="left", pad=above, parse_math=False)
        ax.annotate(words, (0, 1), xytext=(0, 9), xycoords="axes fraction", textcoords="offset points", fontsize=10
                    ).set_in_layout(False)  # fmt: skip


def legend_below(ax: Axes, handles: Sequence[Any], texts: Sequence[str], **how: Any) -> Any:
    """Add a legend below the numbers and the name of the horizontal axis, and return it."""
    from matplotlib.transforms import ScaledTranslation

    below = ax.transAxes + ScaledTranslation(0, -0.55, ax.figure.dpi_scale_trans)  # inches
    legend = ax.legend(handles, texts, loc="upper left", bbox_to_anchor=(0, 0), bbox_transform=below, fontsize=10,
                       borderaxespad=0, **how)  # fmt: skip
    for text in legend.get_texts():
        text.set_parse_math(False)
    return legend


def name_lines(
    ax: Axes,
    lines: Mapping[str, Points],
    also: Mapping[str, str] | None = None,
    colour_of: Callable[[str], str] = style.text_colour,
) -> None:
    """Name each line, and write what else there is to say of it (`also`): beside their ends if all end together.

    Where they do not, a line that goes on would cross the names: then a legend beside the chart has them, in the order
    of the ends. `colour_of` tells the colour of a name.
    """
    ends = {name: points[-1] for name, points in lines.items()}
    texts = {name: " ".join(filter(None, (name, (also or {}).get(name)))) for name in lines}
    if max(end for end, _ in ends.values()) < NEAR * min(end for end, _ in ends.values()):
        for name, shift in zip(ends, _apart(ax, list(ends.values())), strict=True):
            ax.annotate(texts[name], ends[name], xytext=(11, shift), textcoords="offset points", va="center",
                        fontweight="bold", annotation_clip=False, parse_math=False,
                        color=colour_of(name))  # fmt: skip
        return
    handles = {line.get_label(): line for line in ax.get_lines()}
    order = sorted(ends, key=lambda name: -ends[name][1])
    legend = ax.legend([handles[name] for name in order], [texts[name] for name in order], loc="center left",
                       bbox_to_anchor=(1.01, 0.5))  # fmt: skip
    for name, text in zip(order, legend.get_texts(), strict=True):
        text.set(color=colour_of(name), fontweight="bold", parse_math=False)


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
