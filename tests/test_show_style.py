"""The look: colours that stay apart, one palette for charts and panels, numbers in words, matplotlib left alone."""

import itertools
import json
import math
import re
from collections import namedtuple
from pathlib import Path

import matplotlib
import pytest

import muxlab
from muxlab.show import cost, page_colours, panel, style

pytestmark = pytest.mark.usefixtures("drawing")

BROWSER = Path(panel.__file__).parent / "browser"
CostRow = namedtuple("CostRow", "server connections cpu_us_per_reply")


def as_deuteranope(colour):
    """Return linear RGB as seen without the green cones: Machado, Oliveira and Fernandes 2009, severity 1.0."""
    rgb = [(int(colour[i : i + 2], 16) / 255) ** 2.2 for i in (1, 3, 5)]
    matrix = (0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)
    return [sum(weight * part for weight, part in zip(row, rgb, strict=True)) for row in matrix]


def test_every_way_of_waiting_has_its_own_look():
    looks = [*style.WAITING.values(), style.OWN]
    assert set(muxlab.SERVERS) <= set(style.WAITING)
    assert len({look.colour for look in looks}) == len({look.marker for look in looks}) == len(looks)
    assert all(style.look(name) is look for name, look in style.WAITING.items())
    assert style.look("polling_server") is style.OWN


def test_looks_stay_apart_without_colour_vision():
    """Two that are close in colour for a deuteranope differ in marker: nothing is told by colour alone."""
    for group in (list(style.WAITING.values()), list(style.OUTCOME.values())):
        for one, other in itertools.combinations(group, 2):
            distance = math.dist(as_deuteranope(one.colour), as_deuteranope(other.colour))
            assert distance > 0.02 and one.marker != other.marker


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "–"), (83e-6, "83 µs"), (0.00124, "1.24 ms"), (0.0124, "12.4 ms"), (0.124, "124 ms"), (2.5, "2.50 s"),
     (0.0009996, "1.00 ms"), (0.0, "0 µs"), (61.0, "61.0 s")],
)  # fmt: skip
def test_durations_are_written_as_a_person_would(seconds, text):
    assert style.human_seconds(seconds) == text


def test_style_leaves_matplotlib_as_it_was():
    before = dict(matplotlib.rcParams)
    cost([CostRow("epoll", 10, 12.0)])
    assert dict(matplotlib.rcParams) == before


def test_the_second_chart_of_a_notebook_is_shown_like_the_first():
    """Its backend is loaded by the first chart, inside of `style`, and switches matplotlib to interactive for good."""
    assert not matplotlib.is_interactive()
    with style.style():
        matplotlib.interactive(True)
    try:
        assert matplotlib.is_interactive()
    finally:
        matplotlib.interactive(False)


# ---- one palette


def sheets():
    """Return the style sheets and scripts of the panels, by name."""
    return {file.name: file.read_text() for file in sorted(BROWSER.iterdir())}


def test_no_file_for_the_browser_has_a_colour_of_its_own():
    """White and black are no hues: they make an ink stand out, and mix a colour lighter or darker."""
    colour = re.compile(r"#[0-9a-f]{3,8}\b|\b(?:rgba?|hsla?|hwb|lab|lch|oklab|oklch)\(", re.IGNORECASE)
    names = re.compile(
        r"\b(?:red|green|blue|orange|yellow|purple|teal|gr[ae]y|silver|navy|maroon|amber|gold)\b(?=[;,)\s%])"
    )
    assert len(sheets()) > 10
    for name, text in sheets().items():
        code = re.sub(r"/\*.*?\*/|//.*", "", text, flags=re.DOTALL if name.endswith(".css") else 0)
        assert not colour.findall(code), name
        if name.endswith(".css"):
            assert not names.findall(code), name
        assert not re.findall(r"--jp-[a-z-]*color[0-9]", code), f"{name}: JupyterLab's colours come through the palette"


def test_every_colour_that_a_panel_names_is_in_the_palette():
    light, dark = (
        re.findall(r"--mux-([A-Za-z]+): (.+);", part) for part in page_colours.palette_css().split("}\n")[:2]
    )
    defined = {name for name, _ in light} | {"own"}  # the server's, which its panel sets
    for name, text in sheets().items():
        assert set(re.findall(r"var\(--mux-([A-Za-z]+)", text)) <= defined, name
    assert {name for name, _ in dark} <= {name for name, _ in light}
    assert {*style.OUTCOME, *style.CLIENT, "paused", "blocked", "running", "finished", "crashed"} <= defined


def test_the_palette_says_the_colours_of_the_course_and_lighter_ones_on_a_dark_page():
    css = page_colours.palette_css()
    for outcome, look in style.OUTCOME.items():
        assert f"--mux-{outcome}: {look.colour};" in css
    light, dark = css.split("[data-jp-theme-light")
    assert "--mux-data: #009E73;" in light and "--mux-data: #1FC796;" in dark
    assert f"--mux-ink: var(--jp-ui-font-color1, {style.INK});" in light


def test_every_mark_has_a_drawing_in_the_browser():
    marks = re.search(r"const MARKS = \{(.*?)^\};", sheets()["stepper_controls.js"], re.DOTALL | re.MULTILINE)[1]
    drawn = {name.strip('"') for name in re.findall(r"^  (\S+):", marks, re.MULTILINE)}
    assert {look.marker for look in style.OUTCOME.values()} == drawn
    assert json.loads(page_colours.looks_js().split("=", 1)[1].rstrip(";\n"))["waiting"] == {
        "marker": "D",
        "size": style.CLIENT["waiting"].size,
        "hollow": False,
    }


# ---- letters


@pytest.mark.parametrize("text", ["$x^$", "$$", r"\frac{$a}{b$}", "a\x00b\x1b[31m\ud800", "客户端", "two\nlines"])
def test_a_picture_takes_any_letters_and_sets_no_formulas(text):
    with style.style():
        figure, ax = style.new_picture(1.0)
        style.write(ax, 0.25, 0.5, text)
        (written,) = ax.texts
        assert not written.get_parse_math() and len(written.get_text()) == len(text)
        assert style.png(figure).startswith(b"\x89PNG")


# ---- pictures that do not know what page they are on


def test_contrast_is_that_of_the_standard():
    assert style.contrast("#FFFFFF", "#000000") == style.contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert style.contrast("#767676", "#FFFFFF") == pytest.approx(4.54, abs=0.01)


def test_every_colour_has_a_shade_that_stands_out_on_a_light_and_on_a_dark_page():
    assert all(style.contrast(style.MID, page) >= 4.3 for page in style.PAGES)
    for look in [*style.WAITING.values(), *style.OUTCOME.values(), style.OWN]:
        for least in (3.0, 4.2):
            shade = style.on_any_page(look.colour, least)
            assert all(style.contrast(shade, page) >= least for page in style.PAGES), (look, least)
    assert style.on_any_page("#D55E00") == "#D55E00"  # what is in the middle already stays as it is
