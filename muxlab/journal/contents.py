"""What there is in a chapter: its title and promise, the minutes that it takes, its cells and its questions.

A chapter is a notebook, and its text says all of this; so nothing is written down a second time.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path

HEADING = re.compile(r"^# +([^\n]+)\n\s*((?!#)\S.*?)\s*(?:\n\n|\Z)", re.MULTILINE | re.DOTALL)
MINUTES = re.compile(r"\b[Aa]bout (\d+) minutes")
QUESTION = re.compile(r"^(\w+ = )?muxlab\.predict\(", re.MULTILINE)
"""A cell that asks for a prediction."""


@dataclass(frozen=True)
class Contents:
    """What there is in a chapter.

    Attributes:
        name: "05_scale_with_epoll", as the file, without its ending.
        title: its heading, without a number.
        promise: the paragraph after it, in markdown.
        minutes: how long it takes a reader; 0 when it does not say.
        cells: the ids of its code cells, those that are empty left out.
        questions: the ids of those among them that ask for a prediction.
    """

    name: str
    title: str
    promise: str
    minutes: int
    cells: tuple[str, ...]
    questions: tuple[str, ...]

    @property
    def number(self) -> int:
        """The chapter's number."""
        return int(self.name[:2])


def read(path: Path) -> Contents:
    """Return what there is in the chapter stored at `path`.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is not a notebook, or has no heading with a paragraph after it.
    """
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        sources = [(cell["cell_type"], cell.get("id", ""), "".join(cell["source"])) for cell in cells]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"{path.name} is not a notebook: {error!r}") from None
    title, promise = heading(path.name, [source for kind, _, source in sources if kind == "markdown"])
    minutes = next((int(found[1]) for _, _, source in sources if (found := MINUTES.search(source))), 0)
    code = [(name, source) for kind, name, source in sources if kind == "code" and source.strip()]
    questions = tuple(name for name, source in code if QUESTION.search(source))
    return Contents(path.stem, title, promise, minutes, tuple(name for name, _ in code), questions)


def heading(name: str, markdown: list[str]) -> tuple[str, str]:
    """Return a chapter's title (its first heading) and promise (the first paragraph after it), in markdown.

    The title comes without the chapter's number, should it begin with that.

    Args:
        name: the name of the chapter's file.
        markdown: the sources of its markdown cells.

    Raises:
        ValueError: one of the two is missing.
    """
    found = HEADING.search("\n\n".join(markdown))
    if not found:
        raise ValueError(f"{name}: no `# Title` with a paragraph after it")
    title = re.sub(rf"^(?:chapter )?0?{int(name[:2])}\b[\s.:·–—-]*", "", found[1], flags=re.IGNORECASE)
    return title, " ".join(found[2].split())


def cell_id(kind: str, source: str) -> str:
    """Return the id that the course gives to a cell of this kind, "code" or "markdown": it is made of the source."""
    return hashlib.sha1((kind + source).encode()).hexdigest()[:8]
