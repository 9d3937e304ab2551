"""The book in a browser, opened as files: every page for every reader, questions answered, panels played, the search.

It is built once, as `make book` does. What its files say is looked at here, too: links, and what a page loads.
"""

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from axe import THIN_OUT
from harness import WatchedPage

pytestmark = [pytest.mark.browser, pytest.mark.battery]

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = [f"chapters/{path.stem}.html" for path in sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))]
BY_HAND = [f"{path.stem}.html" for path in sorted((ROOT / "book").glob("*.md"))]
GENERATED = ["search.html", "genindex.html"]
RECORDED = ["00", "02", "05"]  # the panels that the tests below look at; tests/test_book_recordings.py has the others
BUILD_SECONDS = 240  # with two busy cores; alone it takes a quarter of a minute

SELECT = "chapters/03_wait_with_select.html"
EPOLL = "chapters/05_scale_with_epoll.html"
UNFOLD = """() => new Promise(resolve => {
    const folded = new Set(document.querySelectorAll('details:not([open])'));
    const heard = ({ target }) => { if (folded.delete(target) && !folded.size) resolve(null); };
    document.addEventListener('toggle', heard, true);  // after the page's own listener has heard of it
    folded.forEach(fold => { fold.open = true; });
    if (!folded.size) resolve(null);
})"""
AT_REST = "* { transition: none !important; }"  # or a colour would be looked at on its way from light to dark
SET_THEME = "theme => { Object.assign(document.documentElement.dataset, { theme, mode: theme }); }"
TOO_WIDE = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def book(browser, tmp_path_factory):
    """Build the book, and return its folder. It depends on the browser: without one, nothing is built."""
    folder = tmp_path_factory.mktemp("book")
    command = [sys.executable, "-m", "book", "--into", str(folder), "--record", *RECORDED]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=BUILD_SECONDS)
    assert (done.returncode, done.stderr) == (0, "")
    return folder / "html"


@pytest.fixture(scope="module")
def shared_page(browser, book):
    """Return a page that the tests share; what is kept in it is kept from one to the next."""
    watched = WatchedPage(browser, book.as_uri())
    yield watched
    watched.page.close()


@pytest.fixture
def open_page(shared_page, book):
    """Yield a function that opens a page of the book, in a window of this width.

    Afterwards the page has to be free of errors, and must have asked for nothing but files.
    """

    def open_(name, width=1280):
        shared_page.page.set_viewport_size({"width": width, "height": 900})
        shared_page.page.goto((book / name).as_uri())
        return shared_page.page

    yield open_
    errors, outside = list(shared_page.errors), list(shared_page.outside_requests)
    shared_page.errors.clear()
    shared_page.outside_requests.clear()
    assert (errors, outside) == ([], [])


@pytest.fixture
def afresh(open_page):
    """Open a page, and forget what was answered before."""

    def open_(name):
        open_page(name).evaluate("() => localStorage.clear()")
        return open_page(name)

    return open_


@pytest.mark.parametrize("name", [*BY_HAND, *CHAPTERS, *GENERATED])
def test_every_page_is_for_every_reader(axe, open_page, name):
    """In the dark only colours differ."""
    page = open_page(name)
    page.evaluate(UNFOLD)
    page.evaluate(THIN_OUT)
    page.add_style_tag(content=AT_REST)
    page.evaluate(SET_THEME, "light")
    by_light = axe(page, "html")
    page.evaluate(SET_THEME, "dark")
    assert [by_light, axe(page, "html", ["color-contrast"])] == [[], []]


@pytest.mark.parametrize("name", ["index.html", SELECT, "chapters/14_review_the_article.html", "reference.html"])
def test_a_narrow_window_does_not_scroll_sideways(open_page, name):
    page = open_page(name, width=390)
    page.evaluate(UNFOLD)
    assert page.evaluate(TOO_WIDE) == 0


def test_a_question_is_answered_by_the_keyboard_and_unfolds_what_follows(afresh):
    page = afresh(SELECT)
    question, fold = page.locator(".book-question").first, page.locator(".book-fold").first
    printed = fold.get_by_text("with 5 bytes waiting")
    assert not printed.is_visible()
    question.get_by_role("button", name="the five bytes").focus()
    page.keyboard.press("Enter")
    printed.wait_for()
    assert question.get_by_role("status").inner_text().startswith("It is (b). You said (c)")
    assert "client 2's socket" in fold.locator(".mux-outcome").inner_text()
    assert page.evaluate("() => document.activeElement.textContent").startswith("cthe five bytes")


def test_an_answer_is_kept_until_the_reader_starts_afresh(afresh, open_page):
    page = afresh(SELECT)
    page.locator(".book-question").first.get_by_role("button", name="client 2's socket").click()
    page = open_page(SELECT)
    note = page.locator(".book-question").first.get_by_role("status")
    assert note.inner_text() == "It is (b), as you said."
    assert page.locator(".book-fold[open]").count() == 1
    page.get_by_role("button", name="Start afresh").click()
    page.locator(".book-question [data-state=open]").first.wait_for()
    assert page.locator(".book-fold[open]").count() == 0


def test_who_does_not_want_to_answer_is_shown_what_happens(afresh):
    page = afresh(SELECT)
    fold = page.locator(".book-fold").first
    fold.locator("summary").first.focus()
    page.keyboard.press("Enter")
    fold.get_by_text("with 5 bytes waiting").wait_for()
    assert fold.locator("summary").first.evaluate("line => line === document.activeElement")
    assert "(b) client 2's socket" in fold.locator(".mux-outcome").inner_text()
    page.get_by_role("button", name="Unfold everything").click()
    assert page.locator(".book-fold:not([open])").count() == 0


