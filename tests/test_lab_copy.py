"""A learner's copy of the course: made, brought up to date, and never at the cost of what the learner wrote."""

import errno
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from muxlab.journal.place import OWN, find_copy
from muxlab.lab.chapters import chapters_in, choose, course_folder, handed_out
from muxlab.lab.copy import bring_up_to_date, check_place, give_again, keep_to_oneself

FIVE = "05_scale_with_epoll.ipynb"
SEVEN = "07_write_without_stalling.ipynb"


def chapter(*sources: str) -> nbformat.NotebookNode:
    """A chapter that has been run, as it is stored in the package."""
    output = nbformat.v4.new_output("stream", text="the answer\n")
    cells = [nbformat.v4.new_code_cell(source, outputs=[output], execution_count=1) for source in sources]
    return nbformat.v4.new_notebook(cells=cells)


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """The chapters of a package, which the tests may change as a newer version would."""
    folder = tmp_path / "package"
    (folder / "pictures").mkdir(parents=True)
    (folder / "pictures/05.svg").write_text("<svg/>")
    for name in (FIVE, SEVEN):
        nbformat.write(chapter(f"print('{name}')"), folder / name)
    return folder


@pytest.fixture
def mine(tmp_path: Path, course: Path) -> Path:
    """A copy from version 1.0."""
    with keep_to_oneself(tmp_path / "mine"):
        bring_up_to_date(tmp_path / "mine", course, "1.0")
    return tmp_path / "mine"


def edit(path: Path, source: str) -> str:
    """Change a chapter as a learner does, in JupyterLab, and return what the file then holds."""
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[0].source = source
    nbformat.write(notebook, path)
    return path.read_text()


def language_info_of_the_kernel() -> dict:
    """What ipykernel says; in a process of its own, as loading it changes how widgets and progress bars work."""
    code = "import json; from ipykernel.ipkernel import IPythonKernel; print(json.dumps(IPythonKernel.language_info))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, timeout=60)
    return json.loads(answer.stdout)


def source_of(path: Path) -> str:
    return nbformat.read(path, as_version=4).cells[0].source


# ---- the chapters of the package


@pytest.mark.slow
def test_the_course_is_handed_out_without_outputs_and_otherwise_as_it_is_stored() -> None:
    files = handed_out(course_folder())
    chapters = chapters_in(course_folder())
    assert chapters
    language_info = language_info_of_the_kernel()
    for path in chapters:
        stored = nbformat.read(path, as_version=4)
        for cell in stored.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
        stored.metadata["language_info"] = language_info  # or JupyterLab changes a chapter by opening it
        assert files[path.name].decode() == nbformat.writes(stored).rstrip("\n") + "\n"
    pictures = {f"pictures/{path.name}" for path in (course_folder() / "pictures").iterdir()}
    assert files.keys() == pictures | {path.name for path in chapters}


@pytest.mark.parametrize("name", ["05", "5", "05_scale_with_epoll", FIVE, f"some/folder/{FIVE}"])
def test_a_chapter_is_chosen_by_number_or_name(name: str, course: Path) -> None:
    assert [path.name for path in choose([name], chapters_in(course))] == [FIVE]


@pytest.mark.parametrize("name", ["", "15", "5x", "scale", "."])
def test_a_chapter_that_is_not_there_cannot_be_chosen(name: str, course: Path) -> None:
    with pytest.raises(ValueError, match="they are numbered 05 to 07"):
        choose([name], chapters_in(course))


# ---- a copy


def test_a_copy_is_whole_and_known_as_one(mine: Path, course: Path, tmp_path: Path) -> None:
    assert {path.name for path in mine.iterdir()} == {OWN, "pictures", FIVE, SEVEN}
    copied = nbformat.read(mine / FIVE, as_version=4).cells[0]
    assert (copied.source, copied.outputs, copied.execution_count) == (f"print('{FIVE}')", [], None)
    assert (mine / "pictures/05.svg").read_text() == "<svg/>"
    assert find_copy(mine) == mine
    assert find_copy(course) is None and find_copy(tmp_path) is None


def test_the_same_package_again_changes_nothing(mine: Path, course: Path) -> None:
    before = {path: path.stat() for path in (mine / FIVE, mine / SEVEN)}
    edit(mine / SEVEN, "mine = 1")
    before[mine / SEVEN] = (mine / SEVEN).stat()
    changes = bring_up_to_date(mine, course, "1.0")
    assert (changes.before, changes.files) == ("1.0", {})
    assert {path: path.stat() for path in before} == before


