"""`durations`: a row of dots for each way of doing something, one dot for each time that it was done."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from muxlab.show import style
from muxlab.show.log_axes import plain_ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00")
"""Colours of the rows, in their order; a sixth row has the first one again."""

SPREAD = 0.3
"""How far the dots of a row lie apart, in rows, so that equal ones do not hide each other."""


def durations(times: Mapping[str, Sequence[float]], ax: Axes | None = None) -> Axes:
    """Draw how long things took: a dot for each time, and a line at the median, one row for each way.

    Args:
        times: for each way, in words, the seconds of each repetition.
        ax: where to draw; a new figure when None.

    Returns:
        The Axes, the scale of the times logarithmic. The title says how many times the slowest way takes the fastest.

    Raises:
        ValueError: there is nothing to draw, or a time is not above zero.
    """
    if not times or not all(len(seconds) for seconds in times.values()):
        raise ValueError("durations() was given no times: pass {way: [seconds, ...]}")
    if any(not 0 < one < math.inf for seconds in times.values() for one in seconds):
        raise ValueError("durations() wants seconds above zero")
    medians = {way: statistics.median(seconds) for way, seconds in times.items()}
    slow, fast = max(medians, key=medians.__getitem__), min(medians, key=medians.__getitem__)
    with style.style():
        ax = style.new_axes(ax, height=1.1 + 0.6 * len(times))
        for row, (way, seconds) in enumerate(times.items()):
            colour = style.on_any_page(COLOURS[row % len(COLOURS)])
            lifts = [row + SPREAD * (2 * number / max(1, len(seconds) - 1) - 1) for number in range(len(seconds))]
            ax.plot(seconds, lifts, "o", color=colour, markersize=4, alpha=0.7)
            ax.plot([medians[way]] * 2, [row - 0.4, row + 0.4], color=colour, linewidth=2)
        ax.set(xscale="log", xlabel="time for one round", ylim=(len(times) - 0.5, -0.5))
        every = [one for seconds in times.values() for one in seconds]
        ax.set_xlim(min(every) / 2, max(every) * 2)
        plain_ticks(ax.xaxis, style.short_seconds)
        ax.set_yticks(range(len(times)), [f"{way}\nhalf within {style.human_seconds(medians[way])}" for way in times])
        ax.tick_params(axis="y", length=0)
        ax.grid(False, axis="y")
        if len(times) > 1:
            ax.set_title(f"{slow[:1].upper()}{slow[1:]}: {medians[slow] / medians[fast]:,.0f} times {fast}")
    return ax
