"""Everything of the course that draws: charts that stand still, panels that move.

The only part of muxlab that imports matplotlib, ipywidgets and anywidget, and even here only when a name is used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from muxlab.show.charts import cost, latency
    from muxlab.show.playground_panel import playground

# In which module each name lives. No module has the name of what it gives: importing it would hide the function.
_HOME = {"cost": "charts", "latency": "charts", "playground": "playground_panel"}

__all__ = ["cost", "latency", "playground"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value  # found without this function from now on
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
