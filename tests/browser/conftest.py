"""Fixtures for the browser tests: one Chromium, one JupyterLab, and notebooks opened in it."""

import os
from collections.abc import Callable, Iterator
from typing import NoReturn

import pytest
from harness import BROWSER_OPTIONS, BROWSERS, NOTEBOOKS, WINDOW, Lab, LabPage, NotebookPage, find_browser, jupyter_lab

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
        yield chromium.new_context(viewport=WINDOW)
        chromium.close()


@pytest.fixture(scope="package")
def lab(browser: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Yield a JupyterLab on a copy of the chapters. It depends on the browser: without one, it is not started."""
    with jupyter_lab(NOTEBOOKS, tmp_path_factory.mktemp("lab")) as running:
        yield running


@pytest.fixture(scope="package")
def pages(browser: object, lab: Lab) -> Callable[[], LabPage]:
    """Return a function that returns the page of JupyterLab: the same one for all tests, until one of them fails.

    To load JupyterLab takes longer than most tests.
    """
    opened: list[LabPage] = []

    def current() -> LabPage:
        if not opened or opened[-1].page.is_closed():
            opened.append(LabPage(browser, lab))
        return opened[-1]

    return current


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Note that a test failed, for `open_notebook`."""
    report = yield
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed
    return report


@pytest.fixture
def open_notebook(
    request: pytest.FixtureRequest, pages: Callable[[], LabPage]
) -> Iterator[Callable[[str], NotebookPage]]:
    """Yield a function that opens a notebook by file name; one at a time.

    Afterwards the page has to be free of JavaScript errors, and must have asked for nothing outside JupyterLab.
    """
    page = pages()
    opened: list[NotebookPage] = []

    def open_(name: str) -> NotebookPage:
        opened.append(NotebookPage(page, name))
        return opened[-1]

    yield open_
    # Taken before the notebook closes: JupyterLab complains of questions that were still open when the kernel ended.
    errors, outside_requests = list(page.errors), list(page.outside_requests)
    for notebook in opened:
        notebook.close()
    if errors or outside_requests or request.node.stash.get(FAILED, False):
        page.page.close()
    page.errors.clear()
    assert outside_requests == []
    assert errors == []
