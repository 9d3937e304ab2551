"""What a browser test relies on: whatever goes wrong in a page or in a notebook is noted."""

import pytest
from harness import NotebookPage, WatchedPage

pytestmark = pytest.mark.browser

WRONG = """<!doctype html><link rel="icon" href="data:,"><script>
console.log("this is fine");
console.error("a complaint");
alert("a script has run");
fetch("http://elsewhere.invalid/picture.png").catch(() => document.body.dataset.done = "yes");
</script><script>throw new Error("nobody catches this");</script>"""
GONE = """from IPython.display import display
display({"application/vnd.jupyter.widget-view+json": {"model_id": "of a kernel that is gone"}}, raw=True)"""


def test_what_goes_wrong_in_a_page_is_noted(browser, lab):
    watched = WatchedPage(browser, lab.url)
    watched.page.set_content(WRONG)
    watched.page.wait_for_function("() => document.body.dataset.done === 'yes'")
    assert watched.outside_requests == ["http://elsewhere.invalid/picture.png"]
    noted = "\n".join(watched.errors)
    assert "a complaint" in noted and "alert: a script has run" in noted and "nobody catches this" in noted
    assert "this is fine" not in noted
    watched.page.close()


def test_what_goes_wrong_in_a_cell_is_noted(lab, pages):
    page = pages.take()
    notebook = NotebookPage(page, lab.write("wrong.ipynb", GONE, "1 / 0", "'never run'"))
    notebook.run_all()
    assert notebook.cell_errors() == ["ZeroDivisionError: division by zero"]
    notebook.notebook.get_by_text("Error displaying widget").wait_for()
    assert len(notebook.widget_errors()) == 1
    page.errors.clear()  # JupyterLab tells the console, too
    pages.give_back(page, [notebook], failed=False)
