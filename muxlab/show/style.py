"""One look for everything the course draws: the colours, the marks, the dress of charts, how numbers are written.

The colours are those of Okabe and Ito, chosen to stay apart for colour-blind readers, with a few darker neighbours
where their eight are not enough. Colour is never alone: every entry has its own marker or line as well. They stand
here and nowhere else: the style sheets in `browser/` name them, as the custom properties of page_colours.py.
What this module does not do: it draws no chart, and it changes no global setting of matplotlib.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Look:
    """The look of one thing: `colour` as #rrggbb, `marker` and `line` in matplotlib's notation.

    `size` is the share of its place that a mark takes, 0 to 1, where marks stand side by side; a `hollow` mark is an
    outline.
    """

    colour: str
    marker: str
    line: Any = "-"
    size: float = 1.0
    hollow: bool = False


# Relatives have neighbouring colours: select and poll are warm, the two epolls are blue, the polling loop is red.
WAITING = {
    "blocking": Look("#4A4A4A", "s", (0, (1, 1.2))),
    "threaded": Look("#8E8E8E", "P", (0, (4, 1.5))),
    "nonblocking": Look("#D55E00", "X", "-"),
    "select": Look("#E69F00", "o", "-"),
    "poll": Look("#8A6D00", "D", (0, (6, 1.5))),
    "epoll": Look("#0072B2", "^", "-"),
    "epoll-edge": Look("#56B4E9", "v", (0, (6, 1.5))),
    "selectors": Look("#009E73", "<", (0, (4, 1.5))),
    "asyncio": Look("#CC79A7", ">", (0, (4, 1.5, 1, 1.5))),
    "uring": Look("#117733", "h", "-"),
}
OWN = Look("#7A3E9D", "*", "-")  # a server of the learner's own

OUTCOME = {
    "data": Look("#009E73", "o"),
    "EAGAIN": Look("#E69F00", "D"),
    "end": Look("#4A4A4A", "s"),
    "error": Look("#D55E00", "X"),
    "wait": Look("#8FA9BB", "|"),
    "done": Look("#6C757D", "_"),
}

# The dots of the playground. What was answered just now is large, and shrinks back to quiet.
CLIENT = {
    "answered": Look(OUTCOME["data"].colour, "o", size=0.76),
    "quiet": Look("#A9B3BC", "o", size=0.36),
    "waiting": Look(OUTCOME["EAGAIN"].colour, "D", size=0.72),
    "connecting": Look("#6F8796", "o", size=0.48, hollow=True),
    "lost": Look(OUTCOME["error"].colour, "x", size=0.48),
}

# The colours of a page that has none of its own.
CARD, INK, MUTED, GRID, TILE = "#FCFBF8", "#22282E", "#68727B", "#E4E2DC", "#F5F5F3"

# A picture that is shown as an image cannot know whether the page is light or dark. So its ground is transparent, and
# what stands free on it is in one grey in the middle, which reads as well on white as on JupyterLab's dark ground.
PAGES = "#FFFFFF", "#111111"
MID = "#767A7D"
FONTS = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', sans-serif"
MONO_FONTS = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"

COLOURS = {kind: look.colour for kind, look in (OUTCOME | CLIENT).items()} | {
    "paused": "#C98A00",  # these five are what a stepped server may be
    "blocked": "#6F8FA3",
    "running": OUTCOME["data"].colour,
    "finished": OUTCOME["data"].colour,
    "crashed": OUTCOME["error"].colour,
    "queue": WAITING["epoll"].colour,  # bytes that wait in a queue
    "left": OUTCOME["error"].colour,  # and those that a server sleeps upon
    "accent": "#0A5F94",  # the button to press first
}
"""Everything that has a colour of its own in a panel, by name."""

SYNTAX = {"comment": MUTED, "keyword": "#00705A", "string": "#A23B00", "literal": INK, "def": "#1B4F8A",
          "builtin": "#00705A"}  # fmt: skip

ON_DARK = {  # the same hues, lighter, where the page is dark; what is quiet there is dark
    "#009E73": "#1FC796", "#E69F00": "#F0B429", "#C98A00": "#F0B429", "#D55E00": "#F4793B", "#4A4A4A": "#B4BCC3",
    "#6C757D": "#9AA3AB", "#8FA9BB": "#7F98A8", "#6F8FA3": "#9FB6C6", "#6F8796": "#92A8B5", "#A9B3BC": "#66717A",
    "#0072B2": "#56B4E9",
}  # fmt: skip

SIZE = (7.2, 4.0)  # inches; at 106 dots per inch 763 pixels, a notebook cell on a small laptop; PNGs stay below 60 kB
DPI = 106
CHART = (5.8, 3.6)  # inches; JupyterLab shows an SVG as it is, and has 568 pixels for it in a window of 1,000

_RC: Any = {
    "figure.figsize": SIZE, "figure.dpi": DPI, "figure.facecolor": "none", "savefig.facecolor": "auto",
    "axes.facecolor": "none", "axes.edgecolor": MID, "axes.linewidth": 0.8, "axes.axisbelow": True,
    "axes.titlesize": 12, "axes.titleweight": "bold", "axes.titlelocation": "left", "axes.titlepad": 14,
    "axes.titlecolor": MID, "axes.labelsize": 11, "axes.labelcolor": MID, "axes.spines.top": False,
    "axes.spines.right": False, "axes.grid": True, "grid.color": MID, "grid.alpha": 0.25, "grid.linewidth": 0.8,
    "text.color": MID, "font.size": 11, "xtick.color": MID, "ytick.color": MID, "xtick.labelcolor": MID,
    "ytick.labelcolor": MID, "xtick.minor.size": 0, "ytick.minor.size": 0, "lines.linewidth": 2.2,
    "lines.markersize": 6.5, "lines.solid_capstyle": "round", "legend.frameon": False, "legend.labelcolor": MID,
    "figure.constrained_layout.use": True, "text.parse_math": False,  # a dollar in a server's name is a dollar
}  # fmt: skip


@contextlib.contextmanager
def style() -> Iterator[None]:
    """Draw in the course's look inside this `with`, for any page, and leave matplotlib's own settings as they were."""
    import matplotlib

    with matplotlib.rc_context(_RC):
        yield
        interactive = matplotlib.is_interactive()
    matplotlib.interactive(interactive)  # a notebook's backend, loaded by its first chart, needs it for the next ones


def look(server: str) -> Look:
    """Return how the server of this name is drawn; a name that is not one of the course's is the learner's own."""
    return WAITING.get(server, OWN)


def line_colour(server: str) -> str:
    """Return the colour of a server's line or bar on any page."""
    return on_any_page(look(server).colour)


