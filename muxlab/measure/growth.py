"""How a cost grows: the exponent, and how sure it is."""

import math
import statistics
from collections.abc import Iterable
from typing import Any, NamedTuple

from .rows import form_of


class Slope(NamedTuple):
    """A cost that grows as size to the power of `exponent`: 0 is flat, 1 is proportional.

    Attributes:
        exponent: the slope of the line in a chart with two logarithmic scales.
        uncertainty: its standard error; nan from two sizes, which any line would fit.
    """

    exponent: float
    uncertainty: float

    def __str__(self) -> str:
        return f"{self.exponent:.2f} ± {self.uncertainty:.2f}"


def slope(rows: Iterable[Any]) -> Slope:
    """Fit a straight line to the logarithms of size and cost, by least squares.

    A curve that is flat first and straight afterwards has no one slope: pass the rows of the part that is meant.

    Args:
        rows: of one line: one way of waiting, one server. Of any experiment, one's own or published.

    Returns:
        The exponent, and its standard error.

    Raises:
        ValueError: the rows are of several lines, or of fewer than two sizes, or a figure has no logarithm.
    """
    rows = list(rows)
    names = sorted({getattr(row, form_of(row).name) for row in rows})
    if len(names) > 1:
        raise ValueError(f"slope() takes one line at a time, and these rows are of {', '.join(names)}")
    points = [(getattr(row, form_of(row).size), getattr(row, form_of(row).cost)) for row in rows]
    if len({size for size, _ in points}) < 2:
        raise ValueError("slope() needs rows of two sizes at least, better five: a point has no slope")
    if any(not 0 < figure < math.inf for point in points for figure in point):
        raise ValueError("slope() cannot take the logarithm of a size or cost that is not above zero")
    x, y = ([math.log(point[axis]) for point in points] for axis in (0, 1))
    exponent, intercept = statistics.linear_regression(x, y)
    if len(points) == 2:
        return Slope(exponent, math.nan)
    error = sum((b - intercept - exponent * a) ** 2 for a, b in zip(x, y, strict=True))
    middle = statistics.fmean(x)
    return Slope(exponent, math.sqrt(error / (len(points) - 2) / sum((a - middle) ** 2 for a in x)))
