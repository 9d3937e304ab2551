"""A made-up class: some learners are right, some are wrong, some have done nothing, and some would rather cheat.

All of them hand in the exercise `one-accept` of chapter 06: it has few trials, and its server sleeps when it fails.
`grade` makes their folders, and grades them with the command, as a teacher does.
"""

import csv
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from muxlab.course import EXERCISES
from muxlab.course.variant import source

EXERCISE = EXERCISES["one-accept"]
CHAPTER = "06_ride_the_edge.ipynb"
GIVEN = source(EXERCISE.broken)  # type: ignore[arg-type]
SOLVED = source(*EXERCISE.functions)
FIRST_LINE = "def burst_server(listener, stop):\n"
IMPORTS = "import select\n\nimport muxlab"
CHECK = 'muxlab.exercise("one-accept").check(burst_server)'


class Learner(NamedTuple):
    """A learner of the class.

    Attributes:
        result: what the grade has to be.
        cells: the code cells of the notebook that is handed in.
        prepare: does something else to the learner's folder.
        seen: what the row has to say, in part.
    """

    result: str
    cells: tuple[str, ...]
    prepare: Callable[[Path], object] = lambda folder: None
    seen: str = ""


def handed_in(server: str) -> tuple[str, ...]:
    """Return the cells of a notebook with this server in it."""
    return IMPORTS, f"{server}\n\n{CHECK}"


def at_the_start(statements: str, server: str = GIVEN) -> str:
    """Return a server that does something else first."""
    lines = "".join(f"    {line}\n" for line in statements.strip().splitlines())
    return server.replace(FIRST_LINE, FIRST_LINE + lines, 1)


FORGED = json.dumps(
    {"said": "one-accept: solved.", "tried": True, "trials": [(name, True, "fine") for name in EXERCISE.trials]}
)
FORGERY = f"""
import os, socket, stat
for fd in range(3, 20):
    try:
        if stat.S_ISSOCK(os.fstat(fd).st_mode):
            os.write(fd, {FORGED!r}.encode())
    except OSError:
        pass
"""
"""Writes a verdict to whatever socket there is."""

SHORT = json.dumps({"said": "solved", "tried": True, "trials": [(EXERCISE.trials[0], True, "fine")]})
LONG = json.dumps(json.loads(FORGED) | {"trials": 100 * json.loads(FORGED)["trials"]})


def indented(statements: str) -> str:
    """Return statements that stand inside another one."""
    return statements.replace("\n", "\n    ")


PATCHES = """
from muxlab.trials import runner
from muxlab.trials.report import Verdict
runner.Battery.verdict = lambda self, trial: Verdict(trial.name, True, "fine", "")
"""
FROM_INSIDE = """
import gc
from muxlab.trials.runner import Battery
for thing in gc.get_objects():
    if isinstance(thing, Battery):
        thing._run = lambda trial: __import__("muxlab").trials.Verdict(trial.name, True, "fine", "")
"""
FRAMES = """
import sys
for frame in sys._current_frames().values():
    while frame:
        if frame.f_code.co_name == "verdict":
            kind = type(frame.f_locals["self"])
            kind._run = lambda self, trial: sys.modules["muxlab"].trials.Verdict(trial.name, True, "fine", "")
        frame = frame.f_back
"""
FORKS = "\n    ".join(
    [
        "import os, time",
        "for _ in range(3):",
        "    if not os.fork():",
        "        os.setsid()",
        "        time.sleep(1000)",
        "os._exit(0)",
    ]
)
BOMB = "import os, time\nfor _ in range(600):\n    if not os.fork():\n        time.sleep(1000)\ntime.sleep(1000)"


DIGS = """
import os
def dig():
    for _ in range(1500):
        os.mkdir("d")
        os.chdir("d")
    raise ValueError("got there")
DEEP = dig()
"""
"""Makes folders in folders, deeper than Python 3.11 can remove them."""
REMOVES = """
import os, shutil
GONE = shutil.rmtree(os.path.dirname(os.environ["TMPDIR"])) or no_such_name
"""
"""Removes the folder above its own: in there, it must be alone."""


