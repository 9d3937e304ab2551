"""Fixtures for the browser tests: one Chromium, one JupyterLab, and notebooks opened in it."""

import os
from collections.abc import Callable, Iterator
from typing import NoReturn

import pytest
from harness import BROWSER_OPTIONS, BROWSERS, NOTEBOOKS, Lab, NotebookPage, find_browser, jupyter_lab


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the browser tests last: while Playwright is up, this thread cannot run an event loop of its own."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)


def missing(what: str) -> NoReturn:
    """Skip the test, with the reason; in CI, where nothing may be missing, fail."""
    reason = f"browser tests need {what}"
    if os.environ.get("CI"):
        pytest.fail(f"{reason}, and in CI they must run", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    """Yield a running Chromium without a window; its pages share one cache, so JupyterLab is loaded once."""
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
        yield chromium.new_context(viewport={"width": 1280, "height": 1000})
        chromium.close()


@pytest.fixture(scope="session")
def lab(browser: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Yield a JupyterLab on a copy of the chapters. It depends on the browser: without one, it is not started."""
    with jupyter_lab(NOTEBOOKS, tmp_path_factory.mktemp("lab")) as running:
        yield running


@pytest.fixture
def open_notebook(browser: object, lab: Lab) -> Iterator[Callable[[str], NotebookPage]]:
    """Yield a function that opens a notebook by file name.

    Afterwards the page has to be free of JavaScript errors, and must have asked for nothing outside JupyterLab.
    """
    opened: list[NotebookPage] = []

    def open_(name: str) -> NotebookPage:
        opened.append(NotebookPage(browser, lab, name))
        return opened[-1]

    yield open_
    # Taken before the pages close: JupyterLab complains of the questions that were still open when the kernel ended.
    page_errors = [error for page in opened for error in page.page_errors]
    outside_requests = [url for page in opened for url in page.outside_requests]
    for page in opened:
        page.close()
    assert outside_requests == []
    assert page_errors == []
