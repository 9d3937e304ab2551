"""The two charts of the README: chapter 2's wall of EAGAIN, and one wait beside the published figures of chapter 4.

Both are drawn by the course's own functions, smaller than in a chapter, as they stand side by side. A chart in a
notebook cannot know whether the page is light or dark, so its ink is a grey in the middle. Here the page says so, and
each chart is written twice, with an ink that suits.
"""

from pathlib import Path
from typing import Any

import matplotlib

import muxlab
from muxlab.measure.rows import Rows
from muxlab.show import style
from muxlab.show.chart_figure import new_charts

SIZE = (5.0, 3.9)  # inches; at half the width of a page, words are as large as the page's small ones
INKS = {"light": style.INK, "dark": style.ON_DARK["#4A4A4A"]}
FULL = [10, 30, 100, 300, 1000, 3000, 9000]
SELECT = [10, 30, 100, 300, 900]  # the wall of descriptor 1024 is near


def wall() -> Any:
    """Draw two hundred calls of the polling server: ten clients, of whom one says something, once."""
    step = muxlab.step(muxlab.SERVERS["nonblocking"])
    try:
        clients = [step.client() for _ in range(10)]
        step.next_call(101)
        clients[6].send(b"hello")
        step.next_call(100)
        return muxlab.show.timeline(step.calls, new_chart()).figure
    finally:
        step.stop()


def beside() -> Any:
    """Draw what one wait costs on this machine, by how many are watched, and what it cost M. Kerrisk."""
    muxlab.raise_descriptor_limit(2 * FULL[-1] + 100)  # a pipe has two
    rows: Rows = muxlab.measure.wait_cost("select", SELECT)
    for model in ("poll", "epoll"):
        rows += muxlab.measure.wait_cost(model, FULL)
    return muxlab.show.beside(rows, muxlab.measure.published.waits(), new_chart()).figure


def new_chart() -> Any:
    """Return the axes of a new chart, of the size of these."""
    with style.style():
        return new_charts(figsize=SIZE)[1][0, 0]


CHARTS = {"wall": wall, "beside": beside}


def draw(folder: Path) -> list[Path]:
    """Write each chart into `folder`, once for a light page and once for a dark one; return the files."""
    matplotlib.use("agg")
    files = []
    for name, chart in CHARTS.items():
        svg = chart().svg()
        for theme, ink in INKS.items():
            files.append(folder / f"{name}-{theme}.svg")
            files[-1].write_text(svg.replace(style.MID.lower(), ink.lower()), encoding="utf-8")
    return files
