"""A prediction in a real JupyterLab: answered by mouse or keyboard, locked, decided by the cell below, asked anew."""

import pytest

pytestmark = pytest.mark.browser

QUESTION = """import muxlab

guess = muxlab.predict("Client 2 sends five bytes. What does `select` hand back?", {
    "all three sockets, each with a flag": ["client 1", "client 2", "client 3"],
    "client 2's socket": ["client 2"],
    "the five bytes": b"hello",
})
guess"""
EXPERIMENT = """names = ["client 2"]
print(names)
guess.reveal(names)"""
PRINTED = "['client 2']\n"

STATE = "wanted => document.querySelector('.mux-predict')?.dataset.state === wanted"
START = """() => {
    const notebook = window.jupyterapp.shell.currentWidget.content;
    notebook.activeCellIndex = 0;
    notebook.mode = 'command';
    notebook.node.focus();
}"""
TOO_WIDE = """() => {
    const edge = document.querySelector('.mux-predict').getBoundingClientRect().right;
    const nodes = [...document.querySelectorAll('.mux-predict *')];
    return nodes.filter(node => node.getBoundingClientRect().right > edge).map(node => node.className);
}"""


@pytest.fixture
def notebook(lab, open_notebook):
    """Return a notebook with a question and an experiment; neither has run."""
    return open_notebook(lab.write("predict.ipynb", QUESTION, EXPERIMENT))


def ask(notebook):
    """Run the cell of the question as a learner does, so that the experiment is the next one to run."""
    notebook.page.evaluate(START)
    notebook.page.keyboard.press("Shift+Enter")
    notebook.page.wait_for_function(STATE, arg="open")
    notebook.wait_idle()


def run_next_cell(notebook):
    notebook.page.keyboard.press("Shift+Enter")
    notebook.page.wait_for_function(STATE, arg="revealed")
    notebook.wait_idle()


def choice(notebook, text):
    return notebook.page.locator(".mux-predict").get_by_role("button", name=text)


def note(notebook):
    return notebook.page.locator(".mux-predict").get_by_role("status").inner_text()


def printed(notebook):
    return "".join(output.get("text", "") for output in notebook.outputs()[1])


def outcome(notebook):
    return notebook.page.locator(".mux-outcome").inner_text()


def test_a_click_answers_and_locks_and_the_next_cell_decides(notebook):
    ask(notebook)
    assert note(notebook) == "Choose one, then run the next cell."
    choice(notebook, "the five bytes").click()
    notebook.page.wait_for_function(STATE, arg="locked")
    choice(notebook, "client 2's socket").click(force=True)  # Playwright waits for a button that may be pressed
    assert note(notebook) == "Locked: you said (c). Now run the next cell."
    assert choice(notebook, "the five bytes").get_attribute("aria-pressed") == "true"

    run_next_cell(notebook)  # not the question's cell once more, which was clicked last
    assert note(notebook) == "It is (b). You said (c)."
    assert choice(notebook, "the five bytes").inner_text().endswith("your answer")
    assert choice(notebook, "client 2's socket").inner_text().endswith("what came out")
    assert printed(notebook) == PRINTED
    assert outcome(notebook) == (
        "✗ Not so: you said (c) the five bytes; it is (b) client 2's socket. Now you have something to find out."
    )


def test_it_is_answered_by_keyboard_and_asked_anew(notebook):
    ask(notebook)
    choice(notebook, "all three").focus()
    notebook.page.keyboard.press("Tab")
    notebook.page.keyboard.press("Enter")
    notebook.page.wait_for_function(STATE, arg="locked")
    assert note(notebook) == "Locked: you said (b). Now run the next cell."
    run_next_cell(notebook)
    assert note(notebook) == "It is (b), as you said."
    assert outcome(notebook) == "✓ Right: (b) client 2's socket"

    ask(notebook)
    choice(notebook, "all three").press("Space")
    notebook.page.wait_for_function(STATE, arg="locked")
    assert note(notebook) == "Locked: you said (a). Now run the next cell."


def test_after_run_all_the_question_is_still_open(notebook):
    notebook.run_all()
    assert notebook.cell_errors() == [] and notebook.widget_errors() == []
    page = notebook.page
    page.locator(".mux-outcome").wait_for()
    assert printed(notebook) == PRINTED
    assert note(notebook) == "Not predicted yet: choose one, and the cell below tells you whether it is right."
    assert "what came out" not in choice(notebook, "client 2's socket").inner_text()
    assert page.locator(".mux-true").count() == 0
    assert outcome(notebook) == "Not predicted yet. Choose an answer above, or see what came out"
    page.locator(".mux-outcome summary").click()
    assert page.locator(".mux-outcome details span").inner_text() == "(b) client 2's socket"

    choice(notebook, "client 2's socket").click()
    page.wait_for_function(STATE, arg="revealed")
    assert note(notebook) == "It is (b), as you said."
    page.get_by_text("✓ Right: (b)").wait_for()


def test_it_fits_and_follows_the_theme(notebook):
    page = notebook.page
    page.evaluate("() => window.jupyterapp.shell.collapseLeft()")
    for width, theme in ((1280, "JupyterLab Light"), (640, "JupyterLab Dark")):
        ask(notebook)
        choice(notebook, "all three").click()
        run_next_cell(notebook)
        notebook.look(".mux-predict", width, theme)
        assert page.evaluate(TOO_WIDE) == []
        ink = "() => getComputedStyle(document.querySelector('.mux-predict-note')).color.match(/[0-9.]+/g).map(Number)"
        assert (sum(page.evaluate(ink)[:3]) < 3 * 128) == theme.endswith("Light")
