"""Record what the experiments of chapter 13, part (c), return, for systems that do not allow io_uring.

    record_ring.py          run the part's cells here, and write what they returned into the package
    record_ring.py --check  run them, and exit with 1 if one of the strict cells prints anything but what is stored

The second is for a system without io_uring: it shows that the chapter's text fits what was recorded.
"""

import argparse
import contextlib
import io
import json
import platform
import sys
from pathlib import Path
from types import SimpleNamespace

import matplotlib
import nbformat
from nbformat import NotebookNode

import muxlab
from muxlab.measure import ring_results

CHAPTER = Path(__file__).resolve().parent.parent / "notebooks" / "13_look_beyond.ipynb"


def part_c(chapter: Path) -> list[NotebookNode]:
    """Return the code cells of part (c), without its questions."""
    found, inside = [], False
    for cell in nbformat.read(chapter, as_version=4).cells:
        if cell.cell_type == "markdown" and cell.source.startswith("## "):
            inside = cell.source.startswith("## Part (c)")
        elif inside and cell.cell_type == "code" and "muxlab.predict(" not in cell.source:
            found.append(cell)
    return found


def run(cells: list[NotebookNode]) -> list[str]:
    """Run the cells, one after the other; return what each has printed."""
    names = {"muxlab": muxlab, "guess": SimpleNamespace(reveal=lambda result: None)}
    printed = []
    for cell in cells:
        with contextlib.redirect_stdout(io.StringIO()) as text:
            exec(compile(cell.source, CHAPTER.name, "exec"), names)
        printed.append(text.getvalue())
    return printed


def stored(cell: NotebookNode) -> str:
    """Return what a cell has printed when the chapter was run."""
    return "".join(output.text for output in cell.outputs if output.output_type == "stream")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare with what is stored, and write nothing")
    parser.add_argument("chapter", nargs="?", type=Path, default=CHAPTER)
    options = parser.parse_args()
    matplotlib.use("agg")
    cells = part_c(options.chapter)
    if not cells:
        sys.exit(f"{options.chapter} has no part (c)")
    printed = run(cells)
    if not options.check:
        machine = f"{platform.system()} {'.'.join(platform.release().split('.')[:2])}"
        found = {"machine": machine, "results": ring_results.results}
        ring_results.RECORDING.write_text(json.dumps(found, indent=1) + "\n")
        return
    strict = [
        (cell, text)
        for cell, text in zip(cells, printed, strict=True)
        if "nbval-ignore-output" not in cell.metadata.get("tags", [])
    ]
    wrong = [f"stored:\n{stored(cell)}printed:\n{text}" for cell, text in strict if stored(cell) != text]
    sys.exit("\n".join(wrong) if wrong else 0)


if __name__ == "__main__":
    main()
