"""What a chart says in its title: a sentence made from the rows that it draws, never one that was known before."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from muxlab.measure.rows import Form
from muxlab.show import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SAME = 1.25  # times as much: two runs of one server may differ by as much, so it is called the same
LETTER = 0.66  # of its size is the width of a letter in bold, nearly
BESIDE = 60  # points beside a chart that its title cannot use: the numbers of the vertical axis
NAMED = 3  # groups of names in one sentence; of more, the first and the last are named


def set_finding(ax: Axes, finding: str) -> None:
    """Write a sentence above a chart, over as many lines as its width asks for."""
    size: Any = ax.set_title("", loc="left").get_fontsize()
    title = textwrap.fill(finding, letters_beside(ax, LETTER * size), break_on_hyphens=False)
    ax.set_title(title, loc="left", parse_math=False)
    figure: Any = ax.figure
    if hasattr(figure, "alternative") and len(figure.axes) == 1:  # ours: it grows, and the chart does not shrink
        figure.set_figheight(figure.get_figheight() + max(0, title.count("\n") - 1) * 1.2 * size / 72)


def describe(ax: Axes, *lines: str, title: str = "") -> None:
    """Give a figure of ours its alternative text: its title, and what a look at it would tell besides."""
    if hasattr(ax.figure, "alternative"):
        title = title or " ".join(ax.get_title("left").split())
        ax.figure.alternative = "\n".join([f"{title}.", *lines])


def numbers_of(lines: Mapping[str, Sequence[tuple[int, float]]], form: Form) -> str:
    """Say the points of lines in numbers."""
    points = "; ".join(
        f"{name}: {', '.join(f'{two_digits(cost)} with {size:,}' for size, cost in line)}"
        for name, line in lines.items()
    )
    return f"{form.costs[0].upper()}{form.costs[1:]}, by {form.sizes}. {points}."


def letters_beside(ax: Axes, letter: float) -> int:
    """Return how many letters, so many points wide, stand in a line above a chart: up to the next one, or the edge."""
    grid = ax.get_subplotspec()
    columns = grid.get_gridspec().ncols if grid else 1
    return max(20, int((ax.figure.bbox.width * 72 / ax.figure.dpi / columns - BESIDE) / letter))


def rise(form: Form, lines: Mapping[str, Sequence[tuple[int, float]]]) -> str:
    """Say how much more each line costs at the largest size that all have than at the smallest; or what is drawn.

    "With 90 times as many connections, a reply costs select 14 times as much, and epoll about as much as before."
    """
    common = set.intersection(*(set(dict(points)) for points in lines.values()))
    if not common or max(common) < 2 * min(common):
        return form.title
    low, high = min(common), max(common)
    factors = {name: dict(points)[high] / dict(points)[low] for name, points in lines.items()}
    growth = f"With {two_digits(high / low)} times as many {form.sizes}, {form.one} {form.verb}"
    return f"{growth} {_in_words(factors, form.much)}"


def times_as(factor: float, much: str = "much") -> str:
    """Return a factor in words: "14 times as much", or "about as much" where it is no more than a wobble."""
    return f"about as {much}" if 1 / SAME <= factor <= SAME else f"{two_digits(factor)} times as {much}"


def two_digits(number: float) -> str:
    """Write a number above zero with two digits that mean something: 0.43, 1.6, 14, 140, 1,400."""
    rounded = float(f"{number:.1e}")
    return f"{rounded:,.0f}" if rounded >= 10 else f"{rounded:g}"


def listed(names: Iterable[str]) -> str:
    """Return names as a list in English: "select, poll and epoll"."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def _in_words(factors: Mapping[str, float], much: str) -> str:
    order = [*style.WAITING, *factors]
    groups: dict[str, list[str]] = {}
    for name in sorted(factors, key=lambda name: -factors[name]):
        words = times_as(factors[name], much)
        groups.setdefault(f"{words} as before" if words.startswith("about") else words, []).append(name)
    parts = [f"{listed(sorted(names, key=order.index))} {words}" for words, names in groups.items()]
    if len(parts) > NAMED:
        parts = [parts[0], parts[-1]]
    return ", and ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))
