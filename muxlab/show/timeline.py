"""`timeline` and `compare`: the calls that servers made, a mark for each, descriptors down and calls along.

Along may also be time: then a call is a bar as long as it lasted, see `time_bars.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from muxlab.show import style
from muxlab.show.call_rows import RowLayout, Selection, lay_out, row_of, select
from muxlab.show.time_bars import TALL, draw_times, explain_times
from muxlab.watch.calls import Calls

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from muxlab.server import Server

MEANING = {
    "data": "data, or a new client",
    "EAGAIN": "EAGAIN: nothing yet",
    "end": "end: the client has finished",
    "error": "error",
    "wait": "wait, for all at once",
    "done": "done, nothing to tell",
}
"""What the legend says of each outcome, in the order of the legend."""

OVER = ("wait", "done", "EAGAIN", "data", "end", "error")  # as they are drawn: rare ones lie over what may be a wall
ROW = 0.24  # inches: a line of text, and some air
NAMES = 60  # points that the names of the rows take
WALL = 1000  # marks in a chart: more of them are stored as one small picture


def timeline(
    calls: Calls | Server,
    ax: Axes | None = None,
    *,
    first: int = 0,
    last: int = 0,
    times: bool = False,
    waiting: Mapping[str, tuple[float, float]] | None = None,
) -> Axes:
    """Draw the calls that a server made: descriptors down, calls along, one mark for each call by its outcome.

    Args:
        calls: `server.calls` of a tapped server, or the server or stepper itself.
        ax: where to draw; a new figure when None.
        first, last: show so many calls from the beginning, or so many up to the latest; all that are kept when 0.
        times: along is time instead of the call's number, and a call in which the server slept is a bar, as long as
            it lasted.
        waiting: for each client that was seen waiting, when that began and ended, in seconds of `time.monotonic`:
            {"client 2": (asked, answered)}. It is drawn as a bar of its own, and asks for `times`.

    Returns:
        The Axes. Its title counts all calls there were, or names the longest of those shown. Of the calls that are
        shown, each outcome has one line: label "data", "EAGAIN", "end", "error", "wait" or "done", a point for each
        call, with the call's number, or the time of its end, as its x.

    Raises:
        TypeError: these are not the calls of a tapped server.
        ValueError: there are no calls to show, or `waiting` names no client or ends before it begins.
    """
    selection = select(calls, "", first, last)
    if times or waiting:
        return _timeline_of_times(selection, ax, waiting or {})
    rows = lay_out([selection])
    with style.style():
        if ax is None:
            (ax,) = _new_charts(rows, [selection])
        _draw(ax, selection, rows, (selection.shown[0].number, selection.shown[-1].number))
        ax.set_xlabel(f"call number{selection.part and ': ' + selection.part}")
        _explain(ax, [selection])
    return ax


def _timeline_of_times(selection: Selection, ax: Axes | None, waiting: Mapping[str, tuple[float, float]]) -> Axes:
    for name, (began, ended) in waiting.items():
        if not name.removeprefix("client ").isdigit() or began > ended:
            raise ValueError(
                f"waiting={{{name!r}: ({began}, {ended})}}: give 'client 1', and (began, ended) in seconds"
            )
    rows = lay_out([selection], also=waiting, waits=False)
    with style.style():
        if ax is None:
            (ax,) = _new_charts(rows, [selection], TALL)
        room = _width(ax) / len(selection.shown)
        draw_times(ax, selection, rows, waiting, lambda kind: _mark(kind, 6, room))
        _name_rows(ax, selection, rows)
        _explain(ax, [selection], explain_times(selection, waiting))
    return ax


def compare(
    servers: Mapping[str, Calls | Server] | Iterable[Calls | Server], *, first: int = 0, last: int = 0
) -> list[Axes]:
    """Draw the calls of several servers above one another, as `timeline` does, with the same rows and the same scale.

    Args:
        servers: tapped servers, steppers or their `.calls`, in the order from top to bottom; or {name: any of these}.
        first, last: show so many calls of each from the beginning, or up to the latest; all that are kept when 0.

    Returns:
        The Axes, from top to bottom. Each is named and coloured as its server, and counts its calls.

    Raises:
        TypeError: one of them is not a tapped server, nor the calls of one.
        ValueError: one of them has no calls to show.
    """
    pairs = servers.items() if isinstance(servers, Mapping) else (("", calls) for calls in servers)
    selections = [select(calls, name, first, last) for name, calls in pairs]
    if not selections:
        raise ValueError("compare() was given no servers: pass several, as in compare([one, other])")
    rows, widest = lay_out(selections), max(len(selection.shown) for selection in selections)
    whole = not any(selection.part for selection in selections)
    with style.style():
        axes = _new_charts(rows, selections)
        for ax, selection in zip(axes, selections, strict=True):
            _draw(ax, selection, rows, (1, widest))
            ax.set_xlabel(selection.part)
            if whole and len(selection.shown) < 0.7 * widest:  # the rest is not left out: there is none
                between = len(selection.shown), rows.height // 2 + 0.5  # two rows
                ax.annotate(
                    "no more calls", between, xytext=(14, 0), va="center", textcoords="offset points", fontsize=10
                )
        last_part = selections[-1].part and ": " + selections[-1].part
        axes[-1].set_xlabel(("call number" if whole else "calls, counted from the first one shown") + last_part)
        _explain(axes[-1], selections)
    return axes


# ---- drawing


def _new_charts(rows: RowLayout, selections: Sequence[Selection], row: float = ROW) -> list[Axes]:
    """Return a new figure's charts of these rows, each `row` inches high, one for each selection, top down."""
    from muxlab.show.chart_figure import new_charts

    width = style.CHART[0]
    in_a_line = all(_fit_in_a_line(one.name, _counts(one.calls), 72 * width - NAMES) for one in selections)
    title, foot = 0.42 if in_a_line else 0.62, 0.95  # inches: for the title of each chart; for the axis and the legend
    count = len(selections)
    size = width, count * (row * (rows.height + 1.2) + title) + foot
    figure, axes = new_charts(count, figsize=size, sharex=True)
    figure.set_layout_engine("constrained", h_pad=0.09)
    return list(axes[:, 0])


