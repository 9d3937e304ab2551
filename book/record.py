"""The recordings of a chapter: each panel's cell run once more, by real servers, with the story written for it.

    python -m book.record NOTEBOOK   prints one line of JSON for each panel: its cell, and the recording

The cells run in a process of their own, which has run nothing else: what a cell needs of the chapter is found by
`needed`. A story that the panel does not bear out (`UntrueCaption`) fails the build.
"""

from __future__ import annotations

import ast
import contextlib
import json
import linecache
import re
import subprocess
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat

from muxlab.show.recording import NotARecording, Recording
from muxlab.show.story import Scene
from muxlab.show.timeline_recording import record_timeline

from .needed import needed
from .stories import STORIES

ROOT = Path(__file__).resolve().parent.parent
TIMELINE = re.compile(r"\bmuxlab\.show\.(timeline|compare)\(")
PANEL = re.compile(r"^muxlab\.show\.(stepper|duel|playground|crowds|race)\(", re.MULTILINE)
SECONDS = 60  # for all panels of a chapter: a few seconds each


class NotRecorded(RuntimeError):
    """A chapter's panels could not be recorded; the text is the child's traceback."""


def recordings(path: Path, cells: list[str] | None = None) -> dict[str, Recording]:
    """Record the panels of a chapter, and its timelines as they are stored; return {cell id: recording}.

    Args:
        path: the notebook.
        cells: the ids of those panels' cells that are wanted; None for all.

    Raises:
        NotRecorded: a cell raised, a caption was not true, or it took longer than `SECONDS`.
    """
    recorded = {cell: one for cell, one in timelines(path).items() if cells is None or cell in cells}
    wanted = [cell for cell in panels(path) if cells is None or cell in cells]
    if not wanted:
        return recorded
    command = [sys.executable, "-m", "book.record", str(path.resolve()), *wanted]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise NotRecorded(f"{path.name}: its panels took longer than {SECONDS} s to record") from error
    if done.returncode:
        raise NotRecorded(f"{path.name}:\n{done.stderr}")
    lines = (json.loads(line) for line in done.stdout.splitlines())
    return recorded | {cell: Recording.from_json(text) for cell, text in lines}


def panels(path: Path) -> dict[str, str]:
    """Return the cells of a chapter that end with a panel, and its kind: {cell id: "stepper"}."""
    notebook = nbformat.read(path, as_version=4)
    code = (cell for cell in notebook.cells if cell.cell_type == "code")
    return {cell.id: found[1] for cell in code if (found := PANEL.search(cell.source))}


def timelines(path: Path) -> dict[str, Recording]:
    """Return a recording of each timeline in a chapter, made from its stored picture: {cell id: recording}."""
    recorded = {}
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code" and TIMELINE.search(cell.source):
            charts = (output.get("data", {}).get("image/svg+xml") for output in cell.outputs)
            for chart in filter(None, charts):
                with contextlib.suppress(NotARecording):  # its marks are too many: it stays a picture
                    recorded[cell.id] = record_timeline(chart)
    return recorded


def story_of(path: Path, kind: str) -> Sequence[Scene]:
    """Return the story for the panel of this kind in a chapter."""
    try:
        return STORIES[path.name[:2]][kind]
    except KeyError:
        raise NotRecorded(f"{path.name} has a {kind}, and book/stories.py no story for it: write one") from None


# ---- in the child


def record(path: Path, cell: str, kind: str) -> Recording:
    """Run what a panel's cell needs, and the cell, and record its panel."""
    import muxlab

    panel = _panel_of(path, cell)
    try:
        recording: Recording = panel.record(story_of(path, kind))
        return recording
    finally:
        panel.close()
        muxlab.stop_all()


def _panel_of(path: Path, wanted: str) -> Any:
    """Return the panel that a cell makes; each cell has a file name of its own, so that its source can be shown."""
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    last = next(place for place, cell in enumerate(code) if cell.id == wanted)
    space: dict[str, Any] = {"__name__": "__main__"}
    panel = None
    for number, module in needed([cell.source for cell in code[: last + 1]]):
        file = f"<cell {code[number].id} of {path.stem}>"
        linecache.cache[file] = (len(code[number].source), None, code[number].source.splitlines(keepends=True), file)
        final = module.body.pop() if number == last else None
        exec(compile(module, file, "exec"), space)
        if isinstance(final, ast.Expr):
            panel = eval(compile(ast.Expression(final.value), file, "eval"), space)
    return panel


def main(arguments: list[str]) -> int:
    """Record some cells of a notebook, and print each recording when it is there."""
    path, wanted = Path(arguments[0]), arguments[1:]
    kinds = panels(path)
    for cell in wanted or kinds:
        try:
            recording = record(path, cell, kinds[cell])
        except Exception:
            traceback.print_exc()
            print(f"while cell {cell}, a {kinds[cell]}, was recorded", file=sys.stderr)
            return 1
        print(json.dumps([cell, recording.to_json()]), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
