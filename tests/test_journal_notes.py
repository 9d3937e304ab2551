"""What a kernel notes while a chapter runs: its cells, answers and checks, in a learner's copy and nowhere else."""

import errno
import os
import subprocess
import sys
import types
from pathlib import Path

import nbformat
import pytest
from ipywidgets import Widget
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

import muxlab
from muxlab.journal import contents, file, notes, place
from muxlab.journal.record import Attempts, Guess

CHAPTER = "05_scale_with_epoll"
NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
SOURCE = "1 + 1"


class Kernel:
    """A stand-in for IPython in the kernel of a notebook: `run` tells which cell is being run, and then that it was."""

    def __init__(self):
        self.callbacks, self.user_ns, self.message = {}, {}, {}
        self.events = types.SimpleNamespace(register=self.callbacks.__setitem__)

    def get_parent(self):
        return self.message

    def run(self, cell, source=SOURCE, stored=True, work=lambda: None):
        metadata = {"cellId": cell} if cell else {}
        self.message = {"header": {"msg_id": "1"}, "metadata": metadata, "content": {"code": source}}
        work()
        if "post_run_cell" in self.callbacks:
            info = types.SimpleNamespace(store_history=stored)
            self.callbacks["post_run_cell"](types.SimpleNamespace(info=info))


@pytest.fixture
def copy(tmp_path):
    folder = tmp_path / "my-course"
    (folder / place.OWN).mkdir(parents=True)
    (folder / place.OWN / place.MARK).write_text("{}")
    return folder


@pytest.fixture
def kernel(monkeypatch):
    """Return a kernel that does not know of which notebook."""
    shell = Kernel()
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    for name, fresh in {"_watching": False, "_waiting": [], "_said": set()}.items():
        monkeypatch.setattr(notes, name, fresh)
    return shell


@pytest.fixture
def chapter(kernel, copy, monkeypatch):
    """Return the kernel of a chapter in a learner's copy, in which muxlab was imported."""
    monkeypatch.setenv("JPY_SESSION_NAME", str(copy / f"{CHAPTER}.ipynb"))
    muxlab.journal.begin()
    return kernel


@pytest.fixture
def widgets():
    yield
    Widget.close_all()


def test_a_cell_that_was_run_is_noted_once(chapter, copy):
    for cell in ("a0", "b0", "a0"):
        chapter.run(cell)
    assert file.read(copy).cells == {CHAPTER: {"a0", "b0"}}
    assert muxlab.journal.last_chapter(copy) == CHAPTER


def test_what_a_front_end_runs_for_itself_is_not_noted(chapter, copy):
    chapter.run("a0", stored=False)
    assert file.read(copy).cells == {}


@pytest.mark.parametrize("told", [None, "vscode-notebook-cell:/course/05_scale_with_epoll.ipynb#W0sZmlsZQ"])
def test_vs_code_tells_the_notebook_and_the_source_and_has_its_own_names_for_cells(kernel, copy, told):
    kernel.user_ns["__vsc_ipynb_file__"] = str(copy / f"{CHAPTER}.ipynb")
    muxlab.journal.begin()
    kernel.run(told)
    assert file.read(copy).cells == {CHAPTER: {contents.cell_id("code", SOURCE)}}


def test_a_cell_of_the_course_has_the_id_that_is_made_of_its_source():
    path = NOTEBOOKS / f"{CHAPTER}.ipynb"
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    assert cells
    assert {cell.id for cell in cells} == {contents.cell_id("code", cell.source) for cell in cells}


@pytest.mark.parametrize(
    "name", ["scratch.ipynb", "05_scale_with_epoll-Copy1.ipynb", "05_scale_with_epoll.yours.ipynb"]
)
def test_the_cells_of_other_notebooks_are_not_noted(kernel, copy, monkeypatch, name):
    monkeypatch.setenv("JPY_SESSION_NAME", str(copy / name))
    muxlab.journal.begin()
    kernel.run("a0")
    assert not (copy / place.OWN / file.NAME).exists()