def text_colour(server: str) -> str:
    """Return the colour of a server's name on any page."""
    return on_any_page(look(server).colour, 4.2)


def fill_colour(server: str) -> str:
    """Return the colour of a server's area on any page, in which white or dark letters read well."""
    return under_letters(line_colour(server))


def under_letters(colour: str) -> str:
    """Return `colour`, darker if need be, so that `letters_on` it have a contrast of 4.5."""
    shades = (mixed(colour, "#000000", step / 50) for step in range(51))
    return next(shade for shade in shades if contrast(letters_on(shade), shade) >= 4.5)


def letters_on(ground: str) -> str:
    """Return the colour of letters that read best on `ground`: dark or white."""
    return max((INK, "#FFFFFF"), key=lambda ink: contrast(ink, ground))


def mixed(colour: str, other: str, share: float) -> str:
    """Return `colour` mixed with `share` (0 to 1) of `other`, both as #rrggbb."""
    parts = (round(int(colour[i : i + 2], 16) * (1 - share) + int(other[i : i + 2], 16) * share) for i in (1, 3, 5))
    return "#" + "".join(f"{part:02X}" for part in parts)


def luminance(colour: str) -> float:
    """Return how bright `colour` (#rrggbb) is, from 0 to 1: WCAG 2, relative luminance."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours (#rrggbb), from 1 to 21: WCAG 2 wants 4.5 for text, 3 for lines and marks."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def on_any_page(colour: str, least: float = 3.0) -> str:
    """Return `colour`, no darker and no lighter than a contrast of `least` (up to 4.3) on both `PAGES` asks for."""
    light, dark = PAGES
    for page, away in ((light, "#000000"), (dark, "#FFFFFF")):
        steps = (mixed(colour, away, step / 50) for step in range(51))
        colour = next(shade for shade in steps if contrast(shade, page) >= least)
    return colour


# ---- charts and pictures


def new_axes(ax: Axes | None = None, height: float = CHART[1]) -> Axes:
    """Return `ax`, or an empty chart in the course's look, so many inches high (call it inside `style()`)."""
    if ax is not None:
        return ax
    from muxlab.show.chart_figure import new_charts

    return new_charts(figsize=(CHART[0], height))[1][0, 0]


