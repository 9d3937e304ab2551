"""Experiments on a ring: run where the kernel allows io_uring, and elsewhere what they returned when they were run.

Both come in the same form, that of JSON, so that what follows need not know which of the two it was given. The record
is made by `tools/record_ring.py`, which runs the cells of the chapter.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..ring import refusal

RECORDING = Path(__file__).with_name("ring_results.json")

results: dict[str, Any] = {}
"""What the experiments of this process have returned so far, by name."""


def ring_here() -> str:
    """Say whether experiments on a ring are live here, and if not, why, and where their results come from."""
    if why := refusal():
        return f"{why}.\nSo what part (c) shows was recorded on {recording()['machine']}; the cells are the same."
    return "io_uring is allowed here: part (c) is live."


def on_a_ring(name: str, experiment: Callable[..., Any], *arguments: Any) -> Any:
    """Run an experiment that needs io_uring; where that is not allowed, return what was recorded.

    Args:
        name: of the experiment, by which it was recorded.
        experiment: a function that returns numbers, texts, and lists and dictionaries of those.
        arguments: what it is called with.

    Returns:
        What it returned, or had returned; a tuple has become a list.

    Raises:
        LookupError: io_uring is not allowed here, and there is no recording of that name.
    """
    if why := refusal():
        found = recording()["results"]
        if name not in found:
            raise LookupError(f"{why}; and nothing is recorded as {name!r}: choose from {', '.join(found)}")
        return found[name]
    results[name] = json.loads(json.dumps(experiment(*arguments)))
    return results[name]


def recording() -> dict[str, Any]:
    """Return what was recorded: "machine", and "results" by name."""
    return dict(json.loads(RECORDING.read_text()))