def test_outside_a_copy_nothing_is_watched(kernel, tmp_path, monkeypatch):
    monkeypatch.setenv("JPY_SESSION_NAME", str(tmp_path / f"{CHAPTER}.ipynb"))
    muxlab.journal.begin()
    assert kernel.callbacks == {}
    kernel.run("a0")
    assert notes.cell() is None
    assert [*tmp_path.iterdir()] == []


def test_a_program_that_runs_a_notebook_is_not_watched(kernel, copy, monkeypatch):
    monkeypatch.chdir(copy)
    muxlab.journal.begin()
    assert kernel.callbacks == {}


def test_importing_muxlab_twice_watches_once(chapter):
    chapter.callbacks.clear()
    muxlab.journal.begin()
    assert chapter.callbacks == {}


def test_a_prediction_is_noted_when_it_is_answered_and_when_it_is_decided(chapter, copy, widgets, capsys):
    chapter.run("a0")
    guess = muxlab.predict("Which?", ["one", "two"])
    chapter.run("b0")
    assert file.read(copy).guesses == {}
    guess.answer = 1
    assert file.read(copy).guesses == {CHAPTER: {"a0": Guess(1)}}
    guess.reveal("one")
    guess.reveal("two")
    assert file.read(copy).guesses == {CHAPTER: {"a0": Guess(1, 0)}}


def test_a_question_that_nobody_answers_is_not_wrong(chapter, copy, widgets, capsys):
    chapter.run("a0")
    guess = muxlab.predict("Which?", ["one", "two"])
    guess.reveal("one")
    assert file.read(copy).guesses == {}
    guess.answer = 0  # after the experiment, which has given nothing away
    assert file.read(copy).guesses == {CHAPTER: {"a0": Guess(0, 0)}}


def deaf(listener, stop):
    listener.accept()[0].close()


def test_checks_are_noted_from_any_notebook_of_the_copy(kernel, copy, monkeypatch):
    monkeypatch.setenv("JPY_SESSION_NAME", str(copy / "scratch.ipynb"))
    exercise = muxlab.exercise("misspelt")
    monkeypatch.setattr(exercise, "trials", ("echoes one message",))
    kernel.run("a0")
    assert exercise.check(exercise.broken).report is None  # untouched: that is no attempt
    assert file.read(copy).exercises == {}
    assert not exercise.check(deaf).passed
    assert exercise.check(exercise.functions[0]).passed
    attempts = file.read(copy).exercises["misspelt"]
    assert attempts == Attempts(2, attempts.latest, attempts.latest)


def test_to_look_at_the_map_is_not_to_work_on_the_chapter_that_shows_it(chapter, copy, monkeypatch):
    chapter.run("a0")
    monkeypatch.setenv("JPY_SESSION_NAME", str(copy / "00_start_here.ipynb"))

    def look():
        muxlab.progress()

    chapter.run("map", work=look)
    assert file.read(copy).cells == {CHAPTER: {"a0"}, "00_start_here": {"map"}}
    assert muxlab.journal.last_chapter(copy) == CHAPTER
    chapter.run("b0")
    assert muxlab.journal.last_chapter(copy) == "00_start_here"


def test_the_map_counts_the_cell_that_shows_it(chapter, copy):
    shown = []
    cells = [new_markdown_cell("# Scale\n\nUp."), new_code_cell(SOURCE, id="a0")]
    nbformat.write(new_notebook(cells=cells), copy / f"{CHAPTER}.ipynb")
    chapter.run("a0", work=lambda: shown.append(str(muxlab.progress())))
    assert "1 of 1 chapters finished" in shown[0]


def test_a_copy_that_moves_while_its_kernel_runs(chapter, copy, monkeypatch):
    monkeypatch.chdir(copy)
    moved = copy.rename(copy.with_name("elsewhere"))
    chapter.run("a0")
    assert file.read(moved).cells == {CHAPTER: {"a0"}}
    assert not copy.exists()


