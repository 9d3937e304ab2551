"""`ascent`: a crowd that grew step by step: the round trip, which stays as it was, and the memory, which grows with it.

Both charts have the connections to the right, on logarithmic scales: what costs the same however many there are is
flat, and what each connection takes for itself is a straight line upwards.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from muxlab.measure.ascent import doubt_about_memory
from muxlab.measure.rows import cheapest
from muxlab.show import style
from muxlab.show.findings import describe, rise, set_finding
from muxlab.show.log_axes import Points, lines_of, name_lines, plain_ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HEIGHTS = 2.9, 2.9  # inches, of the two charts
MEMORY = {"kernel": ("#0072B2", "o", "kernel_kib"), "Python": (style.OWN.colour, "D", "python_kib")}
"""Whose memory: its colour, its mark, and the figure of a row that tells it."""


def ascent(rows: Iterable[Any], axes: Iterable[Axes] | None = None) -> list[Axes]:
    """Draw how a crowd grew: the round trip above, and below it the memory that all the connections take.

    Args:
        rows: what `muxlab.measure.all_cores` returned, of one server.
        axes: where to draw, two of them; a new figure when None.

    Returns:
        The two Axes. A median is that of the quietest round of messages, a p99 that of all of them. The titles say,
        from the rows, how much longer a round trip takes, and what a connection takes of the memory, or why that
        cannot be told.

    Raises:
        ValueError: there are no rows, or they are of several servers.
    """
    rows = sorted(rows, key=lambda row: row.connections)
    form, lines = lines_of(rows, "ascent")
    if len(lines) > 1:
        raise ValueError(f"ascent() draws one server at a time, and these rows are of {', '.join(sorted(lines))}")
    with style.style():
        above, below = list(axes) if axes is not None else _new()
        set_finding(above, rise(form, lines))
        finding = _draw_memory(below, rows)
        _draw_round_trips(above, rows)
        sizes = [row.connections for row in rows]
        for ax in (above, below):
            ax.set_xlim(min(sizes) / 1.5, max(sizes) * 1.5)
            plain_ticks(ax.xaxis, style.human_number)
        points = ", ".join(
            f"{size:,}: {style.human_seconds(cheapest(row) / 1e6)}, {row.kib * size / 1024:,.0f} MiB"
            for size, row in zip(sizes, rows, strict=True)
        )
        describe(above, f"{finding}.", f"Connections, and with them the median round trip and the memory: {points}.")
    return [above, below]


def _new() -> list[Axes]:
    from muxlab.show.chart_figure import new_charts

    return list(new_charts(2, figsize=(style.CHART[0], sum(HEIGHTS) + 0.6), sharex=True)[1][:, 0])


def _draw_round_trips(ax: Axes, rows: list[Any]) -> None:
    name, look = rows[0].server, style.look(rows[0].server)
    colour = style.line_colour(name)
    named: dict[str, Points] = {}
    for label, line in (("p99", (0, (1, 1.5))), ("median", "-")):
        seconds = [row.p99 if label == "p99" else cheapest(row) / 1e6 for row in rows]
        named[label] = list(zip([row.connections for row in rows], seconds, strict=True))
        hollow = "none" if label == "p99" else "full"
        ax.plot(*zip(*named[label], strict=True), color=colour, marker=look.marker, linestyle=line, fillstyle=hollow,
                label=label)  # fmt: skip
    ax.set(xscale="log", yscale="log", ylabel="a round trip")
    times = [seconds for line in named.values() for _, seconds in line]
    ax.set_ylim(min(times) / 3, max(times) * 3)  # room for a flat line to look flat
    plain_ticks(ax.yaxis, style.short_seconds)
    times_at_end = {label: style.human_seconds(line[-1][1]) for label, line in named.items()}
    name_lines(ax, named, times_at_end, lambda label: style.text_colour(name))


def _draw_memory(ax: Axes, rows: list[Any]) -> str:
    """Draw whose memory the connections take; return what the chart's title says."""
    named: dict[str, Points] = {}
    for whose, (colour, marker, figure) in MEMORY.items():
        points = [(row.connections, getattr(row, figure) * row.connections / 1024) for row in rows]
        points = [(size, mib) for size, mib in points if mib > 0]  # with few of them, less than what else goes on
        if points:
            named[whose] = points
            ax.plot(*zip(*points, strict=True), color=style.on_any_page(colour), marker=marker, label=whose)
    last = rows[-1]
    finding = doubt_about_memory(rows).rstrip(".") or (
        f"{last.connections:,} connections take {last.kib * last.connections / 1024:,.0f} MiB: "
        f"for each, {last.kernel_kib:.1f} KiB in the kernel and {last.python_kib:.1f} in Python"
    )
    set_finding(ax, finding)
    ax.set(xscale="log", yscale="log", xlabel="connections", ylabel="memory for all of them, MiB")
    plain_ticks(ax.yaxis, lambda value: style.human_number(value) if value >= 1 else f"{value:g}")
    sizes_at_end = {whose: f"{line[-1][1]:,.0f} MiB" for whose, line in named.items()}
    if named:
        name_lines(ax, named, sizes_at_end, lambda whose: style.on_any_page(MEMORY[whose][0], 4.2))
    return finding
