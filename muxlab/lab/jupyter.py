"""JupyterLab on a copy of the course: started, found again, ended together with its kernels.

It keeps its token and listens on 127.0.0.1 alone. What it prints goes to a file in the copy's `.muxlab/`. How the
course wants it is said on its command line, for this one server: the learner's own settings stay as they are.
"""

import contextlib
import json
import os
import socket
import sys
import threading
import time
import urllib.parse
from dataclasses import dataclass
from pathlib import Path

from ..programs import Program, private
from .copy import OWN
from .stills import leave_stills

START_SECONDS = 60.0
"""A slow disk, on which nothing is compiled yet, takes some ten seconds."""

ANSWER_SECONDS = 3.0
"""A server that is alive answers within milliseconds; on a very busy machine, within a second."""

OPTIONS = (
    "--no-browser",  # the address is opened by us, which also works when the server is there already
    "--ServerApp.ip=127.0.0.1",
    "--LabApp.news_url=None",  # the course reaches for nothing beyond this machine
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
)

DEFAULTS = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false"}}
"""Settings that this server has in the place of JupyterLab's defaults; the learner's own settings still come first.

By default, it asks every new user in a pop-up whether to fetch news, even if it has nowhere to fetch them from.
"""


@dataclass(frozen=True)
class Running:
    """A JupyterLab that is running: its address, which ends in a slash, its token, and its process number."""

    url: str
    token: str
    pid: int

    def page(self, notebook: str) -> str:
        """Return the address of a notebook, token and all: whoever has it can do what the learner can."""
        query = f"?token={self.token}" if self.token else ""  # a learner may have set a password instead
        return f"{self.url}lab/tree/{urllib.parse.quote(notebook)}{query}"

    def answers(self) -> bool:
        """Ask how it is, with its token: only this server knows that, and another one may have its address now.

        A server with a password in its place is asked for its version, which it tells everybody.
        """
        import http.client  # here, because no other command needs these
        import ssl
        import urllib.error
        import urllib.request

        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            question = urllib.request.Request(
                f"{self.url}{'api/status' if self.token else 'api'}", headers={"Authorization": f"token {self.token}"}
            )
            with direct.open(question, timeout=ANSWER_SECONDS) as answer:
                return isinstance(json.load(answer), dict)
        except urllib.error.URLError as error:
            return isinstance(error.reason, ssl.SSLError)  # it answers, with a certificate that the learner has made
        except (OSError, ValueError, http.client.HTTPException):
            return False


def check_port(port: int | None) -> None:
    """Raise ValueError when JupyterLab could not listen on this port. None stands for any that is free."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # what a server leaves in TIME_WAIT is no obstacle
        try:
            probe.bind(("127.0.0.1", port or 0))
        except (OSError, OverflowError) as error:
            reason = error.strerror if isinstance(error, OSError) else "a port is a number from 0 to 65535"
            raise ValueError(f"port {port}: {reason}. Leave --port out, and JupyterLab finds a free one") from None


def check_runtime_folder() -> None:
    """Raise ValueError when JupyterLab could not write down where it is, without which it does not start."""
    folder = _runtime_folder()
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
    if not os.access(folder, os.W_OK):
        raise ValueError(
            f"JupyterLab cannot write to {folder}, which it needs while it runs. Name another folder for that:\n"
            "    export JUPYTER_RUNTIME_DIR=$(mktemp -d)"
        )


def find_running(folder: Path) -> Running | None:
    """Return the JupyterLab that is running on this folder already, or None."""
    for path in _runtime_folder().glob("jpserver-*.json"):
        running, root = _read(path)
        if running and root == folder.resolve() and _is_alive(running.pid) and running.answers():
            return running
    return None


def _runtime_folder() -> Path:
    """Return the folder in which every running Jupyter server of this user has a file, named by its process number."""
    from jupyter_core.paths import jupyter_runtime_dir  # here, so that what it lacks has been checked before

    return Path(jupyter_runtime_dir())


def _read(path: Path) -> tuple[Running | None, Path | None]:
    """Return what a server's file says, and the folder that it serves; None where it is not there, or only half."""
    try:
        said = json.loads(path.read_bytes())
        return Running(said["url"], said["token"], said["pid"]), Path(said["root_dir"]).resolve()
    except (OSError, ValueError, LookupError, TypeError):
        return None, None


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return False  # that number belongs to somebody else's process now
    return True


