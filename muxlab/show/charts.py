"""The charts that stand still: what a reply costs, and how long replies took.

A chart takes rows or samples, draws in the course's look (`theme.py`) and returns matplotlib's Axes, so that a
cell can go on with it. Nothing here measures anything: rows come from `muxlab.measure`, samples from a swarm.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Protocol

from muxlab.show import theme

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class CostRow(Protocol):
    """What `cost` needs of a row; rows may have more, such as replies_per_second, p50 and p99."""

    @property
    def server(self) -> str: ...
    @property
    def connections(self) -> int: ...
    @property
    def cpu_us_per_reply(self) -> float: ...


def cost(rows: Iterable[CostRow], ax: Axes | None = None) -> Axes:
    """Draw the CPU time that a server spends for one reply against the number of connections it holds.

    Args:
        rows: one per measurement, with `.server` (name), `.connections` and `.cpu_us_per_reply` (microseconds);
            rows of the same server and number of connections are drawn as their median.
        ax: where to draw; a new figure when None.

    Returns:
        The Axes, both scales logarithmic: a flat line costs the same however many are connected, and a line as
        steep as the dotted guide costs ten times as much for ten times as many.

    Raises:
        ValueError: there is nothing to draw, or a row has a number that a logarithmic scale cannot show.
    """
    lines = _medians(rows)
    with theme.style():
        ax = theme.new_axes(ax)
        ax.set(xscale="log", yscale="log", xlabel="connections", ylabel="CPU microseconds per reply")
        ax.set_title("What one reply costs the server")
        for name, points in lines.items():
            look = theme.look(name)
            ax.plot(*zip(*points, strict=True), color=look.colour, marker=look.marker, linestyle=look.line, label=name)
        _plain_ticks(ax.xaxis, theme.human_number)
        _plain_ticks(ax.yaxis, lambda value: theme.human_number(value) if value >= 1 else f"{value:g}")
        _guide(ax, lines)
        _name_lines(ax, {name: points[-1] for name, points in lines.items()})
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
    with theme.style():
        ax = theme.new_axes(ax)
        ax.set(xscale="log", xlabel="time from question to reply", ylabel="share of the replies")
        ax.set_title("How long replies took")
        labels = {}
        for name, (times, shares) in curves.items():
            look = theme.look(name)
            ax.plot(*_thinned(times, shares), color=look.colour, linestyle=look.line, label=name)
            p50, p99 = (_time_at(times, shares, share) for share in (0.5, 0.99))
            marks: Any = {"color": look.colour, "marker": look.marker, "linestyle": "none", "markersize": 8}
            ax.plot([p50], [_nines(0.5)], **marks, markerfacecolor=theme.CARD, markeredgewidth=1.8)
            ax.plot([p99], [_nines(0.99)], **marks)
            labels[f"{name}\n{theme.human_seconds(p50)} · {theme.human_seconds(p99)}"] = (name, times[-1])
        top = max(_nines(shares[-1]) for _, shares in curves.values())
        ticks = [share for share in (0.0, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999) if _nines(share) <= top + 0.01]
        ax.set_yticks([_nines(share) for share in ticks], [f"{100 * share:g} %" for share in ticks])
        ax.set_ylim(-0.08, top + 0.15)
        _plain_ticks(ax.xaxis, theme.short_seconds)
        _stack_names(ax, labels)
    return ax


def _medians(rows: Iterable[CostRow]) -> dict[str, list[tuple[int, float]]]:
    found: dict[str, dict[int, list[float]]] = {}
    for row in rows:
        if not (row.connections > 0 and row.cpu_us_per_reply > 0 and math.isfinite(row.cpu_us_per_reply)):
            raise ValueError(
                f"cost() cannot draw {row.server!r} with {row.connections} connections at {row.cpu_us_per_reply} "
                "microseconds on logarithmic scales: both have to be above zero"
            )
        found.setdefault(row.server, {}).setdefault(row.connections, []).append(row.cpu_us_per_reply)
    if not found:
        raise ValueError("cost() was given no rows: measure first, then draw")
    return {
        name: [(count, sorted(costs)[len(costs) // 2]) for count, costs in sorted(points.items())]
        for name, points in found.items()
    }


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


def _plain_ticks(axis: Any, write: Callable[[float], str]) -> None:
    """Label a logarithmic axis at 1, 10, 100 in plain words, and also at 2 and 5 where it spans few decades."""
    from matplotlib.ticker import LogLocator, NullFormatter

    low, high = axis.get_view_interval()
    axis.set_major_locator(LogLocator(subs=(1.0,) if high / low > 100 else (1.0, 2.0, 5.0)))
    axis.set_major_formatter(lambda value, _: write(value))
    axis.set_minor_formatter(NullFormatter())


def _guide(ax: Axes, lines: Mapping[str, Sequence[tuple[int, float]]]) -> None:
    """Add a dotted line of "ten times the connections, ten times the cost" where the chart is wide enough for one."""
    counts = [count for points in lines.values() for count, _ in points]
    left, right, bottom = min(counts), max(counts), min(cost for points in lines.values() for _, cost in points)
    if right < 10 * left:
        return
    top = ax.get_ylim()[1]
    start = max(left, right * bottom / top)  # so that the line ends inside the chart
    end = right, bottom * right / start
    ax.plot([start, end[0]], [bottom, end[1]], color=theme.MUTED, linewidth=1, linestyle=(0, (1, 2.5)), zorder=0,
            label="_guide")  # fmt: skip
    ax.annotate("10× connections,\n10× cost", end, xytext=(-34, -4), textcoords="offset points", ha="right", va="top",
                color=theme.MUTED, fontsize=9)  # fmt: skip


def _name_lines(ax: Axes, ends: Mapping[str, tuple[float, float]]) -> None:
    """Write each line's name beside its end; names that would lie on each other are moved apart."""
    right = max(x for x, _ in ends.values())
    short = [name for name in ends if ends[name][0] < right]
    for name, shift in _spread(ax, {name: end for name, end in ends.items() if name not in short}).items():
        _write(ax, name, ends[name], xytext=(11, shift), va="center")
    for name in short:  # it ends inside the chart, where other lines go on: write above its last point
        _write(ax, name, ends[name], xytext=(0, 9), va="bottom", ha="right")


