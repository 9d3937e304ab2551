"""`queues`: what is in the two queues of a ring, and with the kernel, at several moments, one below the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from muxlab.ring import Queues
from muxlab.show import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PLACES = ("submission queue", "with the kernel", "completion queue")
WIDTH, GAP = 1.74, 0.26  # inches: of a place, and between two
LINE, PAD, MOMENT = 0.25, 0.09, 0.34  # inches: an entry, the room around them, the title of a moment
TOP = 0.34  # inches, for the names of the places


def queues(moments: Mapping[str, Queues | Sequence[Sequence[str]]]) -> Axes:
    """Draw what is where: for each moment the submission queue, the requests with the kernel, the completion queue.

    Args:
        moments: what `Ring.queues` returned, by what had happened just before: {"after ring.enter": queues}.

    Returns:
        The Axes of the picture, measured in inches from its top left corner.

    Raises:
        ValueError: there is no moment, or one that has not three places.
    """
    looks = {moment: [list(place) for place in look] for moment, look in moments.items()}
    if not looks or any(len(look) != len(PLACES) for look in looks.values()):
        raise ValueError("queues() wants what Ring.queues() returned, by moment: {'after enter': ring.queues()}")
    heights = [MOMENT + 2 * PAD + LINE * max(1, *map(len, look)) for look in looks.values()]
    with style.style():
        ax = _new(TOP + sum(heights))
        for column, place in enumerate(PLACES):
            style.write(ax, _left(column), TOP / 2, place, fontsize=10.5, color=style.MID)
        down = TOP
        for (moment, look), height in zip(looks.items(), heights, strict=True):
            _draw_moment(ax, down, height, moment, look)
            down += height
        ax.figure.alternative = "\n".join(_in_words(moment, look) for moment, look in looks.items())  # type: ignore
    return ax


def _new(height: float) -> Axes:
    from muxlab.show.chart_figure import new_charts

    width = style.CHART[0]
    figure, axes = new_charts(figsize=(width, height))
    figure.set_layout_engine("none")  # every place is given
    ax: Axes = axes[0, 0]
    ax.set_position((0, 0, 1, 1))
    ax.set(xlim=(0, width), ylim=(height, 0))
    ax.axis("off")
    return ax


def _draw_moment(ax: Axes, down: float, height: float, moment: str, look: Sequence[Sequence[str]]) -> None:
    style.write(ax, 0.02, down + MOMENT / 2, moment, fontsize=10.5, fontweight="bold", color=style.MID)
    for column, entries in enumerate(look):
        top = down + MOMENT
        _box(ax, _left(column), top, WIDTH, height - MOMENT - 0.05, style.MID, 0.06)
        for number, entry in enumerate(entries):
            colour = style.on_any_page(_colour(column, entry))
            at = top + PAD + LINE * number
            _box(ax, _left(column) + 0.07, at, WIDTH - 0.14, LINE - 0.05, colour, 0.12)
            ink: Any = {"fontsize": 9, "color": style.on_any_page(_colour(column, entry), 4.2)}
            style.write(ax, _left(column) + 0.14, at + (LINE - 0.05) / 2, entry, **ink)
        if not entries:
            middle = top + (height - MOMENT - 0.05) / 2
            style.write(ax, _left(column) + WIDTH / 2, middle, "\N{EN DASH}", ha="center", color=style.MID)


def _box(ax: Axes, left: float, top: float, width: float, height: float, colour: str, strength: float) -> None:
    from matplotlib.colors import to_rgba
    from matplotlib.patches import FancyBboxPatch

    shape: Any = {"boxstyle": "round,pad=0,rounding_size=0.05", "linewidth": 0.9}
    paint: Any = {"edgecolor": to_rgba(colour, 0.75), "facecolor": to_rgba(colour, strength)}
    ax.add_patch(FancyBboxPatch((left, top), width, height, **shape, **paint))


def _left(column: int) -> float:
    return 0.02 + column * (WIDTH + GAP)


def _colour(column: int, entry: str) -> str:
    """Return the colour of an entry: a request is the ring's, a completion that of its outcome."""
    if column < 2:
        return style.look("uring").colour
    _, _, result = entry.rpartition(" = ")
    failed = result.startswith("E") and result.isupper()
    return style.OUTCOME["error" if failed else "end" if entry.startswith("recv") and result == "0" else "data"].colour


def _in_words(moment: str, look: Sequence[Sequence[str]]) -> str:
    places = (f"{place}: {', '.join(held) or 'nothing'}" for place, held in zip(PLACES, look, strict=True))
    return f"{moment}: {'; '.join(places)}"
