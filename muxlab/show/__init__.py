"""Everything of the course that draws: charts that stand still, panels that move.

The only part of muxlab that imports matplotlib, ipywidgets and anywidget, and even here only when a name is used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from muxlab.show.ascent import round_trip
    from muxlab.show.bars import replies
    from muxlab.show.charts import cost, latency
    from muxlab.show.comparison import beside
    from muxlab.show.duel_panel import duel
    from muxlab.show.maps import winners
    from muxlab.show.playground_panel import playground
    from muxlab.show.race_panel import race
    from muxlab.show.stepper_panel import stepper
    from muxlab.show.timelines import compare, timeline

# In which module each name lives. No module has the name of what it gives: importing it would hide the function.
_HOME = {
    "beside": "comparison",
    "compare": "timelines",
    "cost": "charts",
    "duel": "duel_panel",
    "latency": "charts",
    "playground": "playground_panel",
    "race": "race_panel",
    "replies": "bars",
    "round_trip": "ascent",
    "stepper": "stepper_panel",
    "timeline": "timelines",
    "winners": "maps",
}

__all__ = [
    "beside",
    "compare",
    "cost",
    "duel",
    "latency",
    "playground",
    "race",
    "replies",
    "round_trip",
    "stepper",
    "timeline",
    "winners",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value  # found without this function from now on
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
