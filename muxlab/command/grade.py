"""`muxlab grade`: the exercises of a whole class, one row for each learner and exercise."""

import argparse
import contextlib
import functools
import os
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..grade.grades import Grade

ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""What ends the grading: Ctrl-C, `kill`, and a terminal that is closed."""


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command to the command line."""
    command = commands.add_parser(
        "grade",
        help="grade the exercises of a class",
        description="Check the exercises of a class. A learner's code runs in processes of its own, with limits, and "
        "an answer that claims to have passed is tried again from outside. This is no sandbox: muxlab.grade tells what "
        "it defends against, and what it does not: do not run it as root.",
    )
    command.add_argument("folder", type=Path, metavar="FOLDER", help="it holds one folder for each learner")
    command.add_argument(
        "--csv",
        type=Path,
        metavar="FILE",
        help="also write the rows to this file, as they come; what was in it is lost",
    )
    command.add_argument(
        "--exercise",
        action="append",
        metavar="NAME",
        help="only this exercise (may be repeated); without it, all those of the course",
    )
    command.add_argument("--list", action=ListExercises, help="print the names of all exercises, and end")
    command.add_argument(
        "--jobs", type=int, metavar="N", help="how many answers to examine at a time (one for every two cores)"
    )
    command.add_argument("--seconds", type=float, default=300.0, metavar="S", help="how long an answer may take (300)")
    command.add_argument("--memory", type=int, default=1024, metavar="MIB", help="what one process may use (1024)")
    command.set_defaults(command=grade)


class ListExercises(argparse.Action):
    """An option that prints the names of the exercises, chapter by chapter, and ends, as --help does."""

    def __init__(self, option_strings: list[str], dest: str, help: str | None = None) -> None:
        super().__init__(option_strings, dest, nargs=0, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from ..course import by_chapter  # here, because no other command needs it

        for chapter, names in by_chapter().items():
            print(f"{chapter}  {', '.join(names)}")
        parser.exit()


def grade(options: argparse.Namespace) -> int:
    """Grade, and print a line for each answer and a summary; what is finished is written, also when interrupted.

    Returns:
        The exit status: 0, or as shells have it for what a signal has ended: 130 after Ctrl-C.
    """
    from ..grade import classroom  # here, because no other command needs it
    from ..grade.bounds import Bounds
    from ..grade.table import write_table
    from ..notebook import counter

    jobs = _at_least_one("--jobs", options.jobs if options.jobs is not None else max(1, (os.cpu_count() or 1) // 2))
    memory = _at_least_one("--memory", options.memory, least=256)
    bounds = Bounds(seconds=_at_least_one("--seconds", options.seconds), memory=memory * 2**20)
    exercises = classroom.exercises_called(options.exercise)
    total = classroom.how_many(options.folder, exercises)
    write = functools.partial(write_table, options.csv) if options.csv else lambda rows: None
    rows: list[Grade] = []
    write(rows)  # if that fails, it does so now
    with _ended_once() as ended_by:
        try:
            known = classroom.grade(options.folder, exercises, jobs, bounds)
            with counter(total, "answers") as show, contextlib.closing(known):
                for row in known:
                    rows.append(row)
                    write(rows)
                    show(len(rows))
        except KeyboardInterrupt:
            if not ended_by:
                raise
        finally:
            write(rows)  # once more: now no code of a learner's runs that could change it
            print("\n".join(_report(rows, total, bool(ended_by))))
    return 128 + ended_by[0] if ended_by else 0


@contextlib.contextmanager
def _ended_once() -> Iterator[list[int]]:
    """Let the first signal that ends a program interrupt this one, and ignore further ones: the end takes a moment.

    Yields:
        A list, to which the number of that signal is added.
    """
    came: list[int] = []

    def interrupt(number: int, _: object) -> None:
        for each in before:
            signal.signal(each, signal.SIG_IGN)
        came.append(number)
        raise KeyboardInterrupt

    heeded = [each for each in ENDS if signal.getsignal(each) != signal.SIG_IGN]  # nohup(1) has SIGHUP ignored
    before = {each: signal.signal(each, interrupt) for each in heeded}
    try:
        yield came
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _at_least_one(option: str, value: Any, least: int = 1) -> Any:
    if not value >= least:
        raise ValueError(f"{option} {value}: give a number of {least} or more")
    return value


def _report(rows: list["Grade"], total: int, ended: bool) -> Iterator[str]:
    """Yield the lines of the report: the rows by learner and chapter, and how many there are of each result."""
    from ..trials.report import plain

    wide = max((len(plain(row.learner)) for row in rows), default=0)
    long = max((len(row.exercise) for row in rows), default=0)
    for row in sorted(rows, key=lambda row: (row.learner, row.chapter)):
        numbers = f"{row.passed} of {row.trials}" if row.trials else ""
        why = ": ".join(filter(None, [row.first_failed, row.seen]))
        who = f"{plain(row.learner):{wide}}  {row.chapter}  {row.exercise:{long}}"
        yield f"{who}  {row.result:9}  {numbers:8}  {plain(why)}".rstrip()
    counts = Counter(row.result for row in rows)
    yield ""
    done = f"stopped after {len(rows)} of {total}" if ended else f"{len(rows)} of {total}"
    yield f"{done} answers: " + ", ".join(f"{count} {result}" for result, count in counts.most_common())
