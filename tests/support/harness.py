"""A real JupyterLab in a real browser: JupyterLab on copies of the notebooks, its page, and one notebook opened in it.

JupyterLab keeps its token and listens on 127.0.0.1 only. It has directories of its own, so that a learner's settings
neither help nor disturb, and the browser reaches nothing but JupyterLab: any other address is blocked and recorded.

A further test takes a second or two, as long as it keeps away from what is slow. In seconds of CPU time:

    start Chromium and JupyterLab: once, for all tests       3
    load JupyterLab in a page: once, until a test fails      5
    open a small notebook, with a kernel of its own          1
    draw all cells of a chapter                              1.5
    show a panel, whose sample needs real servers            1
    open a page that has nothing to do with JupyterLab       0.1

So write a notebook that holds only the cells you want to test (`Lab.write`), and open it with the fixture
`open_notebook`, in a page that all tests share. Look at a panel by light and by dark, wide and narrow, in one test
(`NotebookPage.look`). For a page of another kind take a `WatchedPage`: it needs no JupyterLab at all. Wait for what the
page shows, with Playwright's `expect` or `wait_for_function`; never wait for a time to pass. By default the page checks
in every frame whether it has come; where a check reads a whole notebook, pass `polling=POLL`.
"""

import contextlib
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import nbformat
from nbformat import NotebookNode

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Dialog, Locator

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
BROWSER_OPTIONS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # blocks every other address, names and numbers
]
START_SECONDS = 60
WAIT_SECONDS = 60
POLL = 100
"""Milliseconds between two looks at a whole notebook while it runs. Looking in every frame took a third of the page's
CPU time."""
WINDOW = {"width": 1280, "height": 1000}

SETTINGS = {
    # every cell is in the page, those out of sight too, so that a widget that cannot be shown does not go unseen
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},
}

ONE_ROUND = """import muxlab.measure.servers
muxlab.measure.servers.LEAST, muxlab.measure.servers.ENOUGH = 1, 0
del muxlab
"""
"""What each kernel runs first: a chapter measures its servers once, and not in rounds. Here it matters that figures are
shown; what they say is compared by nbval."""

NOTEBOOK = "const notebook = window.jupyterapp?.shell.currentWidget;"
IDLE = f"""() => {{ {NOTEBOOK}
    return notebook?.sessionContext?.isReady && notebook.sessionContext.session?.kernel?.status === 'idle'
        && [...notebook.content.model.cells].every(cell => (cell.executionState ?? 'idle') !== 'running');
}}"""
ERRORS = f"""() => {{ {NOTEBOOK}
    return [...notebook.content.model.cells]
        .filter(cell => cell.type === 'code' && !(cell.getMetadata('tags') ?? []).includes('raises-exception'))
        .flatMap(({{ outputs }}) => Array.from({{ length: outputs.length }}, (_, place) => outputs.get(place)))
        .filter(output => output.type === 'error')
        .map(output => output.toJSON()).map(error => `${{error.ename}}: ${{error.evalue}}`);
}}"""
ALL_RUN = f"""() => {{ {NOTEBOOK}
    return ({ERRORS})().length > 0 || [...notebook.content.model.cells]
        .filter(cell => cell.type === 'code' && cell.sharedModel.getSource().trim())
        .every(cell => cell.executionCount !== null);
}}"""
OPEN = """path => {
    document.body.dataset.jpThemeLight === 'false'
        && window.jupyterapp.commands.execute('apputils:change-theme', { theme: 'JupyterLab Light' });
    window.jupyterapp.shell.expandLeft();
    return window.jupyterapp.commands.execute('docmanager:open', { path, factory: 'Notebook' }).then(() => null);
}"""
CLOSE = f"""() => {{ {NOTEBOOK}
    return notebook.sessionContext.shutdown().then(() => {{ notebook.dispose(); return null; }});
}}"""
OUTPUTS = f"""() => {{ {NOTEBOOK}
    return [...notebook.content.model.cells].map(cell => cell.type === 'code' ? cell.outputs.toJSON() : []);
}}"""


THEME = "theme => window.jupyterapp.commands.execute('apputils:change-theme', { theme }).then(() => null)"
HAS_THEME = "theme => document.body.dataset.jpThemeLight === String(theme.endsWith('Light'))"
STILL = """look => new Promise(resolve => {
    let last = '', frames = 0;  // JupyterLab lays itself out anew some time after the window has another width
    const frame = () => {
        const now = getComputedStyle(document.querySelector(look)).borderLeftColor
            + JSON.stringify(document.querySelector(look).getBoundingClientRect());
        frames = now === last ? frames + 1 : 0;
        last = now;
        if (frames >= 60) resolve(null); else requestAnimationFrame(frame);
    };
    frame();
})"""


