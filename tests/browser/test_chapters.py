"""Every chapter runs from top to bottom in a real JupyterLab, as a learner runs it."""

import pytest
from harness import NOTEBOOKS

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("chapter", sorted(path.name for path in NOTEBOOKS.glob("*.ipynb")))
def test_run_all_cells(chapter, open_notebook):
    """Run All Cells shows no error in a cell, in a widget, or (see open_notebook) in the page."""
    notebook = open_notebook(chapter)
    notebook.run_all()
    assert notebook.cell_errors() == []
    assert notebook.widget_errors() == []
