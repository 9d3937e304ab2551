"""The book: questions read from stored outputs, chapters as pages, exercises, what is folded, the first page.

How the built pages behave is in tests/browser/test_book.py.
"""

import html
import re
from pathlib import Path

import nbformat
import pytest
from docutils import nodes
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

import muxlab
from book import chapter, exercises, fold, landing, questions, site
from muxlab.show.predict import NONE, Prediction

ROOT = Path(__file__).resolve().parent.parent
ASKED = (
    "<p><em>Predict.</em> What does <code>recv</code> say?</p>"
    "<ul><li>(a) <code>b&#x27;&#x27;</code></li><li>(b) no &amp; yes</li></ul>"
)


def shown(content, plain=""):
    return new_output("display_data", {"text/html": content, "text/plain": plain})


def question():
    return new_code_cell(
        "guess = muxlab.predict(...)\nguess", outputs=[shown(ASKED)], metadata={"tags": ["hide-input"]}
    )


def experiment(said="(b) no & yes"):
    line = shown(f"<p>→ {html.escape(said)}</p>", said)
    return new_code_cell("guess.reveal(told)", outputs=[new_output("stream", text="told\n"), line])


def page_of(*cells, panels=()):
    title = new_markdown_cell("# Wait\n\nA promise.")
    return chapter.as_page(new_notebook(cells=[title, *cells]), 3, dict(panels))


# ---- questions


def test_a_question_is_read_as_it_was_written():
    """Code, quotes and signs that HTML knows come back as they were; the widget itself has stored the output."""
    asked = Prediction("What does `recv` say to `a < b`?", {"`b''`, the end": b"", "it waits": None})
    stored = asked._repr_mimebundle_()["text/html"]
    asked.close()
    found = questions.question_in(new_code_cell("", outputs=[shown(stored)]))
    assert (found.text, found.choices) == (asked.question, asked.choices)


def test_a_cell_that_asks_nothing_has_no_question():
    assert questions.question_in(experiment()) is None
    assert questions.question_in(new_markdown_cell("Predict.")) is None


@pytest.mark.parametrize(("said", "outcome"), [("(b) no & yes", (1, "")), ("none of these: b'x'", (NONE, "b'x'"))])
def test_what_came_out_is_read_from_the_stored_line(said, outcome):
    line = experiment(said).outputs[1]
    assert questions.is_outcome(line)
    assert questions.outcome_of(line, questions.question_in(question())) == outcome


@pytest.mark.parametrize("said", ["(c) a third", "(z) a last", "nonsense"])
def test_a_line_that_names_no_choice_is_refused(said):
    with pytest.raises(ValueError, match="run `make notebooks`"):
        questions.outcome_of(experiment(said).outputs[1], questions.question_in(question()))


@pytest.mark.parametrize("path", site.chapters(), ids=lambda path: path.stem)
def test_every_question_of_a_chapter_has_what_came_out(path):
    """As many as the chapter's source asks and reveals; and none of the sources, which tell, is on the page."""
    notebook = nbformat.read(path, as_version=4)
    asked = sum("= muxlab.predict(" in cell.source for cell in notebook.cells if cell.cell_type == "code")
    page = chapter.as_page(notebook, int(path.name[:2]), {})
    notes = [cell.metadata.get("book", {}) for cell in page.cells]
    asking = [note["asks"] for note in notes if "asks" in note]
    assert len(asking) == asked
    assert asking == [note["reveals"] for note in notes if "reveals" in note]
    hidden = [cell for cell in page.cells if "asks" in cell.metadata.get("book", {})]
    assert all("remove-input" in cell.metadata.tags for cell in hidden)


# ---- chapters


def test_the_title_has_its_number_and_the_navigation_is_left_out():
    page = page_of(new_markdown_cell("Previous: ...", metadata={"tags": ["navigation"]}))
    assert [cell.source for cell in page.cells] == [f"# 3 · Wait\n\nA promise.\n\n{chapter.NOTE}"]


def test_a_chapter_says_below_its_promise_that_nothing_runs_here():
    first = new_markdown_cell("# Wait\n\nA promise.\n\nClick into the cell.\n\nThen drag the slider.")
    parts = chapter.as_page(new_notebook(cells=[first]), 3, {}).cells[0].source.split("\n\n")
    assert parts == ["# 3 · Wait", "A promise.", chapter.NOTE, "Click into the cell.", "Then drag the slider."]


def test_a_question_keeps_what_a_browser_without_scripts_shows():
    asked, told = page_of(question(), experiment()).cells[1:]
    assert ASKED in asked.outputs[0].data["text/html"]
    assert "<p>→ (b) no &amp; yes</p>" in told.outputs[1].data["text/html"]
    assert told.outputs[0].text == "told\n"


