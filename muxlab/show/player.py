"""A recording as HTML: a fragment for a page, and a page of its own. Neither needs a kernel or a network.

A fragment holds the frames, packed and as text without any sign that HTML knows, so nothing in a recording can get out
of it; the panel's own script and style sheet; and player.js, which stands in for the kernel. Where scripts do not run,
the captions are read as a list.
"""

from __future__ import annotations

import base64
import html
import json
import re
import zlib
from functools import cache

from muxlab.show import page_colours, style
from muxlab.show.panel import read_file, read_script, read_style
from muxlab.show.recording import NotARecording, Recording

STEPPER_PARTS = ("controls", "source", "queues", "motion", "history")
STEPPER = (*(f"stepper_{part}.js" for part in STEPPER_PARTS), "stepper.js")

SCRIPTS = {
    "stepper": STEPPER,
    "duel": STEPPER,
    "playground": ("dots.js", "playground.js"),
    "crowds": ("dots.js", "crowds.js"),
    "race": ("race.js",),
    "timeline": ("timeline.js",),
}
"""The files of `browser/` that draw each kind of recording: those of its panel."""

STYLES = {
    "stepper": ("stepper.css", "stepper_small.css"),
    "duel": ("stepper.css", "stepper_small.css"),
    "playground": ("session.css", "dots.css", "playground.css"),
    "crowds": ("session.css", "dots.css", "crowds.css"),
    "race": ("session.css", "race.css"),
    "timeline": (),
}

EXPORT = "export default { render };"
"""The last line of a panel's script. A page has the script without it: a browser loads no module from a disk."""

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ max-width: 1080px; margin: 24px auto; padding: 0 16px; font-family: {fonts}; }}
</style>
</head>
<body>
<main>
<h1 style="font-size: 1.3rem">{title}</h1>
{fragment}
<p>Made with muxlab, a course on how one thread serves thousands of TCP clients.</p>
</main>
</body>
</html>
"""


def fragment(recording: Recording, player: bool = True, autoplay: bool = False) -> str:
    """Return HTML that plays a recording within a page.

    Args:
        recording: what to play.
        player: with the script and the style sheet of this kind of recording; later ones of the same kind in the same
            page do not need them again.
        autoplay: begin when it comes into sight, unless the reader wants less motion.
    """
    if recording.kind not in SCRIPTS:
        raise NotARecording(f"no panel plays recordings of the kind {recording.kind!r}; there are {', '.join(SCRIPTS)}")
    if not recording.frames:
        raise NotARecording("there is nothing to play: this recording has no frames")
    start = " data-autoplay" if autoplay else ""
    return f"""{_player_html(recording.kind) if player else ""}
<div class="muxlab-recording" data-kind="{recording.kind}"{start}>
<script type="text/plain" class="mr-packed">{pack(recording)}</script>
{_still(recording)}
</div>
<script>window.muxlabPlayers?.{recording.kind}?.();</script>
"""


def _still(recording: Recording) -> str:
    """Return what is seen where no script runs: a chart, or the captions as a list."""
    if recording.kind == "timeline":
        chart = str(recording.frames[0]["svg"])
        title = re.search(r"<title>(.*?)</title>", chart, re.DOTALL)
        alternative = html.escape(html.unescape(title[1])) if title else "timeline"
        data = base64.b64encode(chart.encode()).decode()
        return f'<img alt="{alternative}" src="data:image/svg+xml;base64,{data}">'
    captions = dict.fromkeys(str(frame["caption"]) for frame in recording.frames)
    return "\n".join(["<ol>", *(f"<li>{html.escape(caption)}</li>" for caption in captions), "</ol>"])


def page(recording: Recording) -> str:
    """Return a whole page that plays a recording."""
    title = html.escape(f"{recording.title}, recorded")
    return PAGE.format(title=title, fonts=style.FONTS, fragment=fragment(recording))


def pack(recording: Recording) -> str:
    """Return the recording as text that holds nothing but letters, digits, "+", "/" and "="; `unpack` reads it."""
    return base64.b64encode(zlib.compress(recording.to_json().encode(), 9)).decode()


def unpack(text: str) -> Recording:
    """Return the recording that `pack` wrote."""
    return Recording.from_json(zlib.decompress(base64.b64decode(text)).decode())


def play(recording: Recording) -> Recording:
    """Play a recording in the notebook. It goes on playing in the stored notebook, where no kernel runs.

    Args:
        recording: what a panel's `record()` returned.

    Returns:
        The recording, which is shown when it is the last line of a cell.

    Raises:
        TypeError: this is not a recording.
    """
    if not isinstance(recording, Recording):
        raise TypeError(f"play takes a recording, as in play(panel.record()), and not {type(recording).__name__}")
    return recording


@cache
def _player_html(kind: str) -> str:
    script = read_script(*SCRIPTS[kind])
    panel = script.replace(EXPORT, "return { render };")
    sheet = read_style(*STYLES[kind], "player.css") + page_colours.dark_page_css(".muxlab-recording.has-no-theme")
    return f"""<style>
{sheet}</style>
<script>
(window.muxlabPlayers ??= {{}}).{kind} ??= (() => {{
const KIND = {json.dumps(kind)};
const panel = (() => {{
{panel}
}})();
{read_file("shared.js")}
{read_file("player.js")}
return playAll;
}})();
</script>"""
