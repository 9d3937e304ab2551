"""The battery where it is used: in a terminal by `python -m muxlab check`, and in a notebook."""

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from muxlab.__main__ import main

SERVER = """
import select, socket

limit = 3

def sound(listener, stop):
    from muxlab import SERVERS
    SERVERS["epoll"](listener, stop)

def deaf(listener, stop):
    raise RuntimeError("not today")
"""
ECHOES = ["--trial", "echoes one message"]


@pytest.fixture(autouse=True)
def signals():
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(SERVER)
    (tmp_path / "broken.py").write_text("def server(listener, stop):\n    pass\nserver(1)\n")
    (tmp_path / "unfinished.py").write_text("def server(listener, stop:\n")
    (tmp_path / "notes.txt").write_text("def server(listener, stop): pass\n")
    return path


def test_the_exit_status_is_the_verdict(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", f"{file}:sound", *ECHOES]) == 0
    assert "✓ echoes one message  6 of 6 bytes came back" in capsys.readouterr().out
    assert main(["check", f"{file}:deaf", *ECHOES]) == 1
    assert 'in line 11: raise RuntimeError("not today")' in capsys.readouterr().out


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("mine.py", "name a file and a function in it, as in path/to/server.py:function"),
        ("nowhere.py:server", "there is no file"),
        ("mine.py:nobody", "has no 'nobody'; it has sound, deaf"),
        ("mine.py:limit", "limit in .*mine.py is no function: 3"),
        ("notes.txt:server", "is no Python file"),
        ("broken.py:server", r"cannot be run: TypeError: .* in line 3: server\(1\)"),
        ("unfinished.py:server", "cannot be run: .*line 1"),
        ("mine.py:select", "is no function"),
    ],
)
def test_what_cannot_be_tried_is_told_in_one_sentence(
    file: Path, place: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", str(file.parent / place)]) == 2
    error = capsys.readouterr().err
    assert re.search(message, error) and error.count("\n") == 1


def test_an_unknown_trial_is_told_too(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", f"{file}:sound", "--trial", "sings"]) == 2
    assert "no trial is called 'sings'" in capsys.readouterr().err


CELL = """
import muxlab
from muxlab import progress
progress.PATIENCE = 0
muxlab.check(muxlab.SERVERS["epoll"], trials=["echoes one message", "serves 64 clients in turn"])
"""
RUN = """
import json, sys, nbclient, nbformat
notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(sys.argv[1])])
nbclient.NotebookClient(
    notebook, timeout=60, kernel_name="python3", extra_arguments=["--log-level=40"]
).execute()
print(json.dumps(notebook.cells[0].outputs))
"""


def test_a_notebook_that_a_program_runs_holds_the_report_and_nothing_else() -> None:
    pytest.importorskip("nbclient")
    done = subprocess.run([sys.executable, "-c", RUN, CELL], capture_output=True, text=True, timeout=120, check=True)
    (output,) = json.loads(done.stdout)
    assert set(output["data"]) == {"text/plain", "text/html"}
    assert output["data"]["text/plain"].startswith("epoll_server: 2 of 2 trials passed\n\n\u2713 echoes one message")