def test_a_panel_plays_and_other_cells_are_as_they_were():
    picture = new_output("execute_result", {"image/png": "aGk=", "text/plain": "stepper(server)"})
    panel = new_code_cell("muxlab.show.stepper(server)", outputs=[picture], id="panel")
    other = new_code_cell("print(1)", outputs=[new_output("stream", text="1\n")], id="other")
    page = page_of(panel, other, panels={"panel": "<p>plays</p>"})
    assert page.cells[1].outputs[0].data == {"text/html": "<p>plays</p>"}
    assert page.cells[2].outputs[0].text == "1\n"


def test_what_a_cell_shows_fits_the_page():
    """Links to chapters, headings without a gap, a table's heading that says nothing; and the words of a chart."""
    table = '<h4 class="x">A</h4><table><th></th></table><a href="04_hit_the_limits_of_select.ipynb#Play">4</a>'
    chart = new_output("display_data", {"image/svg+xml": "<svg/>", "text/plain": "It rises.\nFrom 1 to 2."})
    page = page_of(new_code_cell("", outputs=[shown(table), chart]))
    fitted = '<h3 class="x">A</h3><table><td></td></table><a href="04_hit_the_limits_of_select.html#Play">4</a>'
    assert page.cells[1].outputs[0].data["text/html"] == fitted
    assert page.cells[1].metadata["mystnb"]["image"]["alt"] == "It rises. From 1 to 2."


def test_a_link_to_a_heading_is_written_as_the_page_names_it():
    page = page_of(
        new_markdown_cell("See [it](#For-the-curious:-a-chain) and [there](05_scale_with_epoll.ipynb#Play).")
    )
    assert page.cells[1].source == "See [it](#for-the-curious-a-chain) and [there](05_scale_with_epoll.ipynb#play)."


# ---- exercises


def test_an_exercise_says_what_it_is_about_and_folds_its_hints_and_its_solution():
    restless = muxlab.exercise("restless")
    shown_ = exercises.exercise_html("restless", "start.html")
    assert shown_.count("<details>") == len(restless.hints) + 1
    assert 'href="start.html"' in shown_
    assert "restless_server" in shown_[shown_.index("A solution") :]
    assert restless.told == 0  # a learner in the same process has heard none of them


def test_the_check_of_an_exercise_says_nothing_where_nobody_can_answer():
    checked = new_code_cell('def f(): ...\n\nmuxlab.exercise("restless").check(f)', outputs=[shown("as it was")])
    named = new_code_cell('muxlab.exercise("restless")', outputs=[shown("Run this cell")])
    named, checked = page_of(named, checked).cells[1:]
    assert checked.outputs == []
    assert "Run this cell" not in named.outputs[0].data["text/html"]


# ---- folds


def cell(name, **notes):
    parts = [nodes.container("", nodes.paragraph(text=f"{name} {part}"), classes=[f"cell_{part}"]) for part in PARTS]
    return nodes.container("", *parts, cell_metadata={"book": notes}, name=name)


PARTS = ("input", "output")


def outline(node):
    """Return the texts below a node, those of a fold in a list of their own."""
    if isinstance(node, nodes.paragraph):
        return [node.astext()]
    texts = [text for child in node.children for text in outline(child)]
    return [texts] if isinstance(node, fold.fold) else texts


def test_what_follows_a_question_is_folded_up_to_the_next_question_or_heading():
    between, after = nodes.paragraph(text="between"), nodes.paragraph(text="after")
    heading = nodes.section("", nodes.paragraph(text="next section"))
    page = nodes.section("", cell("ask", asks="1"), cell("test", reveals="1"), between)
    page += [cell("ask again", asks="2"), cell("set-up"), cell("test again", reveals="2"), after, heading]
    fold.fold_after(page[0], "1")
    fold.fold_after(next(node for node in page if node.get("name") == "ask again"), "2")
    assert outline(page) == [
        *("ask input", "ask output", "test input", ["test output", "between"]),
        *("ask again input", "ask again output", "set-up input", "set-up output"),
        *("test again input", ["test again output", "after"], "next section"),
    ]


def test_a_question_without_its_experiment_is_left_open():
    page = nodes.section("", cell("ask", asks="1"), nodes.section("", cell("test", reveals="1")))
    before = outline(page)
    fold.fold_after(page[0], "1")
    assert outline(page) == before


def test_the_source_of_a_cell_is_folded_without_what_it_shows():
    page = nodes.section("", cell("expect", source="folded"))
    fold.fold_source(page[0])
    assert outline(page) == [["expect input"], "expect output"]


# ---- the first page


def test_the_first_page_lists_every_chapter_and_the_other_pages():
    text = (ROOT / "book/index.md").read_text(encoding="utf-8")
    page = landing.fill(text, {path: {} for path in site.chapters()}, ["reference", "speed"])
    assert len(re.findall(r"^- \[\d+ · .*\*\d+ minutes\*$", page, re.MULTILINE)) == len(site.chapters())
    assert "```{toctree}\n:hidden:\n:caption: Beside the course\nreference\nspeed\n```" in page
    assert "<!--" not in page  # without a recording, its place is empty
