"""Whole batteries, several at a time, each in a process of its own: they mostly wait, and so do not wait in turn."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from muxlab.trials import Verdict

AT_ONCE = 5  # processes: some take much of a core, and the trials have to bear that

CODE = """
import json, sys, muxlab
exhibits = {name: exhibit.fn for name, exhibit in muxlab.museum.EXHIBITS.items()}
fn = {**muxlab.SERVERS, **exhibits}[sys.argv[1]]
print(json.dumps(muxlab.check(fn).trials))
"""


def hold(name: str) -> list[Verdict]:
    """The trials of one server or exhibit."""
    done = subprocess.run([sys.executable, "-c", CODE, name], capture_output=True, text=True, timeout=240)
    assert done.returncode == 0 and not done.stderr, f"{name}: {done.stderr}"
    return [Verdict(*fields) for fields in json.loads(done.stdout)]


def hold_all(names: list[str]) -> dict[str, list[Verdict]]:
    """The trials of many, by name."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip(names, pool.map(hold, names), strict=True))
