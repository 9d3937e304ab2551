"""The charts of the README, drawn anew: the wall is what it was, and each reads well on its page."""

import re
from pathlib import Path

import pytest

import muxlab
from muxlab.show import style
from tools.front_page import charts
from tools.front_page.__main__ import FOLDER, main

pytestmark = pytest.mark.usefixtures("drawing")

PAGES = dict(zip(("light", "dark"), style.PAGES, strict=True))
COUNTS = "188 EAGAIN"  # of two hundred calls: the kernel answers the same on every machine


@pytest.mark.slow
def test_each_chart_is_written_for_either_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(charts, "FULL", [10, 30])
    monkeypatch.setattr(charts, "SELECT", [10, 30])
    files = charts.draw(tmp_path)
    assert sorted(file.name for file in files) == sorted(path.name for path in FOLDER.glob("*.svg"))
    for file in files:
        theme = file.stem.rpartition("-")[2]
        text = file.read_text(encoding="utf-8")
        assert charts.INKS[theme].lower() in text and style.MID.lower() not in text
    muxlab.stop_all()


@pytest.mark.parametrize("theme", PAGES)
def test_the_ink_reads_well_on_its_page(theme: str) -> None:
    assert style.contrast(charts.INKS[theme], PAGES[theme]) >= 7


@pytest.mark.parametrize("theme", PAGES)
def test_the_stored_wall_is_the_one_that_would_be_drawn(theme: str) -> None:
    stored = (FOLDER / f"wall-{theme}.svg").read_text(encoding="utf-8")
    assert COUNTS in stored and COUNTS in charts.wall().svg()


def test_a_part_that_there_is_not_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["poster"]) == 2
    assert re.search(r"^python -m tools\.front_page charts", capsys.readouterr().err, re.MULTILINE)


def test_without_a_browser_the_stepper_stays_as_it_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {path: path.stat().st_mtime_ns for path in FOLDER.glob("*.png")}
    monkeypatch.setenv("MUXLAB_BROWSER", "no-such-browser")
    assert main(["panel"]) == 0
    assert "stay as they are" in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in FOLDER.glob("*.png")} == before
