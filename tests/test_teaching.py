"""What a teacher hosts and hands out: the files that repo2docker reads, and the assignments for nbgrader."""

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from requirement_lists import for_conda, of_the_project

from muxlab.course import EXERCISES
from muxlab.grade.grades import RESULTS
from muxlab.journal import find_copy
from tools import nbgrader_assignment

ROOT = Path(__file__).resolve().parent.parent
BINDER = ROOT / "binder"


# ---- repo2docker


def test_the_image_has_what_the_course_needs_and_nothing_of_the_tests():
    needed, there = of_the_project(), for_conda(BINDER / "environment.yml")
    assert {name: there.get(name) for name in needed} == needed
    assert there.keys() - needed.keys() == {"python", "pip"}


def test_the_image_has_the_programs_that_ci_installs():
    programs = (BINDER / "apt.txt").read_text().split()
    ci = (ROOT / ".ci" / "run").read_text()
    assert all(f"({program})" in ci for program in programs)


@pytest.mark.slow
def test_a_visitor_gets_a_copy_and_keeps_what_they_change(tmp_path):
    def start():
        search = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        home = os.environ | {"HOME": str(tmp_path), "PATH": search, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [BINDER / "start", "echo", "and then", "the server"],
            cwd=tmp_path,
            env=home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        assert (done.stdout, done.stderr, done.returncode) == ("and then the server\n", "", 0)

    start()
    chapter = tmp_path / "muxlab-course" / "05_scale_with_epoll.ipynb"
    assert find_copy(chapter.parent) == chapter.parent
    assert not any(cell.get("outputs") for cell in nbformat.read(chapter, 4).cells)
    chapter.write_text("mine")
    start()
    assert chapter.read_text() == "mine"


@pytest.mark.parametrize("script", ["postBuild", "start"])
def test_the_scripts_can_be_run(script):
    assert os.access(BINDER / script, os.X_OK)
    assert subprocess.run(["bash", "-n", BINDER / script], check=False).returncode == 0


# ---- nbgrader


@pytest.mark.parametrize("name", EXERCISES)
def test_an_assignment_has_what_its_exercise_needs(name):
    exercise = EXERCISES[name]
    notebook = nbgrader_assignment.assignment(exercise)
    nbformat.validate(notebook)
    *before, panel, answer, trials = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert (answer.metadata.nbgrader.solution, answer.metadata.nbgrader.grade) == (True, False)
    assert (trials.metadata.nbgrader.solution, trials.metadata.nbgrader.locked) == (False, True)
    assert trials.metadata.nbgrader.points >= len(exercise.trials)
    assert f".check({exercise.answer})" in trials.source
    names = {}
    for cell in (*before, panel, answer):
        run(cell.source, names)
    run(trials.source.rpartition("\n")[0].replace("print(found)", ""), names)
    assert names["found"].report is None, "the cell is as the course gives it, and there is nothing to try"
    assert eval(trials.source.rpartition("\n")[2], names) == 0


def run(source, names):
    """Run a cell, in a file of its own, as a notebook does."""
    import linecache

    file = f"<assignment {len(linecache.cache)}>"
    linecache.cache[file] = len(source), None, source.splitlines(keepends=True), file
    exec(compile(source, file, "exec", dont_inherit=True), names)


def test_an_assignment_is_written_where_nbgrader_looks(tmp_path, capsys):
    assert nbgrader_assignment.main([str(tmp_path), "week-3", "picky", "one-accept"]) == 0
    written = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*.ipynb"))
    assert written == [Path("source/week-3/one-accept.ipynb"), Path("source/week-3/picky.ipynb")]
    assert capsys.readouterr().out.split() == [
        str(tmp_path / "source/week-3" / name) for name in ("picky.ipynb", "one-accept.ipynb")
    ]


# ---- the teacher's page


def rows(file, columns):
    """Return the rows of the tables in a file that have so many columns."""
    lines = [re.split(r" *\| *", line.strip(" |")) for line in file.read_text().splitlines() if line.startswith("| ")]
    return [line for line in lines if len(line) == columns]


def test_the_courses_take_the_minutes_of_their_chapters():
    minutes = {row[0][1:3]: int(row[1]) for row in rows(ROOT / "README.md", 3) if row[0].startswith("[")}
    courses = [row for row in rows(ROOT / "book" / "teaching.md", 3) if re.match(r"\d\d, ", row[1])]
    assert len(courses) == 8
    for name, chapters, whole in courses:
        assert int(whole) == sum(minutes[chapter] for chapter in chapters.split(", ")), name
    five = [chapter for name, chapters, _ in courses if name.startswith("five") for chapter in chapters.split(", ")]
    assert five == sorted(minutes)  # each chapter comes after those that it builds on


def test_the_page_explains_every_result():
    explained = dict(row for row in rows(ROOT / "book" / "teaching.md", 2) if row[0].strip("`") in RESULTS)
    found = {name.strip("`"): " ".join(meaning.split()) for name, meaning in explained.items()}
    assert found.keys() == RESULTS.keys()
    assert found["failed"].startswith(RESULTS["failed"])
    assert all(found[name] == meaning for name, meaning in RESULTS.items() if name != "failed")


@pytest.mark.parametrize("row", [row for row in rows(ROOT / "book" / "teaching.md", 2) if "](../notebooks/" in row[1]])
def test_a_question_is_answered_where_the_page_says(row):
    chapter, section, part = re.search(r"notebooks/(\S+)\), (?:section (\d+)|part \((\w)\))$", row[1]).groups()
    text = "\n".join(cell.source for cell in nbformat.read(ROOT / "notebooks" / chapter, 4).cells)
    assert f"## {section}. " in text if section else f"## Part ({part})" in text
