"""In JupyterLab: the map of the course changes after a chapter was worked on, and leads to the chapters."""

from collections.abc import Callable

import nbformat
import pytest
from harness import OPEN, Lab, NotebookPage
from playwright.sync_api import expect

from muxlab.journal import file, place

pytestmark = pytest.mark.browser

FOLDER = "mine"
MAP = "import muxlab\n\nmuxlab.progress()"
ASKS = "import muxlab\n\nguess = muxlab.predict('What is one and one?', {'`2`': 2, '`11`': 11})\nguess"
SERVER = "def buggy_server(listener, stop):\n    listener.accept()[0].close()"
CHECK = "muxlab.exercise('misspelt').check(buggy_server)"


@pytest.fixture
def copy(lab: Lab) -> str:
    """Write a learner's copy of two chapters, and return the name of its folder."""
    home = lab.folder / FOLDER / place.OWN
    home.mkdir(parents=True)
    (home / place.MARK).write_text("{}")
    title = nbformat.v4.new_markdown_cell
    lab.write(f"{FOLDER}/00_start_here.ipynb", title("# Start here\n\nSee it."), MAP)
    cells = [ASKS, "guess.reveal(1 + 1)", SERVER, CHECK, "muxlab.exercise('misspelt')"]
    lab.write(f"{FOLDER}/02_poll.ipynb", title("# Poll\n\nNever wait."), *cells)
    return FOLDER


def test_the_map_changes_after_a_chapter_was_worked_on(
    copy: str, lab: Lab, open_notebook: Callable[[str], NotebookPage]
) -> None:
    first = open_notebook(f"{copy}/00_start_here.ipynb")
    first.run_all()
    rows = first.notebook.locator(".mux-map tbody tr")
    expect(rows.nth(0)).to_contain_text("finished")
    expect(rows.nth(1)).to_contain_text("go on here")
    assert rows.nth(1).locator("td").all_inner_texts() == [""] * 4

    rows.nth(1).get_by_role("link").click()
    expect(first.page.locator("#jp-main-dock-panel .lm-mod-current", has_text="02_poll.ipynb")).to_be_visible()
    chapter = open_notebook(f"{copy}/02_poll.ipynb")
    chapter.run_all()
    chapter.notebook.locator(".mux-predict-choice").first.click()
    expect(chapter.notebook.locator(".mux-outcome")).to_contain_text("Right")
    chapter.click_button("Check")
    expect(chapter.notebook.locator(".mux-not-yet")).to_be_visible(timeout=60_000)
    chapter.wait_idle()

    first.page.evaluate(OPEN, f"{copy}/00_start_here.ipynb")
    first.run_all()
    assert rows.nth(1).locator("td").all_inner_texts() == ["", "5 of 5", "1 of 1 right", "0 of 2"]
    journal = file.read(lab.folder / copy)
    assert journal.exercises["misspelt"].checks == 2  # by its cell and by its button
    assert journal.last == "02_poll"
