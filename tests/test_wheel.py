"""The wheel: all that a learner needs who has nothing but a Python, and nothing that only we need."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from lab_account import READY, ROOT, STAND_IN, Account, until

import muxlab
from muxlab.lab.chapters import chapters_in, handed_out

LEFT = ("__pycache__", ".pyc", ".ipynb_checkpoints")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel of this checkout, built without a network: with the hatchling that is installed here."""
    folder = tmp_path_factory.mktemp("dist")
    build = [
        "wheel",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        "--quiet",
        "--wheel-dir",
        str(folder),
        str(ROOT),
    ]
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *build]
    subprocess.run(command, check=True, timeout=120)
    (path,) = folder.glob("*.whl")
    with zipfile.ZipFile(path) as opened:
        yield opened


@pytest.mark.slow
def test_the_wheel_holds_the_package_and_the_chapters_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    ours = {str(path.relative_to(ROOT)) for path in (ROOT / "muxlab").rglob("*") if path.is_file()}
    course = {f"muxlab/lab/{path.relative_to(ROOT)}" for path in (ROOT / "notebooks").rglob("*") if path.is_file()}
    expected = {name for name in ours | course if not any(left in name for left in LEFT)}
    found = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert found == expected
    for ending in (".js", ".css", ".csv", ".json", ".strace", ".svg", ".ipynb"):
        assert any(name.endswith(ending) for name in found), ending
    for name in course & found:
        assert wheel.read(name) == (ROOT / name.removeprefix("muxlab/lab/")).read_bytes()


@pytest.mark.slow
def test_the_wheel_brings_the_command_and_says_its_version(wheel: zipfile.ZipFile) -> None:
    information = {name.partition(".dist-info/")[2]: name for name in wheel.namelist() if ".dist-info/" in name}
    assert "muxlab = muxlab.__main__:main" in wheel.read(information["entry_points.txt"]).decode()
    assert f"\nVersion: {muxlab.__version__}\n" in wheel.read(information["METADATA"]).decode()
    assert "licenses/LICENSE" in information


@pytest.mark.slow
def test_the_course_is_copied_out_of_the_wheel_without_a_checkout(
    wheel: zipfile.ZipFile, account: Account, tmp_path: Path
) -> None:
    wheel.extractall(tmp_path / "installed")  # which is what pip does with it
    account.variables["PYTHONPATH"] = os.pathsep.join([str(STAND_IN), str(tmp_path / "installed")])
    with account.lab() as process:
        assert f"{len(chapters_in(ROOT / 'notebooks'))} chapters were copied." in until(process, READY)
    copied = account.home / "muxlab-course"
    for name, content in handed_out(ROOT / "notebooks").items():
        assert (copied / name).read_bytes() == content
    check = [sys.executable, "-c", "import muxlab; print(muxlab.__file__)"]
    run = subprocess.run(check, cwd=account.home, env=account.variables, capture_output=True, text=True, check=True)
    assert run.stdout.startswith(str(tmp_path / "installed"))
