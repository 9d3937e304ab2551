"""An account of a learner who types `muxlab lab`: with a stand-in for JupyterLab, unless a test takes the real one."""

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from helpers import eventually

ROOT = Path(__file__).resolve().parents[2]
STAND_IN = ROOT / "tests/support/stand_in"
READY = "Ctrl-C here stops it"
PAGE = re.compile(r"^ +(http://127\.0\.0\.1:\d+/)lab/tree/(\S+\.ipynb)\?token=(\w+)\s*$", re.MULTILINE)


@dataclass
class Account:
    """An account of a learner: a home and Jupyter folders of its own, and a stand-in for JupyterLab."""

    home: Path
    variables: dict[str, str]

    @contextlib.contextmanager
    def lab(self, *arguments: str, **options: object) -> Iterator[subprocess.Popen]:
        """Run `muxlab lab` in the home; at the end it is killed, if it still runs."""
        usual = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "cwd": self.home}
        command = [sys.executable, "-m", "muxlab", "lab", *arguments]
        process = subprocess.Popen(command, env=self.variables, text=True, **(usual | options))
        try:
            yield process
        finally:
            process.kill()
            process.wait()
            if process.stdout:
                process.stdout.close()

    def say(self, *arguments: str, **options: object) -> tuple[int, str]:
        """Run `muxlab lab` to its end, and return its exit status and what it says."""
        with self.lab(*arguments, **options) as process:
            said, _ = process.communicate(timeout=60)
            return process.returncode, said

    def processes(self) -> list[str]:
        """Return the command lines of all processes of this account."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if f"HOME={self.home}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                    found.append((folder / "cmdline").read_text().replace("\0", " "))
        return found

    def servers(self) -> list[Path]:
        """Return the files in which running servers say where they are."""
        return list((self.home / "runtime").glob("jpserver-*.json"))


@pytest.fixture
def account(tmp_path: Path) -> Iterator[Account]:
    """An account, in which nothing may be left running at the end."""
    home = tmp_path / "home"
    (home / "runtime").mkdir(parents=True)
    # A learner's own shell: no browser, and not a command of make, after which `muxlab lab` would speak of `make lab`.
    others = ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY", "MAKELEVEL", "MAKEFLAGS", "MFLAGS")
    inherited = {name: text for name, text in os.environ.items() if name not in others}
    folders = {f"JUPYTER_{name}_DIR": str(home / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
    path = os.pathsep.join([str(STAND_IN), str(ROOT)])
    account = Account(home, inherited | folders | {"HOME": str(home), "IPYTHONDIR": str(home), "PYTHONPATH": path})
    yield account
    assert eventually(lambda: not account.processes()), account.processes()


def until(process: subprocess.Popen, text: str) -> str:
    """Return what the command says, up to a line with this text."""
    said = ""
    for line in process.stdout:
        said += line
        if text in line:
            return said
    raise AssertionError(f"it has ended, after saying:\n{said}")