def find_browser() -> str | None:
    """Return the path of a Chromium (MUXLAB_BROWSER first, then the usual names on PATH), or None."""
    named = os.environ.get("MUXLAB_BROWSER")
    return next(filter(None, map(shutil.which, [named] if named else BROWSERS)), None)


@dataclass
class Lab:
    """A running JupyterLab: its address without a final slash, its token, and the folder of the copied notebooks."""

    url: str
    token: str
    folder: Path

    def write(self, name: str, *cells: str | NotebookNode) -> str:
        """Write a notebook of these code cells, given by their source or whole, and return its `name`."""
        code = [nbformat.v4.new_code_cell(cell) if isinstance(cell, str) else cell for cell in cells]
        notebook = nbformat.v4.new_notebook(cells=code)
        notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nbformat.write(notebook, self.folder / name)
        return name


def copy_without_outputs(notebooks: Path, folder: Path) -> None:
    """Copy the folder `notebooks` without the outputs, which would be drawn only to be cleared before the first run."""
    shutil.copytree(notebooks, folder, ignore=shutil.ignore_patterns(".*", "__pycache__"))
    for path in folder.glob("*.ipynb"):
        notebook = nbformat.read(path, as_version=4)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
        nbformat.write(notebook, path)


@contextlib.contextmanager
def jupyter_lab(notebooks: Path, home: Path) -> Iterator[Lab]:
    """Run JupyterLab on a copy of the folder `notebooks`, without outputs, as `make lab` does.

    Everything that it writes lands in the empty folder `home`.
    Yields a `Lab` that answers. Raises RuntimeError with JupyterLab's log if it ends early or is not up in 60 s.
    """
    copy_without_outputs(notebooks, home / "notebooks")
    for name, values in SETTINGS.items():
        file = home / "settings" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps(values))
    page_config = home / "config/labconfig/page_config.json"
    page_config.parent.mkdir(parents=True)
    no_news = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}  # it asks outside
    page_config.write_text(json.dumps(no_news))
    first_of_all = home / "ipython/profile_default/startup/one_round.py"
    first_of_all.parent.mkdir(parents=True)
    first_of_all.write_text(ONE_ROUND)
    token = secrets.token_hex(16)
    environment = os.environ | {
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        "IPYTHONDIR": str(home / "ipython"),
        "JUPYTER_TOKEN": token,  # not on the command line, where every user of the machine could read it
    }
    command = [sys.executable, "-m", "jupyterlab", "--no-browser"]
    command += ["--ServerApp.ip=127.0.0.1", "--ServerApp.port=0", f"--ServerApp.root_dir={home / 'notebooks'}"]
    command += ["--LabApp.expose_app_in_browser=True"]  # window.jupyterapp, which tells when a kernel is idle
    command += ["--LabApp.extension_manager=readonly"]  # the other one asks the package index
    command += ["--allow-root"] if os.geteuid() == 0 else []
    log = home / "lab.log"
    with log.open("w") as output:
        # In a session of its own, so that Ctrl-C in the terminal reaches pytest, which then ends JupyterLab.
        process = subprocess.Popen(
            command, env=environment, cwd=home, stdout=output, stderr=output, start_new_session=True
        )
    try:
        yield Lab(url_of(process, home / "runtime", log), token, home / "notebooks")
    finally:
        process.terminate()
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def url_of(process: "subprocess.Popen[bytes]", runtime: Path, log: Path) -> str:
    """Return the address that a starting JupyterLab writes into its runtime folder; it listens by then."""
    file = runtime / f"jpserver-{process.pid}.json"
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError, ValueError):  # not there yet, or half written
            return str(json.loads(file.read_text())["url"]).rstrip("/")
        try:
            process.wait(timeout=0.05)
        except subprocess.TimeoutExpired:
            continue
        break
    raise RuntimeError(f"JupyterLab did not start within {START_SECONDS} s:\n{log.read_text()}")


