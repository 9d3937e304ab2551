"""The first page of the book: what is generated for it, the list of chapters and the recordings."""

import re
from collections.abc import Mapping
from pathlib import Path

from muxlab.journal import contents
from muxlab.show.player import fragment
from muxlab.show.recording import Recording

RECORDING = re.compile(r"<!-- recording (?P<chapter>\d\d) (?P<kind>\w+) -->")

Recordings = Mapping[str, Recording]
"""The recordings of one chapter, by the id of the cell whose panel was recorded."""


def fill(text: str, chapters: Mapping[Path, Recordings], pages: list[str]) -> str:
    """Return the text of index.md with what its comments stand for.

    Args:
        text: the page as it is written.
        chapters: all chapters in their order, each with its recordings.
        pages: the names of the other pages that are written by hand.
    """
    text = text.replace("<!-- chapters -->", "\n".join(map(_entry, chapters)))
    text = text.replace("<!-- all chapters -->", "\n".join(f"chapters/{path.stem}" for path in chapters))
    text = text.replace("<!-- all pages -->", "\n".join(pages))
    every = {(path.name[:2], one.kind): one for path, these in chapters.items() for one in these.values()}
    first = min(RECORDING.finditer(text), key=lambda found: found.start()).group()

    def playing(found: re.Match[str]) -> str:
        recording = every.get((found["chapter"], found["kind"]))
        return as_block(fragment(recording, autoplay=found.group() == first)) if recording else ""

    return RECORDING.sub(playing, text)


def as_block(content: str) -> str:
    """Return HTML as a block of MyST that is passed on as it is."""
    return f"```````{{raw}} html\n{content}\n```````"


def _entry(path: Path) -> str:
    """Return a chapter as an item of the list: its title, promise and minutes."""
    chapter = contents.read(path)
    link = f"[{chapter.number} · {chapter.title}](chapters/{path.name})"
    return f"- {link} {chapter.promise} *{chapter.minutes} minutes*"
