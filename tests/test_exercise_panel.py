"""The panel of an exercise, without a browser: three buttons, and what each shows."""

import re
import subprocess
import sys
import types
from datetime import datetime, timedelta

import pytest

import muxlab
from muxlab import notebook
from muxlab.course import panel as panels
from muxlab.course.panel import ExercisePanel

WIDGET = "application/vnd.jupyter.widget-view+json"
NASTY = "<script>alert(1)</script><img src=x onerror=alert(1)>"


@pytest.fixture
def exercise(monkeypatch):
    """Return a repair of which no hint was told, with two trials."""
    found = muxlab.exercise("misspelt")
    monkeypatch.setattr(found, "told", 0)
    monkeypatch.setattr(found, "trials", ("echoes one message", "forgets clients that left"))
    return found


@pytest.fixture
def names(monkeypatch):
    """Return the names of a notebook, none so far."""
    names = {}
    monkeypatch.setattr(panels, "get_ipython", lambda: types.SimpleNamespace(user_ns=names))
    return names


@pytest.fixture
def panel(exercise, names):
    shown = ExercisePanel(exercise)
    yield shown
    shown.dismiss()


def buttons(panel):
    return {button.description: button for button in panel.children[1].children}


def press(panel, description):
    buttons(panel)[description].click()


def text(panel):
    """Return what the panel shows below its buttons, without its styles."""
    return re.sub("<style>.*?</style>", "", " ".join(part.value for part in panel.children[2:]), flags=re.DOTALL)


def test_it_says_what_it_is_about_and_has_three_buttons(panel, exercise):
    assert exercise.about in panel.children[0].value
    assert list(buttons(panel)) == ["Hint", "Check", "Solution"]
    assert text(panel).split() == []


# ---- hints


def test_hints_come_one_at_a_time_and_stay(panel, exercise):
    press(panel, "Hint")
    assert "Hint 1 of 3." in text(panel) and "Hint 2 of 3." not in text(panel)
    press(panel, "Next hint")
    press(panel, "Next hint")
    assert [f"Hint {number} of 3." in text(panel) for number in (1, 2, 3)] == [True] * 3
    assert "<code>except Exception: pass</code>" in text(panel) and "`" not in text(panel)
    press(panel, "No more hints")
    assert list(buttons(panel)) == ["No more hints", "Check", "Solution"]


def test_hints_that_were_told_before_are_shown_again(exercise, names):
    exercise.hint()
    shown = ExercisePanel(exercise)
    assert "Hint 1 of 3." in text(shown) and "Next hint" in buttons(shown)
    shown.dismiss()


# ---- check


def test_an_answer_that_is_not_there_yet(panel):
    press(panel, "Check")
    assert "There is no <code>buggy_server</code> in this notebook yet." in text(panel)


def test_the_broken_server_as_it_was_is_not_tried(panel, names, exercise):
    names["buggy_server"] = exercise.broken
    press(panel, "Check")
    assert "this is the broken server as it was" in text(panel) and "trials" not in text(panel)


def test_a_right_answer(panel, names, exercise):
    names["buggy_server"] = exercise.functions[0]
    press(panel, "Check")
    assert "misspelt: solved." in text(panel) and "2 of 2 trials passed" in text(panel)
    assert "Check" in buttons(panel)


def test_a_wrong_answer(panel, names):
    names["buggy_server"] = muxlab.museum.EXHIBITS["never_forgets"].fn
    press(panel, "Check")
    assert "misspelt: not yet." in text(panel) and "1 of 2 trials passed" in text(panel)
    names["buggy_server"] = None
    press(panel, "Check")
    assert "there is no server here yet" in text(panel) and "trials" not in text(panel)


def test_an_answer_that_is_no_server_is_refused_in_the_panel(panel, names):
    names["buggy_server"] = lambda a, b, c: print(a, b, c)
    press(panel, "Check")
    assert "TypeError: a server is a function of (listener, stop)" in text(panel)
    assert "Check" in buttons(panel)


def test_two_checks_do_not_run_at_once(panel, names, exercise, monkeypatch):
    other = ExercisePanel(exercise)
    begun = []

    def check(fn):
        begun.append(fn)
        buttons(panel)["Checking …"].click()
        assert not any(button.disabled for button in buttons(panel).values())  # one with the focus would lose it
        press(other, "Check")
        raise ValueError("enough")

    names["buggy_server"] = print
    monkeypatch.setattr(exercise, "check", check)
    press(panel, "Check")
    assert begun == [print] and "ValueError: enough" in text(panel)
    assert "Another check is still running" in text(other)
    other.dismiss()


