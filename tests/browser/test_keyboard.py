"""The whole of chapter 05 with the keyboard alone: its questions, the stepper, the playground and an exercise.

After every key the focus has to be where somebody can see it: on a cell, or on a control with a ring around it.
"""

import nbformat
import pytest
from harness import NOTEBOOKS
from playwright.sync_api import expect

from muxlab.course import ch05
from muxlab.course.variant import source

from .test_playground import FRAME_AFTER

pytestmark = pytest.mark.browser

CHAPTER = "05_scale_with_epoll.ipynb"
CELLS = nbformat.read(NOTEBOOKS / CHAPTER, as_version=4).cells
FAR = 60  # keys: more than any panel has stops

FOCUS = """() => {
    const notebook = document.querySelector('.jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook');
    const cells = [...notebook.querySelectorAll('.jp-Cell')];
    const node = document.activeElement, cell = node.closest('.jp-Cell');
    const { outlineStyle, outlineWidth } = getComputedStyle(node);
    const [pane, box] = [notebook, node].map(one => one.getBoundingClientRect());
    const ringed = outlineStyle === 'auto' || (outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2);
    return {
        cell: cells.indexOf(cell),
        name: node === cell ? 'the cell' : node.getAttribute('aria-label') ?? node.textContent.trim(),
        inSight: box.bottom > pane.top && box.top < pane.bottom && box.width > 0 && box.height > 0,
        marked: ringed || !node.closest('.jp-OutputArea-output'),  // a cell and its tools are JupyterLab's to mark
    };
}"""
SEEN = f"() => {{ const focus = ({FOCUS})(); return focus.cell >= 0 && focus.inSight && focus.marked; }}"
ACTIVE = "() => window.jupyterapp.shell.currentWidget.content.activeCellIndex"
EDITS = "wanted => (window.jupyterapp.shell.currentWidget.content.mode === 'edit') === wanted"


class Keyboard:
    """A learner without a mouse, in an open notebook."""

    def __init__(self, notebook):
        self.notebook = notebook
        self.page = notebook.page

    def focus(self):
        """Return where the focus is: `cell` is a number, `name` is what a screen reader says."""
        return self.page.evaluate(FOCUS)

    def press(self, *keys):
        """Press keys; after each of them the focus is somewhere in the notebook, in sight, and marked."""
        for key in keys:
            self.page.keyboard.press(key)
            try:
                self.page.wait_for_function(SEEN, timeout=10_000)
            except Exception as error:
                raise AssertionError(f"after {key}, the focus is lost: {self.focus()}") from error

    def go(self, key, name):
        """Press Tab or Shift+Tab, whatever `key` says, until the focus is on `name`."""
        passed = []
        for _ in range(FAR):
            self.press(key)
            passed.append(self.focus()["name"])
            if passed[-1] == name:
                return
        raise AssertionError(f"{key} never reaches {name!r}, only {passed}")

    def use(self, panel, text):
        """Press Enter on a control; `text` comes in the panel, and the focus stays where it is."""
        before = self.page.evaluate_handle("() => document.activeElement")
        self.press("Enter")
        expect(panel).to_contain_text(text)
        assert before.evaluate("node => node === document.activeElement"), f"Enter has moved the focus: {self.focus()}"

    def run(self, index):
        """Run the active cell, to its end if it is code."""
        assert self.page.evaluate(ACTIVE) == index
        self.press("Shift+Enter")
        if CELLS[index].cell_type == "code":
            self.notebook.wait_idle()

    def leave(self, index):
        """Go back from an output to its cell, and from there to the next one."""
        self.go("Shift+Tab", "the cell")
        while self.page.evaluate(ACTIVE) <= index:
            self.press("ArrowDown")


@pytest.fixture
def keyboard(open_notebook):
    """Return the keyboard of the opened chapter."""
    return Keyboard(open_notebook(CHAPTER))


def panel_of(keyboard, index, selector):
    """Return the panel below a cell, when it is there."""
    panel = keyboard.notebook.notebook.locator(".jp-Cell").nth(index).locator(selector)
    panel.wait_for()
    return panel


def answer(keyboard, index):
    """Answer the question of a cell; the next cell, the experiment, is still the one to run."""
    question = panel_of(keyboard, index, ".mux-predict")
    names = question.get_by_role("button").all_inner_texts()
    for name in reversed(names):
        keyboard.press("Shift+Tab")
        assert keyboard.focus()["name"] == "".join(name.split("\n")).strip()
    keyboard.press("Tab")
    keyboard.use(question, "Locked: you said (b).")
    keyboard.run(index + 1)
    expect(question).to_have_attribute("data-state", "revealed")


