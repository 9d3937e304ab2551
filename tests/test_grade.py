"""`muxlab grade`: a class, right, wrong, empty or hostile, gets the grades that it should, and nothing is left over."""

import contextlib
import csv
import os
import signal
import subprocess
import sys
import tempfile

import pytest
from class_of_learners import CHAPTER, GIVEN, LEARNERS, SOLVED, at_the_start, handed_in, write
from helpers import eventually

from muxlab.__main__ import main
from muxlab.command.grade import ENDS, _ended_once
from muxlab.course import EXERCISES
from muxlab.grade import classroom
from muxlab.grade.bounds import Bounds
from muxlab.grade.cells import Refused
from muxlab.grade.classroom import exercises_called, grade
from muxlab.grade.copies import learners, notebook_of
from muxlab.grade.examiner import Outcome, remarks
from muxlab.grade.grades import RESULTS, Grade
from muxlab.grade.process_tree import descendants
from muxlab.grade.table import cell, write_table

PATIENCE = 30.0


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
    assert (right["first_failed"], right["seen"]) == ("", "the text of the course's own solution is in it")
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
    before = descendants(os.getpid())
    with contextlib.closing(grade(tmp_path, exercises_called(["one-accept"]), 1, Bounds(seconds=PATIENCE))) as rows:
        row = next(rows)
        assert (row.result, row.seen) == (
            "crashed",
            "the process that was checking this answer was killed; grade it again",
        )
        assert descendants(os.getpid()) == before, "at once, not when the whole class is graded"


@pytest.mark.slow
def test_an_answer_cannot_change_what_others_have_handed_in(tmp_path):
    others = write(tmp_path / "bob", handed_in(GIVEN))
    spoils = f"import pathlib\nSPOILT = pathlib.Path({str(others)!r}).write_text('nothing')\nEND = no_such_name\n"
    write(tmp_path / "ann", handed_in(spoils + at_the_start("SPOILT, END")))
    ann, bob = grade(tmp_path, exercises_called(["one-accept"]), 1, Bounds(seconds=PATIENCE))
    assert ann.result == "crashed"
    assert others.read_text() == "nothing"
    assert bob.result == "untouched"


def test_what_cannot_be_begun_is_a_row_and_the_next_answer_gets_its_turn(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "mkdtemp", full)
    for learner in ("ann", "bob"):
        write(tmp_path / learner, handed_in(SOLVED))
    rows = list(grade(tmp_path, exercises_called(["one-accept"]), 1, Bounds()))
    assert [(row.learner, row.result) for row in rows] == [("ann", "crashed"), ("bob", "crashed")]
    assert "No space left" in rows[0].seen


@pytest.mark.slow
@pytest.mark.parametrize("signal_", [signal.SIGINT, signal.SIGHUP])
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
    assert "stopped after 1 of 2 answers: 1 missing" in printed
    assert process.returncode == 128 + signal_
    with table.open() as rows:
        assert [row["result"] for row in csv.DictReader(rows)] == ["missing"]
    assert not [one for one in started if os.path.exists(f"/proc/{one}")]
    assert not list(temporary.iterdir())


def test_the_second_signal_does_not_disturb_the_end():
    before = [signal.getsignal(each) for each in ENDS]
    with _ended_once() as ended_by:
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
        for each in ENDS:
            signal.raise_signal(each)
    assert ended_by == [signal.SIGTERM]
    assert [signal.getsignal(each) for each in ENDS] == before


# ---- the table


def row(learner="bob", seen=""):
    """Return a grade."""
    return Grade(learner, "06", "one-accept", "crashed", 0, 4, "", seen, 1.0)


@pytest.mark.slow
def test_odd_names_of_folders_are_rows_like_others(tmp_path, capsys):
    names = {b"caf\xe9": r"caf\udce9", "caf\u00e9".encode(): "caf\u00e9", b"-rf": "'-rf", b"two\nlines": r"two\nlines"}
    for name in names:
        os.mkdir(os.fsencode(tmp_path) + b"/" + name)
    table = tmp_path / "grades.csv"
    assert main(["grade", str(tmp_path), "--csv", str(table), "--exercise", "one-accept"]) == 0
    with table.open(encoding="utf-8") as rows:
        assert {each["learner"]: each["result"] for each in csv.DictReader(rows)} == dict.fromkeys(
            names.values(), "missing"
        )
    assert "there is no copy of chapter 06" in capsys.readouterr().out


