"""The charts that stand still: what things cost, and how long replies took.

A chart takes rows or samples, draws in the course's look (`theme.py`) and returns matplotlib's Axes, so that a
cell can go on with it. Nothing here measures anything: rows come from `muxlab.measure`, samples from a swarm.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from muxlab.show import theme
from muxlab.show.lines import Label, decade, guide, lines_of, log_axes, log_ticks, name_lines, plain_ticks

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
    with theme.style():
        ax = log_axes(ax, form)
        ax.set_title(form.title)
        for name, points in lines.items():
            look = theme.look(name)
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
        plain_ticks(ax.xaxis, theme.short_seconds)
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
        look, height = theme.look(name), 0.96 - 0.16 * row
        ax.plot([1.04], [height], transform=ax.transAxes, color=look.colour, marker=look.marker, markersize=8,
                linestyle="none", clip_on=False, label="_mark")  # fmt: skip
        ax.text(1.065, height, text, transform=ax.transAxes, va="center", color=theme.darker(look.colour),
                fontsize=10.5, linespacing=1.3)  # fmt: skip
    ax.text(1.025, 0.96 - 0.16 * len(ordered), "half within · 99 % within", transform=ax.transAxes, va="center",
            color=theme.MUTED, fontsize=9)  # fmt: skip
