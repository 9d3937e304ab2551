"""The sheet on which stored pictures are drawn: measured in inches, from its upper left corner."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from muxlab.show import theme

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def sheet_of(height: float) -> tuple[Figure, Axes]:
    """Return an empty picture, `theme.SIZE` wide, and the axes that fill it."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    width = theme.SIZE[0]
    figure = Figure(figsize=(width, height))
    figure.set_layout_engine("none")  # every place is given
    FigureCanvasAgg(figure)
    sheet = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(height, 0))
    sheet.axis("off")
    return figure, sheet


def png(figure: Figure, colours: int = 0) -> bytes:
    """Return the picture as a PNG, with no more than so many `colours` when a number is given."""
    from PIL import Image

    drawn, small = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", dpi=theme.DPI)
    if not colours:
        return drawn.getvalue()
    Image.open(drawn).convert("RGB").quantize(colours, dither=Image.Dither.NONE).save(small, "png", optimize=True)
    return small.getvalue()
