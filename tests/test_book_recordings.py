"""The recordings of the book: every panel of the chapters has a story, and its cell is run without the rest of them."""

import ast
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the book is a folder of the project, and not installed

from book import record  # noqa: E402
from book.needed import needed  # noqa: E402
from book.stories import STORIES  # noqa: E402

CHAPTERS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
PANELS = {(path.name[:2], kind) for path in CHAPTERS for kind in record.panels(path).values()}


def code_of(sources):
    """Return what is needed of each cell, as text."""
    return {number: ast.unparse(module) for number, module in needed(sources)}


def test_every_panel_of_the_chapters_has_a_story_and_no_other():
    assert {(number, kind) for number, kinds in STORIES.items() for kind in kinds} == PANELS
    assert all(scene.caption.strip() for kinds in STORIES.values() for story in kinds.values() for scene in story)


def test_a_chapter_has_one_panel_of_a_kind():
    for path in CHAPTERS:
        kinds = list(record.panels(path).values())
        assert len(kinds) == len(set(kinds)), path.name


def test_nothing_but_what_a_cell_needs_is_run():
    cells = [
        "import select, socket\nimport time",
        "time.sleep(100)\nconn = socket.accept()",
        "def helper(conn):\n    return select.poll(conn)",
        "def server(listener):\n    conn = helper(listener)",
        "server(helper)",
    ]
    assert code_of(cells) == {
        0: "import select, socket",
        2: "def helper(conn):\n    return select.poll(conn)",
        3: "def server(listener):\n    conn = helper(listener)",
        4: "server(helper)",
    }


def test_a_function_takes_the_last_of_a_name_and_a_statement_the_last_before_it():
    cells = [
        "size = 1",
        "table = [size]",
        "def server():\n    return (size, table)",
        "size = 2",
        "server()",
        "size = 3",
        "server()",
    ]
    assert code_of(cells[:5]) == {0: "size = 1", 1: "table = [size]", 2: cells[2], 3: "size = 2", 4: "server()"}
    assert 5 in code_of(cells) and 4 not in code_of(cells)


def test_a_class_and_what_decorates_it_are_found():
    cells = [
        "import types",
        "@types.coroutine\ndef wait():\n    yield",
        "class Loop:\n    async def run(self):\n        await wait()",
        "Loop()",
    ]
    assert list(code_of(cells)) == [0, 1, 2, 3]


def notebook(folder, name, *cells):
    path = folder / name
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells]), path)
    return path


def test_timelines_are_recorded_as_they_are_stored():
    recorded = {path.name[:2]: list(record.timelines(path).values()) for path in CHAPTERS}
    assert {number for number, ones in recorded.items() if ones} == {"01", "02", "03", "05", "06", "11", "13"}
    (wall,) = recorded["02"]
    assert len(wall) == 200 and wall.title == "polling_server"


@pytest.mark.slow
def test_the_stepper_of_a_chapter_is_recorded():
    (path,) = (path for path in CHAPTERS if path.name.startswith("05"))
    (cell,) = (cell for cell, kind in record.panels(path).items() if kind == "stepper")
    recording = record.recordings(path, [cell])[cell]
    captions = list(dict.fromkeys(frame["caption"] for frame in recording.frames))
    assert captions == [scene.caption for scene in STORIES["05"]["stepper"]]
    lines = ["".join(text for _, text in parts) for parts in recording.frames[0]["source"]["lines"]]
    assert lines[0] == "def epoll_server(listener):"  # the source is shown although no notebook is open


@pytest.mark.slow
def test_a_panel_that_raises_or_has_no_story_says_so(tmp_path):
    broken = notebook(tmp_path, "05_broken.ipynb", "import muxlab\nmuxlab.show.stepper(no_such_server)")
    with pytest.raises(record.NotRecorded, match="no_such_server"):
        record.recordings(broken)
    unknown = notebook(tmp_path, "77_unknown.ipynb", "import muxlab\nmuxlab.show.duel(max, min)")
    with pytest.raises(record.NotRecorded, match="no story for it"):
        record.story_of(unknown, "duel")
    assert record.recordings(notebook(tmp_path, "01_none.ipynb", "print(1)")) == {}
