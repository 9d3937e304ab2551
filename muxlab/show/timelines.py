"""The calls of a server as a picture: one mark for each call, in the order in which they were made.

Descriptors down, calls along. A mark's place is the call's number, never its time: the same calls give the same picture
on every machine. The marks of one outcome are one line of matplotlib's, with the outcome as its label, so that a cell
or a test can count what it sees.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from muxlab.show import call_marks, theme
from muxlab.show.call_marks import Panel
from muxlab.watch.calls import Calls

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from muxlab.watch.serve import Server


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
    panel = _panel(calls, "", first, last)
    rows = call_marks.rows_of([panel])
    with theme.style():
        if ax is None:
            (ax,) = call_marks.new_axes(rows, 1)
        call_marks.draw(ax, panel, rows, (panel.shown[0].number, panel.shown[-1].number))
        ax.set_xlabel(f"call number{panel.part and ': ' + panel.part}")
        call_marks.legend(ax, [panel])
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
    panels = [_panel(calls, name, first, last) for name, calls in pairs]
    if not panels:
        raise ValueError("compare() was given no servers: pass several, as in compare([one, other])")
    rows, widest = call_marks.rows_of(panels), max(len(panel.shown) for panel in panels)
    whole = not any(panel.part for panel in panels)
    with theme.style():
        axes = call_marks.new_axes(rows, len(panels))
        for ax, panel in zip(axes, panels, strict=True):
            call_marks.draw(ax, panel, rows, (1, widest))
            ax.set_xlabel(panel.part)
            if whole and len(panel.shown) < 0.7 * widest:  # the rest is not left out: there is none
                ax.annotate("no more calls", (len(panel.shown), rows.height / 2), xytext=(14, 0), va="center",
                            textcoords="offset points", color=theme.MUTED, fontsize=10,
                            backgroundcolor=theme.CARD)  # fmt: skip
        last_part = panel.part and ": " + panel.part
        ax.set_xlabel(("call number" if whole else "calls, counted from the first one shown") + last_part)
        call_marks.legend(ax, panels)
    return axes


def _panel(calls: Calls | Server, name: str, first: int, last: int) -> Panel:
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
    return Panel(name, calls, shown, part)
