"""An extension of Sphinx: what follows a question is folded, until the reader has answered it or asks to be shown.

Folded are the outputs of the experiment and all that comes after it, up to the next question or the next heading. The
experiment's code stays in sight: it is what the question is about. A fold is a `details` element, so it opens without
a script, and by the keyboard; book.js opens it when the question is answered. The source of a cell that a reader need
not see is folded in the same way.
"""

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.util import logging

ANSWER = "Show me what happens", "What happens"
SOURCE = "Show the code", "The code"
"""What the line says while what is below it is folded, and while it is not."""

logger = logging.getLogger(__name__)


class fold(nodes.General, nodes.Element):
    """Nodes that are hidden below a line with `words`; those of a fold that `asks` wait for an answer."""


class Fold(SphinxTransform):
    """Folds what chapter.py has noted in the cells of a page."""

    default_priority = 900  # when the page is whole

    def apply(self, **kwargs: Any) -> None:
        """Fold the page."""
        for cell in list(self.document.findall(nodes.container)):
            notes = _notes(cell)
            if notes.get("source") == "folded":
                fold_source(cell)
            if question := notes.get("asks"):
                fold_after(cell, question)


def fold_source(cell: nodes.Element) -> None:
    """Fold the source of a cell."""
    for source in _parts(cell, "cell_input"):
        cell.replace(source, fold("", source, words=SOURCE))


def fold_after(asking: nodes.Element, question: str) -> None:
    """Fold what follows the cell `asking`: what its experiment shows, and all up to the next question or heading."""
    siblings = asking.parent.children
    after = siblings[siblings.index(asking) + 1 :]
    end = next((place for place, node in enumerate(after) if _ends(node)), len(after))
    start = next((place for place, node in enumerate(after[:end]) if _notes(node).get("reveals") == question), None)
    if start is None:
        logger.warning("%s: its experiment does not follow it before the next heading", question, location=asking)
        return
    experiment, rest = after[start], after[start + 1 : end]
    outputs = _parts(experiment, "cell_output")
    for output in outputs:
        experiment.remove(output)
    for node in rest:
        asking.parent.remove(node)
    shown = nodes.container("", *outputs, classes=["cell"])  # the style sheets look for an output within a cell
    asking.parent.insert(asking.parent.index(experiment) + 1, fold("", shown, *rest, words=ANSWER, asks=question))


def _parts(cell: nodes.Element, kind: str) -> list[nodes.Element]:
    """Return the parts of a cell that are of this kind: "cell_input" or "cell_output"."""
    return [part for part in cell.children if kind in part["classes"]]


def _notes(node: nodes.Node) -> dict[str, str]:
    """Return what chapter.py has noted at a cell."""
    metadata = node.get("cell_metadata", {}) if isinstance(node, nodes.Element) else {}
    return dict(metadata.get("book", {}))


def _ends(node: nodes.Node) -> bool:
    return isinstance(node, nodes.section) or "asks" in _notes(node)


def visit_fold(translator: Any, node: fold) -> None:
    """Write the beginning of a fold."""
    asks = f' data-question="{node["asks"]}"' if "asks" in node else ""
    kind = "book-fold" if asks else "book-source"
    folded, open_ = node["words"]
    summary = f'<summary><span class="book-closed">{folded}</span><span class="book-open">{open_}</span></summary>'
    translator.body.append(f'<details class="{kind}"{asks}>{summary}\n')


def depart_fold(translator: Any, node: fold) -> None:
    """Write the end of a fold."""
    translator.body.append("</details>\n")


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx about the fold."""
    app.add_node(fold, html=(visit_fold, depart_fold))
    app.add_transform(Fold)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
