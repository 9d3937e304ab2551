"""The chapters and pictures that come with the package, as they are handed out: without outputs.

A wheel holds them in the folder `notebooks` beside this file. In a checkout they are in its own `notebooks/`.
"""

import hashlib
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ..journal.place import CHAPTER


def course_folder() -> Path:
    """Return the folder that the package's own chapters are in.

    Raises:
        ValueError: the package was installed without them; says what to do.
    """
    here = Path(__file__)
    for folder in (here.with_name("notebooks"), here.parents[2] / "notebooks"):
        if chapters_in(folder):
            return folder
    raise ValueError(
        f"this muxlab ({here.parents[1]}) has no chapters with it; install it again, from its wheel or from a checkout"
    )


def chapters_in(folder: Path) -> list[Path]:
    """Return the chapters in a folder, in order."""
    return [path for path in sorted(folder.glob("*.ipynb")) if CHAPTER.fullmatch(path.name)]


def choose(names: Iterable[str], chapters: Sequence[Path]) -> list[Path]:
    """Return the chapters that are named: by number (05 or 5), by name or by path.

    Raises:
        ValueError: a name fits none of the chapters; says how they are numbered.
    """
    chosen = []
    for name in names:
        stem = Path(name).name.removesuffix(".ipynb")
        stem = stem.zfill(2) if stem.isdecimal() else stem
        fitting = [path for path in chapters if stem in (path.stem, path.stem.partition("_")[0])]
        if not fitting:
            raise ValueError(f"no chapter {name}; {_numbering(chapters)}")
        chosen += fitting
    return chosen


def _numbering(chapters: Sequence[Path]) -> str:
    if not chapters:
        return "there are none"
    first, last = (path.name[:2] for path in (chapters[0], chapters[-1]))
    return f"they are numbered {first} to {last}" if first != last else f"there is only {first}"


def handed_out(folder: Path) -> dict[str, bytes]:
    """Return the files of a copy of the chapters in `folder`, each by its path in the copy."""
    pictures = sorted(path for path in (folder / "pictures").glob("*") if path.is_file())
    files = {f"pictures/{path.name}": path.read_bytes() for path in pictures}
    return files | {path.name: without_outputs(path.read_bytes()) for path in chapters_in(folder)}


def language_info() -> dict[str, Any]:
    """Return what the kernel of this Python says about its language.

    JupyterLab writes it into every notebook that it opens. One that has it already is not changed by being opened.
    """
    return {
        "codemirror_mode": {"name": "ipython", "version": 3},
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "nbconvert_exporter": "python",
        "pygments_lexer": "ipython3",
        "version": sys.version.split()[0],
    }


def without_outputs(content: bytes) -> bytes:
    """Return a stored notebook without its outputs, so that no answer stands below its question."""
    notebook = json.loads(content)
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    notebook["metadata"]["language_info"] = language_info()
    return (json.dumps(notebook, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def digest(name: str, content: bytes) -> str:
    """Return a digest of what a learner can change in a file.

    In a notebook these are the cells, with their outputs. What the notebook as a whole says about itself is left out:
    JupyterLab writes its kernel's details there as soon as the notebook is opened.
    """
    if name.endswith(".ipynb"):
        try:
            cells = [{**cell, "source": "".join(cell["source"])} for cell in json.loads(content)["cells"]]
            content = json.dumps(cells, sort_keys=True).encode()
        except (ValueError, LookupError, TypeError, RecursionError):
            pass  # not a notebook any more: whatever it is, it is the learner's
    return hashlib.sha256(content).hexdigest()
