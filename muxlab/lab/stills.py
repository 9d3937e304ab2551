"""What a saved chapter shows of its panels and questions once their kernels have ended: a still picture, or a text.

In a notebook, a panel is stored as a reference to a widget in its kernel, beside the picture or text for everybody who
cannot show that. JupyterLab prefers the reference, and when its kernel is gone writes "Error displaying widget: model
not found". Without the reference it shows the picture. So before JupyterLab starts, when no kernel of the copy is
running, the references are taken out.

JupyterLab can save the widgets themselves (`saveState`). That keeps all their scripts in the notebook, which counts as
changed as soon as it is opened; and each button looks alive or has a red broken link beside it.
"""

import os
from pathlib import Path
from typing import Any

from ..shared_files import replaced
from .chapters import chapters_in

REFERENCE = "application/vnd.jupyter.widget-view+json"
SAVED = "application/vnd.jupyter.widget-state+json"

NOTE = "Saved earlier. To answer, run this cell again."
"""Below a question. The picture of a panel and the text of an exercise say so themselves."""


def leave_stills(folder: Path, unfinished: Path) -> list[str]:
    """Take references to widgets that are gone out of the chapters in `folder`; return the names of those changed.

    What the learner has written, and every other output, stays as it is. So does a chapter that cannot be read.

    Args:
        folder: the learner's copy, of which no kernel is running.
        unfinished: where a chapter is until it is written, see `replaced`.

    Raises:
        OSError: a chapter cannot be written.
    """
    changed = []
    for path in chapters_in(folder):
        content = path.read_bytes()
        if path.is_symlink() or REFERENCE.encode() not in content:  # what a link leads to lies elsewhere
            continue
        try:
            new = _with_stills(content)
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            continue  # not a notebook any more: whatever it is, it is the learner's
        if new is not None:
            with replaced(path, unfinished) as file:
                os.fchmod(file.fileno(), path.stat().st_mode & 0o777)
                file.write(new)
            changed.append(path.name)
    return changed


def _with_stills(content: bytes) -> bytes | None:
    """Return a notebook without references to widgets that are gone; None when it has none of these.

    JupyterLab trusts a notebook that it has saved itself, by a signature. It trusts the new one if it trusted the old.
    """
    import nbformat  # here, because these take a second, and most copies have nothing to change
    from nbformat.sign import NotebookNotary

    try:
        notebook = nbformat.reads(content.decode(), as_version=4)
    except nbformat.ValidationError as error:
        raise ValueError(error) from None
    notary = NotebookNotary()
    try:
        is_trusted = notary.check_signature(notebook)
        saved = _saved_widgets(notebook)
        changed = [cell for cell in notebook.cells if _leave_stills_in(cell, saved)]
        if not changed:
            return None
        if is_trusted:
            notary.sign(notebook)
    finally:
        notary.store.close()
    return (nbformat.writes(notebook).rstrip("\n") + "\n").encode()


def _saved_widgets(notebook: Any) -> Any:
    """Return the widgets that are stored in the notebook itself, by their ids, as VS Code does it."""
    return notebook.metadata.get("widgets", {}).get(SAVED, {}).get("state", {})


def _leave_stills_in(cell: Any, saved: Any) -> bool:
    """Take the references out of a cell, put the note below what needs it, and tell whether the cell has changed."""
    outputs, needs_note, changed = [], False, False
    for output in cell.get("outputs", []):
        reference = output.get("data", {}).get(REFERENCE)
        if reference is None or reference.get("model_id") in saved:
            outputs.append(output)
            continue
        changed = True
        del output.data[REFERENCE]
        if output.output_type == "display_data" and output.data.keys() <= {"text/plain"}:
            continue  # a progress bar, which had left the page when its work was done
        outputs.append(output)
        says_so = "image/png" in output.data or "Run this cell" in output.data.get("text/html", "")
        if output.output_type == "execute_result" and not says_so:
            needs_note = True  # a question; not the verdict on an answer, which is displayed
    if needs_note:
        note = {"text/html": f"<p><em>{NOTE}</em></p>", "text/plain": NOTE}
        outputs.append(type(cell)(output_type="display_data", data=note, metadata={}))
    if changed:
        cell.outputs = outputs
    return changed
