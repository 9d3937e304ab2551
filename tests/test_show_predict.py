"""Predictions without a browser: which choice a result stands for, and that an answer is seen in its widget alone."""

import subprocess
import sys

import pytest
from ipywidgets import Widget

import muxlab


@pytest.fixture(autouse=True)
def no_widgets():
    """Forget every widget afterwards."""
    yield
    Widget.close_all()


def ask(**more):
    return muxlab.predict(
        "What does `select` hand back?",
        {"all of them": ["client 1", "client 2"], "client 2's socket": ["client 2"], "<bytes>": b"hello"} | more,
    )


@pytest.mark.parametrize(
    ("result", "truth", "printed"),
    [
        (["client 1", "client 2"], 0, "(a) all of them"),
        (["client 2"], 1, "(b) client 2's socket"),
        (b"hello", 2, "(c) <bytes>"),
        ([], -1, "none of these: []"),
        (None, -1, "none of these: None"),
    ],
)
def test_the_result_decides(capsys, result, truth, printed):
    guess = ask()
    assert guess.truth is None
    assert guess.reveal(result) is None
    assert guess.truth == truth
    assert capsys.readouterr().out == printed + "\n"
    assert guess.result == (repr(result) if truth < 0 else "")


def test_a_list_of_texts_is_answered_by_a_text(capsys):
    guess = muxlab.predict("What does an empty socket say?", ["EAGAIN", "`b''`", "nothing: it waits"])
    guess.reveal("EAGAIN")
    guess.reveal("`b''`")
    guess.reveal("ECONNRESET")
    assert capsys.readouterr().out == "(a) EAGAIN\n(b) b''\nnone of these: 'ECONNRESET'\n"


def test_a_choice_may_be_a_condition(capsys):
    guess = muxlab.predict("How many?", {"less than ten": lambda n: n < 10, "ten": 10, "more": lambda n: n > 10})
    for number in (3, 10, 1000):
        guess.reveal(number)
    assert capsys.readouterr().out == "(a) less than ten\n(b) ten\n(c) more\n"


def test_conditions_that_overlap_are_told():
    guess = muxlab.predict("How many?", {"less than ten": lambda n: n < 10, "three": 3})
    with pytest.raises(ValueError, match=r"3 fits \(a\) less than ten and \(b\) three"):
        guess.reveal(3)
    assert guess.truth is None


def test_the_first_answer_stays():
    guess = ask()
    assert guess.answer == -1
    guess.answer = 2
    guess.answer = 0
    assert guess.answer == 2
    guess.reveal(["client 2"])
    guess.answer = 1
    assert guess.answer == 2


def test_another_run_may_have_another_result(capsys):
    guess = ask()
    for result in (7, ["client 2"], ["client 2"]):
        guess.reveal(result)
    assert (guess.truth, guess.result) == (1, "")
    assert capsys.readouterr().out == "none of these: 7\n" + 2 * "(b) client 2's socket\n"


def test_nothing_that_is_stored_tells_of_an_answer(capsys):
    """What nbval compares is the same for a learner who answered and for a notebook that nobody touched."""

    def stored(answer):
        guess = ask()
        guess.answer = answer
        guess.reveal(["client 2"])
        data = guess._repr_mimebundle_()
        del data["application/vnd.jupyter.widget-view+json"]["model_id"]
        return data, repr(guess), capsys.readouterr()

    assert stored(-1) == stored(0) == stored(1)


def test_it_reads_well_where_no_kernel_runs():
    data = ask()._repr_mimebundle_()
    assert data["text/plain"] == (
        "Predict. What does select hand back?\n  (a) all of them\n  (b) client 2's socket\n  (c) <bytes>"
    )
    assert "<p><em>Predict.</em> What does <code>select</code> hand back?</p>" in data["text/html"]
    assert "<li>(a) all of them</li>" in data["text/html"] and "<li>(c) &lt;bytes&gt;</li>" in data["text/html"]
    assert "application/vnd.jupyter.widget-view+json" in data


def test_a_long_question_is_stored_as_a_whole():
    choices = ["one of many " * 20, "another"]
    text = muxlab.predict("What " * 50, choices)._repr_mimebundle_()["text/plain"]
    assert text.startswith("Predict. " + "What " * 50) and text.endswith("(b) another")


def test_asking_again_is_a_new_question():
    first, second = ask(), ask()
    first.answer = 1
    first.reveal(b"hello")
    assert (second.answer, second.truth) == (-1, None)


@pytest.mark.parametrize(
    ("question", "choices", "error", "says"),
    [
        ("?", [], ValueError, "there are 0"),
        ("?", ["only one"], ValueError, "2 to 26 different choices; there are 1"),
        ("?", ["twice", "twice"], ValueError, "there are 1"),
        ("?", {str(number): number for number in range(27)}, ValueError, "there are 27"),
        ("?", {"one": 1, "three": 3, "yes": True}, ValueError, "'one' and 'yes' stand for the same result, 1"),
        ("?", {1: "one", 2: "two"}, TypeError, "text: result"),
        ("?", "ab", TypeError, "text: result"),
        (["?"], ["a", "b"], TypeError, "as text"),
    ],
)
def test_bad_questions_are_refused(question, choices, error, says):
    with pytest.raises(error, match=says):
        muxlab.predict(question, choices)


def test_it_is_loaded_when_it_is_first_used():
    code = "import sys, muxlab; print('anywidget' in sys.modules); muxlab.predict; print('anywidget' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert out.stdout.split() == ["False", "True"]


def test_an_answer_after_the_experiment_reaches_the_line_below_it():
    guess = ask()
    guess.reveal(["client 2"])
    outcome = guess._outcome
    assert (outcome.answer, outcome.truth, repr(outcome)) == (-1, 1, "(b) client 2's socket")
    guess.answer = 0
    assert (outcome.answer, guess.answer) == (0, 0)
    guess.reveal(b"hello")
    assert (guess._outcome.answer, repr(guess._outcome)) == (0, "(c) <bytes>")
    assert outcome.comm is None, "the line of the earlier run is closed"


def test_the_line_below_reads_well_where_no_kernel_runs():
    guess = ask()
    guess.reveal(b"hello")
    data = guess._outcome._repr_mimebundle_()
    assert data["text/plain"] == "(c) <bytes>"
    assert data["text/html"] == "<p>→ (c) &lt;bytes&gt;</p>"
    assert "application/vnd.jupyter.widget-view+json" in data


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [(2, "✓ Right: (c) &lt;bytes&gt;"), (0, "✗ Not so: you said (a) all of them; it is (c) &lt;bytes&gt;.")],
)
def test_the_line_below_keeps_its_verdict_where_no_kernel_runs(answer, verdict):
    guess = ask()
    guess.answer = answer
    guess.reveal(b"hello")
    data = guess._outcome._repr_mimebundle_()
    assert data["text/html"] == f"<p>{verdict}</p>"
    assert data["text/plain"] == "(c) <bytes>", "nbval compares it"