def twice(folder: Path) -> None:
    """Put a second copy of the chapter into a folder beside the first one's."""
    for name in ("monday", "tuesday"):
        (folder / name).mkdir()
        (folder / name / CHAPTER).write_bytes((folder / CHAPTER).read_bytes())
    (folder / CHAPTER).unlink()


def neighbours(folder: Path) -> None:
    """Put files into the folder that Python would find before the real ones, if it looked there."""
    for name in ("select.py", "sitecustomize.py", "usercustomize.py", "json.py"):
        (folder / name).write_text("import os\nos._exit(0)\n")
    (folder / "muxlab").mkdir()
    (folder / "muxlab" / "__init__.py").write_text("def exercise(name): raise SystemExit(0)\n")


def elsewhere(folder: Path) -> None:
    """Hand in a link to somebody else's notebook."""
    (folder / CHAPTER).unlink()
    (folder / CHAPTER).symlink_to(folder.parent / "right" / CHAPTER)


LEARNERS = {
    # ---- right
    "right": Learner("passed", handed_in(SOLVED)),
    "with_helpers": Learner(
        "passed",
        (
            "%matplotlib inline\nimport select, muxlab\nSIZE = 1024",
            "def burst_server(listener, stop):\n    raise ValueError('the first try')",
            "import os\nos._exit(3)  # no part of the answer",
            "import sys\ndef chunk(conn):\n    print(300_000 * 'x', file=sys.stderr)\n    return conn.recv(SIZE)",
            SOLVED.replace("conns[fd].recv(1024)", "chunk(conns[fd])").replace("burst_server", "mine"),
            'muxlab.exercise("one-accept").check(mine)',
            "mine = None\nwhile True:\n    pass",
        ),
        prepare=lambda folder: strange_metadata(folder),
    ),
    # ---- not right, or nothing
    "wrong": Learner(
        "failed",
        handed_in(SOLVED.replace("while True:", "for _ in range(100):")),
        seen="accepts a burst of 300: 100 of 300 were answered",
    ),
    "raises": Learner("failed", handed_in(at_the_start("listener.setblockin(False)")), seen="setblockin"),
    "untouched": Learner("untouched", handed_in(GIVEN)),
    "empty_server": Learner("untouched", handed_in(FIRST_LINE + "    ...")),
    "no_server": Learner("missing", (IMPORTS, CHECK)),
    "empty_folder": Learner("missing", (), prepare=lambda folder: (folder / CHAPTER).unlink()),
    "not_python": Learner("refused", handed_in(FIRST_LINE + "    while"), seen="not Python"),
    "no_notebook": Learner("refused", (), prepare=lambda folder: (folder / CHAPTER).write_text("{")),
    "two_copies": Learner("refused", handed_in(SOLVED), prepare=twice, seen="more than one notebook"),
    "a_link": Learner("refused", handed_in(SOLVED), prepare=elsewhere, seen="a link"),
    "misspelt": Learner("crashed", handed_in("STOP = stpo\n" + at_the_start("STOP")), seen="NameError"),
    # ---- hostile
    "exits": Learner("crashed", handed_in(at_the_start("import os; print('5 of 5 passed'); os._exit(0)"))),
    "exits_at_once": Learner("crashed", handed_in("import sys\nBYE = sys.exit()\n" + at_the_start("BYE"))),
    "forks": Learner("crashed", handed_in(at_the_start(FORKS.replace("\n    ", "\n")))),
    "fork_bomb": Learner("crashed", handed_in(at_the_start(BOMB)), seen="processes"),
    "fills_memory": Learner("crashed", handed_in("HOARD = bytearray(2**31)\n" + at_the_start("HOARD")), seen="Memory"),
    "fills_disk": Learner(
        "crashed",
        handed_in("BIG = open('b', 'wb').write(bytes(2**24))\n" + at_the_start("BIG")),
        seen="File too large",
    ),
    "closes_all": Learner("crashed", handed_in(at_the_start("import os; os.closerange(3, 1000)"))),
    "patches": Learner("doubtful", handed_in(at_the_start(PATCHES)), seen="of 300 were answered"),
    "patches_from_inside": Learner("doubtful", handed_in(at_the_start(FROM_INSIDE))),
    "patches_frames": Learner("doubtful", handed_in(at_the_start(FRAMES))),
    "writes_a_verdict": Learner("doubtful", handed_in(at_the_start(FORGERY))),
    "writes_at_once": Learner(
        "doubtful",
        handed_in(f"if True:{indented(FORGERY)}\n    SENT = True\n" + at_the_start("SENT")),
        seen="not serve",
    ),
    "leaves_trials_out": Learner(
        "crashed", handed_in(at_the_start(FORGERY.replace(FORGED, SHORT))), seen="leaves trials"
    ),
    "adds_trials": Learner(
        "crashed", handed_in(at_the_start(FORGERY.replace(FORGED, LONG))), seen="not the exercise's"
    ),
    "cannot_be_written": Learner(
        "crashed",
        handed_in(
            "def fail():\n    raise ValueError(chr(0xD800) + '\\x1b[31m')\nFAIL = fail()\n" + at_the_start("FAIL")
        ),
        seen=r"ValueError: \ud800\x1b[31m",
    ),
    "digs": Learner("crashed", handed_in(DIGS + at_the_start("DEEP")), seen="got there"),
    "stops_its_examiner": Learner(
        "crashed", handed_in(at_the_start("import os; os.kill(os.getppid(), 19); os._exit(3)")), seen="exit status 3"
    ),
    "removes": Learner("crashed", handed_in(REMOVES + at_the_start("GONE")), seen="no_such_name"),
    "neighbours": Learner("untouched", handed_in(GIVEN), prepare=neighbours),
}


