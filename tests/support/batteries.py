"""Whole batteries, run ahead of the tests that look at them: each once, however many tests, files and workers do."""

import importlib
from typing import Any

import leaks
import pytest

import muxlab
from muxlab.trials import Verdict

OURS = muxlab.SERVERS | {name: exhibit.fn for name, exhibit in muxlab.museum.EXHIBITS.items()}
"""The reference servers and the exhibits, by name."""


def battery_of(server: str, *trials: str) -> pytest.MarkDecorator:
    """Mark a test that asks for the battery of a server; the fixture `verdicts` has what came of it.

    Args:
        server: the name of a reference server, "epoll", or of an exhibit; or "module:function".
        trials: names of trials; all of them if none is named.
    """
    return pytest.mark.ahead("batteries:run", server, *trials)


def run(server: str, *trials: str) -> tuple[list[Verdict], list[str]]:
    """Run a battery, with arguments as in `battery_of`; return the verdicts, and what the server left behind."""
    module, _, name = server.rpartition(":")
    fn = getattr(importlib.import_module(module), name) if module else OURS[name]
    before = leaks.snapshot()
    report = muxlab.check(fn, trials or None)
    return report.trials, leaks.left_over(before)


@pytest.fixture
def verdicts(outcome: Any) -> list[Verdict]:
    """The verdicts of the battery that the test asks for with `battery_of`; its server has left nothing behind."""
    found, left = outcome
    assert not left, f"left behind: {', '.join(left)}"
    return [Verdict(*fields) for fields in found]
