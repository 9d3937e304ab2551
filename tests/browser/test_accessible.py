"""The panels in a real JupyterLab, for somebody who sees little or works without a mouse."""

import re

import pytest
from axe import find_faint
from harness import NotebookPage

from . import test_stepper

pytestmark = pytest.mark.browser

ANSWERED = "([place, before]) => document.querySelectorAll('.ms')[place].dataset.answered !== before"
UNFOLD = "() => document.querySelectorAll('details').forEach(one => { one.open = true; })"
WHOLE = "() => document.querySelector('.jp-WindowedPanel-inner').scrollHeight + 400"

CELLS = {
    "setup": test_stepper.FORGETFUL + "\nimport muxlab.trials.report",
    "stepper": "muxlab.show.stepper(muxlab.SERVERS['epoll'], clients=2)",
    "crash": "def broken(listener):\n    left = 5  # all\n    raise ValueError('so')\n\nmuxlab.show.stepper(broken)",
    "duel": "muxlab.show.duel(muxlab.SERVERS['epoll'], my_server, times=1)",
    "crowds": "muxlab.show.crowds(muxlab.SERVERS['blocking'], muxlab.SERVERS['epoll'], connections=10)",
    "playground": "muxlab.show.playground(muxlab.SERVERS['epoll'], connections=20, active=5)",
    "trouble": "muxlab.show.playground(broken, connections=2, active=1)",
    "race": "muxlab.show.race(muxlab.SERVERS['select'], muxlab.SERVERS['epoll'], connections=20, active=5)",
    "question": "guess = muxlab.predict('What does `select` say?', {'`one`': 1, 'two': 2, 'three': 3})\nguess",
    "wrong": "guess.reveal(2)",
    "open": "another = muxlab.predict('And now?', {'one': 1, 'two': 2})\nanother",
    "not predicted": "another.reveal(1)",
    "exercise": "muxlab.exercise('picky')",
    "report": """muxlab.trials.report.Report("my_server", [
    muxlab.trials.report.Verdict(str(passed), passed, detail, "Think again.")
    for passed, detail in [(True, "it did"), (False, "it did not"), (None, "cannot"), (None, "not tried: no")]])""",
    "museum": "muxlab.museum.gallery('ghost_server', 'picky_server')",
    "doctor": "muxlab.doctor()",
    "map": "muxlab.progress()",
    "recording": "hidden = muxlab.show.stepper(my_server, clients=1)\nmuxlab.show.play(hidden.record())",
    "chart": "muxlab.show.beside(muxlab.measure.published.chain(), muxlab.measure.published.chain());",
}


# Of every line of text in the panels: is it whole, and does no other lie over it? What scrolls may be out of sight, and
# the space at the end of a line that is broken may hang over the edge.
CUT_OR_COVERED = """() => {
    const scrolls = (overflow) => ['auto', 'scroll'].includes(overflow);
    const found = new Set();
    const whole = (line, node, card) => {  // false when it is scrolled out of sight, or cut
        const space = getComputedStyle(node).whiteSpace === 'pre-wrap' ? 8 : 1;
        for (let one = node; one; one = one === card ? null : one.parentElement) {
            const { overflowX, overflowY } = getComputedStyle(one), box = one.getBoundingClientRect();
            const across = line.left < box.left - space || line.right > box.right + space;
            const down = line.top < box.top - 3 || line.bottom > box.bottom + 3;
            if ((across && scrolls(overflowX)) || (down && scrolls(overflowY))) return false;
            if ((across && (overflowX !== 'visible' || one === card)) || (down && overflowY !== 'visible')) {
                found.add(`cut by ${one.className}: ${line.text}`);
                return false;
            }
        }
        return true;
    };
    document.querySelectorAll('.mux-card, .mux-exercise').forEach(card => {
        const lines = [];
        const texts = document.createTreeWalker(card, NodeFilter.SHOW_TEXT);
        while (texts.nextNode()) {
            const node = texts.currentNode.parentElement, text = texts.currentNode.data.trim();
            if (!text || !node.checkVisibility() || node.closest('style, script')) continue;
            const range = document.createRange();
            range.selectNodeContents(texts.currentNode);
            [...range.getClientRects()].filter(({ width }) => width >= 1)
                .map(({ left, top, right, bottom }) => ({ text: text.slice(0, 40), left, top, right, bottom }))
                .filter(line => whole(line, node, card)).forEach(line => lines.push(line));
        }
        lines.forEach((one, i) => lines.slice(i + 1).forEach(other => {
            const across = Math.min(one.right, other.right) - Math.max(one.left, other.left);
            const down = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top);
            if (across > 2 && down > 4) found.add(`one over the other: ${one.text} / ${other.text}`);
        }));
    });
    return [...found];
}"""


