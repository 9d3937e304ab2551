"""Processes that write a journal: two at once, and one that is killed half-way. Run as `python writers.py WHAT COPY`.

Each is a fork of this small program, which starts in a moment; a fork of the tests' own process has all their threads.
"""

import os
import signal
import sys
import time
from pathlib import Path

from muxlab.journal import file

CELLS = 60  # for each writer: enough that they meet in every run
PATIENCE = 30.0  # seconds: a machine may be busy with something else
DISK = 0.001  # seconds that the disk takes: with a real one, this would measure what else the machine writes

STAGES = {
    "before the file is written": (file, "_replace"),
    "before the text reaches the disk": (os, "fsync"),
    "before it takes its name": (Path, "replace"),
}


def fork(work) -> int:
    """Do `work` in a child process, and return its number."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    return child


def write(copy: str, chapter: str) -> None:
    """Note the cells of a chapter, one after the other, each with a check of the same exercise."""
    file.PATIENCE = PATIENCE
    os.fsync = lambda descriptor: time.sleep(DISK)
    for number in range(CELLS):
        cell = f"{number:08x}"
        file.change(copy, [lambda journal, cell=cell: journal.ran(chapter, cell)])
        file.change(copy, [lambda journal: journal.checked("picky", False)])


def die(copy: str, stage: str) -> None:
    """Note a cell, and be killed at this stage."""
    owner, name = STAGES[stage]

    def kill(*arguments: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(owner, name, kill)
    file.change(copy, [lambda journal: journal.ran("02_write", stage)])


def main(what: str, copy: str) -> None:
    """Let two write at once; or let one die at each stage, and the next one write after it."""
    if what == "two":
        children = [fork(lambda chapter=chapter: write(copy, chapter)) for chapter in ("00_start", "01_wait")]
        print(*(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children))
    for stage in STAGES if what == "killed" else ():
        child = fork(lambda stage=stage: die(copy, stage))
        died = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        print(stage, "killed" if died else "not killed", sorted(file.read(copy).cells.get("02_write", ())), sep=", ")
        file.change(copy, [lambda journal, stage=stage: journal.ran("01_wait", stage)])


if __name__ == "__main__":
    main(*sys.argv[1:])
