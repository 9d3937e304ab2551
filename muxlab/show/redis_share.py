"""`redis_share`: what one request costs each server, in the kernel and outside of it, and how much of Redis that is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from muxlab.measure.protocol import machine
from muxlab.measure.redis_share import REAL
from muxlab.show import style
from muxlab.show.findings import describe, listed, set_finding, two_digits
from muxlab.show.log_axes import legend_below

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PARTS = {
    "in system calls": ("#8FA9BB", ""),
    "in the program itself": (style.OWN.colour, "//"),
    "undivided: the run was short": ("#6C757D", ""),
}
"""The parts of a bar, from left to right: what each is called, its colour, and its hatching."""

BAR, AROUND = 0.36, 1.7  # inches: of a bar, and of what is around the bars of one chart


def redis_share(rows: Iterable[Any], axes: Sequence[Axes] | None = None) -> list[Axes]:
    """Draw the CPU time of one request for each server, and how much of the real Redis that is.

    Args:
        rows: what `muxlab.measure.redis_share` returned.
        axes: where to draw, one for each length of the pipeline; a new figure when None.

    Returns:
        The Axes, one for each length of the pipeline, the shortest first. The title says what part of the real Redis
        the first of the other servers is: requests for each second of CPU time.

    Raises:
        ValueError: there is nothing to draw.
    """
    charts: dict[int, list[Any]] = {}
    for row in rows:
        charts.setdefault(row.pipeline, []).append(row)
    if not charts:
        raise ValueError("redis_share() was given no rows: pass what muxlab.measure.redis_share returned")
    with style.style():
        given = list(axes) if axes is not None else _new(list(charts.values()))
        for ax, pipeline in zip(given, sorted(charts), strict=True):
            _draw(ax, pipeline, charts[pipeline])
        given[-1].set_xlabel("CPU microseconds of the server for each request")
        handles, labels = given[-1].get_legend_handles_labels()
        legend = {part: handles[labels.index(part)] for part in PARTS if part in labels}
        legend_below(given[-1], list(legend.values()), list(legend))
        if axes is None:
            set_finding(given[0], _finding(charts))
            described = [_in_words(row) for pipeline in sorted(charts) for row in charts[pipeline]]
            describe(given[0], *described, title=_finding(charts))
    return given


def _new(charts: Sequence[list[Any]]) -> list[Axes]:
    from muxlab.show.chart_figure import new_charts

    heights = [BAR * len(rows) + 0.5 for rows in charts]
    size = style.CHART[0], sum(heights) + AROUND
    return list(new_charts(len(charts), figsize=size, height_ratios=heights)[1][:, 0])


def _draw(ax: Axes, pipeline: int, rows: list[Any]) -> None:
    longest = max(row.cpu_us_per_request for row in rows)
    for place, row in enumerate(rows):
        left = 0.0
        for part, width in _parts(row).items():
            colour, hatch = PARTS[part]
            look: Any = {"color": style.on_any_page(colour, 2.0), "hatch": hatch, "edgecolor": style.PAGES[0]}
            ax.barh(place, width, left=left, height=0.62, linewidth=0, label=part, **look)
            left += width
        said = f"{two_digits(row.cpu_us_per_request)} µs"
        if row.server != REAL:
            said += f", {row.share:.0%} of Redis"
        ax.text(left + longest / 80, place, said, va="center", fontsize=10)
    ax.set_yticks(range(len(rows)), [row.server for row in rows])
    ax.set(ylim=(len(rows) - 0.5, -0.9), xlim=(0, longest * 1.45))  # room for the words
    ax.tick_params(axis="y", length=0)
    ax.grid(False, axis="y")
    asked = "one request at a time" if pipeline == 1 else f"{pipeline} requests in a pipeline"
    ax.text(1, 1, asked, transform=ax.transAxes, ha="right", va="top", fontsize=10.5, style="italic")


def _parts(row: Any) -> dict[str, float]:
    """Return how long each part of a bar is, in microseconds."""
    whole = row.cpu_us_per_request
    if row.in_kernel is None:
        return {"undivided: the run was short": whole}
    return {"in system calls": whole * row.in_kernel, "in the program itself": whole * (1 - row.in_kernel)}


def _finding(charts: dict[int, list[Any]]) -> str:
    """Say what part of Redis the first of the other servers is, with each pipeline; and where, if it was not here."""
    shares: list[str] = []
    name = ""
    for pipeline in sorted(charts):
        others = [row for row in charts[pipeline] if row.server != REAL]
        if others:
            where = others[0].machine
            name = f"{where}: {others[0].server}" if where not in ("", machine()) else others[0].server
            asked = f" with {pipeline} requests in a pipeline" if pipeline > 1 else ""
            shares.append(f"{others[0].share:.0%}" + " of Redis" * (not shares) + asked)
    return f"{name[:1].upper()}{name[1:]} is {listed(shares)}" if shares else "What one request costs Redis"


def _in_words(row: Any) -> str:
    parts = ", ".join(f"{two_digits(width)} {part}" for part, width in _parts(row).items())
    asked = "one at a time" if row.pipeline == 1 else f"{row.pipeline} in a pipeline"
    share = "" if row.server == REAL else f"; {row.share:.0%} of Redis"
    return (
        f"{row.server}, {asked}: {two_digits(row.cpu_us_per_request)} CPU microseconds for a request, {parts}{share}."
    )
