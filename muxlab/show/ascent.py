"""The chart of a climb: how long a round trip takes while the crowd grows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from muxlab.show import theme
from muxlab.show.lines import Label, name_lines, plain_ticks

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
    with theme.style():
        ax = theme.new_axes(ax)
        ax.set(xscale="log", yscale="log", xlabel="connections", ylabel="time of a round trip, median")
        ax.set_title("How long a reply takes while the crowd grows")
        for name, line in points.items():
            look = theme.look(name)
            ax.plot(*zip(*line, strict=True), color=look.colour, marker=look.marker, linestyle=look.line, label=name)
            for count, seconds in line:
                ax.annotate(theme.human_seconds(seconds), (count, seconds), xytext=(4, -7), textcoords="offset points",
                            ha="left", va="top", fontsize=9, color=theme.darker(look.colour))  # fmt: skip
        times = [seconds for line in points.values() for _, seconds in line]
        ax.set_ylim(min(times) / 3, max(times) * 3)  # room for the writing, and for a flat line to look flat
        plain_ticks(ax.xaxis, theme.human_number)
        plain_ticks(ax.yaxis, theme.short_seconds)
        name_lines(ax, [Label(name, name, line[-1]) for name, line in points.items()])
    return ax