class WatchedPage:
    """A page of a browser, and everything that goes wrong in it. `page` is Playwright's page, for all the rest."""

    def __init__(self, browser: "Browser", url: str) -> None:
        """Open an empty page of `browser`. A request to any other server than that of `url` is one to the outside.

        It has a window of its own. Of two pages in one window, Chromium draws the one behind at four frames a second,
        and every click waits for frames.
        """
        self.host = urlsplit(url).netloc
        self.errors: list[str] = []
        self.outside_requests: list[str] = []
        self.page = browser.new_page()  # of a Browser, that is a context of its own, and so a window
        self.page.set_viewport_size(WINDOW)
        self.page.set_default_timeout(WAIT_SECONDS * 1000)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", self._console)
        self.page.on("dialog", self._dialog)
        self.page.on("request", lambda request: self._requested(request.url))
        self.page.on("websocket", lambda socket: self._requested(socket.url))

    def _console(self, message: "ConsoleMessage") -> None:
        if message.type == "error":
            self.errors.append(f"{message.text} ({message.location.get('url', '')})")

    def _dialog(self, dialog: "Dialog") -> None:
        """Note an `alert`, which neither JupyterLab nor the course ever shows: a script of somebody's has run."""
        self.errors.append(f"{dialog.type}: {dialog.message}")
        dialog.dismiss()

    def _requested(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("data", "blob") and parts.netloc != self.host:
            self.outside_requests.append(url)


class LabPage(WatchedPage):
    """JupyterLab in a page of a browser."""

    def __init__(self, browser: "Browser", lab: Lab) -> None:
        """Open `lab` in a new page of `browser`."""
        super().__init__(browser, lab.url)
        self.page.goto(f"{lab.url}/lab?token={lab.token}&reset", wait_until="domcontentloaded")
        self.page.locator(".jp-Launcher").wait_for()


class NotebookPage:
    """One notebook, open in JupyterLab, in a window of the usual size and light. `page` is Playwright's page."""

    def __init__(self, lab_page: LabPage, name: str) -> None:
        """Open the notebook `name` with a kernel of its own, and wait until that is idle."""
        self._closed = False
        self.page = lab_page.page
        self.page.set_viewport_size(WINDOW)
        self.page.evaluate(OPEN, name)
        self.notebook: Locator = self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook")
        self.notebook.locator(".jp-Cell").first.wait_for()
        self.wait_idle()

    def wait_idle(self, timeout: float = WAIT_SECONDS) -> None:
        """Wait until the kernel is idle and no cell is running, for at most `timeout` seconds."""
        self.page.wait_for_function(IDLE, timeout=timeout * 1000, polling=POLL)

    def run_all(self, timeout: float = 120) -> None:
        """Run all cells; return at the first unexpected error, or when all have run."""
        self.start_all()
        self.wait_all(timeout)

    def start_all(self) -> None:
        """Choose Run All Cells in the menu, and do not wait for them.

        Outputs and counts that are there are cleared before, or they would pass for those of this run.
        """
        clear = "window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs')"
        self.page.evaluate(f"() => {clear}.then(() => null)")
        self.page.get_by_role("menuitem", name="Run", exact=True).click()
        self.page.get_by_role("menuitem", name="Run All Cells", exact=True).click()

    def wait_all(self, timeout: float = 120) -> None:
        """Wait for the first unexpected error, or until all cells have run, for at most `timeout` seconds."""
        self.page.wait_for_function(ALL_RUN, timeout=timeout * 1000, polling=POLL)
        self.wait_idle(timeout)

    def cell_errors(self) -> list[str]:
        """Return the errors that cells show, as "Name: message"; not those of cells tagged raises-exception."""
        return list(self.page.evaluate(ERRORS))

    def widget_errors(self) -> list[str]:
        """Return the notices that stand where a widget could not be shown."""
        outputs = self.notebook.locator(".jp-OutputArea-output")
        return list(outputs.get_by_text(re.compile("^Error (displaying|creating) widget")).all_inner_texts())

    def outputs(self) -> list[list[dict[str, Any]]]:
        """Return the outputs of every cell, as in the notebook format; an empty list for a markdown cell."""
        return list(self.page.evaluate(OUTPUTS))

    def cell_locator(self, text: str) -> "Locator":
        """Return the code cell, with its outputs, whose source contains `text`."""
        editor = self.page.locator(".jp-InputArea-editor", has_text=text)
        return self.notebook.locator(".jp-CodeCell").filter(has=editor)

    def click_button(self, text: str, within: "Locator | None" = None) -> None:
        """Click the one button named `text` in the notebook, or `within` a cell if given."""
        (within or self.notebook).get_by_role("button", name=text, exact=True).click()

    def set_slider(self, description: str, value: float, within: "Locator | None" = None) -> None:
        """Type `value` into the number beside the ipywidgets slider with this description."""
        label = self.page.locator(".widget-label").get_by_text(description, exact=True)
        readout = (within or self.notebook).locator(".widget-slider").filter(has=label).locator(".widget-readout")
        readout.fill(str(value))
        readout.press("Enter")

    def look(self, selector: str, width: int, theme: str = "JupyterLab Light", height: int = 900) -> None:
        """Resize the window, change the theme, and wait until the element that `selector` finds has come to rest.

        This takes a second: less than opening the notebook again.
        """
        self.page.set_viewport_size({"width": width, "height": height})
        self.page.wait_for_function("width => window.innerWidth === width", arg=width)
        self.page.evaluate(THEME, theme)
        self.page.wait_for_function(HAS_THEME, arg=theme)
        self.page.evaluate(STILL, selector)

    def screenshot(self, path: Path | str, of: "Locator | None" = None) -> None:
        """Save a picture of the window, or `of` one element, as PNG."""
        (of or self.page).screenshot(path=str(path))

    def close(self) -> None:
        """End the kernel and close the notebook; a second time does nothing."""
        if not self._closed:
            self.page.evaluate(CLOSE)
        self._closed = True
