"""The pictures of the chapters: fresh, readable on a light page and on a dark one, and told to a screen reader."""

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from muxlab.show import style
from tools.pictures import PICTURES
from tools.pictures.__main__ import FOLDER, main, stale

SOURCES = Path(__file__).resolve().parent.parent / "tools/pictures"
SVG = "{http://www.w3.org/2000/svg}"
WIDE = 0.62  # of its size is the width of a letter in DejaVu Sans, the widest of the fonts that are named


@pytest.fixture(params=PICTURES)
def sheet(request):
    return PICTURES[request.param]()


def test_the_stored_pictures_are_those_that_would_be_drawn():
    assert stale() == []
    assert main(["check"]) == 0
    assert len(list(FOLDER.glob("*.svg"))) == len(PICTURES)


def test_what_is_stale_missing_or_too_much_is_told(tmp_path):
    for chapter, draw in PICTURES.items():
        (tmp_path / f"{chapter}.svg").write_text(draw().svg())
    assert stale(tmp_path) == []
    (tmp_path / "03.svg").write_text("<svg/>")
    (tmp_path / "04.svg").unlink()
    (tmp_path / "cat.svg").write_text("<svg/>")
    assert stale(tmp_path) == ["03.svg is stale", "04.svg is missing", "cat.svg is not one of the pictures"]


def test_free_words_and_strokes_read_on_both_pages(sheet):
    for one in sheet.writing:
        if not one.ground:
            assert min(style.contrast(one.colour, page) for page in style.PAGES) >= 4, one
    for colour in sheet.strokes:
        assert min(style.contrast(colour, page) for page in style.PAGES) >= 3, colour


def test_words_in_boxes_read_on_their_ground(sheet):
    assert all(style.contrast(one.colour, one.ground) >= 4.5 for one in sheet.writing if one.ground)


def test_words_are_large_enough_and_inside_the_picture(sheet):
    assert all(one.size >= 17 for one in sheet.writing)  # of which 12 are left in a window of 1,000 pixels
    assert sheet.width <= 760
    for text in ElementTree.fromstring(sheet.svg()).iter(f"{SVG}text"):
        width = WIDE * float(text.get("font-size")) * len(text.text)
        left = float(text.get("x")) - {"middle": width / 2, "end": width}.get(text.get("text-anchor"), 0)
        if not text.get("transform"):
            assert left >= 0 and left + width <= sheet.width, text.text
        assert 10 <= float(text.get("y")) <= sheet.height - 4, text.text


def test_a_screen_reader_is_told_what_there_is_to_see(sheet):
    root = ElementTree.fromstring(sheet.svg())
    assert root.get("role") == "img" and root.get("viewBox") == f"0 0 {sheet.width} {sheet.height}"
    assert 10 < len(root.find(f"{SVG}title").text) < 60
    assert 100 < len(root.find(f"{SVG}desc").text) < 600


def test_the_colours_are_those_of_the_course():
    """White makes an ink stand out, and is no hue; everything else comes from `style`."""
    for source in SOURCES.glob("*.py"):
        assert set(re.findall(r'"(#[0-9A-Fa-f]{3,8})"', source.read_text())) <= {"#FFFFFF"}, source.name


def test_drawing_twice_gives_the_same_file(sheet):
    again = next(draw for draw in PICTURES.values() if draw().title == sheet.title)
    assert again().svg() == sheet.svg() and len(sheet.svg()) < 40_000
