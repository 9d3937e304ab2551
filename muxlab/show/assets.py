"""The scripts and styles of this folder, put together for the browser: a widget has one script, and loads no other."""

from pathlib import Path


def script(*names: str) -> str:
    """Return these scripts as one, after the part that all share."""
    return style("parts.js", *names)


def style(*names: str) -> str:
    """Return these files as one text."""
    return "\n".join(Path(__file__).with_name(name).read_text(encoding="utf-8") for name in names)
