"""The grades as a CSV file, which is written anew with each grade: what anybody else has done to it does not stay.

It takes the place of the old one in one step, so it is whole at any time, also after a loss of power.
"""

import csv
import io
from collections.abc import Iterable
from dataclasses import astuple, fields
from pathlib import Path

from ..shared_files import replaced
from ..trials.report import plain
from .grades import Grade

FORMULA = ("=", "+", "-", "@")
"""How a cell begins that a spreadsheet may take for a formula, which a name or a message of a learner's must not be."""


def write_table(file: Path, grades: Iterable[Grade]) -> None:
    """Write grades to a file, and the names of the columns above them.

    Raises:
        OSError: it cannot be written; says which file.
    """
    target = file.resolve()  # a link stays one
    text = io.StringIO(newline="")
    table = csv.writer(text)
    table.writerow(field.name for field in fields(Grade))
    table.writerows(map(cell, astuple(grade)) for grade in grades)
    try:
        if target.exists() and not target.is_file():
            raise OSError(0, "it is not a file")
        with replaced(target, target.with_name(f".{target.name}.unfinished")) as out:
            out.write(text.getvalue().encode())
    except OSError as error:
        raise OSError(error.errno, f"{file} cannot be written: {error.strerror}") from None


def cell(value: object) -> object:
    """Return what is written for a value: of a text, one line that is safe to print, and that no spreadsheet runs."""
    if not isinstance(value, str):
        return value
    text = plain(value)
    return f"'{text}" if text.startswith(FORMULA) else text
