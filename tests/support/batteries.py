"""Whole batteries, each of them run once, however many tests, files and workers ask for it.

What came of one is kept in the folder that pytest makes for a run of all tests, which the workers of xdist share. Each
runs in a process of its own, several at a time: they mostly wait, and so need not wait in turn.
"""

import fcntl
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from muxlab.trials import Verdict

AT_ONCE = 5  # processes: each takes a fifth of a core, and beside the browser tests there are two cores for all

CODE = """
import importlib, json, sys
import leaks, muxlab
module, _, name = sys.argv[1].rpartition(":")
ours = muxlab.SERVERS | {name: exhibit.fn for name, exhibit in muxlab.museum.EXHIBITS.items()}
fn = getattr(importlib.import_module(module), name) if module else ours[name]
trials = sys.argv[2:] or None
before = leaks.snapshot()
report = muxlab.check(fn, trials)
print(json.dumps([report.trials, leaks.left_over(before)]))
"""


def in_a_process(code: str, *arguments: str) -> str:
    """Run Python code that may import what is in this folder, and return what it prints."""
    command = [sys.executable, "-c", code, *arguments]
    paths = os.pathsep.join([str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, env={**os.environ, "PYTHONPATH": paths})
    assert done.returncode == 0 and not done.stderr, f"{arguments}: {done.stderr}"
    return done.stdout


class Batteries:
    """What came of the battery of each server that was asked for.

    Args:
        folder: where it is kept.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)

    def one(self, name: str, *trials: str) -> list[Verdict]:
        """Return the trials of one server.

        Args:
            name: of a reference server, "epoll", or of an exhibit; or "module:function" for a module of tests/support.
            trials: names of trials; all of them if none is named.
        """
        file = self._run(name, *trials)
        found, left, trouble = json.loads(file.read_text())
        assert not trouble, trouble
        assert not left, f"{name} left behind: {', '.join(left)}"
        return [Verdict(*fields) for fields in found]

    def all(self, names: Iterable[str], *trials: str) -> "ByName":
        """Run the batteries of many, several at a time; return what gives the trials of each by its name."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(lambda name: self._run(name, *trials), names))
        return ByName(self, trials)

    def _run(self, name: str, *trials: str) -> Path:
        """Run a battery if nobody has; return the file with its trials, what it left behind, and what went wrong."""
        which = hashlib.sha256(" ".join(trials).encode()).hexdigest()[:16] if trials else "all"
        file = self.folder / f"{name} {which}.json"
        with open(file.with_suffix(".lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # another worker may just be running it
            if not file.exists():
                try:
                    found = [*json.loads(in_a_process(CODE, name, *trials)), ""]
                except (AssertionError, subprocess.TimeoutExpired) as error:  # of this server: others are not to suffer
                    found = [[], [], str(error)]
                file.write_text(json.dumps(found))
        return file


@dataclass(frozen=True)
class ByName:
    """The trials of servers, by name; what went wrong with one is raised for that one."""

    batteries: Batteries
    trials: tuple[str, ...]

    def __getitem__(self, name: str) -> list[Verdict]:
        return self.batteries.one(name, *self.trials)


@pytest.fixture(scope="session")
def batteries(tmp_path_factory: pytest.TempPathFactory) -> Batteries:
    """The batteries of this run of all tests."""
    base = tmp_path_factory.getbasetemp()
    return Batteries((base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "batteries")