def step(keyboard, index):
    """Send bytes to a server, step it, look back, and let it be."""
    panel = panel_of(keyboard, index, ".ms")
    status, said, when = (panel.locator(name).first for name in (".ms-status", ".ms-words", ".ms-when"))
    keyboard.go("Shift+Tab", "client 1: send")
    keyboard.use(said, "client 1 sent 5 bytes")
    keyboard.go("Shift+Tab", "Run until blocked")
    keyboard.use(status, "Asleep in epoll.poll()")
    keyboard.go("Tab", "client 1: read")
    keyboard.use(said, "client 1 read 5 bytes: b'hello'")
    keyboard.go("Shift+Tab", "New client")
    keyboard.use(panel.locator(".ms-lanes"), "client 3")
    keyboard.go("Shift+Tab", "Run until blocked")
    keyboard.press("n")
    expect(when).not_to_have_text("step 4")
    keyboard.go("Tab", "history")
    keyboard.press("ArrowLeft")
    expect(when).to_contain_text("Looking back")
    keyboard.go("Tab", "Back to now")
    keyboard.press("Enter")  # this button goes
    expect(when).not_to_contain_text("Looking back")
    assert keyboard.focus()["name"] == "history"
    keyboard.go("Shift+Tab", "Stop")
    keyboard.use(status, "Stopped")
    keyboard.use(status, "Paused before line 2")  # "Start again", on the same button
    keyboard.leave(index)


def play(keyboard, index):
    """Start the load, change it, and stop it."""
    panel = panel_of(keyboard, index, ".mux-playground")
    tiles, before = panel.locator(".mux-value"), panel.locator(".mux-before")
    expect(tiles.first).to_have_text("1,000 / 1,000")
    keyboard.go("Shift+Tab", "Start")
    keyboard.press("Enter")
    keyboard.page.wait_for_function(FRAME_AFTER, arg=20)  # there is something to compare the next setting with
    keyboard.go("Tab", "talking")
    keyboard.press("ArrowRight")
    expect(before.first).to_have_text("before: 1,000, 10 talking")
    keyboard.go("Shift+Tab", "connections")
    keyboard.press("ArrowLeft")
    expect(tiles.first).to_have_text("700 / 700")
    keyboard.go("Shift+Tab", "Stop")
    keyboard.press("Space")
    keyboard.page.get_by_role("button", name="Start", exact=True).wait_for()
    assert keyboard.focus()["name"] == "Start"
    keyboard.leave(index)


def solve(keyboard, index):
    """Read a hint, look at the solution, have the broken server checked, and repair it."""
    panel = panel_of(keyboard, index, ".mux-exercise")
    keyboard.run(index + 1)  # the broken server, which a check of its own calls what it is
    keyboard.press("ArrowUp", "ArrowUp")
    keyboard.go("Tab", "Hint")
    keyboard.use(panel, "Hint 1 of 3.")
    keyboard.use(panel, "Hint 2 of 3.")
    keyboard.use(panel, "Hint 3 of 3.")
    assert keyboard.focus()["name"] == "No more hints"
    keyboard.go("Tab", "Check")
    keyboard.use(panel, "this is the broken server as it was")
    keyboard.go("Tab", "Solution")
    keyboard.use(panel, "The mask is not compared any more")
    keyboard.press("Tab")  # the source: it scrolls by the arrow keys
    keyboard.go("Shift+Tab", "Hide solution")
    keyboard.press("Enter")
    panel.get_by_role("button", name="Solution", exact=True).wait_for()
    keyboard.leave(index)
    keyboard.press("Enter")
    keyboard.page.wait_for_function(EDITS, arg=True)
    keyboard.press("ControlOrMeta+a")
    keyboard.page.keyboard.insert_text(source(ch05.picky_server))
    keyboard.press("Escape")
    keyboard.page.wait_for_function(EDITS, arg=False)
    keyboard.run(index + 1)
    keyboard.press("ArrowUp", "ArrowUp")
    keyboard.go("Tab", "Check")
    keyboard.use(panel, "picky: solved.")
    keyboard.leave(index)
    keyboard.press("ArrowDown")


DEEDS = {"muxlab.predict(": answer, "show.stepper(": step, "show.playground(": play, 'exercise("picky")': solve}


def test_chapter_05_by_keyboard_alone(keyboard):
    done = []
    while (index := keyboard.page.evaluate(ACTIVE)) < len(CELLS) - 1:
        keyboard.run(index)
        for words, deed in DEEDS.items():
            if CELLS[index].cell_type == "code" and words in CELLS[index].source:
                deed(keyboard, index)
                done.append(deed)
    assert set(done) == set(DEEDS.values()) and done.count(answer) == 4
    assert keyboard.notebook.cell_errors() == [] and keyboard.notebook.widget_errors() == []
