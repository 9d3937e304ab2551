"""`path`: where the bytes of a client are, moment by moment, while it only sends, and then while it reads.

Five places lie one above the other, in the order in which a byte leaves them last: the client's receive queue at the
bottom, its send queue on top. The one in the middle, the server's own memory, has the strongest colour.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from muxlab.measure.slow_reader import Moment
from muxlab.show import style
from muxlab.show.log_axes import legend_below

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PLACES = {
    "at_client": ("client's receive queue", "#56B4E9", ""),
    "sending": ("server's send queue", "#0072B2", ""),
    "unsent": ("server's memory: unsent", style.OWN.colour, "xx"),
    "unread": ("server's receive queue", "#E69F00", ""),
    "behind": ("client's send queue", "#D55E00", ""),
}
"""The places, from the bottom of the chart to its top: what each is called, its colour, and its hatching."""

HEIGHT = 2.6  # inches, of one chart
LEGEND = 1.1  # inches, below the last one
KIB = 1024


def path(runs: Mapping[str, Iterable[Moment]] | Iterable[Moment], axes: Iterable[Axes] | None = None) -> list[Axes]:
    """Draw the places of a slow reader's bytes: one chart for each run, all over the pieces that were sent and read.

    Args:
        runs: what `muxlab.measure.slow_reader` returned; or several of those by name, {name: moments}.
        axes: where to draw, one for each run; a new figure when None.

    Returns:
        The Axes, one for each run. Each title says how many bytes the server itself held at most.

    Raises:
        ValueError: there is no run, or a run without a moment.
    """
    named = dict(runs) if isinstance(runs, Mapping) else {"": runs}
    found = {name: list(moments) for name, moments in named.items()}
    if not found or not all(found.values()):
        raise ValueError("path() was given no moments: pass what muxlab.measure.slow_reader returned")
    with style.style():
        given = list(axes) if axes is not None else _new(len(found))
        for ax, (name, moments) in zip(given, found.items(), strict=True):
            _draw(ax, name, moments)
        given[-1].set_xlabel("pieces sent, then pieces read")
        handles, labels = given[0].get_legend_handles_labels()
        legend_below(given[-1], handles[::-1], labels[::-1], ncols=2)
    return given


def _new(number: int) -> list[Axes]:
    from muxlab.show.chart_figure import new_charts

    return list(new_charts(number, figsize=(style.CHART[0], HEIGHT * number + LEGEND))[1][:, 0])


def _draw(ax: Axes, name: str, moments: list[Moment]) -> None:
    turn = next((number for number, moment in enumerate(moments) if moment.reading), len(moments))
    at = range(1, len(moments) + 1)
    floor = [0.0] * len(moments)
    for place, (label, colour, hatch) in PLACES.items():
        top = [low + getattr(moment, place) / KIB for low, moment in zip(floor, moments, strict=True)]
        look: Any = {"facecolor": style.on_any_page(colour, 2.0), "linewidth": 0, "hatch": hatch, "step": "mid"}
        ax.fill_between(at, floor, top, label=label, edgecolor=style.mixed(colour, "#FFFFFF", 0.45), **look)
        floor = top
    highest = max(floor) or 1.0
    held = max(moment.unsent for moment in moments) / KIB
    finding = f"the server itself holds at most {held:,.0f} KiB"
    ax.set_title(f"{name}: {finding}" if name else finding[0].upper() + finding[1:])
    ax.set(xlim=(0.5, len(moments) + 0.5), ylim=(0, highest * 1.18), ylabel="KiB on their way")
    if 0 < turn < len(moments):
        ax.axvline(turn + 0.5, color=style.MID, linewidth=1, linestyle=(0, (3, 2)))
        aside: Any = {
            "xycoords": ("data", "axes fraction"),
            "textcoords": "offset points",
            "va": "top",
            "fontsize": 9.5,
        }
        ax.annotate("it only sends", (turn + 0.5, 1), xytext=(-6, -2), ha="right", **aside)
        ax.annotate("it reads", (turn + 0.5, 1), xytext=(6, -2), ha="left", **aside)
