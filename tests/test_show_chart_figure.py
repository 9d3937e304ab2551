"""The figure of all charts: a small SVG, the same each time, transparent, with an alternative text."""

import re
import xml.etree.ElementTree as ElementTree

import pytest

from muxlab.show import style
from muxlab.show.chart_figure import new_charts

pytestmark = pytest.mark.usefixtures("drawing")
SVG = "{http://www.w3.org/2000/svg}"


def chart(marks=3):
    with style.style():
        figure, axes = new_charts(figsize=(5, 3))
        axes[0, 0].plot(range(marks), [x % 7 for x in range(marks)], "D", label="epoll")
        axes[0, 0].set(title="A <finding> & more", xlabel="1.253 connections", ylabel="µs")
    return figure


def test_the_svg_is_well_formed_and_the_same_each_time():
    first, second = chart().svg(), chart().svg()
    assert first == second and not re.search(r"20\d\d-\d\d-\d\d|metadata|DOCTYPE", first)
    root = ElementTree.fromstring(first)
    assert root.get("role") == "img"
    assert root.find(f"{SVG}title").text == "A <finding> & more. Axes: 1.253 connections, µs. Drawn: epoll"


def test_letters_are_letters_in_a_font_of_the_system():
    root = ElementTree.fromstring(chart().svg())
    texts = {text.text: text.get("style") for text in root.iter(f"{SVG}text")}
    assert {"A <finding> & more", "1.253 connections", "µs"} <= set(
        texts
    )  # short numbers are for places, not for words
    assert root.get("font-family") == style.FONTS and not any("DejaVu" in look for look in texts.values())


def test_the_ground_is_transparent_and_the_ink_reads_on_any_page():
    svg = chart().svg()
    colours = {colour.upper() for colour in re.findall(r"#[0-9a-f]{6}", svg)}
    assert colours and all(style.contrast(colour, page) >= 3 for colour in colours for page in style.PAGES)


def test_a_thousand_marks_take_little_room():
    """Each of them is a place and nothing more: the look is said once."""
    svg = chart(1000).svg()
    assert svg.count("<use") >= 1000 and len(svg) < 60_000


def test_a_notebook_is_given_svg_and_words_and_nothing_else(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda bundle, raw: shown.append((bundle, raw)))
    figure = chart()
    figure.alternative = "One line, flat."
    figure._ipython_display_()
    ((bundle, raw),) = shown
    assert raw and set(bundle) == {"image/svg+xml", "text/plain"}
    assert bundle["text/plain"] == "One line, flat."
    assert "<title>One line, flat.</title>" in bundle["image/svg+xml"]


def test_steps_take_little_room():
    with style.style():
        figure, axes = new_charts(figsize=(5, 3))
        axes[0, 0].fill_between(range(200), [x % 50 for x in range(200)], step="mid", linewidth=0)
    svg = figure.svg()
    assert svg.count(" H ") > 200 and len(svg) < 14_000
    ElementTree.fromstring(svg)
