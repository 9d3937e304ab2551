"""The stepper in a real JupyterLab: the way back, what to press when it sleeps, bytes on their way."""

import pytest

from .test_stepper import Panel

pytestmark = pytest.mark.browser

CELL = 'import muxlab\nmuxlab.show.stepper(muxlab.SERVERS["epoll"], clients=1)'
WHEN = ".ms-when"
BITS = """() => new Promise(resolve => {
    const layer = document.querySelector('.ms-flights'), seen = [];
    const watch = new MutationObserver(changes => changes.forEach(change => seen.push(...change.addedNodes)));
    watch.observe(layer, { childList: true });
    setTimeout(() => { watch.disconnect(); resolve(seen.length); }, 1500);
    document.querySelector('.ms button[aria-label="client 1: send"]').click();
})"""
UNCUT = """() => {
    const node = document.querySelector('.ms-detail');
    return window.innerWidth === 1000 && node.scrollHeight <= node.clientHeight + 1;
}"""
GONE = "() => document.querySelectorAll('.ms-bit').length === 0"


@pytest.fixture
def panel(lab, open_notebook):
    """Return the panel of a notebook that has run."""
    opened = open_notebook(lab.write("history.ipynb", CELL))
    opened.run_all()
    assert opened.cell_errors() == [] and opened.widget_errors() == []
    panel = Panel(opened)
    panel.button("New client").wait_for()
    return panel


def test_looking_back_and_going_on(panel):
    when, root = panel.root.locator(WHEN), panel.root
    begin = panel.status()
    for _ in range(3):
        panel.press("Next line")
    now = panel.status()
    assert when.inner_text() == "step 4" and root.locator(".is-past").count() == 0
    panel.button("step back").click()
    panel.page.keyboard.press("[")
    assert when.inner_text() == "Looking back: step 2 of 4. The server stands at 4."
    panel.page.keyboard.press("ArrowLeft")
    assert panel.status() == begin and "is-past" in root.get_attribute("class")
    panel.page.keyboard.press("]")
    assert when.inner_text().startswith("Looking back: step 2")
    slider = root.get_by_role("slider", name="history")
    slider.fill("0")
    assert panel.status() == begin and slider.get_attribute("aria-valuetext").startswith("Looking back: step 1 of 4")
    panel.button("Back to now").click()
    assert panel.status() == now and when.inner_text() == "step 4"
    panel.button("step back").click()
    panel.press("Next line")  # a step goes on from where the server stands, not from what is shown
    assert when.inner_text() == "step 5" and panel.status() not in (begin, now)
    assert "is-past" not in root.get_attribute("class")
    panel.press("Stop")
    panel.press("Start again")
    assert when.inner_text() == "step 1" and panel.status() == begin


def test_what_was_seen_is_saved_as_a_page(panel, lab):
    panel.press("Next line")
    panel.press("Save as a page")
    path = lab.folder / "recording-epoll.html"
    said = f"saved as {path.name}, in the folder {lab.folder.name}"
    assert panel.root.locator(".ms-words").inner_text() == said
    assert "Next line." in path.read_text(encoding="utf-8")


def test_asleep_it_shows_what_to_press(panel):
    panel.press("Run until blocked")
    wake = panel.root.locator("button.is-next").all_inner_texts()
    assert wake == ["New client", "send"]
    detail = panel.root.locator(".ms-detail")
    assert detail.inner_text().startswith("Let a client send, or press New client, to wake it.")
    panel.button("Next line").click(force=True)  # grey: it says why
    assert panel.said().startswith("It sleeps in epoll.poll(). Let a client send")
    panel.page.set_viewport_size({"width": 1000, "height": 1000})
    panel.page.wait_for_function(UNCUT)
    heads = panel.root.locator(".ms-heads > div:visible").all_inner_texts()
    assert "ready for" in heads and "epoll watches" in heads
    panel.press("client 1: send")
    assert panel.root.locator("button.is-next").count() == 0 and panel.status().startswith("Paused")


def test_bytes_are_seen_to_move_unless_one_asks_for_stillness(panel):
    panel.press("Run until blocked")
    assert panel.page.evaluate(BITS) >= 1
    panel.page.wait_for_function(GONE)  # they have arrived
    panel.page.emulate_media(reduced_motion="reduce")
    panel.press("Run until blocked")
    assert panel.page.evaluate(BITS) == 0
    panel.page.emulate_media(reduced_motion="no-preference")
