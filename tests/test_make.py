"""`make` says in one sentence what is missing, leaves no half-made environment, and repairs one."""

import os
import pty
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MAKE = shutil.which("make")
NEEDED = ("make", "sh", "rm", "touch", "mkdir", "chmod", "cat", "test", "id")

pytestmark = pytest.mark.skipif(MAKE is None, reason="make is not installed")

# A Python that is new enough, and makes an environment whose pip fails or works as the file `pip_result` says.
GOOD_PYTHON = """\
case "$*" in
    *"-m venv"*) mkdir -p .venv/bin
        printf '#!/bin/sh\\ncase "$*" in *pip*) exit $(cat pip_result);; esac\\necho "$@"' > .venv/bin/python
        chmod +x .venv/bin/python;;
    *--version*) echo Python 3.13.0;;
esac
"""


@pytest.fixture
def project(tmp_path):
    """Return a folder with our Makefile and a PATH of its own, `bin`, on which there is no Python."""
    (tmp_path / "tools").mkdir()
    (tmp_path / "bin").mkdir()
    for name in ("Makefile", "pyproject.toml", "tools/make_venv.sh"):
        shutil.copy(ROOT / name, tmp_path / name)
    for name in NEEDED:
        (tmp_path / "bin" / name).symlink_to(shutil.which(name))
    return tmp_path


def script(path, body):
    """Write an executable shell script, in the place of a link if there is one."""
    path.unlink(missing_ok=True)
    path.write_text(f"#!/bin/sh\n{body}")
    path.chmod(0o755)
    return path


def make(project, *arguments):
    """Run make with nothing of our own environment but the project's PATH."""
    environment = {"PATH": str(project / "bin")}
    return subprocess.run([MAKE, *arguments], cwd=project, env=environment, capture_output=True, text=True, timeout=60)


def messages(run):
    """Return what a failed `make` says, without make's own closing line."""
    assert run.returncode != 0
    return [line for line in run.stderr.splitlines() if not line.startswith("make")]


def test_no_python(project):
    (message,) = messages(make(project, ".venv"))
    assert message.startswith("muxlab: no Python 3.11 or newer was found; install one (Debian: apt install python3")


def test_only_an_old_python(project):
    script(project / "bin/python3", "exit 1")
    (message,) = messages(make(project, ".venv"))
    assert "no Python 3.11 or newer was found" in message


def test_the_named_python_is_too_old(project):
    script(project / "bin/python3", GOOD_PYTHON)
    old = script(project / "old", "exit 1")
    (message,) = messages(make(project, ".venv", f"PYTHON={old}"))
    assert f"PYTHON={old} is not a Python 3.11 or newer" in message


@pytest.mark.parametrize("lacking", ["ensurepip", "-m venv"])
def test_python_without_venv(project, lacking):
    script(project / "bin/python3", f'case "$*" in *"{lacking}"*) exit 1;; *--version*) echo Python 3.11.2;; esac')
    (message,) = messages(make(project, ".venv"))
    assert "venv or ensurepip module is missing; install it (Debian: apt install python3-venv)" in message
    assert not (project / ".venv").exists()


def test_a_link_to_another_environment_is_not_emptied(project):
    script(project / "bin/python3", GOOD_PYTHON)
    other = project / "other"
    other.mkdir()
    (other / "precious").touch()
    (project / ".venv").symlink_to(other)
    (message,) = messages(make(project, ".venv"))
    assert ".venv is a link to another environment" in message
    assert (other / "precious").exists()


def test_a_failing_pip_leaves_nothing_and_the_next_call_repairs(project):
    script(project / "bin/python3.12", GOOD_PYTHON)
    (project / "pip_result").write_text("1")
    (message,) = messages(make(project, ".venv"))
    assert "pip could not install the packages" in message
    assert not (project / ".venv").exists()
    (project / "pip_result").write_text("0")
    assert make(project, ".venv").returncode == 0
    assert (project / ".venv/.complete").exists()


def test_the_environment_is_made_again_only_when_it_has_to_be(project):
    script(project / "bin/python3", GOOD_PYTHON)
    (project / "pip_result").write_text("0")
    assert "Making .venv" in make(project, ".venv").stdout
    assert "Making .venv" not in make(project, ".venv").stdout
    (project / ".venv/bin/python").unlink()  # as when the system's Python is replaced
    assert "Making .venv" in make(project, ".venv").stdout
    os.utime(project / ".venv/.complete", (0, 0))  # as when pyproject.toml is newer
    assert "Making .venv" in make(project, ".venv").stdout


def test_lab_opens_a_copy_of_its_own_with_your_options(project):
    script(project / "bin/python3", GOOD_PYTHON)
    (project / "pip_result").write_text("0")
    command = make(project, "lab", "LAB_ARGS=--no-browser --fresh 05").stdout.splitlines()[-1].split()
    assert command == ["-m", "muxlab", "lab", "my-course", "--no-browser", "--fresh", "05"]


# ---- the minute of installation


PIP = """
import sys
print("Obtaining file:///somewhere")
print("Collecting jupyterlab<5,>=4.2 (from muxlab==0.1.0)")
print("  Using cached jupyterlab-4.6.6-py3-none-any.whl.metadata (16 kB)")
for name in ["Collecting jupyterlab>=4", *(f"Collecting part-{number}" for number in range(30))]:
    print(name)
if sys.argv[-1] == "nothing":
    print("ERROR: No matching distribution found for nothing", file=sys.stderr)
    sys.exit(1)
print("WARNING: this is of no interest", file=sys.stderr)
print("Installing collected packages:", ", ".join(f"part-{number}" for number in range(30)))
"""


def install(folder, what, **streams):
    """Run tools/pip_progress.py with a pip that installs nothing."""
    (folder / "pip").mkdir()
    (folder / "pip/__init__.py").touch()
    (folder / "pip/__main__.py").write_text(PIP)
    command = [sys.executable, str(ROOT / "tools/pip_progress.py"), what]
    own = os.environ | {"PYTHONPATH": str(folder), "PIP_NO_INDEX": "1"}  # should it be the real one, it finds nothing
    return subprocess.run(command, env=own, text=True, timeout=60, **streams)


def test_an_installation_says_now_and_then_how_far_it_is(tmp_path):
    run = install(tmp_path, "something", capture_output=True)
    *others, last = [re.sub(r"\d+ s$", "N s", line.strip()) for line in run.stdout.splitlines()]
    assert last == "installed 0 of 30 packages, N s"  # this pip has installed nothing
    assert len(others) <= 4 and set(others) <= {
        "asking for the packages, N s",
        "collected 31 packages, the last is part-29, N s",
        last,
    }
    assert (run.returncode, run.stderr) == (0, "")


def test_an_installation_that_fails_shows_what_pip_says(tmp_path):
    run = install(tmp_path, "nothing", capture_output=True)
    assert run.returncode == 1
    assert run.stderr == "ERROR: No matching distribution found for nothing\n"
    assert "collected 31 packages, the last is part-29" in run.stdout


def test_an_installation_on_a_terminal_writes_one_line_anew(tmp_path):
    ours, its = pty.openpty()
    try:
        assert install(tmp_path, "something", stdout=its, stderr=its).returncode == 0
        shown = os.read(ours, 65536).decode()
    finally:
        os.close(ours)
        os.close(its)
    assert shown.count("\n") == 1 and shown.rpartition("\r\x1b[K")[2].startswith("  installed 0 of 30 packages")
