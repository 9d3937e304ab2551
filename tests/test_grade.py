"""`muxlab grade`: a class, right, wrong, empty or hostile, gets the grades that it should, and nothing is left over."""

import csv
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from class_of_learners import CHAPTER, CHECK, IMPORTS, LEARNERS, SOLVED, handed_in
from helpers import eventually

from muxlab.command.grade import _no_formula
from muxlab.course import EXERCISES
from muxlab.grade.answer import Refused, find_answer
from muxlab.grade.bounds import Bounds
from muxlab.grade.classroom import RESULTS, exercises_called, grade
from muxlab.grade.copies import learners, notebook_of
from muxlab.grade.process_tree import descendants

PATIENCE = 30.0


@pytest.fixture
def chapter(tmp_path):
    """Return a function that writes a chapter with these code cells, and returns its path."""
    return lambda *cells: write(tmp_path, cells)


# ---- the class


@pytest.mark.battery
@pytest.mark.ahead("class_of_learners:grade")
@pytest.mark.parametrize("learner", LEARNERS)
def test_everybody_gets_the_grade_that_they_should(learner, outcome):
    row, expected = outcome[learner], LEARNERS[learner]
    assert row["result"] == expected.result, row
    assert expected.seen in f"{row['first_failed']}: {row['seen']}"


@pytest.mark.battery
@pytest.mark.ahead("class_of_learners:grade")
def test_a_row_says_what_was_tried_and_what_was_seen(outcome):
    right, wrong = outcome["right"], outcome["wrong"]
    assert (right["chapter"], right["exercise"], right["passed"], right["trials"]) == ("06", "one-accept", "4", "4")
    assert right["first_failed"] == right["seen"] == ""
    assert int(wrong["passed"]) < int(wrong["trials"]) == 4
    assert wrong["first_failed"] in EXERCISES["one-accept"].trials
    assert "of 300 were answered" in wrong["seen"]
    assert float(right["seconds"]) > 0


@pytest.mark.battery
@pytest.mark.ahead("class_of_learners:grade")
def test_the_command_prints_the_rows_and_counts_them(outcome):
    *rows, _, last = outcome[""]["printed"].splitlines()
    assert [line.split()[0] for line in rows] == sorted(LEARNERS)
    assert last.startswith(f"{len(LEARNERS)} of {len(LEARNERS)} answers: ")
    assert "2 passed" in last


def test_there_are_twenty_learners_of_every_kind():
    assert len(LEARNERS) >= 20
    assert {learner.result for learner in LEARNERS.values()} == set(RESULTS) - {"too slow"}


# ---- time, and the end


HANGS = handed_in("import threading\nNEVER = threading.Event().wait()\n" + SOLVED.replace("{}", "NEVER or {}"))
KILLS = handed_in(
    "import os, time\nSTRAY = os.fork() or time.sleep(1000)\nPARENT = os.kill(os.getppid(), 9)\n"
    + SOLVED.replace("{}", "STRAY or PARENT or {}")
)


@pytest.mark.slow
def test_an_answer_that_hangs_is_ended_in_time(tmp_path):
    write(tmp_path / "bob", HANGS)
    (row,) = grade(tmp_path, exercises_called(["one-accept"]), 1, Bounds(seconds=1.0))
    assert (row.result, row.seen) == ("too slow", "no verdict after 1 s")


@pytest.mark.slow
def test_what_a_killed_examiner_leaves_is_ended(tmp_path):
    write(tmp_path / "bob", KILLS)
    (row,) = grade(tmp_path, exercises_called(["one-accept"]), 1, Bounds(seconds=PATIENCE))
    assert (row.result, row.seen) == ("crashed", "the examiner itself was ended, and cannot say why")


@pytest.mark.slow
@pytest.mark.parametrize("signal_", [signal.SIGINT, signal.SIGTERM])
def test_after_an_interrupt_the_finished_rows_are_written_and_nothing_runs_on(signal_, tmp_path):
    (tmp_path / "class" / "ann").mkdir(parents=True)
    write(tmp_path / "class" / "bob", HANGS)
    table, temporary = tmp_path / "grades.csv", tmp_path / "temporary"
    temporary.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "muxlab", "grade", tmp_path / "class", "--exercise", "one-accept", "--csv", table],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"TMPDIR": str(temporary)},
    )
    try:
        assert eventually(lambda: len(descendants(process.pid)) >= 2, PATIENCE), "an examiner and a candidate"
        started = descendants(process.pid)
        process.send_signal(signal_)
        printed, _ = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
        process.wait()
    assert "1 of 2 answers: 1 missing" in printed
    with table.open() as rows:
        assert [row["result"] for row in csv.DictReader(rows)] == ["missing"]
    assert not [one for one in started if os.path.exists(f"/proc/{one}")]
    assert not list(temporary.iterdir())