def new_picture(height: float) -> tuple[Figure, Axes]:
    """Return an empty picture, `SIZE[0]` inches wide, and axes that fill it, in inches from its top left corner.

    A picture is what a panel's cell shows where no kernel runs, on GitHub or in a printed book.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    width = SIZE[0]
    figure = Figure(figsize=(width, height))
    figure.set_layout_engine("none")  # every place is given
    FigureCanvasAgg(figure)
    ax = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(height, 0))
    ax.axis("off")
    return figure, ax


def write(ax: Axes, left: float, middle: float, text: str, **how: Any) -> None:
    """Write a text into a picture, as it is, whatever is in it; `how` are properties of matplotlib's `Text`."""
    how.setdefault("va", "center")
    ax.text(left, middle, printable(text).expandtabs(4), clip_on=True, **how)


def write_trouble(ax: Axes, left: float, top: float, message: str) -> None:
    """Write what went wrong, in lines, into a picture."""
    write(ax, left, top, message, fontsize=9.5, color=on_any_page(OUTCOME["error"].colour, 4.2), va="top")


def png(figure: Figure, colours: int = 0) -> bytes:
    """Return the picture as a PNG, with no more than so many `colours` when a number is given."""
    from PIL import Image

    drawn, small = io.BytesIO(), io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # Chinese, say: drawn as boxes, and right in the browser
        figure.savefig(drawn, format="png", dpi=DPI)
    if not colours:
        return drawn.getvalue()
    picture, way = Image.open(drawn).convert("RGBA"), Image.Quantize.FASTOCTREE  # it keeps what is transparent
    if figure.get_facecolor()[3] == 1:
        picture, way = picture.convert("RGB"), Image.Quantize.MEDIANCUT  # it chooses better
    picture.quantize(colours, way, dither=Image.Dither.NONE).save(small, "png", optimize=True)
    return small.getvalue()


# ---- numbers and texts in words


def human_seconds(seconds: float | None) -> str:
    """Write a duration in seconds with two or three digits and its usual unit: 83 µs, 1.24 ms, 2.50 s."""
    if seconds is None:
        return "\u2013"
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= 0.9995 * size:
            value = seconds / size
            return f"{value:.{2 if value < 9.995 else 1 if value < 99.95 else 0}f} {unit}"
    return f"{seconds / 1e-6:.0f} µs"


def short_seconds(seconds: float) -> str:
    """Write a round duration in seconds without digits that say nothing: 50 µs, 1 ms, 2 s."""
    unit, size = ("s", 1.0) if seconds >= 0.9995 else ("ms", 1e-3) if seconds >= 0.9995e-3 else ("µs", 1e-6)
    return f"{seconds / size:g} {unit}"


def human_number(value: float) -> str:
    """Write a count or a rate as a whole number, with commas between thousands."""
    return f"{value:,.0f}"


def human_bytes(count: int) -> str:
    """Write a number of bytes: 1 byte, 3,000 bytes."""
    return f"{count:,} byte{'' if count == 1 else 's'}"


def printable(text: str) -> str:
    """Return a text with a mark in place of each letter that cannot be shown, or be sent to a browser."""
    return "".join(
        letter if letter.isprintable() or letter in "\n\t" else "\N{REPLACEMENT CHARACTER}" for letter in text
    )
