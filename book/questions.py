"""A question of a chapter and what came out of its experiment, read from what the notebook stores of them.

The stored outputs are the only source: which choice is right stands in the output of `reveal`, where the experiment
itself has put it. On the page, the scripts of the notebook's own widgets (muxlab/show/browser) draw both; a browser
without scripts shows what is stored.
"""

import html
import json
import re
from dataclasses import dataclass
from string import ascii_lowercase

from nbformat import NotebookNode

from muxlab.show.predict import NONE

ASKED = re.compile(r"<p><em>Predict\.</em> (?P<question>.*?)</p><ul[^>]*>(?P<choices>.*)</ul>", re.DOTALL)
CHOICE = re.compile(r"<li>\([a-z]\) (.*?)</li>", re.DOTALL)
REVEALED = re.compile(r"\((?P<letter>[a-z])\) |none of these: (?P<result>.*)", re.DOTALL)


@dataclass(frozen=True)
class Question:
    """A question: its words and those of its choices, with code between backticks."""

    id: str
    text: str
    choices: list[str]


def question_in(cell: NotebookNode) -> Question | None:
    """Return the question that a cell asks, or None."""
    for output in cell.get("outputs", []):
        if found := ASKED.match(output.get("data", {}).get("text/html", "")):
            choices = [_with_backticks(choice) for choice in CHOICE.findall(found["choices"])]
            return Question(f"question-{cell.id}", _with_backticks(found["question"]), choices)
    return None


def is_outcome(output: NotebookNode) -> bool:
    """Tell whether an output is the line that `reveal` shows below an experiment."""
    return str(output.get("data", {}).get("text/html", "")).startswith("<p>→ ")


def outcome_of(output: NotebookNode, question: Question) -> tuple[int, str]:
    """Return the number of the choice that came out, from 0, and ""; or NONE, and the result in words.

    Raises:
        ValueError: the stored line names no choice of this question.
    """
    found = REVEALED.match(output.data["text/plain"])
    if found and found["result"] is not None:
        return NONE, found["result"]
    number = ascii_lowercase.index(found["letter"]) if found else len(question.choices)
    if number >= len(question.choices):
        raise ValueError(f"{output.data['text/plain']!r} is no choice of {question.text!r}: run `make notebooks`")
    return number, ""


def question_html(question: Question, truth: int, result: str, stored: str) -> str:
    """Return the question for the page, with what came out; `stored` is what a browser without scripts shows."""
    traits = {"question": question.text, "choices": question.choices, "truth": truth, "result": result}
    return (
        f'<div class="book-question" id="{question.id}" data-traits="{html.escape(json.dumps(traits))}">{stored}</div>'
    )


def outcome_html(question: Question, stored: str) -> str:
    """Return the place of the line below the experiment."""
    return f'<div class="book-outcome" data-question="{question.id}">{stored}</div>'


def _with_backticks(text: str) -> str:
    return html.unescape(re.sub("</?code>", "`", text))
