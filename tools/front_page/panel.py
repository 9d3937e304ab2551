"""The picture of the stepper: the panel itself, in a real JupyterLab, holding the select server of chapter 3."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
from PIL import Image

from tests.support.harness import (
    BROWSER_OPTIONS,
    NOTEBOOKS,
    Lab,
    LabPage,
    NotebookPage,
    find_browser,
    jupyter_lab,
)

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PANEL = ".ms"
WIDTH, HEIGHT = 1480, 1100  # pixels of the window: the panel is as wide as in a learner's notebook on a laptop
SHARP = 2  # pixels of the picture for each of the page
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
NO_SPARE_ROWS = ".ms-lanes { height: auto !important }"  # the panel keeps room for a fourth client
ANSWERED = "panel => document.querySelector(panel).textContent.includes('client 2')"
MOMENT = """
step = muxlab.step(select_server)
clients = [step.client() for _ in range(3)]
step.run_until_blocked()
clients[1].send(b"hello")
muxlab.show.stepper(step)
"""
"""Client 2 has spoken: `select` has named it, and the server has not read what it said."""


def server() -> str:
    """Return the source of chapter 3's first select server."""
    chapter = nbformat.read(NOTEBOOKS / "03_wait_with_select.ipynb", as_version=4)
    sources = [cell.source for cell in chapter.cells if cell.source.startswith("def select_server(listener):")]
    return str(sources[0].split("\n\n\n")[0])


def photograph(notebook: NotebookPage, folder: Path) -> list[Path]:
    """Save the panel of an open notebook as it is by light and by dark; return the files."""
    notebook.run_all()
    notebook.page.wait_for_function(ANSWERED, arg=PANEL)
    added = notebook.page.add_style_tag(content=NO_SPARE_ROWS)
    files = []
    for name, theme in THEMES.items():
        notebook.look(PANEL, WIDTH, theme, HEIGHT)
        files.append(folder / f"stepper-{name}.png")
        notebook.screenshot(files[-1], notebook.page.locator(PANEL))
        make_small(files[-1])
    added.evaluate("style => style.remove()")
    return files


def make_small(path: Path) -> None:
    """Write a picture anew with its 256 most frequent colours; what is left are the soft edges of letters."""
    with Image.open(path) as opened:
        picture = opened.convert("RGB").crop((0, 0, opened.width, opened.height - SHARP))  # below it is the page
    counted: Any = picture.getcolors(picture.width * picture.height)
    palette = Image.new("P", (1, 1))
    palette.putpalette([part for _, colour in sorted(counted, reverse=True)[:256] for part in colour])
    picture.quantize(palette=palette, dither=Image.Dither.NONE).save(path, optimize=True)


def write_notebook(lab: Lab) -> str:
    """Write the notebook that shows the panel; return its name."""
    return lab.write("stepper.ipynb", "import select\nimport muxlab", server(), MOMENT.strip())


@contextmanager
def chromium() -> Iterator["Browser"]:
    """Run a Chromium without a window. It refuses its sandbox to root; for everyone else it stays on."""
    from playwright.sync_api import sync_playwright

    root = os.geteuid() == 0
    options = [*BROWSER_OPTIONS, *["--no-sandbox"] * root]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=options, chromium_sandbox=not root)
        yield browser
        browser.close()


def draw(folder: Path) -> list[Path]:
    """Start JupyterLab and a browser, and save the pictures in `folder`; return the files."""
    with tempfile.TemporaryDirectory() as home, jupyter_lab(NOTEBOOKS, Path(home)) as lab, chromium() as browser:
        window: Any = browser.new_context(device_scale_factor=SHARP)
        notebook = NotebookPage(LabPage(window, lab), write_notebook(lab))
        return photograph(notebook, folder)
