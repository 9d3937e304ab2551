"""The whole way to the website: put its source together in `_build/source`, and let Sphinx build `_build/html`.

The source holds the chapters as pages, the pages that are written by hand, the pictures, and the scripts and styles of
the package's own panels.
"""

import contextlib
import importlib
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

import nbformat
from sphinx.cmd.build import build_main

from muxlab.show import panel

from . import landing
from .chapter import as_page

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
BUILD = HERE / "_build"
NOTEBOOKS = ROOT / "notebooks"

Panels = Mapping[str, str]


def build(target: Path = BUILD, with_recordings: bool = True) -> int:
    """Build the book into `target`/html, and return the exit status of Sphinx: a warning is a failure.

    Args:
        target: the folder to build in; what an earlier build left there is used again where it is still right.
        with_recordings: play recordings in place of the panels; else their stored pictures are shown.
    """
    source = target / "source"
    gather(source, with_recordings)
    arguments = ["-b", "html", "-c", str(HERE), "-d", str(target / "doctrees"), "-W", "--keep-going", "-q"]
    arguments += ["-D", f"html_static_path={source / '_static'}"]
    status = build_main([*arguments, str(source), str(target / "html")])
    if status == 0:
        print(f"The book is in {target / 'html' / 'index.html'}")
    return status


def chapters() -> list[Path]:
    """Return the paths of all chapters, in their order."""
    return sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))


def gather(source: Path, with_recordings: bool) -> None:
    """Put together what Sphinx reads, in the folder `source`. A file that would be the same again is left alone."""
    written = {source / name for name in _panel_files(source / "_static")}
    for path in chapters():
        notebook = nbformat.read(path, as_version=4)
        panels = _recorded(path) if with_recordings else {}
        page = as_page(notebook, int(path.name[:2]), panels)
        written.add(_write(source / "chapters" / path.name, nbformat.writes(page)))
    for path in sorted(HERE.glob("*.md")):
        written.add(_write(source / path.name, _page(path)))
    for folder, there in ((NOTEBOOKS / "pictures", "chapters/pictures"), (HERE / "static", "_static")):
        shutil.copytree(folder, source / there, dirs_exist_ok=True)
    for path in [*source.glob("*.md"), *source.glob("chapters/*.ipynb")]:
        if path not in written:
            path.unlink()  # a page that is no more


def _page(path: Path) -> str:
    """Return a page that is written by hand, with links to chapters as they are in the book."""
    text = re.sub(r"\]\(\.\./notebooks/", "](chapters/", path.read_text(encoding="utf-8"))
    return landing.fill(text, chapters(), HERE) if path.stem == "index" else text


def _recorded(path: Path) -> Panels:
    """Return HTML that plays a chapter's panels, by the id of the cell."""
    try:
        record = importlib.import_module("book.record")
    except ModuleNotFoundError:  # until there is one
        return {}
    return {cell: recording.to_html() for cell, recording in record.recordings(path).items()}


def _panel_files(static: Path) -> list[str]:
    """Write the script and the style of the questions, which are those of the notebook's widgets."""
    ask = _as_function("askQuestion", panel.read_script("prediction.js", "predict.js"))
    tell = _as_function("tellOutcome", panel.read_script("prediction.js", "outcome.js"))
    _write(static / "questions.js", ask + tell)
    _write(static / "panels.css", panel.read_style("predict.css"))
    return []


def _as_function(name: str, module: str) -> str:
    """Return a widget's script, a module, as a function: a page that is opened as a file may load no module."""
    body = module.replace("export default { render };", "return render;")
    return f"const {name} = (() => {{\n{body}\n}})();\n"


def _write(path: Path, text: str) -> Path:
    """Write a file, unless it is there with this text, so that Sphinx reads again only what is new."""
    with contextlib.suppress(OSError):
        if path.read_text(encoding="utf-8") == text:
            return path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path
