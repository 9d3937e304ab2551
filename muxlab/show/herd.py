"""Charts of several workers at one door: `wake_ups`, whom a client wakes, and `shares`, who gets how many clients."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from muxlab.show import style
from muxlab.show.findings import describe, listed, set_finding, two_digits
from muxlab.show.log_axes import legend_below

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LINES = (("#D55E00", "o", "-"), ("#0072B2", "^", (0, (6, 1.5))), ("#767A7D", "s", (0, (1, 1.2))))
"""Colour, marker and line of the ways, in the order in which they come; a fourth way has the first look again."""

WORKERS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
"""Colours of the workers, from the first; a seventh has the first one's again. The order says the same."""

NARROW = 0.035
"""Share of the whole bar below which a part has no room for its number."""


def wake_ups(rows: Iterable[Any], ax: Axes | None = None) -> Axes:
    """Draw how many workers one client wakes, by how many there are: one line for each way to wait.

    Args:
        rows: what `muxlab.measure.herd` returned, of one way or of several; each has `.way`, `.workers` and
            `.woken_by_each`.
        ax: where to draw; a new figure when None.

    Returns:
        The Axes. The title says, of the largest number of workers that all ways have, how many of them a client wakes.

    Raises:
        ValueError: there is nothing to draw.
    """
    lines: dict[str, dict[int, float]] = {}
    for row in rows:
        lines.setdefault(row.way, {})[row.workers] = row.woken_by_each
    if not lines:
        raise ValueError("wake_ups() was given no rows: pass what muxlab.measure.herd returned")
    with style.style():
        ax = style.new_axes(ax)
        for place, (way, points) in enumerate(lines.items()):
            colour, marker, line = LINES[place % len(LINES)]
            how: Any = {"color": style.on_any_page(colour), "marker": marker, "linestyle": line}
            ax.plot(sorted(points), [points[count] for count in sorted(points)], label=way, **how)
        counts = sorted({count for points in lines.values() for count in points})
        most = max(max(points.values()) for points in lines.values())
        ax.set(xlabel="workers, all asleep", ylabel="workers that one client wakes", ylim=(0, most * 1.1))
        ax.set_xticks(counts, [f"{count:,}" for count in counts])
        set_finding(ax, _who_wakes(lines))
        legend_below(ax, *ax.get_legend_handles_labels())
        points_said = (
            f"{way}: {', '.join(f'{two_digits(points[count])} of {count:,}' for count in sorted(points))}."
            for way, points in lines.items()
        )
        describe(ax, "Workers that one client wakes.", *points_said)
    return ax


def _who_wakes(lines: dict[str, dict[int, float]]) -> str:
    common = set.intersection(*(set(points) for points in lines.values()))
    if not common:
        return "How many workers one client wakes"
    count = max(common)
    said = listed(f"{two_digits(points[count])} with {way!r}" for way, points in lines.items())
    return f"Of {count:,} sleeping workers, one client wakes {said}"


def shares(rows: Iterable[Any], ax: Axes | None = None) -> Axes:
    """Draw how many clients each worker got: one bar for each row, with a part for each worker.

    Args:
        rows: what `muxlab.measure.herd` returned; each has `.way` and `.shares`.
        ax: where to draw; a new figure when None.

    Returns:
        The Axes. The title says where one worker got all, and where all got the same.

    Raises:
        ValueError: there is nothing to draw, or nobody came.
    """
    found = list(rows)
    if not found:
        raise ValueError("shares() was given no rows: pass what muxlab.measure.herd returned")
    if not all(sum(row.shares) for row in found):
        raise ValueError("shares() cannot divide among the workers what nobody got: in one of the rows, no client came")
    with style.style():
        ax = style.new_axes(ax, height=1.6 + 0.45 * len(found))
        for place, row in enumerate(found):
            _bar(ax, place, row.shares)
        ax.set_yticks(range(len(found)), [row.way for row in found])
        ax.set(ylim=(len(found) - 0.5, -0.5), xlim=(0, 1), xticks=[])
        ax.tick_params(axis="y", length=0)
        ax.grid(False)
        ax.spines["bottom"].set_visible(False)
        ax.spines["left"].set_visible(False)
        set_finding(ax, _who_gets(found))
        names: dict[str, Any] = {}
        for handle, name in zip(*ax.get_legend_handles_labels(), strict=True):
            names.setdefault(name, handle)
        place_below: Any = {"loc": "upper left", "bbox_to_anchor": (0, 0), "ncols": 4, "fontsize": 10}
        ax.legend(list(names.values()), list(names), handlelength=1.2, **place_below)
        describe(ax, *(f"{row.way}: {', '.join(map(str, row.shares))}." for row in found))
    return ax


def _bar(ax: Axes, place: int, parts: Sequence[int]) -> None:
    whole, left = sum(parts), 0.0
    for number, count in enumerate(parts, start=1):
        colour = style.under_letters(style.on_any_page(WORKERS[(number - 1) % len(WORKERS)], 2.0))
        width = count / whole
        ax.barh(place, width, left=left, height=0.66, color=colour, edgecolor=style.MID, linewidth=0.8,
                label=f"worker {number}")  # fmt: skip
        if width > NARROW:
            middle: Any = {"ha": "center", "va": "center", "fontsize": 10}
            ax.text(left + width / 2, place, f"{count:,}", color=style.letters_on(colour), **middle)
        left += width


def _who_gets(rows: Sequence[Any]) -> str:
    """Say where one worker got all, and where all got the same; or what is drawn."""
    several = [row for row in rows if len(row.shares) > 1]
    all_to_one = [row.way for row in several if max(row.shares) == sum(row.shares)]
    even = [row.way for row in several if max(row.shares) == min(row.shares)]
    said = []
    if all_to_one:
        said.append(f"with {listed(map(repr, all_to_one))}, one worker gets every client")
    if even:
        said.append(f"with {listed(map(repr, even))}, all get the same")
    sentence = "; ".join(said) or "who gets how many of the clients"
    return sentence[0].upper() + sentence[1:]
