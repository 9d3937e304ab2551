"""A recording of a timeline, made from the chart as it is stored: its marks come one after the other.

Of each mark the chart itself says what it means: its row beside it, and its colour in the legend.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import dataclass

from muxlab.show.recording import NotARecording, Recording

SVG, XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
USE, TEXT, PATH = f"{{{SVG}}}use", f"{{{SVG}}}text", f"{{{SVG}}}path"
SECONDS = 8.0  # that a whole chart takes: long enough to watch, and short enough to do it twice
SLOWEST, MOMENTS = 0.4, 60  # seconds from mark to mark; moments of a chart along whose axis is time
NEAR = 0.6  # points: what lies so near to a row, or to another mark, lies on it
WAITS = "waits"  # the row of what is for all descriptors at once
TIME = "since the first call"  # is written under the axis of a chart of times


@dataclass(frozen=True)
class Mark:
    """One call in a chart: where it is along the axis, and what it says, in words."""

    x: float
    server: str
    words: str


def record_timeline(svg: str) -> Recording:
    """Return a recording in which the marks of a timeline appear from left to right.

    Args:
        svg: the chart, as `timeline` and `compare` draw it and a notebook stores it.

    Raises:
        NotARecording: there is no such chart in it, or its marks are too many to be stored one by one.
    """
    root = ElementTree.fromstring(svg)
    marks = sorted(_marks(root), key=lambda mark: mark.x)
    if not marks:
        raise NotARecording("there is no timeline in this picture, or its marks are drawn as one picture")
    servers = list(dict.fromkeys(mark.server for mark in marks))
    along = any(TIME in (text.text or "") for text in root.iter(TEXT))
    places = _moments(marks) if along else sorted({round(mark.x, 1) for mark in marks})
    recording = Recording(
        "timeline", " and ".join(filter(None, servers)) or "calls", min(SLOWEST, SECONDS / len(places))
    )
    for number, place in enumerate(places, 1):
        here = [mark for mark in marks if mark.x <= place + NEAR]
        latest = {mark.server: mark for mark in here}
        words = "; ".join(_said(mark, len(servers)) for mark in latest.values() if along or place - mark.x < NEAR)
        counted = f"{len(here)} of {len(marks)}" if along or len(servers) == 1 else f"{number} of {len(places)}"
        recording.note({"svg": svg, "x": place}, f"Call {counted}: {words}" if words else "Nothing yet.")
    return recording


def _said(mark: Mark, servers: int) -> str:
    return f"{mark.server}, {mark.words}" if servers > 1 else mark.words


def _moments(marks: list[Mark]) -> list[float]:
    """Return places as far apart as moments of time."""
    first, last = marks[0].x, marks[-1].x
    return [round(first + (last - first) * step / MOMENTS, 1) for step in range(MOMENTS + 1)]


def _marks(root: ElementTree.Element) -> Iterator[Mark]:
    """Yield the marks of all charts in a picture."""
    meanings = dict(_legend(root))
    for chart in root.iter(f"{{{SVG}}}g"):
        if re.fullmatch(r"axes_\d+", chart.get("id", "")):
            rows = dict(_rows(chart))
            server = next(_names(chart), "")
            for line in (group for group in chart if _is(group, "line2d")):
                for x, y, colour in _uses(line):
                    row = min(rows, key=lambda row: abs(row - y), default=None)
                    if row is not None and abs(row - y) < NEAR and colour in meanings:
                        yield Mark(x, server, _words(rows[row], meanings[colour]))


def _words(row: str, meaning: str) -> str:
    return meaning if row == WAITS else f"{row}: {meaning}"


def _names(chart: ElementTree.Element) -> Iterator[str]:
    """Yield what is written in bold: the server's name, above its chart."""
    for group in chart:
        for text in group.iter(TEXT) if _is(group, "text") else ():
            if "font-weight: 700" in text.get("style", ""):
                yield text.text or ""


def _legend(root: ElementTree.Element) -> Iterator[tuple[str, str]]:
    """Yield (colour, meaning) for each entry of the legend: a mark, and the text beside it."""
    for legend in root.iter(f"{{{SVG}}}g"):
        if _is(legend, "legend"):
            texts = [text for group in legend.iter(f"{{{SVG}}}g") if _is(group, "text") for text in _texts(group)]
            colours = [colour for group in legend if _is(group, "line2d") for _, _, colour in _uses(group)]
            yield from zip(colours, texts, strict=False)


def _rows(chart: ElementTree.Element) -> Iterator[tuple[float, str]]:
    """Yield (height, name) for each row: its name and its line stand together in one tick of the axis."""
    for tick in chart.iter(f"{{{SVG}}}g"):
        if _is(tick, "ytick"):
            names = [text for group in tick if _is(group, "text") for text in _texts(group)]
            lines = (re.match(r"M \S+ (\S+)", path.get("d", "")) for path in tick.iter(PATH))
            heights = [float(found[1]) for found in lines if found]
            yield from ((height, name) for height in heights[:1] for name in names)


def _uses(group: ElementTree.Element) -> Iterator[tuple[float, float, str]]:
    """Yield the place and the colour of each mark in a group; the colour is its own, or that of all of them."""
    for part in group.iter(f"{{{SVG}}}g"):
        for use in part.findall(USE):
            style = use.get("style") or part.get("style") or ""
            found = re.search(r"stroke: (#\w+)|fill: (#\w+)", style)
            yield float(use.get("x", 0)), float(use.get("y", 0)), (found[1] or found[2]) if found else ""


def _texts(group: ElementTree.Element) -> Iterator[str]:
    yield from (text.text or "" for text in group.iter(TEXT))


def _is(group: ElementTree.Element, kind: str) -> bool:
    return re.fullmatch(rf"{kind}_\d+", group.get("id", "")) is not None
