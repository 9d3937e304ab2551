"""The map of the course: a row for each chapter, with what the journal of a copy says."""

import json
import re

import pytest
from nbformat import write
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

import muxlab
from muxlab.__main__ import main
from muxlab.course.progress import progress
from muxlab.journal import file, place
from muxlab.journal.record import Guess
from muxlab.lab.chapters import chapters_in, course_folder

NASTY = "<script>alert(1)</script>"
ASK = "guess = muxlab.predict('Who?', ['a', 'b'])"


def chapter(folder, name, text, *sources):
    cells = [new_code_cell(source, id=f"{name[:2]}{number}") for number, source in enumerate(sources)]
    write(new_notebook(cells=[new_markdown_cell(text, id="text"), *cells]), folder / f"{name}.ipynb")


@pytest.fixture
def copy(tmp_path):
    """Return a learner's copy of a course with three chapters."""
    folder = tmp_path / "muxlab-course"
    (folder / place.OWN).mkdir(parents=True)
    (folder / place.OWN / place.MARK).write_text("{}")
    chapter(folder, "00_start_here", "# Start here\n\nSee it live.\n\n*About 15 minutes.*", "1", "2")
    chapter(folder, "01_block", "# Block\n\nWait for `one`.\n\n*About 65 minutes.*", ASK, "2", "3", ASK, "")
    chapter(folder, "02_poll", "# Poll\n\nNever wait.\n\n*About 50 minutes.*", "1")
    return folder


def note(copy, what, *arguments):
    file.change(copy, [lambda journal: getattr(journal, what)(*arguments)])


def plain(found):
    """Return the HTML of a map without its style."""
    return re.sub("<style>.*?</style>", "", found._repr_html_(), flags=re.DOTALL)


def test_nobody_has_begun_yet(copy):
    assert str(progress(copy)).splitlines() == [
        "You have not begun yet: chapter 0 is a good place to start.",
        "",
        "  chapter        minutes",
        "   0 Start here       15",
        "   1 Block            65",
        "   2 Poll             50",
    ]


def test_how_far_somebody_has_come(copy):
    for cell in ("000", "001"):
        note(copy, "ran", "00_start_here", cell)
    note(copy, "ran", "01_block", "010")
    note(copy, "ran", "01_block", "deleted since")
    note(copy, "guessed", "01_block", "010", Guess(1, 0))
    note(copy, "checked", "cut-short", True)
    note(copy, "checked", "thread-for-each", False)
    assert str(progress(copy)).splitlines() == [
        "1 of 3 chapters finished, 0 of 1 predictions right, 1 of 4 exercises passed. Go on with chapter 1, Block.",
        "",
        "   chapter        minutes  cells run  predictions           exercises",
        "✓   0 Start here       15  2 of 2",
        "▸   1 Block            65  1 of 4     0 of 1 right, 1 open  1 of 2",
        "    2 Poll             50",
    ]


def test_what_comes_next(copy):
    for cell in ("000", "001"):
        note(copy, "ran", "00_start_here", cell)
    assert "Next is chapter 1, Block." in str(progress(copy))
    note(copy, "ran", "02_poll", "020")  # the last one, out of turn
    assert progress(copy).go_on.chapter.name == "01_block"
    for number in range(4):
        note(copy, "ran", "01_block", f"01{number}")
    assert progress(copy).go_on is None
    assert "3 of 3 chapters finished" in progress(copy).summary
    assert "You have been through the whole course." in progress(copy).summary


def test_whoever_goes_back_to_a_finished_chapter_goes_on_where_they_were(copy):
    for cell in ("000", "001"):
        note(copy, "ran", "00_start_here", cell)
    for number in range(4):
        note(copy, "ran", "01_block", f"01{number}")
    chapter(copy, "03_wait", "# Wait\n\nFor many.", "1", "2")
    note(copy, "ran", "03_wait", "030")
    for cell in ("001", "a cell of their own"):
        note(copy, "ran", "00_start_here", cell)
        assert "Go on with chapter 3, Wait." in progress(copy).summary
    note(copy, "ran", "03_wait", "031")
    assert "Next is chapter 2, Poll." in progress(copy).summary


def test_a_cell_that_was_left_out_does_not_call_back(copy):
    note(copy, "ran", "00_start_here", "000")
    for number in range(4):
        note(copy, "ran", "01_block", f"01{number}")
    assert "Next is chapter 2, Poll." in progress(copy).summary


def test_the_table_says_the_same(copy):
    note(copy, "ran", "00_start_here", "000")
    note(copy, "ran", "02_poll", "020")
    shown = plain(progress(copy))
    rows = re.findall("<tr.*?</tr>", shown)
    assert [*map(len, (rows, re.findall("<th scope=.row", shown), re.findall("<th scope=.col", shown)))] == [4, 3, 5]
    assert "1 of 2" in rows[1] and "width: 50%" in rows[1] and "go on here" in rows[1]
    assert '<a href="01_block.ipynb">1 · Block</a>' in rows[2] and "Wait for <code>one</code>." in rows[2]
    assert "finished" in rows[3] and "width: 100%" in rows[3]


def test_what_a_chapter_says_is_escaped(copy):
    chapter(copy, "02_poll", f"# Poll {NASTY}\n\nNever {NASTY}.", "1")
    chapter(copy, "03_wait", NASTY, "1")
    assert "<script" not in plain(progress(copy))


def test_a_chapter_that_is_broken_keeps_its_place(copy):
    (copy / "01_block.ipynb").write_text("{")
    found = progress(copy)
    assert [one.chapter.title for one in found.chapters] == ["Start here", "block", "Poll"]
    assert "muxlab lab --fresh 01" in plain(found)
    assert not found.chapters[1].finished


def test_a_journal_that_cannot_be_read_is_told(copy):
    (copy / place.OWN / file.NAME).write_text("{")
    found = progress(copy)
    assert "cannot be read from .muxlab/progress.json" in str(found)
    assert "not begun" not in str(found)


def test_outside_a_copy_it_is_the_table_of_contents(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = muxlab.progress()
    assert [f"{one.chapter.name}.ipynb" for one in found.chapters] == [
        path.name for path in chapters_in(course_folder())
    ]
    assert not found.begun and "`muxlab lab`" in found.remark
    assert sum(len(one.exercises) for one in found.chapters) == len(muxlab.course.EXERCISES)
    assert all(one.chapter.minutes and one.chapter.cells and one.chapter.questions for one in found.chapters)
    with pytest.raises(ValueError, match="is not a copy of the course"):
        progress(tmp_path)


def test_the_command_prints_it(copy, monkeypatch, capsys):
    note(copy, "ran", "02_poll", "020")
    expected = f"{progress(copy)}\n"
    for folder, arguments in ((copy.parent, ["muxlab-course"]), (copy, []), (copy.parent, [])):
        monkeypatch.chdir(folder)
        assert main(["progress", *arguments]) == 0
        assert capsys.readouterr().out == expected
    copy.rename(copy.with_name("my-course"))  # as `make lab` calls it
    assert main(["progress"]) == 0
    assert capsys.readouterr().out == expected
    assert main(["progress", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert (printed["go_on_with"], printed["chapters"][2]["cells_run"]) == ("00_start_here", 1)
    assert main(["progress", str(copy.parent)]) == 1
    assert "is not a copy of the course" in capsys.readouterr().err
