"""The part of a playground that moves, drawn on a canvas in the browser by `screen.js`."""

from __future__ import annotations

import anywidget
import traitlets

from muxlab.show import theme
from muxlab.show.assets import script, style
from muxlab.show.frame import TILES, Frame


class Screen(anywidget.AnyWidget):
    """Numbers, one dot for each connection, the line of the last seconds, and what went wrong (`message`)."""

    _esm = script("sliders.js", "screen.js")
    _css = style("screen.css")

    titles = traitlets.List(traitlets.Unicode(), list(TILES)).tag(sync=True)
    tiles = traitlets.List(traitlets.Unicode()).tag(sync=True)
    frame = traitlets.Bytes(b"").tag(sync=True)  # see frame.py
    colour = traitlets.Unicode(theme.OWN.colour).tag(sync=True)
    message = traitlets.Unicode("").tag(sync=True)

    def show(self, frame: Frame) -> None:
        """Show `frame`; its numbers and its dots travel in one message."""
        with self.hold_sync():
            self.tiles, self.frame = frame.tiles(), frame.pack()