def test_the_table_is_written_anew_whatever_was_done_to_it(tmp_path, monkeypatch, capsys):
    table = tmp_path / "grades.csv"
    (tmp_path / "class" / "bob").mkdir(parents=True)

    def scribble(*_):
        yield row("ann")
        table.write_text("scribble")
        yield row("bob")
        table.write_text("scribble")

    monkeypatch.setattr(classroom, "grade", scribble)
    assert main(["grade", str(tmp_path / "class"), "--csv", str(table)]) == 0
    with table.open() as rows:
        assert [each["learner"] for each in csv.DictReader(rows)] == ["ann", "bob"]
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["grades.csv"]


def test_a_table_takes_the_place_of_a_file_and_of_nothing_else(tmp_path):
    (tmp_path / "link.csv").symlink_to(tmp_path / "real.csv")
    write_table(tmp_path / "link.csv", [])
    assert (tmp_path / "real.csv").read_text().startswith("learner,chapter,exercise,result")
    os.mkfifo(tmp_path / "pipe")
    for file in (tmp_path / "pipe", tmp_path, tmp_path / "nowhere" / "grades.csv"):
        with pytest.raises(OSError, match="cannot be written"):
            write_table(file, [])


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("survives", "survives"),
        (3, 3),
        ("=1+1", "'=1+1"),
        ("two\nlines, \x1b[31mred", r"two\nlines, \x1b[31mred"),
        ("\ud800 and caf\udce9", r"\ud800 and caf\udce9"),
    ],
)
def test_a_spreadsheet_and_a_terminal_get_nothing_that_they_would_run(value, written):
    assert cell(value) == written


# ---- what a row says beside what was seen


def test_a_row_says_what_was_believed_and_what_is_the_course_s():
    def said(result, name, code, seen=""):
        answer = {"cells": [{"source": code}]}
        return " ".join(remarks(Outcome(result, seen=seen), EXERCISES[name], answer))

    assert "lets nobody pay for another's event" in said("passed", "stale", "")
    assert "mentions the course's own" in said("passed", "one-accept", "from muxlab.course import EXERCISES")
    assert "own solution" in said("passed", "one-accept", SOLVED)
    assert said("passed", "one-accept", SOLVED.replace("recv(1024)", "recv(1000)")) == ""
    assert "only what the answer seems to need" in said("failed", "one-accept", "", "NameError: name 'x'")
    assert said("failed", "one-accept", SOLVED) == ""


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
    assert notebook_of(tmp_path / "bob", "06", "one-accept") == home / CHAPTER
    with pytest.raises(FileNotFoundError, match="there is no copy of chapter 05"):
        notebook_of(tmp_path / "bob", "05", "picky")
    (home / "picky.ipynb").touch()
    assert notebook_of(tmp_path / "bob", "05", "picky") == home / "picky.ipynb"
    (home / "02_poll_without_blocking (1).ipynb").touch()
    with pytest.raises(FileNotFoundError, match=r"but '02_poll_without_blocking \(1\).ipynb': rename it"):
        notebook_of(tmp_path / "bob", "02", "misspelt")


def test_a_learner_s_folder_that_is_another_s_or_shut_is_refused(tmp_path, monkeypatch):
    write(tmp_path / "bob", ("x = 1",))
    (tmp_path / "eve").symlink_to(tmp_path / "bob")
    with pytest.raises(Refused, match="link"):
        notebook_of(tmp_path / "eve", "06", "one-accept")

    def shut(path):  # root may read any folder, so a folder that is shut is simulated
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", shut)
    with pytest.raises(Refused, match="the folder bob cannot be read: Permission denied"):
        notebook_of(tmp_path / "bob", "06", "one-accept")


def test_an_unknown_exercise_is_refused_with_the_list():
    with pytest.raises(ValueError, match=r"no exercise 'one-acept'; there are: .*one-accept"):
        exercises_called(["one-accept", "one-acept"])
    assert [one.name for one in exercises_called(["one-accept", "ghost"])] == ["ghost", "one-accept"]
