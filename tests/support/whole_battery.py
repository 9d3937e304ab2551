"""A whole battery, as `battery_of` asks for it: the process that runs batteries imports this once, for all of them."""

import importlib

import muxlab
from muxlab.trials import Verdict

OURS = muxlab.SERVERS | {name: exhibit.fn for name, exhibit in muxlab.museum.EXHIBITS.items()}
"""The reference servers and the exhibits, by name."""


def run(server: str, *trials: str) -> list[Verdict]:
    """Run a battery, with arguments as in `battery_of`; return the verdicts."""
    module, _, name = server.rpartition(":")
    fn = getattr(importlib.import_module(module), name) if module else OURS[name]
    return muxlab.check(fn, trials or None).trials
