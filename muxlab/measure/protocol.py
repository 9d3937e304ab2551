"""What all experiments share: go through the settings, repeat each, and tell what is typical."""

import contextlib
import functools
import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from ..errors import Interrupted
from ..notebook import with_bar

Setting = TypeVar("Setting")
Result = TypeVar("Result")

LEAST = 3
"""Repetitions at least, however long one takes: fewer have no middle."""


def each(settings: Sequence[Setting], what: str, measure: Callable[[Setting], Result]) -> list[Result]:
    """Measure every setting in turn, with a progress bar that says `what`, and return the results.

    Raises:
        Interrupted: the learner stopped it; says after how many.
    """
    __tracebackhide__ = True
    results: list[Result] = []
    try:
        for setting in with_bar(settings, what):
            results.append(measure(setting))
    except KeyboardInterrupt:
        done = f"{len(results)} of {len(settings)} measurements"
        raise Interrupted(f"you stopped measuring ({what}) after {done}") from None
    return results


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
    """Return the typical cost, and what every row tells beside it.

    Returns:
        The median; and least, low and high (the quartiles), repeats and machine, by name. A repetition during which the
        machine did something else is far out, and moves none of the four figures.
    """
    low, median, high = statistics.quantiles(costs, n=4, method="inclusive") if len(costs) > 1 else [costs[0]] * 3
    return median, {"least": min(costs), "low": low, "high": high, "repeats": len(costs), "machine": machine()}


@functools.cache
def machine() -> str:
    """Return processor, cores, kernel and Python, in one line; neither a host name nor a path."""
    processor = platform.processor() or platform.machine()
    with contextlib.suppress(OSError, StopIteration), open("/proc/cpuinfo") as file:
        processor = next(line.split(":")[1].strip() for line in file if line.startswith("model name"))
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    system = f"{platform.system()} {platform.release()}"
    return f"{processor}, {cores} cores; {system}; {platform.python_implementation()} {platform.python_version()}"
