"""`muxlab grade`: the exercises of a whole class, one row for each learner and exercise."""

import argparse
import contextlib
import csv
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import astuple, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..grade.classroom import Grade

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet may take for a formula: a name or a message of a learner's is none."""


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command to the command line."""
    command = commands.add_parser(
        "grade",
        help="grade the exercises of a class",
        description="Check the exercises of a class. A learner's code runs in processes of its own, with limits, and "
        "an answer that claims to have passed is tried again from outside. This is no sandbox: muxlab.grade tells what "
        "it defends against, and what it does not.",
    )
    command.add_argument("folder", type=Path, metavar="FOLDER", help="it holds one folder for each learner")
    command.add_argument("--csv", type=Path, metavar="FILE", help="also write the rows to this file, as they come")
    command.add_argument(
        "--exercise", action="append", metavar="NAME", help="only this exercise (or several, each with --exercise)"
    )
    command.add_argument(
        "--jobs", type=int, metavar="N", help="how many answers to examine at a time (one for every two cores)"
    )
    command.add_argument("--seconds", type=float, default=300.0, metavar="S", help="how long an answer may take (300)")
    command.add_argument("--memory", type=int, default=1024, metavar="MIB", help="what one process may use (1024)")
    command.set_defaults(command=grade)


def grade(options: argparse.Namespace) -> int:
    """Grade, print a line for each row as it comes, and a summary; what is finished is written, also after Ctrl-C."""
    from ..grade import classroom  # here, because no other command needs it
    from ..grade.bounds import Bounds
    from ..notebook import counter

    jobs = _at_least_one("--jobs", options.jobs if options.jobs is not None else max(1, (os.cpu_count() or 1) // 2))
    memory = _at_least_one("--memory", options.memory, least=256)
    bounds = Bounds(seconds=_at_least_one("--seconds", options.seconds), memory=memory * 2**20)
    exercises = classroom.exercises_called(options.exercise)
    total = classroom.how_many(options.folder, exercises)
    rows: list[Grade] = []
    with _table(options.csv) as write:
        try:
            known = classroom.grade(options.folder, exercises, jobs, bounds)
            with counter(total, "answers") as show, contextlib.closing(known):
                for row in known:
                    rows.append(row)
                    write(row)
                    show(len(rows))
        finally:
            print("\n".join(_report(rows, total)))
    return 0


def _at_least_one(option: str, value: Any, least: int = 1) -> Any:
    if not value >= least:
        raise ValueError(f"{option} {value}: give a number of {least} or more")
    return value


@contextlib.contextmanager
def _table(file: Path | None) -> Iterator[Any]:
    """Open the CSV file, if there is to be one; yield what writes a row into it, at once."""
    if file is None:
        yield lambda row: None
        return
    from ..grade.classroom import Grade

    with contextlib.ExitStack() as opened:
        try:
            out = opened.enter_context(open(file, "w", encoding="utf-8", newline=""))
        except OSError as error:
            raise OSError(error.errno, f"{file} cannot be written: {error.strerror}") from None
        table = csv.writer(out)
        table.writerow(field.name for field in fields(Grade))

        def write(row: "Grade") -> None:
            table.writerow(_no_formula(value) for value in astuple(row))
            out.flush()

        yield write


def _no_formula(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def _report(rows: list["Grade"], total: int) -> Iterator[str]:
    """Yield the lines of the report: the rows by learner and chapter, and how many there are of each result."""
    from ..trials.report import plain

    wide = max((len(plain(row.learner)) for row in rows), default=0)
    long = max((len(row.exercise) for row in rows), default=0)
    for row in sorted(rows, key=lambda row: (row.learner, row.chapter)):
        numbers = f"{row.passed} of {row.trials}" if row.trials else ""
        why = ": ".join(filter(None, [row.first_failed, row.seen])) if row.result != "missing" else ""
        who = f"{plain(row.learner):{wide}}  {row.chapter}  {row.exercise:{long}}"
        yield f"{who}  {row.result:9}  {numbers:8}  {plain(why)}".rstrip()
    counts = Counter(row.result for row in rows)
    yield ""
    yield f"{len(rows)} of {total} answers: " + ", ".join(f"{count} {result}" for result, count in counts.most_common())
