"""The playground in a real JupyterLab: start, watch, move a slider by keyboard, stop; by light and by dark."""

import pytest

pytestmark = pytest.mark.browser

CELL = 'import muxlab\nmuxlab.show.playground(muxlab.SERVERS["epoll"], connections=50, active=5)'
SHOWS = "([selector, wanted]) => document.querySelector(selector).textContent === wanted"
FRAME_AFTER = "number => +document.querySelector('.mux-dots canvas').dataset.frame > number"
DOTS = "wanted => +document.querySelector('.mux-dots canvas').dataset.count === wanted"
TOO_WIDE = """() => {
    const edge = document.querySelector('.mux').getBoundingClientRect().right;
    const nodes = [...document.querySelectorAll('.mux *')];
    return nodes.filter(node => node.getBoundingClientRect().right > edge).map(node => node.className);
}"""
CUT = """() => [...document.querySelectorAll('.mux-tile, .mux-tile .mux-title, .mux-tile .mux-value')]
    .filter(node => node.scrollWidth > node.clientWidth).map(node => node.textContent)"""
OVER = """() => {  // what the line of the last seconds is drawn over
    const line = document.querySelector('.mux-spark').getBoundingClientRect();
    const words = document.createRange();
    return [...document.querySelectorAll('.mux-title, .mux-value')].filter(node => {
        words.selectNodeContents(node);
        const box = words.getBoundingClientRect();
        return box.right > line.left && box.left < line.right && box.bottom > line.top && box.top < line.bottom;
    }).map(node => node.textContent);
}"""
INK = """() => {
    const colour = getComputedStyle(document.querySelector('.mux-value')).color;
    const [red, green, blue] = colour.match(/[0-9]+/g).map(Number);
    return (red + green + blue) / 3;
}"""


@pytest.fixture
def notebook(lab, open_notebook):
    """Return a notebook with a playground, which has run."""
    opened = open_notebook(lab.write("playground.ipynb", CELL))
    opened.run_all()
    assert opened.cell_errors() == [] and opened.widget_errors() == []
    opened.page.locator(".mux .mux-value").first.wait_for()
    return opened


def numbers(panel):
    return panel.locator(".mux-value").all_inner_texts()


def frame(panel):
    return int(panel.locator(".mux-dots canvas").get_attribute("data-frame"))


def test_play_move_a_slider_and_stop(notebook):
    from playwright.sync_api import TimeoutError as NothingCame  # here it is installed, or the fixture had told

    page, panel = notebook.page, notebook.page.locator(".mux")
    assert panel.locator(".mux-value").first.inner_text() == "50 / 50"  # the sample, before anything is pressed
    sample = numbers(panel)
    assert panel.locator("img").count() == 0  # the live panel, not the stored picture

    panel.get_by_role("button", name="Start", exact=True).click()
    page.wait_for_function(FRAME_AFTER, arg=20)  # two seconds of frames
    assert numbers(panel) != sample

    slider = panel.get_by_role("slider", name="connections")
    slider.focus()
    assert (
        slider.get_attribute("aria-valuetext") == "50"
    )  # and not the place on the slider, which is read out otherwise
    slider.press("ArrowRight")
    page.wait_for_function(DOTS, arg=70)
    page.wait_for_function(SHOWS, arg=[".mux-value", "70 / 70"])
    page.wait_for_function(SHOWS, arg=[".mux-before", "before: 50, 5 talking"])
    assert slider.get_attribute("aria-valuetext") == "70"
    talking = panel.get_by_role("slider", name="talking")
    talking.focus()
    talking.press("ArrowLeft")
    page.wait_for_function(SHOWS, arg=[".mux-legend b", "4"])

    panel.get_by_role("button", name="Stop", exact=True).click()
    panel.get_by_role("button", name="Start", exact=True).wait_for()
    last, stopped_at = numbers(panel), frame(panel)
    with pytest.raises(NothingCame):
        page.wait_for_function(FRAME_AFTER, arg=stopped_at, timeout=600)  # six frames would have come in this time
    assert numbers(panel) == last and last[0] == "70 / 70"
    assert panel.get_by_role("alert").inner_text() == ""


def test_it_fits_and_follows_the_theme(notebook):
    page = notebook.page
    for width, theme in ((1280, "JupyterLab Light"), (1000, "JupyterLab Dark")):
        notebook.look(".mux", width, theme)
        assert page.evaluate(TOO_WIDE) == page.evaluate(CUT) == page.evaluate(OVER) == []
        assert (page.evaluate(INK) < 128) == theme.endswith("Light")