def test_without_scripts_everything_can_be_read(browser, book):
    page = browser.new_page(java_script_enabled=False)
    page.goto((book / SELECT).as_uri())
    assert page.locator(".book-question").first.get_by_text("(b) client 2's socket").is_visible()
    fold = page.locator(".book-fold").first
    fold.locator("summary").first.click()
    assert fold.get_by_text("→ (b) client 2's socket").is_visible()
    page.close()


def test_the_search_finds_a_chapter(open_page):
    """By its button, as a reader does. From a file, nothing may be fetched."""
    page = open_page("index.html")
    page.locator(".bd-sidebar-primary .search-button__button").click()
    page.locator("dialog input[type=search]").fill("edge-triggered")
    page.keyboard.press("Enter")
    page.locator("#search-results li a", has_text="Ride the edge").first.click()
    page.get_by_role("heading", level=1, name="Ride the edge").wait_for()


def test_a_page_is_light_or_dark_as_its_reader_chooses(afresh, open_page):
    page = afresh("index.html")
    grounds = {}
    for theme in ("Light", "Dark"):
        page.get_by_role("button", name="Color mode").click()
        page.get_by_role("button", name=theme, exact=True).click()
        grounds[theme] = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    assert grounds["Light"] != grounds["Dark"]
    page = open_page(SELECT)  # and so is the next
    assert page.evaluate("() => getComputedStyle(document.body).backgroundColor") == grounds["Dark"]


def recording(page, kind):
    page.evaluate(UNFOLD)
    found = page.locator(f".muxlab-recording[data-kind={kind}][data-place]").first
    found.wait_for()
    return found


def test_the_recording_of_a_stepper_is_played_by_keys_and_by_its_slider(open_page):
    """The same panel as in the notebook: it says where the server is, and has the kernel's figures."""
    stepper = recording(open_page(EPOLL), "stepper")
    caption, status = stepper.locator(".mr-caption"), stepper.locator(".ms-status").first
    told = {caption.inner_text()}
    stepper.get_by_role("button", name="Play").focus()
    while stepper.get_by_role("button", name="Forward").get_attribute("aria-disabled") == "false":
        before = stepper.get_attribute("data-place")
        stepper.page.keyboard.press("ArrowRight")
        assert int(stepper.get_attribute("data-place")) == int(before) + 1
        told.add(caption.inner_text())
    assert len(told) > 10
    slider = stepper.get_by_role("slider", name="step of the recording")
    slider.focus()
    slider.press("Home")
    assert stepper.get_attribute("data-place") == "0"
    assert "line" in status.inner_text()


def test_a_timeline_plays_call_by_call(open_page):
    """The wall of EAGAIN: two hundred calls, from the first on."""
    timeline = recording(open_page("chapters/02_poll_without_blocking.html"), "timeline")
    place = int(timeline.get_attribute("data-place"))
    timeline.get_by_role("button", name="Play").focus()
    timeline.page.keyboard.press("Home")
    assert timeline.get_attribute("data-place") == "0"
    timeline.page.keyboard.press("End")
    assert int(timeline.get_attribute("data-place")) >= max(place, 100)


def test_the_first_page_plays_in_its_first_screen(open_page):
    page = open_page("index.html")
    crowds = recording(page, "crowds")
    page.locator(".muxlab-recording[data-kind=crowds][data-state=playing]").wait_for()
    box = crowds.bounding_box()
    assert box["y"] + box["height"] <= page.viewport_size["height"]
    crowds.get_by_role("button", name="Pause").click()
    place = crowds.get_attribute("data-place")
    crowds.get_by_role("button", name="Forward").click()
    assert int(crowds.get_attribute("data-place")) > int(place)


# ---- what the files say


class Reading(HTMLParser):
    """A page's links, its targets, and what a browser loads for it."""

    def __init__(self, path):
        super().__init__()
        self.links, self.targets, self.loaded = [], {""}, []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.targets |= {values[name] for name in ("id", "name") if name in values}
        if tag == "a":
            self.links.append(values.get("href") or "")
        elif tag != "link" or values.get("rel") not in ("index", "search", "next", "prev"):
            self.loaded += [values[name] for name in ("src", "href", "data", "srcset") if values.get(name)]


@pytest.fixture(scope="module")
def pages(book):
    return {path: Reading(path) for path in book.glob("**/*.html") if "_static" not in path.parts}


def test_nothing_is_loaded_from_anywhere_else(book, pages):
    loaded = [(path.name, one) for path, page in pages.items() for one in page.loaded]
    outside = [(name, one) for name, one in loaded if any(urlsplit(one)[:2]) and not one.startswith("data:")]
    for path in book.glob("**/*.css"):
        text = path.read_text(encoding="utf-8")
        outside += [(path.name, one) for one in re.findall(r"(?:url\(|@import) *['\"]?(?:https?:)?//[^)]*", text)]
    assert outside == []


def test_every_link_within_the_book_leads_somewhere(pages):
    broken = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            there = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            within = not (parts.scheme or parts.netloc)
            if within and (there not in pages or unquote(parts.fragment) not in pages[there].targets):
                broken.append((path.name, link))
    assert broken == []
