"""The results of all experiments: one row for each setting, which a chart, `slope` or a spreadsheet can take."""

import csv
import io
import math
import statistics
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, get_type_hints

from ..arguments import check_count


@dataclass(frozen=True)
class Form:
    """The way in which rows of one kind are drawn: which attribute is what, and what the axes are called.

    Attributes:
        name: the attribute that names the line, such as "server".
        size: the attribute that grows to the right, such as "connections".
        cost: the attribute that grows upwards, in microseconds.
        title, sizes, costs: the chart's title, and what its two axes say.
        one, verb, much: the words for it, as in "a reply costs ... times as much".
    """

    name: str
    size: str
    cost: str
    title: str
    sizes: str
    costs: str
    one: str = "one of them"
    verb: str = "costs"
    much: str = "much"


ECHO = Form(
    *("server", "connections", "cpu_us_per_reply"),
    title="What one reply costs the server",
    sizes="connections",
    costs="CPU microseconds per reply",
    one="a reply",
)


def form_of(row: Any) -> Form:
    """Return how a row is drawn; a row of another kind, without a `form`, is taken for a server's cost of a reply."""
    form: Form = getattr(row, "form", ECHO)
    return form


def cheapest(row: Any) -> float:
    """Return what charts show of a row: its cheapest repetition, or its cost if it has no repetitions."""
    least = getattr(row, "least", None)
    return float(getattr(row, form_of(row).cost) if least is None else least)


@dataclass(frozen=True, kw_only=True)
class Row:
    """The figures that every row has, whatever was measured; each kind adds its own, and `form` says which is which.

    Attributes:
        least: the cheapest repetition. Whatever else the machine does adds to a cost, so this is the steadiest figure,
            and the one that charts show; None where it was not published.
        low, high: half of the repetitions cost between these two (the quartiles); None where they were not published.
        repeats: how often it was measured; the cost is the median.
        machine: what it ran on; of published rows, who published them.
    """

    form: ClassVar[Form]
    least: float | None = None
    low: float | None = None
    high: float | None = None
    repeats: int | None = None
    machine: str = ""


class Rows(list[Any]):
    """A list of rows, of one kind or of several, that can be written as text."""

    def __add__(self, other: list[Any]) -> "Rows":
        return Rows([*self, *other])

    def to_csv(self, path: str | Path | None = None) -> str:
        """Write the rows as CSV: the names of the columns, then one line for each row. A figure that is None is empty.

        Args:
            path: a file to write, or None.

        Returns:
            The text.

        Raises:
            ValueError: the rows are not all of one kind.
        """
        kinds = {type(row) for row in self}
        if len(kinds) > 1:
            names = " and ".join(sorted(kind.__name__ for kind in kinds))
            raise ValueError(f"{names} have different columns: write each kind of row into a file of its own")
        text = io.StringIO()
        for kind in kinds:
            columns = columns_of(kind)
            writer = csv.writer(text, lineterminator="\n")
            writer.writerow(columns)
            writer.writerows([getattr(row, column) for column in columns] for row in self)
        if path is not None:
            Path(path).write_text(text.getvalue(), encoding="utf-8")
        return text.getvalue()


def columns_of(kind: type) -> list[str]:
    """Return the names of a row's figures: its own first, then those that every row has."""
    return [field.name for field in sorted(fields(kind), key=lambda field: field.kw_only is True)]


def read_csv(path: str | Path, kind: type[Row]) -> Rows:
    """Read rows of the class `kind` back from the file that `to_csv` wrote; lines that begin with # are left out.

    Raises:
        ValueError: the file has other columns.
    """
    with open(path, encoding="utf-8", newline="") as file:
        found = csv.DictReader(line for line in file if not line.startswith("#"))
        if found.fieldnames is not None and sorted(found.fieldnames) != sorted(columns_of(kind)):
            raise ValueError(f"{path} holds no {kind.__name__}: its columns are {', '.join(found.fieldnames)}")
        return Rows(kind(**_typed(line, kind)) for line in found)


def _typed(line: dict[str, str], kind: type) -> dict[str, Any]:
    """Return the texts of one line as the types that the row's class gives them."""
    types = get_type_hints(kind)  # where annotations are put off, a field's own `type` is a text
    return {field.name: _value(line[field.name], types[field.name]) for field in fields(kind)}


def _value(text: str, wanted: Any) -> object:
    if wanted is str:
        return text
    if not text:
        return None
    return int(text) if wanted in (int, int | None) else float(text)


def settings(name: str, given: int | Iterable[int]) -> list[int]:
    """Return one whole number, or several, as a list; refuse all others before anything is measured.

    Raises:
        TypeError: one is not a whole number.
        ValueError: one is less than 1, or there is none.
    """
    numbers = list(given) if isinstance(given, Iterable) else [given]
    if not numbers:
        raise ValueError(f"{name}=[]: give one number, or several")
    for number in numbers:
        check_count(name, number)
    return numbers


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

    A curve that is flat first and straight afterwards has no single slope: pass the rows of the part that you mean.

    Args:
        rows: the rows of one line: one way of waiting, or one server; of any experiment, yours or published.

    Returns:
        The exponent, and its standard error.

    Raises:
        ValueError: the rows belong to several lines, or have fewer than two sizes, or a figure has no logarithm.
    """
    rows = list(rows)
    names = sorted({getattr(row, form_of(row).name) for row in rows})
    if len(names) > 1:
        raise ValueError(f"slope() takes one line at a time, and these rows are of {', '.join(names)}")
    points = [(getattr(row, form_of(row).size), cheapest(row)) for row in rows]
    if len({size for size, _ in points}) < 2:
        raise ValueError("slope() needs rows of at least two sizes, better five: a point has no slope")
    if any(not 0 < figure < math.inf for point in points for figure in point):
        raise ValueError("slope() cannot take the logarithm of a size or cost that is not above zero")
    x, y = ([math.log(point[axis]) for point in points] for axis in (0, 1))
    exponent, intercept = statistics.linear_regression(x, y)
    if len(points) == 2:
        return Slope(exponent, math.nan)
    error = sum((b - intercept - exponent * a) ** 2 for a, b in zip(x, y, strict=True))
    middle = statistics.fmean(x)
    return Slope(exponent, math.sqrt(error / (len(points) - 2) / sum((a - middle) ** 2 for a in x)))
