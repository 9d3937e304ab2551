"""An extension of Sphinx: what follows a question is folded, until the reader has answered it or asks to be shown.

Folded are the outputs of the experiment and all that comes after it, up to the next question or the next heading. The
experiment's code stays in sight: it is what the question is about. The fold is a `details` element, so it opens
without a script, and by the keyboard; book.js opens it when the question is answered.
"""

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.util import logging

WORDS = "Show me what happens"

logger = logging.getLogger(__name__)


class fold(nodes.General, nodes.Element):
    """Nodes that are hidden until the question named `asks` is answered."""


class FoldAnswers(SphinxTransform):
    """Puts what follows each question of a page into a fold."""

    default_priority = 900  # when the page is whole

    def apply(self, **kwargs: Any) -> None:
        """Fold the page."""
        for cell in list(self.document.findall(nodes.container)):
            if question := _book(cell).get("asks"):
                _fold_after(cell, question)


def _fold_after(asking: nodes.Element, question: str) -> None:
    siblings = asking.parent.children
    after = siblings[siblings.index(asking) + 1 :]
    end = next((place for place, node in enumerate(after) if _ends(node)), len(after))
    start = next((place for place, node in enumerate(after[:end]) if _book(node).get("reveals") == question), None)
    if start is None:
        logger.warning("%s: its experiment does not follow it before the next heading", question, location=asking)
        return
    experiment = after[start]
    outputs = [child for child in experiment.children if "cell_output" in child["classes"]]
    around = nodes.container("", *outputs, classes=["cell"])  # the style sheets look for an output in a cell
    hidden = fold("", around, *after[start + 1 : end], asks=question)
    for child in outputs:
        experiment.remove(child)
    for node in after[start + 1 : end]:
        asking.parent.remove(node)
    asking.parent.insert(asking.parent.index(experiment) + 1, hidden)


def _book(node: nodes.Node) -> dict[str, str]:
    """Return what chapter.py has noted at a cell."""
    metadata = node.get("cell_metadata", {}) if isinstance(node, nodes.Element) else {}
    found = metadata.get("book", {})
    return found if isinstance(found, dict) else {}


def _ends(node: nodes.Node) -> bool:
    return isinstance(node, nodes.section) or "asks" in _book(node)


def visit_fold(translator: Any, node: fold) -> None:
    """Write the beginning of a fold."""
    translator.body.append(f'<details class="book-fold" data-question="{node["asks"]}"><summary>{WORDS}</summary>\n')


def depart_fold(translator: Any, node: fold) -> None:
    """Write the end of a fold."""
    translator.body.append("</details>\n")


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx about the fold."""
    app.add_node(fold, html=(visit_fold, depart_fold))
    app.add_transform(FoldAnswers)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
