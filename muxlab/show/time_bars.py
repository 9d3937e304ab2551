"""The part of a timeline that is about time: a bar for each call in which the server slept, as long as it lasted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from muxlab.show import style
from muxlab.show.call_rows import RowLayout, Selection, row_of
from muxlab.watch.calls import Call

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TALL = 0.36  # inches: a row with room for a bar and a line of text in it
SEEN = 0.01  # of the whole time: a call that took less is a mark without a bar
LETTER = 5.6  # points that a letter in a bar takes
ASLEEP, WAITS = "asleep in a call", "a client waits"

Waiting = Mapping[str, tuple[float, float]]


def draw_times(ax: Axes, selection: Selection, rows: RowLayout, waiting: Waiting, mark: Callable[[str], dict]) -> None:
    """Draw the calls of one server along time; `mark` returns how the marks of one outcome are drawn."""
    start, end = _span(selection, waiting)
    unit, size = ("seconds", 1.0) if end - start >= 2 else ("milliseconds", 1e-3)
    bars = [
        (name, began, ended, WAITS, f"{name} waits: {style.human_seconds(ended - began)}")
        for name, (began, ended) in waiting.items()
    ] + [
        (row_of(call), call.began, call.began + call.took, ASLEEP,
         f"asleep in {call.name}: {style.human_seconds(call.took)}")
        for call in _long(selection, end - start)
    ]  # fmt: skip
    for row, began, ended, what, words in bars:
        left, right = (began - start) / size, (ended - start) / size
        ax.barh(rows.down[row], right - left, 0.74, left, color=_colour(what), zorder=2)
        if LETTER * len(words) < 0.8 * style.CHART[0] * 72 * (ended - began) / (end - start):  # it fits into its bar
            ax.annotate(words, ((left + right) / 2, rows.down[row]), ha="center", va="center", color=style.INK,
                        fontsize=10, zorder=3)  # fmt: skip
    places: dict[str, list[tuple[float, float]]] = {}
    for call in selection.shown:
        places.setdefault(call.kind, []).append(((call.began + call.took - start) / size, rows.down[row_of(call)]))
    for kind, points in places.items():
        ax.plot(*zip(*points, strict=True), label=kind, zorder=4, **mark(kind))
    whole = max(end - start, 1e-6) / size
    ax.set(xlim=(-0.015 * whole, 1.015 * whole), ylim=(rows.height + 0.6, -0.6))
    ax.set_xlabel(f"{unit} since the first call{selection.part and ': ' + selection.part}")
    longest = max(selection.shown, key=_took)
    finding = f"{longest.name}({longest.who})" if longest.who else longest.name
    took, total = style.human_seconds(longest.took), style.human_seconds(end - start)
    ax.set_title(f"longest: {finding}, {took} of {total}", loc="right", fontsize=10, fontweight="normal")


def explain_times(selection: Selection, waiting: Waiting) -> list[Any]:
    """Return what the legend has to say about bars, for those that are there."""
    from matplotlib.patches import Patch

    start, end = _span(selection, waiting)
    seen = any(ended - began > SEEN * (end - start) for began, ended in waiting.values())
    there = [ASLEEP] * any(_long(selection, end - start)) + [WAITS] * seen
    return [Patch(facecolor=_colour(what), label=what) for what in there]


def _span(selection: Selection, waiting: Waiting) -> tuple[float, float]:
    moments = [(call.began, call.began + call.took) for call in selection.shown] + [*waiting.values()]
    return min(began for began, _ in moments), max(ended for _, ended in moments)


def _long(selection: Selection, whole: float) -> Iterator[Call]:
    return (call for call in selection.shown if call.took > SEEN * whole)


def _took(call: Call) -> float:
    return call.took


def _colour(what: str) -> str:
    return style.on_any_page(style.OUTCOME["wait" if what == ASLEEP else "EAGAIN"].colour)
