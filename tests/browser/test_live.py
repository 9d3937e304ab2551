"""What becomes of panels in a real JupyterLab when the kernel is restarted, and when the page is closed."""

import pytest
from harness import NotebookPage
from helpers import eventually

pytestmark = pytest.mark.browser

PANELS = [
    "import muxlab\nfrom muxlab.show import live",
    'muxlab.show.stepper(muxlab.SERVERS["epoll"], clients=1)',
    'muxlab.show.crowds(muxlab.SERVERS["select"], muxlab.SERVERS["epoll"], connections=5)',
    """live.PING_EVERY, live.UNHEARD = 5, 4  # two seconds without an answer
panel = muxlab.show.playground(muxlab.SERVERS["epoll"], connections=5)
panel""",
]
TELL = """from pathlib import Path
panel.start()
panel._title.observe(lambda change: Path("title.txt").write_text(panel._title.value), "value")"""
RESTART = "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart().then(() => null)"
HEARD = "before => +document.querySelector('.mux-dots canvas')?.dataset.frame > before"
ICONS = """() => [...document.querySelectorAll('.mux .widget-slider, .mux .widget-html')]
    .map(node => getComputedStyle(node, '::before').content).filter(content => content !== 'none')"""


def test_after_a_restart_every_panel_says_what_to_do(lab, open_notebook):
    opened = open_notebook(lab.write("restart.ipynb", *PANELS))
    opened.run_all()
    assert opened.cell_errors() == [] and opened.widget_errors() == []
    page = opened.page
    cards = page.locator(".mux-card")
    cards.nth(2).locator(".mux-value").first.wait_for()
    assert page.locator(".mux-gone").count() == 0
    page.evaluate(RESTART)
    page.wait_for_function("() => document.querySelectorAll('.mux-gone b').length === 3")
    assert set(page.locator(".mux-gone").all_inner_texts()) == {"The kernel was restarted: run this cell again."}
    assert page.evaluate(ICONS) == []  # JupyterLab's broken links, which would push the sliders out of place
    opened.wait_idle()
    opened.run_all()
    cards.nth(2).locator(".mux-value").first.wait_for()
    assert page.locator(".mux-gone").count() == 0


def test_the_load_stops_when_the_page_is_closed_and_not_before(lab, pages, open_notebook):
    name = lab.write("closed.ipynb", PANELS[0], PANELS[-1], TELL)
    lab_page = pages.take()  # beside that of open_notebook; it does not come back
    page = lab_page.page
    NotebookPage(lab_page, name).run_all()
    page.wait_for_function(HEARD, arg=30)  # three seconds: longer than it waits for a page that does not answer
    told = lab.folder / "title.txt"
    assert not told.exists()
    page.close()
    assert eventually(lambda: told.exists() and "no page showed it" in told.read_text(), 30)
    open_notebook(name)  # its kernel is still there; this ends it
