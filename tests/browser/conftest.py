"""Fixtures for the browser tests: one Chromium, one JupyterLab, and notebooks opened in it.

harness.py says what takes the time, and how another test costs a second or two.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NoReturn

import pytest
from axe import SCRIPT, find_wrong
from harness import BROWSER_OPTIONS, BROWSERS, NOTEBOOKS, Lab, LabPage, NotebookPage, find_browser, jupyter_lab

FAILED = pytest.StashKey[bool]()


def missing(what: str) -> NoReturn:
    """Skip the test, with the reason; in CI, where nothing may be missing, fail."""
    reason = f"browser tests need {what}"
    if os.environ.get("CI"):
        pytest.fail(f"{reason}, and in CI they must run", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="package")
def browser() -> Iterator[object]:
    """Yield a running Chromium without a window.

    It ends with the tests of this folder: while Playwright is up, this thread cannot run an event loop of its own.
    """
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("playwright (pip install -e '.[test]')")
    executable = find_browser()
    if executable is None:
        missing(f"{', '.join(BROWSERS)} on PATH, or its path in MUXLAB_BROWSER")
    # Chromium refuses its sandbox to root; for everyone else it stays on.
    options = BROWSER_OPTIONS + (["--no-sandbox"] if os.geteuid() == 0 else [])
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=executable, args=options, chromium_sandbox=os.geteuid() != 0
        )
        yield chromium
        chromium.close()


@pytest.fixture
def axe() -> Callable[..., list[str]]:
    """Return `axe.find_wrong`; without axe-core the test is skipped."""
    if not SCRIPT.exists():
        missing("axe-core (make axe)")
    return find_wrong


@pytest.fixture(scope="package")
def lab(browser: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Yield a JupyterLab on a copy of the chapters. It depends on the browser: without one, it is not started."""
    with jupyter_lab(NOTEBOOKS, tmp_path_factory.mktemp("lab")) as running:
        yield running


class Pages:
    """Pages with JupyterLab loaded: a test borrows one with `take` and returns it with `give_back`.

    Loading JupyterLab takes longer than most tests, so a page is used again and again, until a test fails in it.
    """

    def __init__(self, browser: object, lab: Lab) -> None:
        """Open nothing yet."""
        self._browser, self._lab = browser, lab
        self._free: list[LabPage] = []

    def take(self) -> LabPage:
        """Return a page that nobody uses, opened now if there is none."""
        return self._free.pop() if self._free else LabPage(self._browser, self._lab)

    def give_back(self, page: LabPage, notebooks: list[NotebookPage], failed: bool) -> None:
        """Close its notebooks. It has to be free of JavaScript errors, and must have asked for nothing outside."""
        # Taken before the notebooks close: JupyterLab complains of questions that were still open when a kernel ended.
        errors, outside_requests = list(page.errors), list(page.outside_requests)
        for notebook in notebooks:
            notebook.close()
        if errors or outside_requests or failed:
            page.page.close()
        else:
            page.errors.clear()
            self._free.append(page)
        assert outside_requests == []
        assert errors == []


@pytest.fixture(scope="package")
def pages(browser: object, lab: Lab) -> Pages:
    """Return the pages of JupyterLab, which all tests share."""
    return Pages(browser, lab)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Note that a test failed, for those who ask with `has_failed`."""
    report = yield
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed
    return report


def has_failed(request: pytest.FixtureRequest) -> bool:
    """Tell whether the test of `request` has failed."""
    return bool(request.node.stash.get(FAILED, False))


@pytest.fixture
def open_notebook(request: pytest.FixtureRequest, pages: Pages) -> Iterator[Callable[[str], NotebookPage]]:
    """Yield a function that opens a notebook by file name; one at a time.

    Afterwards the page has to be free of JavaScript errors, and must have asked for nothing outside JupyterLab.
    """
    page = pages.take()
    opened: list[NotebookPage] = []

    def open_(name: str) -> NotebookPage:
        opened.append(NotebookPage(page, name))
        return opened[-1]

    yield open_
    pages.give_back(page, opened, has_failed(request))


@dataclass
class Started:
    """A chapter whose cells run, in a page of its own; or the `error` that came instead."""

    page: LabPage
    notebook: NotebookPage | None = None
    error: Exception | None = None


@pytest.fixture(scope="package")
def started() -> dict[str, Started]:
    """Return what runs ahead of its test, by chapter."""
    return {}


@pytest.fixture
def run_chapter(
    request: pytest.FixtureRequest, pages: Pages, started: dict[str, Started]
) -> Iterator[Callable[[str], NotebookPage]]:
    """Yield a function that runs a chapter, and returns when all its cells have run, or at the first error.

    Meanwhile the chapter of the next test begins in another page: chapters wait more than they compute.
    """

    def start(chapter: str) -> Started:
        """Open a chapter and run its cells, without waiting for them. What goes wrong is its own test's to raise."""
        new = Started(pages.take())
        try:
            new.notebook = NotebookPage(new.page, chapter)
            new.notebook.start_all()
        except Exception as error:
            new.error = error
        return new

    asked_for: list[Started] = []

    def run(chapter: str) -> NotebookPage:
        mine = started.pop(chapter, None) or start(chapter)
        asked_for.append(mine)
        if (following := next_chapter(request)) is not None:
            started[following] = start(following)
        if mine.error is not None:
            raise mine.error
        mine.notebook.wait_all()
        return mine.notebook

    yield run
    for mine in asked_for:
        pages.give_back(mine.page, [mine.notebook] if mine.notebook else [], has_failed(request))


def next_chapter(request: pytest.FixtureRequest) -> str | None:
    """Return the chapter of the test that follows this one in its file, if there is one."""
    tests = [item for item in request.session.items if item.path == request.node.path]
    following = tests[tests.index(request.node) + 1 :][:1]
    return following[0].callspec.params["chapter"] if following and hasattr(following[0], "callspec") else None
