"""One look for everything the course draws: which colour, marker and line each thing keeps, and how charts are dressed.

The colours are those of Okabe and Ito, chosen to stay apart for colour-blind readers, with a few darker neighbours
where their eight are not enough. Colour is never alone: every entry has its own marker or line as well.
What this module does not do: it draws no chart, and it changes no global setting of matplotlib.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Look:
    """How one thing is drawn: `colour` as #rrggbb, `marker` and `line` in matplotlib's notation."""

    colour: str
    marker: str
    line: Any = "-"


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

# What the dots of the playground mean. A ring is hollow, a quiet dot is small: see picture.py and screen.js.
CLIENT = {
    "answered": Look(OUTCOME["data"].colour, "o"),
    "quiet": Look("#BFC7CE", "o"),
    "waiting": Look(OUTCOME["EAGAIN"].colour, "D"),
    "connecting": Look("#6F8796", "o"),
    "lost": Look(OUTCOME["error"].colour, "x"),
}

# A chart is an opaque card with dark ink: the same picture reads well on a light and on a dark page.
CARD, INK, MUTED, GRID = "#FCFBF8", "#22282E", "#68727B", "#E4E2DC"
SIZE = (7.2, 4.0)  # inches; at 106 dots per inch 763 pixels, a notebook cell on a small laptop; PNGs stay below 60 kB
DPI = 106

_RC: Any = {
    "figure.figsize": SIZE, "figure.dpi": DPI, "figure.facecolor": CARD, "savefig.facecolor": "auto",
    "axes.facecolor": CARD, "axes.edgecolor": MUTED, "axes.linewidth": 0.8, "axes.axisbelow": True,
    "axes.titlesize": 13, "axes.titleweight": "bold", "axes.titlelocation": "left", "axes.titlepad": 14,
    "axes.labelsize": 11, "axes.labelcolor": INK, "axes.spines.top": False, "axes.spines.right": False,
    "axes.grid": True, "grid.color": GRID, "grid.linewidth": 0.8, "text.color": INK, "font.size": 11,
    "xtick.color": MUTED, "ytick.color": MUTED, "xtick.labelcolor": INK, "ytick.labelcolor": INK,
    "xtick.minor.size": 0, "ytick.minor.size": 0, "lines.linewidth": 2.2, "lines.markersize": 6.5,
    "lines.solid_capstyle": "round", "legend.frameon": False, "figure.constrained_layout.use": True,
}  # fmt: skip


@contextlib.contextmanager
def style() -> Iterator[None]:
    """Draw in the course's look inside this `with`, and leave matplotlib's own settings as they were."""
    import matplotlib

    with matplotlib.rc_context(_RC):
        yield
        interactive = matplotlib.is_interactive()
    matplotlib.interactive(interactive)  # a notebook's backend, loaded by its first chart, needs it for the next ones


def new_axes(ax: Axes | None = None, height: float = SIZE[1]) -> Axes:
    """Return `ax`, or an empty chart in the course's look, so many inches high (call it inside `style()`)."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=(SIZE[0], height))[1]


def look(server: str) -> Look:
    """Return how the server of this name is drawn; a name that is not one of the course's is the learner's own."""
    return WAITING.get(server, OWN)


def darker(colour: str, share: float = 0.35) -> str:
    """Return `colour` (#rrggbb) mixed with `share` (0 to 1) of ink, so that text in it is easy to read."""
    return mixed(colour, INK, share)


def mixed(colour: str, other: str, share: float) -> str:
    """Return `colour` mixed with `share` (0 to 1) of `other`, both as #rrggbb."""
    parts = (round(int(colour[i : i + 2], 16) * (1 - share) + int(other[i : i + 2], 16) * share) for i in (1, 3, 5))
    return "#" + "".join(f"{part:02X}" for part in parts)


def human_seconds(seconds: float | None) -> str:
    """Write a duration in seconds with two or three digits and its usual unit: 83 µs, 1.24 ms, 2.50 s."""
    if seconds is None:
        return "\u2013"
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= 0.9995 * size or unit == "µs":
            value = seconds / size
            digits = 2 if value < 9.995 else 1 if value < 99.95 else 0
            return f"{value:.{0 if unit == 'µs' else digits}f} {unit}"
    raise AssertionError("unreachable")


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


if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def sheet_of(height: float) -> tuple[Figure, Axes]:
    """Return an empty picture, `theme.SIZE` wide, and the axes that fill it."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    width = SIZE[0]
    figure = Figure(figsize=(width, height))
    figure.set_layout_engine("none")  # every place is given
    FigureCanvasAgg(figure)
    sheet = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(height, 0))
    sheet.axis("off")
    return figure, sheet


def png(figure: Figure, colours: int = 0) -> bytes:
    """Return the picture as a PNG, with no more than so many `colours` when a number is given."""
    from PIL import Image

    drawn, small = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", dpi=DPI)
    if not colours:
        return drawn.getvalue()
    Image.open(drawn).convert("RGB").quantize(colours, dither=Image.Dither.NONE).save(small, "png", optimize=True)
    return small.getvalue()
