"""The whole way to the website: put its source together in `_build/source`, and let Sphinx build `_build/html`.

The source holds the chapters as pages, the pages that are written by hand, the pictures, and the scripts and styles of
the package's own panels.
"""

import contextlib
import hashlib
import json
import re
import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
from sphinx.cmd.build import build_main

from muxlab.lab.chapters import chapters_in
from muxlab.show.player import EXPORT
from muxlab.show.predict import Outcome, Prediction
from muxlab.show.recording import Recording

from . import landing, record
from .chapter import as_page

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
BUILD = HERE / "_build"
NOTEBOOKS = ROOT / "notebooks"

AT_ONCE = 3
"""Chapters that are recorded at the same time."""

RECORDERS = "record.py", "needed.py", "stories.py", "step_stories.py"
"""What decides, beside a chapter and the package, what is recorded."""

FOLDERS = {NOTEBOOKS / "pictures": "chapters/pictures", HERE / "pictures": "pictures", HERE / "static": "_static"}
"""What is copied as it is, and where to."""

TO_CHAPTER = re.compile(r"\]\(\.\./notebooks/")


def build(target: Path = BUILD, numbers: Sequence[str] | None = None) -> int:
    """Build the book into `target`/html, and return the exit status of Sphinx: a warning is a failure.

    Args:
        target: the folder to build in; what an earlier build left there is used again where it is still right.
        numbers: "05" for each chapter whose panels are recorded; in the others their stored pictures are shown. None
            for all chapters.

    Raises:
        NotRecorded: a panel could not be recorded.
    """
    source = target / "source"
    there = chapters()
    wanted = [path for path in there if numbers is None or path.name[:2] in numbers]
    gather(source, {path: {} for path in there} | record_all(wanted, target / "recordings"))
    arguments = ["-b", "html", "-c", str(HERE), "-d", str(target / "doctrees"), "-W", "--keep-going", "-q"]
    arguments += ["-D", f"html_static_path={source / '_static'}"]
    status = build_main([*arguments, str(source), str(target / "html")])
    if status == 0:
        print(f"The book is in {target / 'html' / 'index.html'}")
    return status


def chapters() -> list[Path]:
    """Return the paths of all chapters, in their order."""
    return chapters_in(NOTEBOOKS)


def gather(source: Path, recorded: Mapping[Path, landing.Recordings]) -> None:
    """Put together what Sphinx reads, in the folder `source`. A file that would be the same again is left alone.

    Args:
        source: the folder.
        recorded: all chapters in their order, each with its recordings.
    """
    written = set()
    for path, recordings in recorded.items():
        page = as_page(nbformat.read(path, as_version=4), int(path.name[:2]), _playing(recordings))
        written.add(_write(source / "chapters" / path.name, nbformat.writes(page)))
    pages = sorted(path.stem for path in HERE.glob("*.md") if path.stem != "index")
    for name in ["index", *pages]:
        text = HERE.joinpath(f"{name}.md").read_text(encoding="utf-8")
        text = landing.fill(text, recorded, pages) if name == "index" else text
        written.add(_write(source / f"{name}.md", TO_CHAPTER.sub("](chapters/", text)))
    for path in {*source.glob("*.md"), *source.glob("chapters/*.ipynb")} - written:
        path.unlink()  # a page that is not part of the book any more
    _write_panel_files(source / "_static")
    for folder, there in FOLDERS.items():
        shutil.copytree(folder, source / there, dirs_exist_ok=True)


def record_all(paths: Sequence[Path], folder: Path) -> dict[Path, landing.Recordings]:
    """Record the panels of chapters, a few at a time: servers and clients mostly wait.

    Args:
        paths: the chapters.
        folder: what is recorded is kept here, and used again until the chapter, the package or the stories change.
    """
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip(paths, pool.map(lambda path: _recorded(path, folder), paths), strict=True))


def _recorded(path: Path, folder: Path) -> landing.Recordings:
    digest = hashlib.sha256()
    for file in [path, *sorted(ROOT.glob("muxlab/**/*.py")), *sorted(map(HERE.joinpath, RECORDERS))]:
        digest.update(file.read_bytes())
    kept = folder / f"{path.stem}-{digest.hexdigest()[:16]}.json"
    if kept.is_file():
        stored = json.loads(kept.read_text(encoding="utf-8"))
        return {cell: Recording.from_json(text) for cell, text in stored.items()}
    recordings = record.recordings(path)
    for old in folder.glob(f"{path.stem}-*.json"):
        old.unlink()
    _write(kept, json.dumps({cell: one.to_json() for cell, one in recordings.items()}))
    return recordings


def _playing(recordings: landing.Recordings) -> dict[str, str]:
    """Return HTML that plays a chapter's recordings; the script of a kind of panel is needed once in a page."""
    playing: dict[str, str] = {}
    kinds: set[str] = set()
    for cell, recording in recordings.items():
        playing[cell] = recording.to_html(player=recording.kind not in kinds)
        kinds.add(recording.kind)
    return playing


def _write_panel_files(static: Path) -> None:
    """Write the script and the style of the questions, which are those of the notebook's widgets."""
    ask, tell = _as_function("askQuestion", str(Prediction._esm)), _as_function("tellOutcome", str(Outcome._esm))
    _write(static / "questions.js", ask + tell)
    _write(static / "panels.css", str(Prediction._css))


def _as_function(name: str, module: str) -> str:
    """Return a widget's script, a module, as a function: a page that is opened as a file may load no module."""
    body = module.replace(EXPORT, "return render;")
    return f"const {name} = (() => {{\n{body}\n}})();\n"


def _write(path: Path, text: str) -> Path:
    """Write a file, unless it is there with this text, so that Sphinx reads again only what is new."""
    with contextlib.suppress(OSError):
        if path.read_text(encoding="utf-8") == text:
            return path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path
