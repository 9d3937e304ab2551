"""A notebook as a page of the book: the cells and outputs that are stored, and in some places something for readers.

What differs from the notebook: the title has its number, and a note that nothing runs here; the navigation is the
book's own, a question can be answered, a panel plays, and an exercise says where it can be worked on. Charts get the
words that a screen reader reads, and a link to a heading is written as Sphinx writes it, not as JupyterLab does.
"""

import re
from collections.abc import Mapping
from urllib.parse import unquote

from nbformat import NotebookNode, from_dict

from . import exercises, questions
from .questions import Question

START = "../index.html#start"
"""Where a page sends a reader who wants a kernel."""

NOTE = """{.book-bar}
Nothing runs in this book: below each cell is what it showed when we ran it, and the panels play recordings. To run
the cells, drag the sliders and press the buttons yourself, [open the notebook](../index.md#start). It takes two
commands."""
"""What every chapter says below its promise. book.js adds how many questions there are."""

FOLDED = "hide-input"  # the source of a cell with this tag is folded
TO_HEADING = re.compile(r"\]\((?P<page>[\w.]*)#(?P<heading>[^)\s]+)\)")

PICTURES = {"image/png", "image/svg+xml"}
"""What a recording stands for in a page: the picture of a panel, or a timeline."""


def as_page(notebook: NotebookNode, number: int, panels: Mapping[str, str]) -> NotebookNode:
    """Change a chapter into a page of the book, in place, and return it.

    Args:
        notebook: the chapter as it is stored, with outputs.
        number: of the chapter, for its title.
        panels: HTML that plays, by the id of the cell whose panel it stands for.
    """
    notebook.cells = [cell for cell in notebook.cells if "navigation" not in _tags(cell)]
    _begin(notebook, number)
    asked: NotebookNode | None = None
    for cell in notebook.cells:
        if cell.cell_type != "code":
            cell.source = TO_HEADING.sub(_link_to_heading, cell.source)
            continue
        if questions.question_in(cell):
            asked = cell
        elif asked and any(map(questions.is_outcome, cell.outputs)):
            _answerable(asked, cell)
            asked = None
        if name := exercises.exercise_in(cell):
            cell.outputs = [_html_output(exercises.exercise_html(name, START))]
        elif exercises.is_check(cell):
            cell.outputs = []  # it says that the answer is still as it was given: nobody can change that on a page
        elif cell.id in panels:
            playing = _html_output(panels[cell.id])
            cell.outputs = [playing if PICTURES & set(output.get("data", {})) else output for output in cell.outputs]
        _fit(cell)
        _describe_charts(cell)
    return notebook


def _answerable(asked: NotebookNode, experiment: NotebookNode) -> None:
    """Give a question what came out, and let the fold know where its experiment is."""
    question = questions.question_in(asked)
    assert isinstance(question, Question)
    for output in experiment.outputs:
        if questions.is_outcome(output):
            truth, result = questions.outcome_of(output, question)
            stored = output.data["text/html"]
            output.data = from_dict({"text/html": questions.outcome_html(question, stored)})
            _note(experiment, reveals=question.id)
    stored = asked.outputs[0].data["text/html"]
    asked.outputs = [_html_output(questions.question_html(question, truth, result, stored))]
    _note(asked, asks=question.id)
    asked.metadata["tags"] = [*_tags(asked) - {FOLDED}, "remove-input"]  # it says what each choice stands for


def _begin(notebook: NotebookNode, number: int) -> None:
    first = next(cell for cell in notebook.cells if cell.cell_type == "markdown" and cell.source.startswith("# "))
    title, promise, *rest = re.sub("^# ", f"# {number} · ", first.source).split("\n\n", 2)
    first.source = "\n\n".join([title, promise, NOTE, *rest])


def _link_to_heading(link: re.Match[str]) -> str:
    """Return a link whose heading is in small letters and without punctuation, as MyST names it."""
    heading = re.sub(r"[^\w-]", "", unquote(link["heading"]).lower())
    return f"]({link['page']}#{heading})"


def _describe_charts(cell: NotebookNode) -> None:
    """Let the words of a chart, which the notebook stores beside it, be its alternative text."""
    words = [output.data["text/plain"] for output in cell.outputs if "image/svg+xml" in output.get("data", {})]
    if words:
        cell.metadata["mystnb"] = {"image": {"alt": " ".join(words[0].split())}}


def _fit(cell: NotebookNode) -> None:
    """Fit a cell into its page: its source is folded, and what it shows as HTML has the page's links and headings."""
    if FOLDED in _tags(cell):
        _note(cell, source="folded")
        cell.metadata["tags"] = [*_tags(cell) - {FOLDED}]
    for output in cell.outputs:
        if content := output.get("data", {}).get("text/html"):
            content = re.sub(r'href="(\d\d_\w+)\.ipynb', r'href="\1.html', content)
            content = content.replace("<th></th>", "<td></td>")  # a heading that says nothing is none
            output.data["text/html"] = re.sub(r"<(/?)h4\b", r"<\1h3", content)  # all of them stand below a h2


def _note(cell: NotebookNode, **what: str) -> None:
    """Leave a note at a cell for fold.py."""
    cell.metadata["book"] = {**cell.metadata.get("book", {}), **what}


def _html_output(content: str) -> NotebookNode:
    return from_dict({"output_type": "display_data", "data": {"text/html": content}, "metadata": {}})


def _tags(cell: NotebookNode) -> set[str]:
    return set(cell.metadata.get("tags", []))
