"""`timeline` and `compare`: the calls that servers made, a mark for each, descriptors down and calls along.

What is drawn of one server is a `Selection` of its calls. The rows of one chart, or of several that are compared, are a
`RowLayout`, so that the same client is at the same place in each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from muxlab.show import style
from muxlab.watch.tap import WAITS, Call, Calls

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
ROWS = ("waits", "listener", "others")  # those that are not a client's
ROW = 0.24  # inches: a line of text, and some air
CLIENTS = 20  # rows of clients that a figure has room for, to fit on a screen; more clients stand closer together
NEAREST = 0.59  # of a row, from one name to the next, at least: so much does a line of small text need


def timeline(calls: Calls | Server, ax: Axes | None = None, *, first: int = 0, last: int = 0) -> Axes:
    """Draw the calls that a server made: descriptors down, calls along, one mark for each call by its outcome.

    Args:
        calls: `server.calls` of a tapped server, or the server or stepper itself.
        ax: where to draw; a new figure when None.
        first, last: show so many calls from the beginning, or so many up to the latest; all that are kept when 0.

    Returns:
        The Axes. Its title counts all calls there were. Of the calls that are shown, each outcome has one line: label
        "data", "EAGAIN", "end", "error", "wait" or "done", a point for each call, with the call's number as its x.

    Raises:
        TypeError: these are not the calls of a tapped server.
        ValueError: there are no calls to show.
    """
    selection = _select(calls, "", first, last)
    rows = _lay_out([selection])
    with style.style():
        if ax is None:
            (ax,) = _new_charts(rows, 1)
        _draw(ax, selection, rows, (selection.shown[0].number, selection.shown[-1].number))
        ax.set_xlabel(f"call number{selection.part and ': ' + selection.part}")
        _explain(ax, [selection])
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
    selections = [_select(calls, name, first, last) for name, calls in pairs]
    if not selections:
        raise ValueError("compare() was given no servers: pass several, as in compare([one, other])")
    rows, widest = _lay_out(selections), max(len(selection.shown) for selection in selections)
    whole = not any(selection.part for selection in selections)
    with style.style():
        axes = _new_charts(rows, len(selections))
        for ax, selection in zip(axes, selections, strict=True):
            _draw(ax, selection, rows, (1, widest))
            ax.set_xlabel(selection.part)
            if whole and len(selection.shown) < 0.7 * widest:  # the rest is not left out: there is none
                ax.annotate("no more calls", (len(selection.shown), rows.height / 2), xytext=(14, 0), va="center",
                            textcoords="offset points", color=style.MUTED, fontsize=10,
                            backgroundcolor=style.CARD)  # fmt: skip
        last_part = selections[-1].part and ": " + selections[-1].part
        axes[-1].set_xlabel(("call number" if whole else "calls, counted from the first one shown") + last_part)
        _explain(axes[-1], selections)
    return axes


# ---- what is drawn


@dataclass(frozen=True)
class Selection:
    """The calls of one server that are drawn.

    Attributes:
        name: the server's, which also decides the colour; or "".
        calls: all its calls, which the title counts.
        shown: those that are drawn.
        part: which of all they are: "the last 100 of 12,345", or "" for all.
    """

    name: str
    calls: Calls
    shown: list[Call]
    part: str


def _select(calls: Calls | Server, name: str, first: int, last: int) -> Selection:
    if not isinstance(calls, Calls):
        name = name or getattr(calls, "name", "")
        calls = getattr(calls, "calls", calls)
    if not isinstance(calls, Calls):
        raise TypeError(f"a timeline is of calls: pass muxlab.serve(fn, tap=True) or its .calls, not {calls!r}")
    name = name or calls.server
    if min(first, last) < 0 or (first and last):
        raise ValueError(f"first={first}, last={last}: give one of them, the number of calls to show")
    total, shown = calls.total(), calls.events
    if not shown:
        raise ValueError(f"{name or 'this server'} has made no calls yet: let a client talk to it first")
    if first:
        shown = [call for call in shown if call.number <= first]
        if len(shown) < min(first, total):
            raise ValueError(f"the first {first:,} of {total:,} calls are not kept any more: take last= instead")
    shown = shown[-last:]
    part = f"the {'first' if first else 'last'} {len(shown):,} of {total:,}" if len(shown) < total else ""
    return Selection(name, calls, shown, part)


@dataclass(frozen=True)
class RowLayout:
    """The places of the rows.

    Attributes:
        down: how far down each row is, by name; 1 from the next.
        closeness: the same from client to client, which is less where there are many.
    """

    down: dict[str, float]
    closeness: float

    @property
    def height(self) -> float:
        """How far down the lowest is."""
        return max(self.down.values())

    def named(self) -> Iterator[str]:
        """Yield the rows whose names have room: all, or of clients that stand close those with round numbers."""
        rounds = (first * 10**power for power in range(9) for first in (1, 2, 5))
        every, before = next(n for n in rounds if n * self.closeness > NEAREST), -1.0
        for name, down in self.down.items():
            if down - before > NEAREST and (name in ROWS or down == 2 or _number(name) % every == 0):
                before = down
                yield name


def _lay_out(selections: Sequence[Selection]) -> RowLayout:
    """Lay out the rows that these need together, clients in the order of their numbers, silent ones too."""
    calls = [call for selection in selections for call in selection.shown]
    names = {_row(call) for call in calls} | {call.result for call in calls if call.result.startswith("client ")}
    clients = sorted(names - {*ROWS}, key=_number)
    closeness = min(1.0, max(1, CLIENTS // len(selections)) / max(1, len(clients)))
    down = {"waits": 0.0, "listener": 1.0} | {name: 2 + closeness * place for place, name in enumerate(clients)}
    if "others" in names:
        down["others"] = max(down.values()) + 1
    return RowLayout(down, closeness)


def _row(call: Call) -> str:
    """Return the row of a call. The first one is for all that has to do with waiting, `epoll` and `stop` too."""
    if call.who == "listener" or call.who.startswith("client "):
        return call.who
    return "waits" if call.name in WAITS or call.who in ("stop", "epoll") else "others"


def _number(client: str) -> int:
    return int(client.removeprefix("client "))


# ---- drawing


def _new_charts(rows: RowLayout, count: int) -> list[Axes]:
    """Return a new figure's charts of these rows, `count` of them above one another."""
    import matplotlib.pyplot as plt

    title, foot = 0.42, 0.95  # inches: for the title of each chart; for the axis and the legend at the foot
    size = style.SIZE[0], count * (ROW * (rows.height + 1.2) + title) + foot
    figure, axes = plt.subplots(count, figsize=size, sharex=True, squeeze=False)
    figure.set_layout_engine("constrained", h_pad=0.09)
    return list(axes[:, 0])


