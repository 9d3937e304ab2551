"""The hand that draws all pictures: one sheet, one set of strokes, and the same client, socket, queue, kernel, server.

A picture is shown as an image, which knows nothing of the page's theme. So its ground is transparent. What stands free
is in one grey that reads on white and on near black; what stands in a box brings its own ground with it. Every text and
its ground are noted in `Sheet.writing`, every free stroke in `Sheet.strokes`, for the test that computes contrasts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from typing import NamedTuple

from muxlab.show import style

WIDTH = 760  # fits beside JupyterLab's file browser in a window of 1,280 pixels, and loses little in one of 1,000
SIZE, SMALL = 19, 17  # pixels of text; a window of 1,000 shows two thirds of them
STROKE, CORNER = 2, 8

INK, LIGHT, FREE = style.INK, style.TILE, style.MID
KERNEL = style.mixed(style.MUTED, style.INK, 0.55)
SLOT = style.mixed(KERNEL, style.INK, 0.55)  # an empty place in the kernel
SERVER = style.OWN.colour  # the function is the learner's own
BYTES = style.ON_DARK[style.COLOURS["queue"]]
GOOD = style.ON_DARK[style.COLOURS["data"]]
WAIT = style.ON_DARK[style.COLOURS["EAGAIN"]]
BAD = style.ON_DARK[style.COLOURS["error"]]
QUIET = style.MUTED
NOTE = style.mixed(WAIT, "#FFFFFF", 0.45)  # a slip of paper


class Writing(NamedTuple):
    """One text of a picture: what it says, its colour, what it stands on ("" for the page), and its size in pixels."""

    text: str
    colour: str
    ground: str
    size: float


@dataclass
class Sheet:
    """One picture while it is drawn, in pixels from its top left corner.

    Attributes:
        title, description: what a screen reader says.
        writing, strokes: what the test looks at.
    """

    height: int
    title: str
    description: str
    width: int = WIDTH
    parts: list[str] = field(default_factory=list)
    writing: list[Writing] = field(default_factory=list)
    strokes: list[str] = field(default_factory=list)

    # ---- strokes and words

    def text(self, x: float, y: float, words: str, colour: str = FREE, on: str = "", size: float = SIZE,
             anchor: str = "start", bold: bool = False, mono: bool = False, turn: float = 0) -> None:  # fmt: skip
        """Write one line, its middle at the height y; `on` names the ground it stands on, "" for the page."""
        if not words:
            return
        self.writing.append(Writing(words, colour, on, size))
        look = f'font-size="{size:g}" fill="{colour}"' + ' font-weight="600"' * bold + ' class="mono"' * mono
        look += f' text-anchor="{anchor}"' * (anchor != "start")
        look += f' transform="rotate({turn:g} {x:g} {y:g})"' * bool(turn)
        self.parts.append(f'<text x="{x:g}" y="{y + 0.35 * size:g}" {look}>{escape(words, quote=False)}</text>')

    def box(self, x: float, y: float, width: float, height: float, fill: str, edge: str = "", corner: float = CORNER,
            dashed: bool = False, turn: float = 0) -> None:  # fmt: skip
        """Draw a box with round corners; without `fill` ("none") it is an outline."""
        look = f'fill="{fill}"' + f' stroke="{edge}" stroke-width="{STROKE}"' * bool(edge)
        look += ' stroke-dasharray="5 5"' * dashed
        look += f' transform="rotate({turn:g} {x + width / 2:g} {y + height / 2:g})"' * bool(turn)
        self.parts.append(f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="{corner:g}" {look}/>')

    def circle(self, x: float, y: float, radius: float, fill: str, edge: str = "") -> None:
        """Draw a circle."""
        look = f'fill="{fill}"' + f' stroke="{edge}" stroke-width="{STROKE}"' * bool(edge)
        self.parts.append(f'<circle cx="{x:g}" cy="{y:g}" r="{radius:g}" {look}/>')

    def line(self, path: str, colour: str = FREE, arrow: bool = False, dashed: bool = False, width: float = STROKE,
             free: bool = True) -> None:  # fmt: skip
        """Draw a path in SVG's notation, with an arrowhead at its end if wanted; `free`: it is not inside of a box."""
        if free:
            self.strokes.append(colour)
        look = f'stroke="{colour}" stroke-width="{width:g}"' + ' stroke-dasharray="2 6"' * dashed
        look += f' marker-end="url(#head-{colour[1:]})"' * arrow
        self.parts.append(f'<path d="{path}" {look} fill="none"/>')

    def shape(self, path: str, fill: str, edge: str = "") -> None:
        """Fill a path in SVG's notation."""
        look = f'fill="{fill}"' + f' stroke="{edge}" stroke-width="{STROKE}"' * bool(edge)
        self.parts.append(f'<path d="{path}" {look}/>')

    # ---- the cast

    def client(self, x: float, y: float, number: str, colour: str = QUIET) -> None:
        """Draw a client, 44 wide and 48 high, around (x, y): grey when silent, green when answered, yellow waiting."""
        self.shape(f"M{x - 21} {y + 23} v-5 a21 19 0 0 1 42 0 v5 z", colour, FREE)
        self.circle(x, y - 13, 10, colour, FREE)
        self.text(x, y + 12, number, self._ink_on(colour), colour, SMALL, "middle", bold=True)

    def clock(self, x: float, y: float, radius: float = 11) -> None:
        """Draw a clock: somebody waits."""
        self.circle(x, y, radius, WAIT, INK)
        self.line(f"M{x} {y - 0.6 * radius:g} V{y} l{0.45 * radius:g} {0.25 * radius:g}", INK, free=False)

    def kernel(self, x: float, y: float, width: float, height: float, name: str = "the kernel") -> None:
        """Draw the kernel: the dark block in which sockets and queues are; free strokes must not cross it."""
        self.box(x, y, width, height, KERNEL, FREE, 14)
        if name:
            self.text(x + 16, y + 20, name, LIGHT, KERNEL, SMALL)

    def socket(self, x: float, y: float, colour: str = LIGHT) -> None:
        """Draw a socket, 32 by 32, around (x, y)."""
        self.box(x - 16, y - 16, 32, 32, colour, INK)
        for hole in (x - 6, x + 6):
            self.circle(hole, y, 3.2, INK)

    def queue(self, x: float, y: float, width: float, words: Sequence[str] = (), at_right: bool = True,
              fill: str = BYTES) -> None:  # fmt: skip
        """Draw a queue, 28 high, its middle at the height y: an empty place, and the bytes that wait in it."""
        self.box(x, y - 14, width, 28, SLOT, style.MUTED, 6)
        edge = x + width - 4 if at_right else x + 4
        for word in words:
            size = 14 + 9.5 * len(word)
            left = edge - size if at_right else edge
            self.box(left, y - 10, size, 20, fill, corner=4)
            self.text(left + size / 2, y, word, INK, fill, SMALL, "middle", mono=True)
            edge += (-size - 4) if at_right else (size + 4)

    def server(self, x: float, y: float, width: float, lines: Sequence[str], at: int = -1, step: float = 26) -> None:
        """Draw the server function, `step` for each line and 20 more; line `at` is the one that runs, or waits."""
        self.box(x, y, width, 20 + step * len(lines), SERVER, FREE, 12)
        for number, line in enumerate(lines):
            middle, ground = y + 10 + step * (number + 0.5), SERVER
            if number == at:
                ground = style.mixed(SERVER, INK, 0.5)
                self.box(x + 1, middle - 13, width - 2, 26, ground, corner=0)
                self.shape(f"M{x + 7:g} {middle - 5:g} l8 5 l-8 5 z", WAIT)
            code = line.lstrip()
            self.text(x + 20 + 9 * (len(line) - len(code)), middle, code, "#FFFFFF", ground, SMALL, mono=True)

    def tag(self, x: float, y: float, words: str, fill: str, width: float = 0) -> None:
        """Draw a small label, its middle at (x, y)."""
        width = width or 20 + 9 * len(words)
        self.box(x - width / 2, y - 13, width, 26, fill, INK, corner=13)
        self.text(x, y, words, self._ink_on(fill), fill, SMALL, "middle")

    def _ink_on(self, ground: str) -> str:
        return max((INK, "#FFFFFF"), key=lambda ink: style.contrast(ink, ground))

    # ---- the file

    def svg(self) -> str:
        """Return the picture as the text of an SVG file."""
        heads = "".join(
            f'<marker id="head-{colour[1:]}" viewBox="0 0 10 10" refX="8" refY="5" markerWidth="5.5" markerHeight="5.5"'
            f' orient="auto-start-reverse"><path d="M0 0 L10 5 L0 10 z" fill="{colour}"/></marker>'
            for colour in sorted({part.split("url(#head-")[1][:6] for part in self.parts if "url(#head-" in part})
            for colour in [f"#{colour}"]
        )
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {self.width} {self.height}"'
            f' width="{self.width}" height="{self.height}" aria-labelledby="title desc">\n'
            f'<title id="title">{escape(self.title)}</title>\n<desc id="desc">{escape(self.description)}</desc>\n'
            f"<style>text {{ font-family: {style.FONTS}; white-space: pre; }}"
            f" .mono {{ font-family: {style.MONO_FONTS}; }}</style>\n"
            f"<defs>{heads}</defs>\n"
            f'<g stroke-linecap="round" stroke-linejoin="round">\n' + "\n".join(self.parts) + "\n</g>\n</svg>\n"
        )