def test_a_newer_package_replaces_what_was_not_changed_and_nothing_else(mine: Path, course: Path) -> None:
    written = edit(mine / FIVE, "mine = 1")
    for name in (FIVE, SEVEN):
        edit(course / name, "newer = 1")
    (course / "pictures/05.svg").write_text("<svg>newer</svg>")
    nbformat.write(chapter("additional"), course / "15_go_on.ipynb")
    changes = bring_up_to_date(mine, course, "1.1")
    assert changes.before == "1.0" and not changes.is_newer
    assert [changes.chapters(what) for what in ("added", "replaced", "outdated")] == [
        ["15_go_on.ipynb"],
        [SEVEN],
        [FIVE],
    ]
    assert (mine / FIVE).read_text() == written
    assert source_of(mine / SEVEN) == "newer = 1"
    assert (mine / "pictures/05.svg").read_text() == "<svg>newer</svg>"
    assert bring_up_to_date(mine, course, "1.1").files == {FIVE: "outdated"}  # it is offered until it is taken


def test_a_chapter_that_was_changed_in_a_version_without_news_is_not_offered(mine: Path, course: Path) -> None:
    edit(mine / FIVE, "mine = 1")
    assert bring_up_to_date(mine, course, "1.1").files == {}


def test_a_chapter_that_was_only_opened_still_follows_the_package(mine: Path, course: Path) -> None:
    notebook = nbformat.read(mine / FIVE, as_version=4)
    notebook.metadata.language_info = {"name": "python", "version": "3.13.1"}  # JupyterLab writes this by itself
    nbformat.write(notebook, mine / FIVE)
    edit(course / FIVE, "newer = 1")
    assert bring_up_to_date(mine, course, "1.1").files == {FIVE: "replaced"}


def test_a_chapter_that_was_run_is_the_learners(mine: Path, course: Path) -> None:
    notebook = nbformat.read(mine / FIVE, as_version=4)
    notebook.cells[0].outputs = [nbformat.v4.new_output("stream", text="what I saw\n")]
    nbformat.write(notebook, mine / FIVE)
    edit(course / FIVE, "newer = 1")
    assert bring_up_to_date(mine, course, "1.1").files == {FIVE: "outdated"}
    assert "what I saw" in (mine / FIVE).read_text()


def test_an_older_package_touches_nothing(mine: Path, course: Path) -> None:
    edit(course / FIVE, "older = 1")
    (mine / SEVEN).unlink()
    before = (mine / OWN / "course.json").read_text()
    changes = bring_up_to_date(mine, course, "0.10")
    assert changes.is_newer and changes.files == {} and not (mine / SEVEN).exists()
    assert source_of(mine / FIVE) == f"print('{FIVE}')"
    assert (mine / OWN / "course.json").read_text() == before


def test_a_chapter_that_was_removed_comes_back(mine: Path, course: Path) -> None:
    (mine / FIVE).unlink()
    assert bring_up_to_date(mine, course, "1.0").files == {FIVE: "added"}


def test_a_chapter_that_a_newer_package_has_no_more_stays_and_is_told_once(mine: Path, course: Path) -> None:
    """Also one that was given another name there, and comes under that, too."""
    written = edit(mine / FIVE, "mine = 1")
    (course / FIVE).rename(course / "05_scale_up.ipynb")
    (course / SEVEN).unlink()
    changes = bring_up_to_date(mine, course, "1.1")
    assert [changes.chapters(what) for what in ("added", "retired")] == [["05_scale_up.ipynb"], [FIVE, SEVEN]]
    assert (mine / FIVE).read_text() == written and source_of(mine / SEVEN) == f"print('{SEVEN}')"
    assert bring_up_to_date(mine, course, "1.1").files == {}


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"cells": 1}', b'{"cells": [{}]}', b"\xff\xfe", b"my notes", b"[" * 100_000]
)
def test_a_chapter_that_is_no_notebook_any_more_stays(mine: Path, course: Path, content: bytes) -> None:
    (mine / FIVE).write_bytes(content)
    edit(course / FIVE, "newer = 1")
    assert bring_up_to_date(mine, course, "1.1").files == {FIVE: "outdated"}
    assert (mine / FIVE).read_bytes() == content


def test_a_folder_in_the_place_of_a_chapter_stays(mine: Path, course: Path) -> None:
    (mine / FIVE).unlink()
    (mine / FIVE / "notes").mkdir(parents=True)
    edit(course / FIVE, "newer = 1")
    assert bring_up_to_date(mine, course, "1.1").files == {FIVE: "outdated"}
    assert give_again(mine, FIVE, course, "1.1") == "05_scale_with_epoll.yours.ipynb"
    assert (mine / "05_scale_with_epoll.yours.ipynb/notes").is_dir() and source_of(mine / FIVE) == "newer = 1"


def test_a_folder_of_chapters_without_a_record_becomes_a_copy_and_keeps_what_differs(
    mine: Path, course: Path, tmp_path: Path
) -> None:
    written = edit(mine / FIVE, "mine = 1")
    shutil.rmtree(mine / OWN)
    with keep_to_oneself(mine):
        assert bring_up_to_date(mine, course, "1.0").files == {}
    assert find_copy(mine) == mine
    for name in (FIVE, SEVEN):
        edit(course / name, "newer = 1")
    assert bring_up_to_date(mine, course, "1.1").files == {FIVE: "outdated", SEVEN: "replaced"}
    assert (mine / FIVE).read_text() == written