def _draw(ax: Axes, selection: Selection, rows: RowLayout, span: tuple[int, int]) -> None:
    """Draw the calls of one server, the first of them at the first number of `span`, with room up to the last."""
    from matplotlib.ticker import MaxNLocator

    look, bottom = style.look(selection.name), rows.height + 0.6
    room = _width(ax) / (span[1] - span[0] + 1)  # points for each call
    size = min(_fit(room * len(rows.down), 2, 6), 24 * rows.closeness)  # a call of the same row comes after all others'
    places: dict[str, list[tuple[int, float]]] = {}
    for x, call in enumerate(selection.shown, span[0]):
        places.setdefault(call.kind, []).append((x, rows.down[_row(call)]))
    for level, kind in enumerate(OVER, 3):
        if kind in places:
            ax.plot(*zip(*places[kind], strict=True), label=kind, zorder=level, **_mark(kind, size, room))
    ax.vlines([x for x, _ in places.get("wait", ())], -0.6, bottom, color=style.OUTCOME["wait"].colour,
              alpha=0.3, linewidth=_fit(0.8 * room, 0.4, 6))  # fmt: skip
    ax.set(xlim=(span[0] - 6 / room, span[1] + 6 / room), ylim=(bottom, -0.6))
    name, counts = selection.name or "calls", _counts(selection.calls)
    beside = 8 * len(name) + 5.2 * len(counts) < _width(ax)  # points that letters of the two sizes take
    ax.set_title(name if beside else f"{name}\n", loc="left", color=style.darker(look.colour), parse_math=False)
    ax.set_title(counts, loc="right", fontsize=10, fontweight="normal")
    ax.spines["left"].set(color=look.colour, linewidth=4)
    ax.tick_params(axis="y", length=0, pad=7, labelsize=11 if rows.closeness > 0.75 else 9)
    names = list(rows.named())
    ax.set_yticks([rows.down[name] for name in names], names)
    ax.xaxis.grid(False)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.xaxis.set_major_formatter(lambda value, _: style.human_number(value))


def _width(ax: Axes) -> float:
    """Return the width of a chart in points, nearly: the layout will change it a little."""
    return float(ax.get_window_extent().width * 72 / ax.figure.dpi)


def _mark(kind: str, size: float, room: float) -> dict[str, Any]:
    """Return how marks of one outcome are drawn: `size` points large, with `room` points from call to call."""
    look = style.OUTCOME[kind]
    edge = {"wait": _fit(0.8 * room, 0.6, 4), "done": 1.6}.get(kind, 0)  # these two are strokes, and have nothing else
    size = 9 if kind == "wait" else max(size + 1, 5) if kind in ("data", "end", "error") else size
    return {"linestyle": "none", "marker": look.marker, "color": look.colour, "clip_on": False, "markersize": size,
            "markeredgewidth": edge}  # fmt: skip


def _fit(size: float, least: float, most: float) -> float:
    return max(least, min(most, size))


def _counts(calls: Calls) -> str:
    """Say in numbers what all calls came to: "412 calls: 396 EAGAIN, 8 data, 4 ends"."""
    kinds = calls.kinds()
    most_first = sorted(kinds, key=lambda kind: (-kinds[kind], [*MEANING].index(kind)))
    words = (f"{kinds[kind]:,} {_plural(kind, kinds[kind])}" for kind in most_first)
    return f"{calls.total():,} {_plural('call', calls.total())}: {', '.join(words)}"


def _plural(word: str, count: int) -> str:
    return f"{word}s" if count != 1 and word in ("call", "end", "error", "wait") else word


def _explain(ax: Axes, selections: Iterable[Selection]) -> None:
    """Say below the chart what the marks in it mean."""
    from matplotlib.lines import Line2D
    from matplotlib.transforms import ScaledTranslation

    kinds = {call.kind for selection in selections for call in selection.shown}
    marks = [Line2D([], [], label=text, **_mark(kind, 6, 4)) for kind, text in MEANING.items() if kind in kinds]
    columns = max(1, min(3, int(_width(ax) / 130)))  # points that the longest of the texts takes
    below = ax.transAxes + ScaledTranslation(0, -0.5, ax.figure.dpi_scale_trans)  # half an inch: ticks and label
    ax.legend(handles=marks, loc="upper left", bbox_to_anchor=(0, 0), bbox_transform=below, ncols=columns, fontsize=9.5,
              borderaxespad=0, handletextpad=0.3, columnspacing=1.6)  # fmt: skip