# What moves in the panels from the moment when a client sends until its bytes are there, and a little longer.
MOVED = """() => new Promise((resolve, reject) => {
    const panel = document.querySelector('.ms'), before = panel.dataset.answered, moved = new Set();
    let frames = 0;  // since the answer
    const look = () => {
        document.getAnimations().map(one => one.effect.target).filter(node => node.closest('.mux-card'))
            .forEach(node => moved.add(node.className));
        frames += panel.dataset.answered !== before;
        if (frames > 20) resolve([...moved]); else requestAnimationFrame(look);
    };
    setTimeout(reject, 20000, new Error('no answer'));
    panel.querySelector('button[aria-label="client 1: send"]').click();
    look();
})"""
NOTE_PICTURES = """() => {  // when the dots of the playground were drawn
    window.pictures = [];
    const { clearRect } = CanvasRenderingContext2D.prototype;
    CanvasRenderingContext2D.prototype.clearRect = function (...box) {
        if (this.canvas.closest('.mux-playground .mux-dots')) window.pictures.push(performance.now());
        return clearRect.apply(this, box);
    };
}"""
FRAME_AFTER = "number => +document.querySelector('.mux-playground .mux-dots canvas').dataset.frame > number"
LEAST_APART = """() => Math.min(...window.pictures.slice(1).map((time, i) => time - window.pictures[i]))"""


@pytest.fixture(scope="module")
def notebook(lab, pages):
    """Yield a notebook with everything that the course shows, which has run and was used."""
    page = pages.take()
    opened = NotebookPage(page, lab.write("accessible.ipynb", *CELLS.values()))
    opened.run_all()
    assert opened.cell_errors() == [] and opened.widget_errors() == []
    use(opened)
    yield opened
    opened.page.evaluate("() => window.jupyterapp.shell.expandLeft()")
    pages.give_back(page, [opened], failed=False)


def press(notebook, place, *names):
    """Press buttons of a stepper or a duel, and wait for each answer."""
    panel = notebook.page.locator(".ms").nth(place)
    for name in names:
        before = panel.get_attribute("data-answered")
        panel.get_by_role("button", name=name, exact=True).click()
        notebook.page.wait_for_function(ANSWERED, arg=[place, before])


def use(notebook):
    """Bring the panels into states in which there is much to see."""
    press(notebook, 0, "client 1: send", "client 2: send", "Run until blocked", "client 1: read", "client 2: close")
    press(notebook, 1, "Run until blocked")
    press(notebook, 2, "client 1: send")
    page = notebook.page
    page.locator(".mux-predict").first.get_by_role("button").first.click()
    page.locator(".mux-predict").first.get_by_text(re.compile(r"^It is .* You said \(")).wait_for()
    exercise = page.locator(".mux-exercise")
    for button in ("Hint", "Solution", "Check"):
        notebook.click_button(button, exercise)
    exercise.get_by_text("There is no picky_server in this notebook yet.").wait_for()
    page.locator(".muxlab-recording[data-state=paused]").wait_for()
    page.evaluate(UNFOLD)
    assert "Microseconds for one run" in page.locator(".jp-RenderedSVG img").get_attribute("alt")


def test_names_and_values_and_contrast_by_light_and_by_dark(notebook, axe):
    """Every control has a name, every value and role is said, and every text is read easily."""
    outputs = ".jp-OutputArea-output"
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        notebook.look(".mux", 1280, theme, height=notebook.page.evaluate(WHOLE))
        assert axe(notebook.page, outputs) == [], theme
        faint, measured = find_faint(notebook.page, outputs)
        assert faint == [], theme
        assert measured > 500  # the page is not empty


@pytest.mark.parametrize("width", [640, 390])  # 1280 pixels enlarged to 200 %, and a telephone
def test_no_text_is_cut_or_covered_where_there_is_little_room(notebook, width):
    notebook.page.evaluate("() => window.jupyterapp.shell.collapseLeft()")
    notebook.look(".mux", width)
    assert "\n".join(notebook.page.evaluate(CUT_OR_COVERED)) == ""
    stepper = notebook.page.locator(".ms").first
    stepper.get_by_role("button", name="step back").click()
    assert "\n".join(notebook.page.evaluate(CUT_OR_COVERED)) == ""  # there is a button and a sentence more
    stepper.get_by_role("button", name="Back to now").click()


def test_nothing_moves_and_nothing_flashes_for_who_wants_less_motion(notebook):
    page = notebook.page
    page.emulate_media(reduced_motion="reduce")
    try:
        assert page.evaluate(MOVED) == []
        page.evaluate(NOTE_PICTURES)
        panel = page.locator(".mux", has_text="epoll").filter(has=page.locator(".mux-playground"))
        panel.get_by_role("button", name="Start", exact=True).click()
        page.wait_for_function(FRAME_AFTER, arg=40)
        panel.get_by_role("button", name="Stop", exact=True).click()
        panel.get_by_role("button", name="Start", exact=True).wait_for()
        assert page.evaluate("() => window.pictures.length") >= 2
        assert page.evaluate(LEAST_APART) > 900  # of 1,000 ms, for which a picture stands
    finally:
        page.emulate_media(reduced_motion="no-preference")
