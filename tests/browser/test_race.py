"""The race in a real JupyterLab: start, take turns, move a slider by keyboard, stop."""

import pytest

pytestmark = pytest.mark.browser

CELL = """
import muxlab
muxlab.show.race(muxlab.SERVERS["select"], muxlab.SERVERS["epoll"], connections=50, active=5)
"""
RUNS = "place => document.querySelectorAll('.mux-lane span')[place].textContent === 'running'"
BEGAN_ANEW = "() => [...document.querySelectorAll('.mux-bar span')].some(text => text.textContent === '–')"


def test_servers_take_turns_until_stop(lab, open_notebook):
    opened = open_notebook(lab.write("race.ipynb", CELL))
    opened.run_all()
    assert opened.cell_errors() == [] and opened.widget_errors() == []
    page, panel = opened.page, opened.page.locator(".mux")
    panel.locator(".mux-lane").nth(1).wait_for()
    assert panel.locator(".mux-lane b").all_inner_texts() == ["select", "epoll"]
    assert all(text != "–" for text in panel.locator(".mux-bar span").all_inner_texts())  # the sample

    panel.get_by_role("button", name="Start", exact=True).click()
    for place in (0, 1, 0):
        page.wait_for_function(RUNS, arg=place)
    slider = panel.get_by_role("slider", name="talking")
    slider.focus()
    slider.press("ArrowRight")
    page.wait_for_function(BEGAN_ANEW)
    page.wait_for_function(RUNS, arg=1)

    panel.get_by_role("button", name="Stop", exact=True).click()
    panel.get_by_role("button", name="Start", exact=True).wait_for()
    assert panel.locator(".mux-lane span").all_inner_texts() == ["", ""]
    assert panel.get_by_role("alert").inner_text() == ""