def _spread(ax: Axes, ends: Mapping[str, tuple[float, float]]) -> dict[str, float]:
    """Return by how many points each name has to be moved so that all are a line of text (14 points) apart."""
    ax.figure.canvas.draw()  # only now is it known where things are on the screen
    to_points = 72 / ax.figure.dpi
    true = {name: ax.transData.transform(end)[1] * to_points for name, end in ends.items()}
    order, now = sorted(true, key=lambda name: true[name]), dict(true)
    for _ in range(100):  # each round halves what is left of an overlap; a dozen names need far fewer
        for low, high in pairwise(order):
            overlap = 14 - (now[high] - now[low])
            if overlap > 0.01:
                now[low] -= overlap / 2
                now[high] += overlap / 2
    return {name: now[name] - true[name] for name in ends}


def _write(ax: Axes, name: str, where: tuple[float, float], **place: Any) -> None:
    ax.annotate(name, where, textcoords="offset points", fontweight="bold", annotation_clip=False,
                color=theme.darker(theme.look(name).colour), **place)  # fmt: skip


def _stack_names(ax: Axes, labels: Mapping[str, tuple[str, float]]) -> None:
    """Write names and figures down the right side, fastest tail first, each after its own mark."""
    ordered = sorted(labels.items(), key=lambda item: item[1][1])
    for row, (text, (name, _)) in enumerate(ordered):
        look, height = theme.look(name), 0.96 - 0.16 * row
        ax.plot([1.04], [height], transform=ax.transAxes, color=look.colour, marker=look.marker, markersize=8,
                linestyle="none", clip_on=False, label="_mark")  # fmt: skip
        ax.text(1.065, height, text, transform=ax.transAxes, va="center", color=theme.darker(look.colour),
                fontsize=10.5, linespacing=1.3)  # fmt: skip
    ax.text(1.025, 0.96 - 0.16 * len(ordered), "half within · 99 % within", transform=ax.transAxes, va="center",
            color=theme.MUTED, fontsize=9)  # fmt: skip