class JupyterLab:
    """JupyterLab on a folder; a context manager, at whose end it is ended, with its kernels.

    It also ends when this process is killed. Before it starts, what earlier kernels have left in the chapters becomes
    still: see `stills`.

    Args:
        folder: the copy of the course.
        port: where it listens; None for the first free one from 8888 on.

    Raises:
        OSError: it has not started; says what it printed last, and what to do.
    """

    def __init__(self, folder: Path, port: int | None = None) -> None:
        self.folder = folder.resolve()
        own = self.folder / OWN
        self.log = own / "jupyterlab.log"
        (own / "settings").mkdir(exist_ok=True)
        leave_stills(self.folder, own / "unfinished")
        (own / "settings/overrides.json").write_text(json.dumps(DEFAULTS))
        command = [
            *(sys.executable, "-P", "-m", "jupyterlab", *OPTIONS),  # -P: no file of the learner's is a module of it
            f"--ServerApp.root_dir={self.folder}",
            f"--LabApp.app_settings_dir={own / 'settings'}",
            f"--LabApp.workspaces_dir={own / 'workspaces'}",  # which notebooks are open goes with the copy
            *([f"--ServerApp.port={port}", "--ServerApp.port_retries=0"] if port is not None else []),
            *(["--allow-root"] if os.geteuid() == 0 else []),  # it refuses to work for root without that
        ]
        self._program = Program("lab", lambda _: command, cwd="here", log=self.log)
        try:
            self.running = self._wait_until_it_runs()
        except BaseException:
            self.end()
            raise

    def __enter__(self) -> "JupyterLab":
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def _wait_until_it_runs(self) -> Running:
        """Wait for the file that it writes as soon as it listens.

        A server that was killed has left its file there, and its process number may be the one of this server now, as
        after a container's restart. So the file counts when what it names answers.
        """
        file = _runtime_folder() / f"jpserver-{self._program.pid}.json"
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            running, root = _read(file)
            if running and root == self.folder and running.answers():
                return running
            if self._program.wait(0.05):
                raise OSError(self._excuse("ended before it was ready"))
        raise OSError(self._excuse(f"was not ready within {START_SECONDS:.0f} s"))

    def _excuse(self, what: str) -> str:
        last = [line for line in self._program.said().splitlines() if line.strip()][-5:]
        return "\n".join(
            [
                f"JupyterLab {what}. It printed last:",
                *(f"    {line}" for line in last or ["(nothing)"]),
                f"Its whole log is {self.log}. If the installation is damaged, this repairs it:",
                f"    {sys.executable} -m pip install --force-reinstall jupyterlab",
            ]
        )

    def wait(self) -> int | None:
        """Wait until it ends by itself, as it does when it is shut down from the browser; return its exit status."""
        while not self._program.wait(1.0):
            pass  # in steps: Python notices a signal that comes just before a wait begins only when the wait is over
        return self._program.status

    def end(self) -> None:
        """End it, and its kernels; a second call does nothing."""
        self._program.end()


def open_in_browser(page: str, folder: Path) -> bool:
    """Open an address in the learner's browser, and return False when this machine has none to show it in.

    The browser is given a file that leads to the address: from a command line, others on this machine could read the
    token.
    """
    if not (sys.platform == "darwin" or any(map(os.environ.get, ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY")))):
        return False  # at most one for the terminal, which cannot show JupyterLab
    import webbrowser  # here, because no other command needs it

    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return False
    path = folder.resolve() / OWN / "open.html"
    path.unlink(missing_ok=True)
    with open(path, "x", opener=private, encoding="utf-8") as file:
        file.write(f'<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url={page}">\n')
    opening = threading.Thread(target=browser.open, args=(path.as_uri(),), daemon=True)
    opening.start()
    opening.join(ANSWER_SECONDS)  # some come back at once, some when their window is closed
    return True
