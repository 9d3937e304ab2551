"""A chapter of a copy in a real JupyterLab: opening it changes nothing, and on another day it shows what was saved."""

import nbformat
import pytest
from playwright.sync_api import expect

from muxlab.journal.place import OWN
from muxlab.lab.copy import bring_up_to_date, keep_to_oneself
from muxlab.lab.stills import NOTE, leave_stills
from notebooks import normalise

pytestmark = pytest.mark.browser

CHAPTER = "05_two_cells.ipynb"
ASKS = "import muxlab\n\nguess = muxlab.predict('What is one and one?', {'`2`': 2, '`11`': 11})\nguess"
BAR = "import time\nfrom tqdm.auto import tqdm\n\nfor _ in tqdm(range(3), leave=False):\n    pass"
PANEL = "import muxlab\n\nmuxlab.show.playground(muxlab.SERVERS['select'], connections=20)"

IS_CHANGED = """async () => {
    const notebook = window.jupyterapp.shell.currentWidget;
    await notebook.sessionContext.session.kernel.info;  // JupyterLab writes what it says into the notebook
    await new Promise((resolve) => setTimeout(resolve));
    return notebook.context.model.dirty;
}"""
SAVE = "() => window.jupyterapp.shell.currentWidget.context.save()"


def test_on_another_day_a_chapter_shows_what_was_saved(lab, open_notebook, tmp_path):
    copy, name = lab.folder / "copied", f"copied/{CHAPTER}"
    cells = [nbformat.v4.new_code_cell(source) for source in (ASKS, "guess.reveal(1 + 1)", BAR, PANEL)]
    nbformat.write(normalise(nbformat.v4.new_notebook(cells=cells)), tmp_path / CHAPTER)
    with keep_to_oneself(copy):
        bring_up_to_date(copy, tmp_path, "1.0")

    first_day = open_notebook(name)
    assert first_day.page.evaluate(IS_CHANGED) is False, "JupyterLab would ask whether to save it"
    first_day.run_all()
    assert first_day.cell_errors() == [] and first_day.widget_errors() == []
    first_day.notebook.locator(".mux-predict-choice").last.click()
    expect(first_day.notebook.locator(".mux-outcome")).to_contain_text("Not so")
    first_day.page.evaluate(SAVE)
    first_day.close()
    assert leave_stills(copy, copy / OWN / "unfinished") == [CHAPTER]

    next_day = open_notebook(name)
    assert next_day.widget_errors() == []
    outputs = next_day.notebook.locator(".jp-OutputArea-output")
    expect(outputs.locator("li")).to_have_text(["(a) 2", "(b) 11"])
    expect(outputs.filter(has_text="→ (a) 2")).to_be_visible()
    expect(outputs.locator("img")).to_be_visible()
    assert outputs.get_by_text(NOTE).count() == 1
    assert outputs.count() == 4, "the bar had left the page, and stays away"
    assert next_day.page.evaluate(IS_CHANGED) is False