def write(folder: Path, cells: tuple[str, ...]) -> Path:
    """Write a chapter with these code cells into a folder."""
    folder.mkdir(exist_ok=True)
    content = {"cells": [{"cell_type": "code", "source": cell, "metadata": {}, "outputs": []} for cell in cells]}
    (folder / CHAPTER).write_text(json.dumps(content | {"metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    return folder / CHAPTER


def make(folder: Path, learner: str) -> None:
    """Make the folder of a learner."""
    write(folder / learner, LEARNERS[learner].cells)
    LEARNERS[learner].prepare(folder / learner)


def strange_metadata(folder: Path) -> None:
    """Change what a notebook says about itself and its cells."""
    content = json.loads((folder / CHAPTER).read_text())
    content["metadata"] = {"kernelspec": {"name": "no-such-kernel"}, "muxlab": {"result": "passed"}}
    for number, cell in enumerate(content["cells"]):
        cell["source"] = cell["source"].splitlines(keepends=True)
        cell |= {"id": f"x{number}", "execution_count": 99, "metadata": {"tags": ["raises-exception"], "graded": True}}
    (folder / CHAPTER).write_text(json.dumps(content))


def grade() -> dict[str, dict[str, str]]:
    """Grade the class; return the rows by learner, and under "" what the command printed."""
    with tempfile.TemporaryDirectory() as folder:
        temporary = Path(folder) / "temporary"  # some learners remove what they find there
        temporary.mkdir()
        (Path(folder) / "class").mkdir()
        for learner in LEARNERS:
            make(Path(folder) / "class", learner)
        table = Path(folder) / "grades.csv"
        command = ["grade", f"{folder}/class", "--exercise", "one-accept", "--csv", str(table), "--jobs", "2"]
        done = subprocess.run(
            [sys.executable, "-m", "muxlab", *command, "--memory", "512", "--seconds", "100"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=True,
            env=os.environ | {"TMPDIR": str(temporary)},
        )
        assert not list(temporary.iterdir()), "what the answers have left"
        with open(table, newline="", encoding="utf-8") as rows:
            found = {row["learner"]: dict(row) for row in csv.DictReader(rows)}
        return found | {"": {"printed": done.stdout}}
