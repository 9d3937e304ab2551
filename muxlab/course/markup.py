"""Sentences, Python and differences as HTML for a notebook, in the notebook's own colours, light or dark.

Whatever a learner wrote, a function's name or an error's text, becomes HTML here, and is escaped here.
"""

import html
import re
from collections.abc import Callable
from pathlib import Path

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

STYLE = f"<style>{Path(__file__).with_name('course.css').read_text(encoding='utf-8')}</style>"

_LEXER = PythonLexer(stripnl=False, ensurenl=False)
_FORMATTER = HtmlFormatter(nowrap=True, classprefix="tok-")
_TAGS = {"+": "ins", "-": "del"}


def prose(text: str, title: str = "") -> str:
    """Return a paragraph, which begins with its `title` if it has one; what stands between backticks becomes code."""
    begin = f"<strong>{html.escape(title)}</strong> " if title else ""
    return f"<p>{begin}{inline(text)}</p>"


def inline(text: str) -> str:
    """Return text for the inside of a paragraph or of a table's cell; what stands between backticks becomes code."""
    return re.sub("`([^`]+)`", r"<code>\1</code>", html.escape(text))


def python(source: str) -> str:
    """Return Python source, highlighted; a long line scrolls and is never broken."""
    return f'<pre class="mux-code" tabindex="0">{_highlighted(source)}</pre>'


def diff(text: str, short: bool = False) -> str:
    """Return a unified diff of Python sources: each changed line is marked with its sign, and in colour.

    What all lines are indented by is taken off. A `short` one has no other colours: it takes a third of the room, where
    there are many of them on a page.
    """
    _, _, *lines = text.splitlines()  # the first two have the names
    margin = min(len(line) - len(line[1:].lstrip()) for line in lines if line[1:].strip() and line[0] != "@")
    write = html.escape if short else _highlighted
    shown = "".join(_line(line if line[0] == "@" else line[0] + line[margin:], write) for line in lines)
    return f'<pre class="mux-code mux-diff" tabindex="0"><div>{shown}</div></pre>'


def page(content: str) -> str:
    """Return `content` with the style that it needs."""
    return f'{STYLE}<div class="mux-course">{content}</div>'


def _line(line: str, write: Callable[[str], str]) -> str:
    if found := re.match(r"@@ -(\d+)", line):
        return f'<span class="mux-gap">line {found[1]}</span>' if found[1] != "1" else ""
    tag = _TAGS.get(line[0], "span")
    return f'<{tag} class="mux-line"><b>{line[0]}</b>{write(line[1:])}</{tag}>'


def _highlighted(source: str) -> str:
    return highlight(source, _LEXER, _FORMATTER)
