"""The charts that stand still: what things cost, and how long replies took.

A chart takes rows or samples, draws in the course's look (`theme.py`) and returns matplotlib's Axes, so that a
cell can go on with it. Nothing here measures anything: rows come from `muxlab.measure`, samples from a swarm.
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


def latency(samples: Mapping[str, Any], ax: Axes | None = None) -> Axes:
    """Draw which share of the replies arrived within which time, for one or several servers.

    Args:
        samples: for each server's name its durations in seconds, or a histogram whose `.items()` are
            (upper bound in seconds, count).
        ax: where to draw; a new figure when None.

    Returns:
        The Axes: time to the right on a logarithmic scale, share upwards on one that gives every further nine
        (90 %, 99 %, 99.9 %) the same room. A ring marks half of the replies, a filled mark 99 %.

    Raises:
        ValueError: there are no samples, or one is not a positive time.
    """
    if not samples:
        raise ValueError("latency() was given no samples: pass {name: durations in seconds}")
    curves = {name: _cumulative(name, values) for name, values in samples.items()}
    with style.style():
        ax = style.new_axes(ax)
        ax.set(xscale="log", xlabel="time from question to reply", ylabel="share of the replies")
        ax.set_title("How long replies took")
        labels = {}
        for name, (times, shares) in curves.items():
            look = style.look(name)
            ax.plot(*_thinned(times, shares), color=look.colour, linestyle=look.line, label=name)
            p50, p99 = (_time_at(times, shares, share) for share in (0.5, 0.99))
            marks: Any = {"color": look.colour, "marker": look.marker, "linestyle": "none", "markersize": 8}
            ax.plot([p50], [_nines(0.5)], **marks, markerfacecolor=style.CARD, markeredgewidth=1.8)
            ax.plot([p99], [_nines(0.99)], **marks)
            labels[f"{name}\n{style.human_seconds(p50)} · {style.human_seconds(p99)}"] = (name, times[-1])
        top = max(_nines(shares[-1]) for _, shares in curves.values())
        ticks = [share for share in (0.0, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999) if _nines(share) <= top + 0.01]
        ax.set_yticks([_nines(share) for share in ticks], [f"{100 * share:g} %" for share in ticks])
        ax.set_ylim(-0.08, top + 0.15)
        plain_ticks(ax.xaxis, style.short_seconds)
        _stack_names(ax, labels)
    return ax


def _cumulative(name: str, values: Any) -> tuple[list[float], list[float]]:
    """Return times (seconds, rising) and the share of the samples within each."""
    pairs = sorted(values.items()) if hasattr(values, "items") else sorted((value, 1) for value in values)
    pairs = [(seconds, count) for seconds, count in pairs if count]
    if not pairs:
        raise ValueError(f"latency() was given no durations for {name!r}")
    if not (pairs[0][0] > 0 and math.isfinite(pairs[-1][0])):
        raise ValueError(f"latency() wants durations in seconds above zero; {name!r} has {pairs[0][0]}")
    total, seen = sum(count for _, count in pairs), 0
    times, shares = [pairs[0][0]], [0.0]
    for seconds, count in pairs:
        seen += count
        times.append(seconds)
        shares.append(min(seen, total - 0.5) / total)  # the last one of n stands for 1 - 1/2n: no scale has all nines
    return times, shares


def _thinned(times: list[float], shares: list[float]) -> tuple[list[float], list[float]]:
    """Return times and heights of the points that a picture can tell apart: 1/200 of a "nine" is half a pixel."""
    xs, ys = times[:1], [_nines(shares[0])]
    for seconds, share in zip(times, shares, strict=True):
        if _nines(share) - ys[-1] > 0.005 or share == shares[-1]:
            xs.append(seconds)
            ys.append(_nines(share))
    return xs, ys


def _nines(share: float) -> float:
    return -math.log10(1 - share)


def _time_at(times: Sequence[float], shares: Sequence[float], wanted: float) -> float:
    return next((seconds for seconds, share in zip(times, shares, strict=True) if share >= wanted), times[-1])


def _stack_names(ax: Axes, labels: Mapping[str, tuple[str, float]]) -> None:
    """Write names and figures down the right side, fastest tail first, each after its own mark."""
    ordered = sorted(labels.items(), key=lambda item: item[1][1])
    for row, (text, (name, _)) in enumerate(ordered):
        look, height = style.look(name), 0.96 - 0.16 * row
        ax.plot([1.04], [height], transform=ax.transAxes, color=look.colour, marker=look.marker, markersize=8,
                linestyle="none", clip_on=False, label="_mark")  # fmt: skip
        ax.text(1.065, height, text, transform=ax.transAxes, va="center", color=style.darker(look.colour),
                fontsize=10.5, linespacing=1.3)  # fmt: skip
    ax.text(1.025, 0.96 - 0.16 * len(ordered), "half within · 99 % within", transform=ax.transAxes, va="center",
            color=style.MUTED, fontsize=9)  # fmt: skip


if TYPE_CHECKING:
    from matplotlib.axes import Axes

DASHED = (0, (3, 2))
PUBLISHED: Any = {"linestyle": DASHED, "linewidth": 1.3, "markerfacecolor": style.CARD}


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
        ax.plot([x, x], [low, high], color=style.INK, linewidth=1, linestyle=line, marker="_", label="_ratio")
        ax.annotate(f"{high / low:.0f}×", (x, math.sqrt(low * high)), xytext=(6 * aside, 0), va="center",
                    ha="right" if aside < 0 else "left", textcoords="offset points", path_effects=halo(),
                    fontweight="bold" if family is own else "normal")  # fmt: skip


def _key(ax: Axes, source: str) -> None:
    """Say which lines are whose, in the corner that lines which rise leave free."""
    look: Any = {"color": style.MUTED, "marker": "o", "markersize": 5}
    ours = ax.plot([], [], **look, label="this machine")
    theirs = ax.plot([], [], **look, **PUBLISHED, label=source)
    ax.legend(handles=[*ours, *theirs], loc="upper left", fontsize=9, labelcolor=style.MUTED)


if TYPE_CHECKING:
    from matplotlib.axes import Axes


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
