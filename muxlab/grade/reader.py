"""The reading of one chapter of one learner: in a process of its own, because a notebook may be made to be unreadable.

All that is handed in is read before the code of any learner is run: so no learner's code can change what others have
handed in. The process has limits of time and memory, and runs nothing of what it reads.

It is told on standard input what to look for, and writes a line for each exercise.
"""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .answer import find_answer
from .bounds import Bounds, keep_within
from .cells import Refused
from .copies import notebook_of
from .isolation import environment, python_command

BOUNDS = Bounds(seconds=20.0, memory=512 * 2**20, descriptors=64, processes=1)
"""What the reading of a chapter may take. A notebook of the course takes a tenth of a second."""

PATIENCE = 60.0
"""Seconds that it may take on the clock of a busy machine."""

LONGEST = 100_000
"""Characters of the longest answer, with all that it needs. The code of a whole chapter has a third of that."""

Found = dict[str, Any]
"""An answer, ready to be run: "notebook", "expression", "cells", as in answer.py. Or "result", one of `RESULTS`
(grades.py) and why there is none: "seen"."""


def read_answers(learner: Path, chapter: str, exercises: Iterable[tuple[str, str]]) -> dict[str, Found]:
    """Return what a learner has handed in for some exercises of a chapter, by the names of the exercises.

    Args:
        learner: the learner's folder.
        chapter: "05".
        exercises: of each, its name and what the chapter calls the answer.
    """
    asked = {"learner": str(learner), "chapter": chapter, "exercises": list(exercises)}
    why = f"it cannot be read within {BOUNDS.memory // 2**20} MiB and {BOUNDS.seconds:g} s"
    found = {name: {"result": "refused", "seen": why} for name, _ in asked["exercises"]}
    try:
        done = subprocess.run(
            python_command("muxlab.grade.reader"),
            input=json.dumps(asked).encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment(os.devnull),
            timeout=PATIENCE,
        )
    except subprocess.TimeoutExpired:
        return found
    with contextlib.suppress(ValueError):  # of the last line, there may be a part
        for line in done.stdout.splitlines():
            name, one = json.loads(line)
            found[name] = one
    return found


def read(learner: Path, chapter: str, name: str, function: str) -> Found:
    """Return the answer to one exercise, or why there is none."""
    try:
        notebook = notebook_of(learner, chapter, name)
        answer = find_answer(notebook, name, function)
    except Refused as why:
        return {"result": "refused", "seen": str(why)}
    except FileNotFoundError as why:
        return {"result": "missing", "seen": str(why)}
    except (RecursionError, MemoryError):
        return {"result": "refused", "seen": "it is too long, or nested too deep, to be read"}
    except (SyntaxError, ValueError) as why:  # two parameters of one name, for example
        return {"result": "refused", "seen": f"its code is not Python: {why}"}
    if answer is None:
        return {"result": "missing", "seen": f"no cell defines {function}"}
    found = asdict(answer) | {"notebook": notebook.name}
    if len(json.dumps(found)) > LONGEST:
        return {"result": "refused", "seen": f"the answer has more than {LONGEST:,} characters of code"}
    return found


def main() -> None:
    """Read what is asked for on standard input."""
    keep_within(BOUNDS)
    asked = json.load(sys.stdin)
    for name, function in asked["exercises"]:
        found = read(Path(asked["learner"]), asked["chapter"], name, function)
        print(json.dumps([name, found]), flush=True)


if __name__ == "__main__":
    main()