@pytest.mark.parametrize(
    "record", ["", "{", "[]", "[" * 100_000, '{"version": "1.0"}', '{"version": "old", "files": {}}', '{"files": 1}']
)
def test_a_broken_record_is_put_aside_and_nothing_is_overwritten(mine: Path, course: Path, record: str) -> None:
    written = edit(mine / FIVE, "mine = 1")
    (mine / OWN / "course.json").write_text(record)
    edit(course / FIVE, "newer = 1")
    bring_up_to_date(mine, course, "1.1")
    assert (mine / FIVE).read_text() == written
    assert (mine / OWN / "course.broken.json").read_text() == record
    assert json.loads((mine / OWN / "course.json").read_text())["version"] == "1.1"


def test_a_copy_may_be_moved(mine: Path, course: Path, tmp_path: Path) -> None:
    mine.rename(tmp_path / "moved")
    edit(course / FIVE, "newer = 1")
    assert bring_up_to_date(tmp_path / "moved", course, "1.1").files == {FIVE: "replaced"}


# ---- a chapter given out again


def test_a_fresh_chapter_keeps_every_one_that_was_changed(mine: Path, course: Path) -> None:
    first = edit(mine / FIVE, "first = 1")
    assert give_again(mine, FIVE, course, "1.0") == "05_scale_with_epoll.yours.ipynb"
    second = edit(mine / FIVE, "second = 2")
    edit(course / FIVE, "newer = 1")
    assert give_again(mine, FIVE, course, "1.1") == "05_scale_with_epoll.yours-2.ipynb"
    assert (mine / "05_scale_with_epoll.yours.ipynb").read_text() == first
    assert (mine / "05_scale_with_epoll.yours-2.ipynb").read_text() == second
    assert source_of(mine / FIVE) == "newer = 1"
    assert bring_up_to_date(mine, course, "1.1").files == {}
    assert [path.name for path in chapters_in(mine)] == [FIVE, SEVEN]  # what is kept is not a chapter


def test_a_fresh_chapter_in_place_of_an_unchanged_one_keeps_nothing(mine: Path, course: Path) -> None:
    assert give_again(mine, FIVE, course, "1.0") is None
    edit(course / FIVE, "newer = 1")
    assert give_again(mine, FIVE, course, "1.1") is None
    assert {path.name for path in mine.iterdir()} == {OWN, "pictures", FIVE, SEVEN}


def test_a_fresh_chapter_that_finds_the_disk_full_leaves_the_old_one_in_its_place(
    mine: Path, course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = edit(mine / FIVE, "mine = 1")
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", _find_the_disk_full)
        with pytest.raises(OSError, match="No space left"):
            give_again(mine, FIVE, course, "1.0")
    assert (mine / FIVE).read_text() == written
    assert {path.name for path in mine.iterdir()} == {OWN, "pictures", FIVE, SEVEN}


def _find_the_disk_full(descriptor: int) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


# ---- places


def test_a_folder_inside_a_copy_is_no_place_for_another(mine: Path) -> None:
    check_place(mine)
    check_place(mine / ".." / mine.name)
    with pytest.raises(ValueError, match=f"lies inside your copy of the course; .* muxlab lab {mine}$"):
        check_place(mine / "again")


def test_a_file_a_home_and_a_checkout_are_no_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="file is a file; name a folder"):
        check_place(tmp_path / "file")
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(
        ValueError, match=r"not a good place for the chapters; use a folder inside it: .*/muxlab-course$"
    ):
        check_place(tmp_path)
    with pytest.raises(ValueError, match="not a good place for the chapters"):
        check_place(Path("/"))
    (tmp_path / "work/.git").mkdir(parents=True)
    with pytest.raises(ValueError, match="is a git checkout"):
        check_place(tmp_path / "work")
    check_place(tmp_path / "work/new")
    check_place(tmp_path / "new")


def test_a_copy_that_the_learner_keeps_in_git_is_still_a_copy(mine: Path) -> None:
    (mine / ".git").mkdir()
    check_place(mine)


def test_whoever_is_killed_half_way_leaves_whole_files(mine: Path, course: Path) -> None:
    """The old chapter is still there, and the next call puts things right."""
    edit(course / FIVE, "newer = 1")
    child = multiprocessing.get_context("fork").Process(target=_die_while_writing, args=(mine, course))
    child.start()
    child.join(30)
    assert child.exitcode == 9
    assert source_of(mine / FIVE) == f"print('{FIVE}')"
    assert bring_up_to_date(mine, course, "1.1").files == {FIVE: "replaced"}


def _die_while_writing(mine: Path, course: Path) -> None:
    os.replace = lambda *paths: os._exit(9)
    bring_up_to_date(mine, course, "1.1")