def test_a_copy_that_is_gone_does_not_stop_the_course(chapter, copy, capsys):
    (copy / place.OWN / place.MARK).unlink()
    chapter.run("a0")
    assert capsys.readouterr() == ("", "")


def refuse(code):
    """Return what stands in for a call that the kernel refuses with this error."""

    def refused(*arguments):
        raise OSError(code, os.strerror(code))

    return refused


@pytest.mark.parametrize(
    ("owner", "call", "code"),
    [(os, "fsync", errno.ENOSPC), (file.Path, "open", errno.EROFS), (file.fcntl, "flock", errno.ENOLCK)],
)
def test_a_journal_that_cannot_be_written_is_told_once_and_loses_nothing(
    chapter, copy, monkeypatch, capsys, owner, call, code
):
    """A full disk, a folder that is read-only, a file system without locks."""
    with monkeypatch.context() as patched:
        patched.setattr(owner, call, refuse(code))
        for cell in ("a0", "b0", "c0"):
            chapter.run(cell)
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert f".muxlab/progress.json cannot be written ({os.strerror(code)}). The course goes on" in said
    chapter.run("d0")
    assert file.read(copy).cells == {CHAPTER: {"a0", "b0", "c0", "d0"}}


def test_what_waits_when_the_kernel_ends_is_written_then(chapter, copy, monkeypatch, capsys):
    at_the_end = []
    monkeypatch.setattr(notes.atexit, "register", at_the_end.append)
    monkeypatch.setattr(notes, "_watching", False)
    muxlab.journal.begin()
    with monkeypatch.context() as patched:
        patched.setattr(file.fcntl, "flock", refuse(errno.EAGAIN))  # another process keeps the lock
        patched.setattr(file, "PATIENCE", 0)
        chapter.run("a0")
    assert file.read(copy).cells == {}
    for write in at_the_end:
        write()
    assert file.read(copy).cells == {CHAPTER: {"a0"}}


def test_a_fork_of_the_kernel_notes_nothing(chapter, copy, monkeypatch):
    monkeypatch.setattr(notes, "_owner", os.getpid() + 1)
    chapter.run("a0")
    assert file.read(copy).cells == {}


def test_a_broken_journal_is_told_once(chapter, copy, capsys):
    (copy / place.OWN / file.NAME).write_text("{")
    chapter.run("a0")
    chapter.run("b0")
    assert capsys.readouterr().err.count("progress-kept-1.json") == 1
    assert file.read(copy).cells == {CHAPTER: {"a0", "b0"}}


@pytest.mark.slow
def test_plain_python_loads_none_of_it():
    code = "import sys, muxlab; print(*sorted(name for name in sys.modules if name.startswith('muxlab.journal')))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert run.stdout.split() == ["muxlab.journal"]


RUN = """
import os, sys, nbformat
from nbclient import NotebookClient
cells = [nbformat.v4.new_code_cell(source) for source in sys.argv[2:]]
client = NotebookClient(nbformat.v4.new_notebook(cells=cells), timeout=60, allow_errors=True)
client.execute(env=os.environ | {"JPY_SESSION_NAME": sys.argv[1]})
"""


@pytest.mark.slow
def test_a_real_kernel_notes_what_is_run(copy):
    """Also a cell that fails, and the one that imports muxlab. As in VS Code, the kernel is not told the cells' ids."""
    asks = "guess = muxlab.predict('Which?', ['one', 'two'])"
    cells = ["import muxlab", asks, "guess.answer = 1", "1 / 0", "guess.reveal('two')"]
    path = copy / f"{CHAPTER}.ipynb"
    subprocess.run([sys.executable, "-c", RUN, path, *cells], capture_output=True, check=True, timeout=60)
    written = file.read(copy)
    assert written.cells == {CHAPTER: {contents.cell_id("code", source) for source in cells}}
    assert written.guesses == {CHAPTER: {contents.cell_id("code", asks): Guess(1, 1)}}
