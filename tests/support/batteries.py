"""Whole batteries, run ahead of the tests that look at them: each once, however many tests, files and workers do."""

from typing import Any

import pytest

from muxlab.trials import Verdict


def battery_of(server: str, *trials: str) -> pytest.MarkDecorator:
    """Mark a test that asks for the battery of a server; the fixture `verdicts` has what came of it.

    Args:
        server: a name in `OURS` of whole_battery.py, as "epoll"; or "module:function".
        trials: names of trials; all of them if none is named.
    """
    return pytest.mark.ahead("whole_battery:run", server, *trials)


@pytest.fixture
def verdicts(outcome: Any) -> list[Verdict]:
    """The verdicts of the battery that the test asks for with `battery_of`."""
    return [Verdict(*fields) for fields in outcome]
