"""The colours and the marks as a page in a browser gets them: custom properties of CSS, and a constant for scripts.

In JupyterLab a panel takes its ground and its letters from the theme. A page that has none, such as a recording that
was saved, is light or dark as its reader's system is.
"""

import json

from muxlab.show import style

FROM_JUPYTERLAB = {  # what a panel takes from JupyterLab's theme, and ours for a page that has none
    "ink": ("ui-font-color1", style.INK),
    "muted": ("ui-font-color2", style.MUTED),
    "card": ("layout-color1", style.CARD),
    "tile": ("layout-color2", style.TILE),
    "line": ("border-color2", style.GRID),
    "focus": ("brand-color1", style.COLOURS["queue"]),
    "keyword": ("mirror-editor-keyword-color", style.SYNTAX["keyword"]),
    "string": ("mirror-editor-string-color", style.SYNTAX["string"]),
    "literal": ("mirror-editor-number-color", style.SYNTAX["literal"]),
    "def": ("mirror-editor-def-color", style.SYNTAX["def"]),
    "builtin": ("mirror-editor-builtin-color", style.SYNTAX["builtin"]),
}

DARK_PAGE = {"ink": "#E4E8EB", "muted": "#A3ACB4", "card": "#1B2025", "tile": "#2A3138", "line": "#3C454D",
             "focus": "#56B4E9", "keyword": "#4CC9A4", "string": "#F0A878", "literal": "#E4E8EB", "def": "#86B9F0",
             "builtin": "#4CC9A4"}  # fmt: skip
"""The same, for a dark page that is not JupyterLab's."""

INKED = ("muted", *sorted(style.SYNTAX.keys() & FROM_JUPYTERLAB.keys()))
OF_ITS_OWN = "65%"
"""What a muted text, and a word of Python, keep of JupyterLab's colour; the rest is ink. Those colours were chosen for
JupyterLab's own ground. Ours is tinted in many places, and each of them needs a contrast of 4.5."""


def palette_css() -> str:
    """Return the colours as CSS custom properties, `--mux-data` and so on, which hold inside of every `.mux-card`."""
    theirs = {name: f"var(--jp-{variable}, {colour})" for name, (variable, colour) in FROM_JUPYTERLAB.items()}
    theirs |= {name: f"color-mix(in srgb, {theirs[name]} {OF_ITS_OWN}, {theirs['ink']})" for name in INKED}
    on_dark = {name: style.ON_DARK[colour] for name, colour in style.COLOURS.items() if colour in style.ON_DARK}
    return _rule(".mux-card", style.COLOURS | theirs) + _rule('[data-jp-theme-light="false"] .mux-card', on_dark)


def dark_page_css(selector: str) -> str:
    """Return JupyterLab's variables for a dark page that has none, within `selector`."""
    variables = {FROM_JUPYTERLAB[name][0]: colour for name, colour in DARK_PAGE.items()}
    return _rule(f'{selector}[data-jp-theme-light="false"]', variables, "--jp-")


def looks_js() -> str:
    """Return the marks as a JavaScript constant: LOOKS.data.marker and so on."""
    looks = {
        kind: {"marker": one.marker, "size": one.size, "hollow": one.hollow}
        for kind, one in (style.OUTCOME | style.CLIENT).items()
    }
    return f"const LOOKS = {json.dumps(looks)};\n"


def _rule(selector: str, values: dict[str, str], prefix: str = "--mux-") -> str:
    return f"{selector} {{\n" + "".join(f"  {prefix}{name}: {value};\n" for name, value in values.items()) + "}\n"
