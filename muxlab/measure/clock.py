"""Repeat, and tell what is typical: every experiment's clock."""

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

from .machine import machine

LEAST = 3
"""Repetitions at least, however long one takes: fewer have no middle."""


def repeat(once: Callable[[], float], seconds: float, most: int | None = None) -> list[float]:
    """Warm up once, then repeat for `seconds`.

    Args:
        once: does the work, and returns what it cost; it clocks only the part that counts.
        seconds: how long to go on, preparations included; at least `LEAST` repetitions are made.
        most: repetitions at most; None for no bound.

    Returns:
        The costs.
    """
    once()
    costs: list[float] = []
    end = time.perf_counter() + seconds
    while len(costs) < LEAST or (time.perf_counter() < end and (most is None or len(costs) < most)):
        costs.append(once())
    return costs


def summary(costs: Sequence[float]) -> tuple[float, dict[str, Any]]:
    """The typical cost, and what every row tells beside it.

    Returns:
        The median; and least, low and high (the quartiles), repeats and machine, by name. A repetition during which the
        machine did something else is far out, and moves none of the four figures.
    """
    low, median, high = statistics.quantiles(costs, n=4, method="inclusive") if len(costs) > 1 else [costs[0]] * 3
    return median, {"least": min(costs), "low": low, "high": high, "repeats": len(costs), "machine": machine()}


def check_seconds(seconds: float) -> None:
    """Refuse a time in which nothing can be measured, with a ValueError."""
    if not 0 < seconds < float("inf"):
        raise ValueError(f"seconds={seconds!r}: the clock has to run for more than 0 seconds, and not for ever")