def _draw(ax: Axes, selection: Selection, rows: RowLayout, span: tuple[int, int]) -> None:
    """Draw the calls of one server, the first of them at the first number of `span`, with room up to the last."""
    from matplotlib.ticker import MaxNLocator

    bottom = rows.height + 0.6
    room = _width(ax) / (span[1] - span[0] + 1)  # points for each call
    size = min(_fit(room * len(rows.down), 2, 6), 24 * rows.closeness)  # a call of the same row comes after all others'
    places: dict[str, list[tuple[int, float]]] = {}
    for x, call in enumerate(selection.shown, span[0]):
        places.setdefault(call.kind, []).append((x, rows.down[row_of(call)]))
    for level, kind in enumerate(OVER, 3):
        if kind in places:
            ax.plot(*zip(*places[kind], strict=True), label=kind, zorder=level, rasterized=len(selection.shown) > WALL,
                    **_mark(kind, size, room))  # fmt: skip
    ax.vlines([x for x, _ in places.get("wait", ())], -0.6, bottom, color=_colour("wait"), alpha=0.3,
              linewidth=_fit(0.8 * room, 0.4, 6), rasterized=len(selection.shown) > WALL)  # fmt: skip
    ax.set(xlim=(span[0] - 6 / room, span[1] + 6 / room), ylim=(bottom, -0.6))
    ax.set_title(_counts(selection.calls), loc="right", fontsize=10, fontweight="normal")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.xaxis.set_major_formatter(lambda value, _: style.human_number(value))
    _name_rows(ax, selection, rows)


def _name_rows(ax: Axes, selection: Selection, rows: RowLayout) -> None:
    """Write the name of the server above its chart, and those of the rows beside it."""
    name, finding = selection.name or "calls", ax.get_title("right")
    beside = _fit_in_a_line(name, finding, _width(ax))
    ax.set_title(name if beside else f"{name}\n", loc="left", color=style.text_colour(selection.name), parse_math=False)
    ax.spines["left"].set(color=style.line_colour(selection.name), linewidth=4)
    ax.tick_params(axis="y", length=0, pad=7, labelsize=11 if rows.closeness > 0.75 else 9)
    names = list(rows.named())
    ax.set_yticks([rows.down[name] for name in names], names)
    ax.xaxis.grid(False)


def _fit_in_a_line(name: str, finding: str, width: float) -> bool:
    """Tell whether the name of a server and what is said of it have room above a chart, so many points wide."""
    return 8 * len(name) + 5.2 * len(finding) < width  # points that letters of the two sizes take


def _width(ax: Axes) -> float:
    """Return the width of a chart in points, nearly: the layout will change it a little."""
    return float(ax.get_window_extent().width * 72 / ax.figure.dpi)


def _mark(kind: str, size: float, room: float) -> dict[str, Any]:
    """Return how marks of one outcome are drawn: `size` points large, with `room` points from call to call."""
    look = style.OUTCOME[kind]
    edge = {"wait": _fit(0.8 * room, 0.6, 4), "done": 1.6}.get(kind, 0)  # these two are strokes, and have nothing else
    size = 9 if kind == "wait" else max(size + 1, 5) if kind in ("data", "end", "error") else size
    return {"linestyle": "none", "marker": look.marker, "color": _colour(kind), "clip_on": False, "markersize": size,
            "markeredgewidth": edge}  # fmt: skip


def _colour(kind: str) -> str:
    return style.on_any_page(style.OUTCOME[kind].colour)


def _fit(size: float, least: float, most: float) -> float:
    return max(least, min(most, size))


def _counts(calls: Calls) -> str:
    """Say in numbers what all calls came to: "412 calls: 396 EAGAIN, 8 data, 4 ends"."""
    kinds = calls.kinds()
    most_first = sorted(kinds, key=lambda kind: (-kinds[kind], [*MEANING].index(kind)))
    words = (f"{kinds[kind]:,} {_plural(kind, kinds[kind])}" for kind in most_first)
    made = calls.system_calls().total()
    completions = calls.total() - made
    and_more = f" and {completions:,} {_plural('completion', completions)}" if completions else ""
    return f"{made:,} {_plural('call', made)}{and_more}: {', '.join(words)}"


def _plural(word: str, count: int) -> str:
    return f"{word}s" if count != 1 and word in ("call", "completion", "end", "error", "wait") else word


def _explain(ax: Axes, selections: Iterable[Selection], more: Iterable[Any] = ()) -> None:
    """Say below the chart what the marks in it mean, and `more`, which has a label too."""
    from matplotlib.lines import Line2D
    from matplotlib.transforms import ScaledTranslation

    kinds = {call.kind for selection in selections for call in selection.shown}
    marks = [Line2D([], [], label=text, **_mark(kind, 6, 4)) for kind, text in MEANING.items() if kind in kinds]
    marks += more
    columns = max(1, min(3, int(_width(ax) / 130)))  # points that the longest of the texts takes
    below = ax.transAxes + ScaledTranslation(0, -0.5, ax.figure.dpi_scale_trans)  # half an inch: ticks and label
    ax.legend(handles=marks, loc="upper left", bbox_to_anchor=(0, 0), bbox_transform=below, ncols=columns, fontsize=9.5,
              borderaxespad=0, handletextpad=0.3, columnspacing=1.6)  # fmt: skip
