"""`make chapter`: the bones of a new chapter run, pass every check, and are linked to their neighbours."""

import shutil
import subprocess
import sys
from pathlib import Path

import chapter
import pytest

import notebooks

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """Return a folder with the first two chapters, and their pictures."""
    for name in ("00_start_here.ipynb", "01_block_on_one_client.ipynb"):
        shutil.copy(ROOT / "notebooks" / name, tmp_path)
    shutil.copytree(ROOT / "notebooks/pictures", tmp_path / "pictures")
    notebooks.main(["tidy", "--folder", str(tmp_path)])
    return tmp_path


@pytest.fixture
def names(tmp_path: Path) -> Path:
    """Return a folder with the names of two chapters, and nothing in them."""
    for name in ("00_start_here.ipynb", "01_block_on_one_client.ipynb"):
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.slow
def test_the_bones_run_and_pass_every_check(course: Path) -> None:
    command = [sys.executable, str(ROOT / "tools/chapter.py"), "02_read_without_copying", "--folder", str(course)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0 and "02_read_without_copying.ipynb is there" in run.stdout
    assert notebooks.main(["check", "--folder", str(course)]) == 0
    new = (course / "02_read_without_copying.ipynb").read_text()
    assert "# Read without copying" in new and "['client 2'] 5" in new and "20 connected, 0 wrong bytes" in new
    assert "02_read_without_copying.ipynb" in (course / "01_block_on_one_client.ipynb").read_text()


def test_the_bones_have_every_part_of_a_chapter() -> None:
    text = "\n\n".join(cell.source for cell in chapter.bones("Read on").cells)
    parts = ["# Read on", "*You will*", "import muxlab", "## 1.", "muxlab.predict(", ".reveal(", "muxlab.serve("]
    parts += ["show.stepper(", "## Play", "## Measure", "## Exercises", "## In three lines", "## Further reading"]
    places = [text.find(part) for part in parts]
    assert -1 not in places and places == sorted(places)


@pytest.mark.parametrize("name", ["read_without_copying", "2_read_it", "02_read", "02_Read_It", "02-read-it", ""])
def test_a_name_of_another_form_is_refused(names: Path, name: str, capsys: pytest.CaptureFixture) -> None:
    assert chapter.main([name, "--folder", str(names)]) == 1
    assert "NN_verb_phrase, such as" in capsys.readouterr().err
    assert len(list(names.glob("*.ipynb"))) == 2


def test_a_number_that_is_taken_is_refused(names: Path, capsys: pytest.CaptureFixture) -> None:
    assert chapter.main(["01_read_on", "--folder", str(names)]) == 1
    said = capsys.readouterr().err
    assert "the number 01 is taken, by 01_block_on_one_client.ipynb; the next that is free is 02" in said


def test_bones_that_do_not_run_leave_nothing(
    course: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    before = {path.name: path.read_bytes() for path in course.glob("*.ipynb")}
    monkeypatch.setattr(notebooks, "rewrite", lambda path, chapters, run: ["did not run to the end: NameError"])
    assert chapter.main(["02_read_on", "--folder", str(course)]) == 1
    assert "02_read_on.ipynb did not run to the end: NameError" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in course.glob("*.ipynb")} == before


def test_make_says_how_it_is_called() -> None:
    run = subprocess.run(["make", "--dry-run", "chapter"], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert run.returncode != 0 and "make chapter NAME=15_read_without_copying" in run.stderr
