"""Whatever a learner or a client puts into a panel is text in the page: no script of it runs, no tag of it is there.

An `alert` is an error of the page (harness.py), and so is the request for a picture that is not there.
"""

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

NASTY = "<script>alert(1)</script><img src=x onerror=alert(1)>"
SETUP = f"""import muxlab
nasty = {NASTY!r}

def server(listener):
    local = nasty
    client, _ = listener.accept()
    data = client.recv(100)
    raise ValueError(nasty)

server.__name__ = nasty"""
PANELS = {
    "playground": "muxlab.show.playground(server, connections=2, active=1)",
    "race": "muxlab.show.race(server, server, connections=2, active=1)",
    "stepper": "muxlab.show.stepper(server, clients=1)",
    "duel": "muxlab.show.duel(server, server, message=nasty, times=1)",
    "predict": "guess = muxlab.predict(nasty, {nasty: 1, '`' + nasty + '`': 2})\nguess",
    "reveal": "guess.reveal(nasty)",
}
ANSWERED = "([place, before]) => document.querySelectorAll('.ms')[place].dataset.answered !== before"


@pytest.fixture
def page(lab, open_notebook):
    """Return the page of a notebook with all panels, which has run. Afterwards it is looked at for errors."""
    opened = open_notebook(lab.write("escaping.ipynb", SETUP, *PANELS.values()))
    opened.run_all()
    assert opened.cell_errors() == [] and opened.widget_errors() == []
    return opened.page


def press(page, place, *names):
    """Press buttons of a stepper or a duel, and wait for each answer."""
    panel = page.locator(".ms").nth(place)
    for name in names:
        before = panel.get_attribute("data-answered")
        panel.get_by_role("button", name=name, exact=True).click()
        page.wait_for_function(ANSWERED, arg=[place, before])


def test_nothing_that_is_put_into_a_panel_becomes_part_of_the_page(page):
    playground, race = page.locator(".mux").all()
    assert playground.locator(".mux-name b").inner_text() == NASTY
    assert race.locator(".mux-lane b").all_inner_texts() == [NASTY, NASTY]
    for panel in (playground, race):
        assert f"{NASTY} stopped with ValueError: {NASTY}" in panel.get_by_role("alert").inner_text()

    stepper, duel = page.locator(".ms").all()
    stepper.locator(".ms-textbox").fill(NASTY)
    press(page, 0, "client 1: send", "Next call", "Next call", "Next line")
    assert stepper.locator(".ms-name b").inner_text() == NASTY
    assert NASTY in stepper.locator(".ms-list li", has_text="local").first.inner_text()
    for key in (
        '"',
        "\\",
        "]",
        "'",
    ):  # a quotation mark and a backslash were once put into a CSS selector, and ended it
        stepper.locator(".ms-top").click(position={"x": 4, "y": 4})
        page.keyboard.press(key)
    press(page, 0, "Run until blocked")
    assert stepper.locator(".ms-detail").inner_text() == f"ValueError: {NASTY}"
    assert duel.locator(".ms-textbox").input_value() == NASTY
    press(page, 1, "client 1: send")
    assert duel.locator(".ms-name b").all_inner_texts() == [NASTY, NASTY]

    question = page.locator(".mux-predict")
    assert question.locator(".mux-predict-question").inner_text() == f"Predict. {NASTY}"
    assert question.locator(".mux-predict-choice span").all_inner_texts() == [NASTY, NASTY]
    question.get_by_role("button").first.click()
    below = page.locator(".mux-outcome")
    wrong = f"✗ Not so: you said (a) {NASTY}; it is none of these: {NASTY!r}. Now you have something to find out."
    expect(below).to_have_text(wrong)
    said = f"It is none of these: {NASTY!r}. You said (a)."
    expect(question.get_by_role("status")).to_have_text(said)
    panels = ":is(.mux, .ms, .mux-predict)"
    assert page.locator(f"{panels} :is(script, [src='x'], [onerror])").count() == 0
