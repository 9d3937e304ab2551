"""The first page of the book: what is generated for it."""

import re
from pathlib import Path

import nbformat


def fill(text: str, chapters: list[Path], folder: Path) -> str:
    """Return the text of index.md with its lists: the chapters, and those pages that there are."""
    pages = [path.stem for path in sorted(folder.glob("*.md")) if path.stem != "index"]
    text = text.replace("<!-- chapters -->", "\n".join(map(_card, chapters)))
    text = text.replace("<!-- all chapters -->", "\n".join(f"chapters/{path.stem}" for path in chapters))
    return text.replace("<!-- all pages -->", "\n".join(pages))


def _card(path: Path) -> str:
    """Return a chapter as an item of the list: its number, title, promise and minutes."""
    notebook = nbformat.read(path, as_version=4)
    prose = "\n\n".join(cell.source for cell in notebook.cells[:2] if cell.cell_type == "markdown")
    found = re.match(r"# (?P<title>[^\n]+)\n\s*(?P<promise>.*?)\n\n", prose, re.DOTALL)
    minutes = re.search(r"[Aa]bout (\d+) minutes", prose)
    assert found, f"{path.name} begins with a title and its promise"
    promise = " ".join(found["promise"].split())
    time = f" *{minutes[1]} minutes.*" if minutes else ""
    return f"- [{int(path.name[:2])} · {found['title']}](chapters/{path.name}): {promise}{time}"
