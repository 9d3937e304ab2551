"""What is stored as a picture reads well on a light page and on a dark one, and comes with words for who cannot see it.

A picture does not know its page. One grey has to do for both, and the best that any grey can do is a contrast of 4.35.
So 4.2 is asked for here, and 4.5, as WCAG has it, of what knows its page (tests/browser/test_accessible.py).
"""

import re
from pathlib import Path

import nbformat
import numpy
import pytest

import muxlab
from muxlab.show import style

ROOT = Path(__file__).resolve().parent.parent
CHAPTERS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PAGES = [*CHAPTERS, *ROOT.glob("*.md"), *ROOT.glob("book/*.md")]
FREE, ON_A_FILL = 4.2, 4.5
LINKED = re.compile(r"!\[([^\]]*)\]\(([^)]+)\)")
TAGGED = re.compile(r"<img\s[^>]*>")


def outputs():
    """Yield the place and the data of every output that is stored in the chapters."""
    for path in CHAPTERS:
        for number, cell in enumerate(nbformat.read(path, as_version=4).cells):
            for output in cell.get("outputs", []):
                yield f"{path.name}, cell {number}", output.get("data", {})


CHARTS = [pytest.param(data["image/svg+xml"], id=place) for place, data in outputs() if "image/svg+xml" in data]
PANELS = {
    "crowds": lambda: muxlab.show.crowds(muxlab.SERVERS["select"], muxlab.SERVERS["epoll"], connections=10),
    "playground": lambda: muxlab.show.playground(muxlab.SERVERS["epoll"], connections=20, active=5),
    "race": lambda: muxlab.show.race(muxlab.SERVERS["select"], muxlab.SERVERS["epoll"], connections=20, active=5),
    "stepper": lambda: muxlab.show.stepper(muxlab.SERVERS["epoll"], clients=2),
    "duel": lambda: muxlab.show.duel(muxlab.SERVERS["epoll"], muxlab.SERVERS["epoll-edge"]),
}


# ---- charts, as they are stored


def box_of(path):
    """Return left, top, right and bottom of the corners of an SVG path; None if it has curves."""
    places, x, y = [], 0.0, 0.0
    for letter, numbers in re.findall(r"([A-Za-z])([^A-Za-z]*)", path):
        values = [float(number) for number in numbers.split()]
        if letter in "ML":
            x, y = values
        elif letter in "HV":
            x, y = (values[0], y) if letter == "H" else (x, values[0])
        elif letter != "z":
            return None
        places.append((x, y))
    across, down = zip(*places, strict=True)
    return min(across), min(down), max(across), max(down)


def ground_of(svg, x, y):
    """Return the fill of the last shape that a point lies in; None if it lies in none."""
    grounds = []
    for path, look in re.findall(r'<path d="([^"]*)"[^>]*style="([^"]*)"', svg):
        fill, box = re.search(r"fill: (#\w{6})", look), box_of(path)
        if fill and box and box[0] <= x <= box[2] and box[1] <= y <= box[3]:
            grounds.append(fill[1])
    return grounds[-1] if grounds else None


@pytest.mark.parametrize("svg", CHARTS)
def test_every_word_of_a_chart_reads_on_both_pages(svg):
    texts = re.findall(r"<text[^>]*>[^<]*</text>", svg)
    assert len(texts) > 3
    for text in texts:
        ink = re.search(r"fill: (#\w{6})", text)[1]
        if all(style.contrast(ink, page) >= FREE for page in style.PAGES):
            continue
        x, y = re.search(r'(?:x="|translate\()([\d.]+)(?:" y="| )([\d.]+)', text).groups()
        ground = ground_of(svg, float(x), float(y) - 3)  # y is that of the line that letters stand on
        assert ground is not None and style.contrast(ink, ground) >= ON_A_FILL, text


# ---- the pictures that stand for a panel


@pytest.mark.slow
@pytest.mark.parametrize("name", PANELS)
def test_every_word_of_a_stored_panel_reads_on_both_pages(name, drawing, monkeypatch):
    drawn = []
    monkeypatch.setattr(style, "png", lambda figure, colours=0: drawn.append(figure) or b"")
    PANELS[name]()._picture()
    (figure,) = drawn
    (ax,) = figure.axes
    words = [text for text in ax.texts if text.get_text().strip()]
    assert len(words) > 5
    for text in words:
        text.set_visible(False)
    figure.canvas.draw()
    without = numpy.asarray(figure.canvas.buffer_rgba()) / 255
    for text in words:
        text.set_visible(True)
        box = text.get_window_extent()
        below = without[int(without.shape[0] - box.y1) : int(without.shape[0] - box.y0), int(box.x0) : int(box.x1)]
        for page in style.PAGES:
            ground = numpy.median(over(below, page).reshape(-1, 3), axis=0)
            ink = over(numpy.array(rgba(text)), as_hex(ground))
            assert style.contrast(as_hex(ink), as_hex(ground)) >= FREE, f"{text.get_text()!r} on {page}"


def rgba(text):
    """Return the colour of a matplotlib text, with its opacity."""
    from matplotlib.colors import to_rgba

    return to_rgba(text.get_color(), text.get_alpha())


def over(colours, page):
    """Return colours with an opacity, as they are seen on a page of one colour."""
    opacity = colours[..., 3:]
    return colours[..., :3] * opacity + (1 - opacity) * [int(page[i : i + 2], 16) / 255 for i in (1, 3, 5)]


def as_hex(colour):
    return "#" + "".join(f"{round(part * 255):02X}" for part in colour)


# ---- words beside every picture


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_picture_of_a_page_has_an_alternative_text(page):
    """One sentence or more: the name of the file says nothing."""
    if page.suffix == ".ipynb":
        cells = nbformat.read(page, as_version=4).cells
        text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    else:
        text = page.read_text(encoding="utf-8")
    words = [alternative for alternative, _ in LINKED.findall(text)]
    for tag in TAGGED.findall(text):
        found = re.search(r'\balt="([^"]*)"', tag)
        words.append(found[1] if found else "")
    assert [said for said in words if len(said.split()) < 5] == []


def test_every_stored_picture_comes_with_words():
    """A chart says what it shows, in the picture and beside it; a panel says what it is about, and how it stands."""
    seen = 0
    for place, data in outputs():
        if svg := data.get("image/svg+xml"):
            assert len(re.search("<title>([^<]*)</title>", svg)[1].split()) >= 4, place
            assert len(data["text/plain"].split()) >= 4, place
        if "image/png" in data:
            assert re.match(r"(crowds|playground|race|stepper|duel)\(.+\)", data["text/plain"]), place
        seen += bool({"image/svg+xml", "image/png"} & data.keys())
    assert seen > 40