def write(folder: Path, cells: tuple[str, ...]) -> Path:
    """Write a chapter with these code cells."""
    folder.mkdir(exist_ok=True)
    content = {"cells": [{"cell_type": "code", "source": cell} for cell in cells]}
    (folder / CHAPTER).write_text(json.dumps(content))
    return folder / CHAPTER


# ---- the folders


def test_learners_are_the_folders_by_name(tmp_path):
    for name in ("eve", "bob", ".git"):
        (tmp_path / name).mkdir()
    (tmp_path / "grades.csv").touch()
    assert [path.name for path in learners(tmp_path)] == ["bob", "eve"]


@pytest.mark.parametrize(
    ("files", "advice"),
    [((), "has no folder in it"), (("06_ride_the_edge.ipynb",), "put it into a folder of its own")],
)
def test_a_folder_that_is_no_class_is_refused(files, advice, tmp_path):
    for name in files:
        (tmp_path / name).touch()
    with pytest.raises(ValueError, match=f"(?i){advice}"):
        learners(tmp_path)
    with pytest.raises(ValueError, match="there is no folder"):
        learners(tmp_path / "nowhere")


def test_a_chapter_is_found_in_the_copy_and_not_among_what_was_kept(tmp_path):
    home = tmp_path / "bob" / "muxlab-course"
    (home / ".ipynb_checkpoints").mkdir(parents=True)
    for name in (
        CHAPTER,
        f".ipynb_checkpoints/{CHAPTER}",
        "06_ride_the_edge-Copy1.ipynb",
        "03_wait_with_select.ipynb",
    ):
        (home / name).touch()
    assert notebook_of(tmp_path / "bob", EXERCISES["one-accept"]) == home / CHAPTER
    assert notebook_of(tmp_path / "bob", EXERCISES["picky"]) is None
    (home / "picky.ipynb").touch()
    assert notebook_of(tmp_path / "bob", EXERCISES["picky"]) == home / "picky.ipynb"


def test_an_unknown_exercise_is_refused_with_the_list():
    with pytest.raises(ValueError, match=r"no exercise 'one-acept'; there are: .*one-accept"):
        exercises_called(["one-accept", "one-acept"])
    assert [one.name for one in exercises_called(["one-accept", "ghost"])] == ["ghost", "one-accept"]


# ---- what an answer needs


def test_only_what_the_answer_needs_is_run(chapter):
    file = chapter(
        "import select, os, sys\nLIMIT = 10\nprint('hello')\nconn = os.fork()",
        "def other():\n    return LIMIT\n",
        "table = {}\ntable['x'] = LIMIT\nos.remove('x')",
        "def helper(conn):\n    return table",
        f"def burst_server(listener, stop):\n    conn = helper(select)\n\n{CHECK}",
        "def helper(conn):\n    return 'later'",
    )
    answer = find_answer(file, "one-accept", "burst_server")
    assert answer.expression == "burst_server"
    assert [(cell.place, cell.chosen) for cell in answer.cells] == [
        ("cell 1", (0, 1)),
        ("cell 3", (0, 1)),
        ("cell 4", (0,)),
        ("cell 5", (0,)),
    ]


def test_the_last_check_counts_whatever_it_is_given(chapter):
    file = chapter(
        f"{IMPORTS}, functools\ndef a(listener, stop, size): ...\nb = functools.partial(a, size=1)",
        'muxlab.exercise("ghost").check(b)\nmuxlab.exercise("one-accept").check(a)',
        'answer = muxlab.exercise("one-accept").check(functools.partial(a, size=2))',
    )
    answer = find_answer(file, "one-accept", "burst_server")
    assert answer.expression == "functools.partial(a, size=2)"
    assert [cell.chosen for cell in answer.cells] == [(1, 2)]


def test_an_answer_without_a_check_goes_by_its_name(chapter):
    assert find_answer(chapter(SOLVED), "one-accept", "burst_server").expression == "burst_server"
    assert find_answer(chapter("x = 1"), "one-accept", "burst_server") is None


def test_magic_commands_are_no_part_of_an_answer(chapter):
    answer = find_answer(
        chapter("%load_ext foo\n!ls\nSIZE = 1", "%%bash\nls", "def burst_server(x):\n    SIZE"),
        "one-accept",
        "burst_server",
    )
    assert [len(cell.chosen) for cell in answer.cells] == [1, 1]


@pytest.mark.parametrize("content", ["", "[]", '{"cells": 3}', "[" * 100_000, "\x00"])
def test_what_is_no_notebook_is_refused(content, tmp_path):
    (tmp_path / CHAPTER).write_text(content)
    with pytest.raises(Refused, match="not a notebook"):
        find_answer(tmp_path / CHAPTER, "one-accept", "burst_server")


def test_a_spreadsheet_gets_no_formula_from_a_learner():
    assert _no_formula("=1+1") == "'=1+1"
    assert _no_formula("survives") == "survives"
    assert _no_formula(3) == 3
