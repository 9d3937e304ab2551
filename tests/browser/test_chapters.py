"""Every chapter runs from top to bottom in a real JupyterLab, as a learner runs it."""

import nbformat
import pytest
from harness import NOTEBOOKS

pytestmark = pytest.mark.browser

CHAPTERS = sorted(path.name for path in NOTEBOOKS.glob("*.ipynb"))


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_run_all_cells(chapter, run_chapter):
    """Run All Cells shows no error in a cell, in a widget, or (see Pages.give_back) in the page."""
    notebook = run_chapter(chapter)
    assert notebook.cell_errors() == []
    assert notebook.widget_errors() == []


def test_stored_outputs_are_shown(lab, open_notebook):
    """The outputs that are kept, of all chapters in one notebook, are drawn without an error or a request outside."""
    chapters = [nbformat.read(NOTEBOOKS / name, as_version=4) for name in CHAPTERS]
    outputs = [output for chapter in chapters for cell in chapter.cells for output in cell.get("outputs", [])]
    rich = [output for output in outputs if output.output_type != "stream"]
    groups = [rich[start : start + 40] for start in range(0, len(rich), 40)]  # of a cell, JupyterLab draws the first 50
    opened = open_notebook(lab.write("stored.ipynb", *(nbformat.v4.new_code_cell(outputs=group) for group in groups)))
    opened.notebook.locator(".jp-OutputArea-output").nth(len(rich) - 1).wait_for(state="attached")
    assert opened.widget_errors() == []
