"""Check the links of all pages: README and its neighbours, the chapters, and the pages of book/ and benchmarks/.

    python tools/links.py check   exit with 1 and a line for each inner link that leads nowhere
    python tools/links.py list    list the outer links, each with the pages that it is on; none of them is fetched

An inner link leads to a file of the project, or to a heading. A chapter may link to chapters and their pictures only: a
learner's copy holds nothing else.
"""

import argparse
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).resolve().parent.parent
PAGES = ("*.md", "benchmarks/*.md", "book/*.md", "notebooks/*.ipynb")
MARKDOWN = MarkdownIt("commonmark").enable("table")


@dataclass
class Page:
    """A page: where its links lead, and the headings that a link may lead to.

    Attributes:
        path: the file.
        targets: of all links and pictures, as they are written.
        anchors: the part of a link after "#", for each heading.
    """

    path: Path
    targets: list[str] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)


class HtmlLinks(HTMLParser):
    """The links and pictures in a piece of HTML, and the names that links may lead to."""

    def __init__(self, page: Page) -> None:
        super().__init__()
        self.page = page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note where an element leads, and what it is called."""
        for name, value in attrs:
            if name in ("href", "src") and value:
                self.page.targets.append(value)
            elif name == "srcset" and value:
                self.page.targets += [picture.split()[0] for picture in value.split(",")]
            elif name == "id" and value:
                self.page.anchors.add(value)


def read(path: Path) -> Page:
    """Return a page with its links and headings."""
    page = Page(path)
    if path.suffix == ".ipynb":
        notebook = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
        texts = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    else:
        texts = [path.read_text(encoding="utf-8")]
    for text in texts:
        tokens = MARKDOWN.parse(text)
        for place, token in enumerate(tokens):
            if token.type == "heading_open":
                page.anchors.add(_anchor(tokens[place + 1], path))
        page.anchors.update(
            re.findall(r"^\(([\w-]+)\)=$", text, re.MULTILINE)
        )  # how MyST, which the book is written in, names a place
        for token in _all(tokens):
            if token.type in ("html_block", "html_inline"):
                HtmlLinks(page).feed(token.content)
            page.targets += [str(token.attrs[name]) for name in ("href", "src") if name in token.attrs]
    return page


def _all(tokens: list[Token]) -> Iterator[Token]:
    """Go through tokens and those inside them: links are inside a paragraph's, and pictures may be inside a link's."""
    for token in tokens:
        yield token
        yield from _all(token.children or [])


def _anchor(heading: Token, path: Path) -> str:
    """Return what a link to a heading has after "#": JupyterLab keeps capital letters, and GitHub makes them small."""
    text = "".join(token.content for token in heading.children or [] if token.type in ("text", "code_inline")).strip()
    if path.suffix == ".ipynb":
        return text.replace(" ", "-")
    return re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")


def is_outer(target: str) -> bool:
    """Return whether a link leads out of the project."""
    return bool(urlsplit(target).scheme or urlsplit(target).netloc)


def pages(root: Path) -> list[Page]:
    """Return all pages of the project in the folder `root`."""
    return [read(path) for pattern in PAGES for path in sorted(root.glob(pattern))]


def dead_links(found: list[Page], root: Path) -> list[str]:
    """Return a line for each inner link that leads nowhere, or out of what a learner's copy holds.

    Args:
        found: the pages, which may lead to each other's headings.
        root: the folder of the project.
    """
    anchors = {page.path.resolve(): page.anchors for page in found}
    lines = []
    for page in found:
        for target in filter(lambda target: not is_outer(target), page.targets):
            file, _, heading = unquote(target).partition("#")
            if page.path.parent == root / "book":
                file = re.sub(r"^chapters/", "../notebooks/", file)  # where the book has them
            goal = (page.path.parent / file).resolve() if file else page.path.resolve()
            where = f"{page.path.relative_to(root)}: {target}"
            if not goal.exists():
                lines.append(f"{where} leads to no file")
            elif heading and goal in anchors and heading not in anchors[goal]:
                close = [anchor for anchor in anchors[goal] if anchor.lower() == heading.lower()]
                lines.append(f"{where} leads to no heading" + (f"; there is #{close[0]}" if close else ""))
            elif page.path.suffix == ".ipynb" and page.path.parent.resolve() not in goal.parents:
                lines.append(f"{where} is outside a learner's copy, which holds the chapters and their pictures only")
    return lines


def outer_links(found: list[Page], root: Path) -> dict[str, list[str]]:
    """Return where the pages link to outside the project, without the part after "#", each with the pages' names."""
    links: dict[str, set[str]] = {}
    for page in found:
        for target in filter(is_outer, page.targets):
            links.setdefault(target.partition("#")[0], set()).add(str(page.path.relative_to(root)))
    return {target: sorted(links[target]) for target in sorted(links)}


def main(arguments: list[str] | None = None) -> int:
    """Run the command line, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["check", "list"])
    parser.add_argument("--folder", type=Path, default=ROOT, help="folder of the project")
    options = parser.parse_args(arguments)
    root = options.folder.resolve()
    found = pages(root)
    if options.command == "list":
        for target, names in outer_links(found, root).items():
            print(target, *names, sep="\n    ")
        return 0
    lines = dead_links(found, root)
    print(*lines, sep="\n", end="\n" if lines else "", file=sys.stderr)
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
