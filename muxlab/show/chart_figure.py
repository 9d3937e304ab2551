"""The figure that all charts are drawn in: a notebook shows it as a small SVG, with an alternative text.

JupyterLab, GitHub and a printed book all show SVG, sharp at any size. Its ground is transparent and its ink is in the
middle (see `style`), because JupyterLab shows it as an image, which knows nothing of the page's theme. Imported only
when a chart is drawn, as it imports matplotlib.
"""

from __future__ import annotations

import html
import io
import re
import warnings
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from muxlab.show import style

SHARP = 212  # dots per inch of what is too much for vectors: two for each pixel of a screen
NO_METADATA = dict.fromkeys(("Date", "Creator", "Format", "Type"))  # nothing that differs from run to run


class Chart(Figure):
    """A matplotlib figure that a notebook shows as SVG.

    Attributes:
        alternative: what a screen reader says, and a page that cannot show pictures; made of the titles when empty.
    """

    alternative: str = ""

    def words(self) -> str:
        """Return the alternative text: what was set, or else the titles and the names of the axes and of the lines."""
        return self.alternative or "\n".join(filter(None, map(_words_of, self.axes)))

    def svg(self) -> str:
        """Return the chart as SVG: the same text for the same chart, with real letters and short numbers."""
        text = io.StringIO()
        settings = {"svg.fonttype": "none", "svg.hashsalt": "muxlab", "path.simplify": True}
        with matplotlib.rc_context(settings), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Glyph .* missing")  # the browser has the letters that are missing
            self.savefig(text, format="svg", dpi=SHARP, metadata=NO_METADATA)
        return _tidy(text.getvalue(), *self.words().partition("\n")[::2])

    def _ipython_display_(self) -> None:
        from IPython.display import display

        display({"image/svg+xml": self.svg(), "text/plain": self.words()}, raw=True)


def new_charts(rows: int = 1, columns: int = 1, **how: Any) -> tuple[Chart, Any]:
    """Return a new figure and its axes, rows by columns, as `pyplot.subplots` does (call it inside `style()`)."""
    import matplotlib.pyplot as plt

    return plt.subplots(rows, columns, FigureClass=Chart, squeeze=False, **how)


def _words_of(ax: Any) -> str:
    titles = " ".join(filter(None, (ax.get_title(place).replace("\n", " ").strip() for place in ("left", "right"))))
    axes = ", ".join(filter(None, (ax.get_xlabel(), ax.get_ylabel())))
    names = ", ".join(text for text in ax.get_legend_handles_labels()[1] if text)
    return ". ".join(filter(None, (titles, axes and f"Axes: {axes}", names and f"Drawn: {names}")))


# ---- the text of an SVG file


def _tidy(svg: str, title: str, description: str) -> str:
    """Return matplotlib's SVG in less room, with a title and a description, and fonts that every system has."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<[^>]*>", _with_short_numbers, svg)
    svg = re.sub(r" font-family: [^;\"]*;", "", svg)  # said once, below
    svg = re.sub(r"'DejaVu Sans'[^;\"]*?sans-serif", style.FONTS, svg)  # in older versions of matplotlib
    svg = re.sub(r" transform=\"rotate\(-?0 [^)]*\)\"", "", svg)
    svg = re.sub(r"(<g[^>]*>)((?:\s*<use [^>]*/>){2,})", _marks_in_short, svg)
    svg = re.sub(r"\s*\n\s*", "\n", svg)
    svg = re.sub(r"(?<=[\dz]) ?\n(?=[MLCQz])", " ", svg)
    svg = re.sub(r' d="(M[^QCz"]*)', _steps_in_short, svg)
    for number, name in enumerate(dict.fromkeys(re.findall(r' id="(m[0-9a-f]{10})"', svg))):
        svg = svg.replace(name, f"m{number}")
    title, description = (html.escape(text, quote=False) for text in (title, description))
    words = f"<title>{title}</title>\n" + f"<desc>{description}</desc>\n" * bool(description)
    return re.sub(
        r"<svg([^>]*)>", lambda found: f'<svg role="img" font-family="{style.FONTS}"{found[1]}>\n{words}', svg, count=1
    )


def _with_short_numbers(tag: re.Match[str]) -> str:
    """Cut the numbers of a tag, not of the text between tags: a tenth of a point is finer than most screens."""
    return re.sub(r"(\d\.\d)\d+", r"\1", tag[0])


def _steps_in_short(found: re.Match[str]) -> str:
    """Write "V y" or "H x" instead of "L x y" where a line is upright or level."""
    numbers = re.findall(r"[ML] (\S+) (\S+)", found[1])
    if len(numbers) != len(re.findall("[A-Z]", found[1])):
        return found[0]
    parts, (x, y) = [f"M {numbers[0][0]} {numbers[0][1]}"], numbers[0]
    for letter, (new_x, new_y) in zip(re.findall("[ML]", found[1])[1:], numbers[1:], strict=True):
        level, upright = new_y == y, new_x == x
        if letter == "M" or not (level or upright):
            parts.append(f"{letter} {new_x} {new_y}")
        elif not (level and upright):
            parts.append(f"H {new_x}" if level else f"V {new_y}")
        x, y = new_x, new_y
    return f' d="{" ".join(parts)} '


def _marks_in_short(found: re.Match[str]) -> str:
    """Say the look of a hundred marks once, in the group that holds them."""
    looks = set(re.findall(r' style="[^"]*"', found[2]))
    if len(looks) != 1 or "style=" in found[1] or found[2].count("<use") != found[2].count(" style="):
        return found[0]
    (look,) = looks
    return found[1][:-1] + look + ">" + found[2].replace(look, "")
