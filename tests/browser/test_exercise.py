"""An exercise in a real JupyterLab: its three buttons, with an answer that is missing, wrong and right."""

import pytest

from muxlab.course.ch05 import epoll_echo
from muxlab.course.variant import source

pytestmark = pytest.mark.browser

RIGHT = "import select\n\n\n" + source(epoll_echo)
WRONG = RIGHT.replace("epoll.unregister(conn)", "unregister(conn)")
CELLS = ["import muxlab", 'muxlab.exercise("epoll-echo")', WRONG, RIGHT]

RUN = """index => {
    const notebook = window.jupyterapp.shell.currentWidget.content;
    notebook.activeCellIndex = index;
    return window.jupyterapp.commands.execute('notebook:run-cell').then(() => null);
}"""
BROKEN_LINES = """() => {
    const code = document.querySelector('.mux-code');
    const style = getComputedStyle(code);
    const height = code.clientHeight - parseFloat(style.paddingTop) - parseFloat(style.paddingBottom);
    return Math.round(height / parseFloat(style.lineHeight)) - code.textContent.trimEnd().split('\\n').length;
}"""


@pytest.fixture
def notebook(lab, open_notebook):
    """Return a notebook with an exercise, a wrong answer and a right one; the exercise is shown."""
    opened = open_notebook(lab.write("exercise.ipynb", *CELLS))
    for index in (0, 1):
        opened.page.evaluate(RUN, index)
    return opened


def test_its_three_buttons(notebook):
    panel = notebook.page.locator(".mux-exercise")

    notebook.click_button("Hint", panel)
    panel.get_by_text("Hint 1 of 4.").wait_for()
    assert panel.get_by_text("Hint 2 of 4.").count() == 0

    notebook.click_button("Check", panel)
    panel.get_by_text("There is no epoll_echo in this notebook yet.").wait_for()
    notebook.click_button("Solution", panel)
    panel.locator(".tok-nf").first.wait_for()
    notebook.page.set_viewport_size({"width": 640, "height": 1000})
    assert notebook.page.evaluate(BROKEN_LINES) == 0
    notebook.click_button("Hide solution", panel)

    notebook.page.evaluate(RUN, 2)
    notebook.click_button("Check", panel)
    panel.get_by_text("epoll-echo: not yet.").wait_for()
    assert panel.get_by_text("NameError: name 'unregister' is not defined").count()
    notebook.click_button("Solution", panel)
    panel.locator("ins").wait_for()
    assert panel.locator("del").inner_text().split("#")[0].split() == ["-", "unregister(conn)"]
    notebook.click_button("Hide solution", panel)

    notebook.page.evaluate(RUN, 3)
    notebook.click_button("Check", panel)
    panel.get_by_text("epoll-echo: solved.").wait_for()
    assert panel.get_by_role("button", name="Check", exact=True).is_enabled()

    notebook.page.evaluate(RUN, 1)  # once more: one panel, with what was told before
    panel.get_by_text("Hint 1 of 4.").wait_for()
    assert panel.count() == 1 and panel.get_by_text("solved").count() == 0
    assert notebook.cell_errors() == [] and notebook.widget_errors() == []
