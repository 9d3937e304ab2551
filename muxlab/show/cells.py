"""What a panel knows about the notebook around it: the loop that its cell runs in, and earlier runs of that cell."""

from __future__ import annotations

import asyncio
from typing import Any

from muxlab import registry


def running_loop() -> asyncio.AbstractEventLoop | None:
    """Return the loop that the cell runs in (ipykernel runs cells inside its own), or None in plain Python."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def close_earlier(panels: list[Any]) -> None:
    """Close those of `panels` that an earlier run of this cell has made: their place on the page is taken."""
    cell = registry.current_cell()
    for panel in list(panels):
        if cell and panel._cell and panel._cell[0] == cell[0] and panel._cell[1] != cell[1]:
            panel.close()
