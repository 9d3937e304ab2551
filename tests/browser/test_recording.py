"""Recordings as pages of their own, opened from the disk: played by mouse, by keys and by themselves."""

import pytest
from axe import find_faint
from harness import WatchedPage
from playwright.sync_api import expect

import muxlab
from muxlab.show.player import PAGE
from muxlab.show.recording import Recording
from muxlab.show.story import Scene
from muxlab.show.timeline_recording import record_timeline

pytestmark = pytest.mark.browser

EPOLL, SELECT = muxlab.SERVERS["epoll"], muxlab.SERVERS["select"]
STORY = [
    Scene("look", "Two clients wait."),
    Scene("run_until_blocked", "The server sleeps."),
    Scene(("send", "client 2", "hello"), "Client 2 speaks."),
    Scene("next_call", "The server will read."),
]
NASTY = "</script><img src=x onerror=alert(1)>"
WHY = "This is a recording: no server runs here."
BARS = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 50"><g id="axes_1">
<g id="patch_1"><path d="M 10 10 H 90 V 20 H 10 z" style="fill: #8198a8"/></g>
<g id="LineCollection_1"><path d="M 50 10 L 50 40"/></g>
<g id="text_1"><text x="5" y="18">a row</text></g><g id="text_2"><text x="50" y="18">on the bar</text></g>
</g></svg>"""
SHOWN = """root => [...root.querySelector('.mr-panel').shadowRoot.querySelectorAll('path, text')]
    .map(node => `${node.style.clipPath} ${node.style.visibility}`.trim())"""
WIDE = "() => [document.documentElement.scrollWidth, window.innerWidth]"


class Player:
    """A recording in a page of its own."""

    def __init__(self, browser, recording, path, last):
        self.watched = WatchedPage(browser, "")
        self.requests = []
        self.page = self.watched.page
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(recording.save(path).as_uri())
        self.root = self.page.locator(".muxlab-recording")
        self.shows(recording.frames[-1 if last else 0]["caption"])

    def button(self, name):
        return self.root.get_by_role("button", name=name, exact=True)

    def slider(self, name):
        return self.root.get_by_role("slider", name=name)

    def shows(self, caption, count=None):
        expect(self.root.locator(".mr-caption")).to_have_text(caption)
        if count:
            expect(self.root.locator(".mr-count")).to_have_text(count)


@pytest.fixture
def open_recording(browser, tmp_path):
    """Yield a function that opens a recording; its page asks for nothing but itself, and is free of errors."""
    opened = []

    def open_(recording, last=False):
        opened.append(Player(browser, recording, tmp_path / "recording.html", last))
        return opened[-1]

    yield open_
    for player in opened:
        errors, requests, url = player.watched.errors, player.requests, player.page.url
        player.page.close()
        assert errors == [] and set(requests) == {url}


@pytest.fixture(scope="module")
def stepped():
    """Return the recording of a short story."""
    panel = muxlab.show.stepper(EPOLL, clients=2)
    recording = panel.record(STORY)
    panel.close()
    return recording


@pytest.fixture(scope="module")
def played():
    """Return the recording of a playground at two settings."""
    panel = muxlab.show.playground(EPOLL, connections=5, active=2)
    recording = panel.record([
        Scene({"seconds": 0.3}, "Two talk.", lambda panel: len(panel.display.dots) == 5),
        Scene({"active": 5, "seconds": 0.3}, "All talk."),
    ])  # fmt: skip
    panel.close()
    return recording


def test_a_stepper_is_played_by_buttons_keys_and_the_slider(open_recording, stepped):
    player = open_recording(stepped)
    status = player.root.locator(".ms-status b")
    expect(status).to_have_text("Paused before line 10")
    expect(player.button("Back")).to_have_attribute("aria-disabled", "true")
    player.button("Forward").click()
    player.shows("The server sleeps.", "2 of 4")
    expect(status).to_have_text("Asleep in epoll.poll(): waiting for an event")
    player.page.keyboard.press("ArrowRight")
    player.shows("Client 2 speaks.", "3 of 4")
    expect(player.root.locator(".ms-lane", has_text="client 2").locator(".ms-kernelside .ms-count")).to_have_text(
        "5 bytes"
    )
    player.page.keyboard.press("End")
    player.shows("The server will read.", "4 of 4")
    player.page.keyboard.press("[")
    player.shows("Client 2 speaks.", "3 of 4")
    slider = player.slider("step of the recording")
    expect(slider).to_have_attribute("aria-valuetext", "3 of 4: Client 2 speaks.")
    slider.focus()
    player.page.keyboard.press("ArrowLeft")
    player.shows("The server sleeps.", "2 of 4")
    player.page.keyboard.press("Home")
    player.shows("Two clients wait.", "1 of 4")
    expect(status).to_have_text("Paused before line 10")


def test_a_button_of_the_panel_says_that_this_is_a_recording_unless_it_was_pressed_next(open_recording, stepped):
    player = open_recording(stepped)
    line = player.button("Next line")
    expect(line).to_have_attribute("aria-disabled", "true")
    line.click(force=True)  # Playwright waits for one that can be pressed
    expect(player.root.locator(".ms-words")).to_contain_text(WHY)
    expect(player.root.get_by_label("message")).to_be_disabled()
    expect(player.button("Save as a page")).to_have_count(0)
    player.button("Run until blocked").click()  # this was pressed next
    player.shows("The server sleeps.", "2 of 4")
    expect(player.button("client 1: send")).to_have_attribute("aria-disabled", "true")
    player.button("client 2: send").click()
    player.shows("Client 2 speaks.", "3 of 4")
    player.page.keyboard.press("n")  # the panel's own key: it says why not
    expect(player.root.locator(".ms-words")).to_contain_text(WHY)
    player.page.keyboard.press("c")
    player.shows("The server will read.", "4 of 4")


def test_it_plays_by_itself_and_can_be_paused(open_recording, stepped):
    player = open_recording(stepped)
    player.page.clock.install()
    player.button("Play").click()
    player.page.clock.run_for(2000)
    player.shows("The server sleeps.", "2 of 4")
    player.button("Pause").click()
    player.page.clock.run_for(20_000)
    player.shows("The server sleeps.", "2 of 4")
    player.button("Play").click()
    player.page.clock.run_for(20_000)
    player.shows("The server will read.", "4 of 4")
    player.button("Play").click()  # from the beginning
    player.shows("Two clients wait.", "1 of 4")


def test_a_playground_is_played_and_its_sliders_stand_where_there_is_a_recording(open_recording, played):
    player = open_recording(played)
    expect(player.root).to_contain_text("Each slider stops only at what was recorded.")
    dots = player.root.locator(".mux-dots canvas")
    player.button("Forward").click()
    expect(dots).to_have_attribute("data-count", "5")
    talking = player.slider("talking")
    expect(talking).to_have_attribute("aria-valuetext", "2")
    player.page.emulate_media(reduced_motion="reduce")
    talking.press("ArrowRight")
    player.shows("All talk.")
    expect(talking).to_have_attribute("aria-valuetext", "5")
    talking.press("Home")  # of the slider, and not of the recording
    expect(talking).to_have_attribute("aria-valuetext", "2")
    expect(player.root).not_to_have_attribute("data-place", "0")
    talking.press("End")
    expect(player.root).to_have_attribute("data-state", "paused")  # who wants less motion sees how it ends
    expect(player.button("Forward")).to_have_attribute("aria-disabled", "true")
    player.page.emulate_media(reduced_motion="no-preference")
    player.button("Play").click()
    expect(player.root).to_have_attribute("data-state", "paused", timeout=20_000)
    player.shows("All talk.")


@pytest.mark.parametrize("kind", ["stepper", "playground"])
def test_it_can_be_read_by_light_and_dark_on_a_small_screen_and_by_a_screen_reader(open_recording, request, kind, axe):
    player = open_recording(request.getfixturevalue({"stepper": "stepped", "playground": "played"}[kind]))
    player.button("Forward").click()
    for scheme in ("light", "dark"):
        player.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        expect(player.root).to_have_attribute("data-jp-theme-light", "true" if scheme == "light" else "false")
        assert axe(player.page) == []
        faint, measured = find_faint(player.page, ".mr")
        assert faint == [] and measured > 10
    player.page.set_viewport_size({"width": 390, "height": 800})
    content, window = player.page.evaluate(WIDE)
    assert content <= window


def test_the_marks_of_a_timeline_come_one_after_the_other(open_recording):
    with muxlab.step(SELECT) as step:
        step.client()
        step.run_until_blocked()
        calls = step.calls
    player = open_recording(record_timeline(muxlab.show.timeline(calls).figure.svg()), last=True)
    total = len(calls.events)
    seen = player.root.locator(".mr-panel use[style*='visibility: visible']")
    expect(seen).to_have_count(total)  # a chart is whole until it is played
    player.page.keyboard.press("Tab")
    player.page.keyboard.press("Home")
    expect(seen).to_have_count(1)
    player.page.keyboard.press("ArrowRight")
    expect(seen).to_have_count(2)
    player.button("Play").click()
    expect(player.root).to_have_attribute("data-state", "paused", timeout=20_000)
    expect(seen).to_have_count(total)


def test_a_bar_grows_also_where_it_was_not_seen_at_first(open_recording, monkeypatch):
    """In a fold nothing has a size. What is written on a bar comes with its end: it cannot be read on a dark page."""
    monkeypatch.setattr("muxlab.show.player.PAGE", PAGE.replace("<main>", "<main hidden>"))
    recording = Recording("timeline", "bars", 0.4)
    for x in (0, 60, 90):
        recording.note({"svg": BARS, "x": x}, f"up to {x}")
    player = open_recording(recording, last=True)
    player.page.locator("main").evaluate("main => { main.hidden = false; }")
    assert player.root.evaluate(SHOWN) == ["inset(-4px 0px -4px -4px) visible", "visible", "visible", "visible"]
    player.button("Back").click()
    player.shows("up to 60")
    assert player.root.evaluate(SHOWN) == ["inset(-4px 30px -4px -4px) visible", "visible", "visible", "hidden"]
    player.page.keyboard.press("Home")
    player.shows("up to 0")
    assert [one.split()[-1] for one in player.root.evaluate(SHOWN)] == ["hidden", "hidden", "visible", "hidden"]


def test_nothing_in_a_recording_becomes_part_of_the_page(open_recording):
    def server(listener):
        local = NASTY  # noqa: F841
        listener.accept()

    server.__name__ = NASTY
    panel = muxlab.show.stepper(server, clients=1)
    recording = panel.record([Scene("look", NASTY), Scene(("send", "client 1", NASTY), NASTY), Scene("next", NASTY)])
    panel.close()
    player = open_recording(recording)
    player.button("Forward").click()
    expect(player.root.locator(".ms-name b")).to_have_text(NASTY)
    assert player.page.locator("img").count() == 0


def test_where_it_cannot_be_unpacked_it_says_so(open_recording, monkeypatch):
    monkeypatch.setattr("muxlab.show.player.pack", lambda recording: "AAAA")
    recording = Recording("race", "nobody")
    recording.note({}, "The captions can be read all the same.")
    with pytest.raises(AssertionError):  # it never shows its first frame
        expect.set_options(timeout=500)
        try:
            open_recording(recording)
        finally:
            expect.set_options(timeout=5000)


def test_it_plays_in_a_notebook(lab, open_notebook):
    panel = 'panel = muxlab.show.stepper(muxlab.SERVERS["epoll"], clients=1)'
    cell = f"import muxlab\n{panel}\npanel.stepper.next_call()\npanel.refresh()"
    opened = open_notebook(lab.write("recording.ipynb", cell, "muxlab.show.play(panel.record())"))
    opened.run_all()
    assert opened.cell_errors() == []
    root = opened.page.locator(".muxlab-recording")
    root.get_by_role("button", name="Forward").click()
    expect(root.locator(".mr-count")).to_have_text("2 of 2")
    expect(root.locator(".ms-status b")).to_have_text("Paused before epoll.register(stop, IN)")