def test_a_press_during_a_check_is_dropped_when_it_arrives_after_it(panel, names, exercise, monkeypatch):
    """The browser's clock may be another one: only its own times are compared."""
    begun = []
    moment = datetime(1999, 12, 31)
    times = [moment, moment + timedelta(microseconds=1), moment + timedelta(days=1)]
    monkeypatch.setattr(notebook, "request", lambda: {"header": {"date": times[0]}})

    def check(fn):
        begun.append(times[0])
        raise ValueError("enough")

    monkeypatch.setattr(exercise, "check", check)
    names["buggy_server"] = print
    while times:
        press(panel, "Check")
        times.pop(0)
    assert begun == [moment, moment + timedelta(days=1)]


def test_an_interrupt_ends_a_check_and_the_next_one_runs(panel, names, exercise, monkeypatch):
    def check(fn):
        raise KeyboardInterrupt

    names["buggy_server"] = exercise.functions[0]
    with monkeypatch.context() as patched:
        patched.setattr(exercise, "check", check)
        press(panel, "Check")
        assert "Interrupted." in text(panel)
    press(panel, "Check")
    assert "solved" in text(panel)


def test_what_comes_from_the_learner_is_escaped(panel, names, exercise, monkeypatch):
    def fails(listener, stop):
        raise ValueError(NASTY)

    fails.__name__ = fails.__qualname__ = NASTY
    for answer in (NASTY, fails):
        names["buggy_server"] = answer
        press(panel, "Check")
        assert "&lt;img" in text(panel) and "<img" not in text(panel) and "<script" not in text(panel)
    monkeypatch.setattr(exercise, "check", lambda fn: fails(fn, None))
    press(panel, "Check")
    assert "&lt;img" in text(panel) and "<img" not in text(panel) and "<script" not in text(panel)


# ---- solution


def test_a_solution_is_shown_and_hidden(panel, exercise):
    press(panel, "Solution")
    assert '<span class="tok-nf">buggy_server</span>' in text(panel) and "<ins " not in text(panel)
    press(panel, "Hide solution")
    assert text(panel).split() == []


def test_a_solution_marks_what_differs_from_the_answer(panel, names, exercise):
    names["buggy_server"] = exercise.broken
    press(panel, "Solution")
    assert "<del " in text(panel) and "<ins " in text(panel)


def test_a_solution_that_is_shown_is_compared_with_what_was_checked_last(panel, names, exercise):
    names["buggy_server"] = exercise.broken
    press(panel, "Solution")
    assert "<del " in text(panel)
    names["buggy_server"] = exercise.functions[0]
    press(panel, "Check")
    assert "misspelt: solved." in text(panel)
    assert "<del " not in text(panel) and "<ins " not in text(panel)
    assert "Hide solution" in buttons(panel)


@pytest.mark.parametrize("answer", ["right", "wrong"])
def test_what_it_advises_names_no_button_that_may_be_called_otherwise(panel, names, exercise, answer):
    """A button changes its name when it is pressed; the advice stays."""
    right, wrong = exercise.functions[0], muxlab.museum.EXHIBITS["never_forgets"].fn
    names["buggy_server"] = right if answer == "right" else wrong
    press(panel, "Check")
    assert ("The solution shows another way" if answer == "right" else "Stuck? Ask for a hint.") in text(panel)
    assert "Press" not in text(panel) and "press" not in text(panel)
    while "No more hints" not in buttons(panel):
        panel.children[1].children[0].click()
    press(panel, "Check")
    assert ("Compare yours with the solution." in text(panel)) == (answer == "wrong")
    assert "Ask for a hint" not in text(panel)


# ---- in its cell


def test_in_a_notebook_it_has_a_view_beside_its_text(exercise, names, monkeypatch):
    monkeypatch.setattr(notebook, "request", lambda: {"header": {"msg_id": "1"}, "metadata": {"cellId": "a"}})
    shown = exercise._repr_mimebundle_()
    assert shown["text/plain"] == repr(exercise) and WIDGET in shown
    assert exercise.about in shown["text/html"]
    panels._shown.pop("a").dismiss()


def test_a_cell_that_runs_again_replaces_its_panel(exercise, names, monkeypatch):
    cells = {"now": ("a", "run 1")}
    monkeypatch.setattr(notebook, "current_cell", lambda: cells["now"])
    first = panels.show(exercise)
    cells["now"] = ("b", "run 2")
    elsewhere = panels.show(exercise)
    cells["now"] = ("a", "run 3")
    second = panels.show(exercise)
    assert [shown.comm is None for shown in (first, elsewhere, second)] == [True, False, False]
    for cell in "ab":
        panels._shown.pop(cell).dismiss()


def test_an_exercise_loads_no_widgets_before_it_is_shown():
    code = "import sys, muxlab; muxlab.exercise('picky').check(None); print('ipywidgets' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert run.stdout == "False\n"
