"""A chapter that was saved with panels and questions, and opened when their kernels have ended."""

from copy import deepcopy
from pathlib import Path

import nbformat
import pytest
from nbformat.sign import NotebookNotary

from muxlab import exercise
from muxlab.journal.place import OWN
from muxlab.lab.copy import bring_up_to_date, keep_to_oneself
from muxlab.lab.stills import NOTE, REFERENCE, SAVED, leave_stills

FIVE = "05_scale_with_epoll.ipynb"
SEVEN = "07_write_without_stalling.ipynb"


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A package with two small chapters."""
    folder = tmp_path / "package"
    folder.mkdir()
    for name in (FIVE, SEVEN):
        write(folder / name, f"panel  # {name}")
    return folder


@pytest.fixture
def mine(tmp_path: Path, course: Path) -> Path:
    """A copy of it."""
    with keep_to_oneself(tmp_path / "mine"):
        bring_up_to_date(tmp_path / "mine", course, "1.0")
    return tmp_path / "mine"


def write(path: Path, source: str) -> None:
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source, id="one")]), path)


def as_saved(path: Path, *outputs: nbformat.NotebookNode) -> None:
    """Save a chapter as JupyterLab does after its first cell was run, with these outputs."""
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[0].outputs, notebook.cells[0].execution_count = list(outputs), 1
    nbformat.write(notebook, path)


def widget(kind: str, model: str = "abc", picture: str = "") -> nbformat.NotebookNode:
    """An output that refers to a widget; `picture` stands beside that."""
    shown = {"text/plain": "a widget"} | ({"image/png": picture} if picture else {})
    return nbformat.v4.new_output(kind, data=shown | {REFERENCE: {"model_id": model, "version_major": 2}})


def stills(mine: Path) -> list[str]:
    return leave_stills(mine, mine / OWN / "unfinished")


def test_a_panel_leaves_its_picture_a_verdict_its_text_and_a_bar_nothing(mine: Path) -> None:
    printed = nbformat.v4.new_output("stream", text="kept\n")
    verdict = nbformat.v4.new_output("display_data", data={"text/plain": "(b)", "text/html": "<p>(b)</p>"})
    bar, panel = widget("display_data"), widget("execute_result", picture="AAAA")
    as_stored = deepcopy(verdict)
    as_stored.data[REFERENCE] = {"model_id": "d", "version_major": 2}
    as_saved(mine / FIVE, printed, bar, as_stored, panel)
    untouched = (mine / SEVEN).stat()
    assert stills(mine) == [FIVE]
    outputs = nbformat.read(mine / FIVE, as_version=4).cells[0].outputs
    del panel.data[REFERENCE]
    assert outputs == [printed, verdict, panel]
    assert (mine / SEVEN).stat() == untouched
    assert stills(mine) == [], "a second time there is nothing to do"


def test_a_question_says_how_it_is_asked_again(mine: Path) -> None:
    as_saved(mine / FIVE, widget("execute_result"))
    assert stills(mine) == [FIVE]
    question, note = nbformat.read(mine / FIVE, as_version=4).cells[0].outputs
    assert question.data == {"text/plain": "a widget"} and note.data["text/plain"] == NOTE


def test_an_exercise_says_already_how_its_buttons_come_back(mine: Path) -> None:
    shown = exercise("picky")._repr_mimebundle_()
    as_saved(mine / FIVE, nbformat.v4.new_output("execute_result", data=shown | {REFERENCE: {"model_id": "abc"}}))
    assert stills(mine) == [FIVE]
    (text,) = nbformat.read(mine / FIVE, as_version=4).cells[0].outputs
    assert "Run this cell for its buttons" in text.data["text/html"]


def test_what_is_saved_in_the_notebook_itself_stays_alive(mine: Path) -> None:
    as_saved(mine / FIVE, widget("execute_result", "saved", picture="AAAA"))
    notebook = nbformat.read(mine / FIVE, as_version=4)
    notebook.metadata["widgets"] = {SAVED: {"state": {"saved": {}}}}
    nbformat.write(notebook, mine / FIVE)
    before = (mine / FIVE).read_bytes()
    assert stills(mine) == [] and (mine / FIVE).read_bytes() == before


def test_the_notebook_stays_as_private_and_as_trusted_as_it_was(mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(mine / "data"))
    for name in (FIVE, SEVEN):
        as_saved(mine / name, widget("execute_result", picture="AAAA"))
        (mine / name).chmod(0o600)
    notary = NotebookNotary()
    notary.sign(nbformat.read(mine / FIVE, as_version=4))
    assert stills(mine) == [FIVE, SEVEN]
    trusted = [notary.check_signature(nbformat.read(mine / name, as_version=4)) for name in (FIVE, SEVEN)]
    notary.store.close()
    assert trusted == [True, False]
    assert [(mine / name).stat().st_mode & 0o777 for name in (FIVE, SEVEN)] == [0o600] * 2


@pytest.mark.parametrize("broken", ["", "[]", '{"cells": 1}', '{"nbformat": 4, "metadata": [], "cells": [1]}'])
def test_a_chapter_that_cannot_be_read_is_left_alone(broken: str, mine: Path) -> None:
    content = broken + REFERENCE
    (mine / FIVE).write_text(content)
    (mine / SEVEN).write_text(broken.replace("1", f'"{REFERENCE}"'))
    kept = (mine / SEVEN).read_text()
    assert stills(mine) == []
    assert ((mine / FIVE).read_text(), (mine / SEVEN).read_text()) == (content, kept)


def test_a_chapter_that_was_run_is_the_learners_with_and_without_its_panels(mine: Path, course: Path) -> None:
    as_saved(mine / FIVE, widget("execute_result", picture="AAAA"))
    notebook = nbformat.read(mine / SEVEN, as_version=4)
    notebook.metadata["widgets"] = {SAVED: {"state": {"some": {}}}}  # and the learner changed nothing
    notebook.metadata["language_info"] = {"name": "python", "version": "3.0"}
    nbformat.write(notebook, mine / SEVEN)
    stills(mine)
    for name in (FIVE, SEVEN):
        write(course / name, "newer")
    assert bring_up_to_date(mine, course, "1.1").files == {FIVE: "outdated", SEVEN: "replaced"}
