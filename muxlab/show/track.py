"""The bars of a race: in the browser by `race.js`, and as a stored picture."""

from __future__ import annotations

from collections.abc import Sequence

import anywidget
import traitlets

from muxlab.show import theme
from muxlab.show.assets import script, style
from muxlab.show.laps import Result
from muxlab.show.sheet import png, sheet_of

TITLES = ("", "replies per second: long is good", "CPU time per reply: short is good")


class Track(anywidget.AnyWidget):
    """Two bars for each server, and what went wrong (`message`)."""

    _esm = script("sliders.js", "race.js")
    _css = style("screen.css", "race.css")

    titles = traitlets.List(traitlets.Unicode(), list(TITLES)).tag(sync=True)
    lanes = traitlets.List(traitlets.Dict()).tag(sync=True)
    message = traitlets.Unicode("").tag(sync=True)

    def show(self, results: Sequence[Result], turn: int | None = None) -> None:
        """Show what is known of each server, and whose turn it is."""
        self.lanes = [
            {
                "name": one.name,
                "colour": theme.look(one.name).colour,
                "note": one.note or ("running" if place == turn else ""),
                "bars": bars,
            }
            for place, (one, bars) in enumerate(zip(results, bars_of(results), strict=True))
        ]


def bars_of(results: Sequence[Result]) -> list[list[dict]]:
    """Return two bars for each: their share of the longest of their kind, 0 to 1, and their text."""
    rates = [one.replies_per_second for one in results]
    costs = [one.us_per_reply for one in results]
    texts = (
        [theme.human_number(rate) if rate is not None else "\u2013" for rate in rates],
        [f"{cost:,.{0 if cost >= 99.5 else 1}f} µs" if cost is not None else "\u2013" for cost in costs],
    )
    shares = ([(value or 0) / (max(one or 0 for one in values) or 1) for value in values] for values in (rates, costs))
    columns = (zip(share, text, strict=True) for share, text in zip(shares, texts, strict=True))
    return [[{"share": share, "text": text} for share, text in pair] for pair in zip(*columns, strict=True)]


def draw(results: Sequence[Result], setting: str, note: str, message: str = "") -> bytes:
    """Return a PNG of the bars, for where no kernel runs.

    Args:
        results: what is known of each server.
        setting: how many clients there were.
        note: one line, such as what to do to see it run.
        message: what went wrong, in lines.
    """
    width, height = theme.SIZE[0], 1.0 + 0.42 * len(results) + 0.2 * len(message.splitlines())  # inches
    with theme.style():
        figure, sheet = sheet_of(height)
        sheet.text(0.25, 0.3, setting, fontsize=11, weight="bold", va="center")
        sheet.text(width - 0.25, 0.3, note, fontsize=9.5, color=theme.MUTED, va="center", ha="right")
        for left, title in zip((1.75, 4.55), TITLES[1:], strict=True):
            sheet.text(left, 0.68, title, fontsize=9.5, color=theme.MUTED, va="center")
        for line, (one, bars) in enumerate(zip(results, bars_of(results), strict=True)):
            y, colour = 1.0 + 0.42 * line, theme.look(one.name).colour
            sheet.text(0.25, y, one.name, fontsize=11, weight="bold", va="center", color=theme.darker(colour))
            for left, bar in zip((1.75, 4.55), bars, strict=True):
                sheet.barh(y, 1.6 * bar["share"], 0.26, left, color=colour)
                sheet.text(left + 1.6 * bar["share"] + 0.08, y, bar["text"], fontsize=10, va="center")
        sheet.text(0.25, height - 0.15, message, fontsize=9.5, color=theme.darker(theme.CLIENT["lost"].colour),
                   va="bottom", parse_math=False, clip_on=True)  # fmt: skip
        return png(figure)
