"""The report of a check, as text and for a notebook: made of verdicts alone, with no server."""

import re

import pytest

from muxlab.trials import Report, Verdict
from muxlab.trials.report import plain

FAILED = Verdict("keeps promises", False, "it broke one", "Which one?")
PASSED = [Verdict(f"trial {number}", True, f"seen {number}", f"lesson {number}") for number in range(21)]
LIMITS = [Verdict(name, None, "a server that polls cannot sleep", "why?") for name in ("sleeps", "dreams")]
NASTY = "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "'\"&\x1b[31m\r\n\u202e\ud800\x00"


def untried(number: int, why: str = "until 'keeps promises' is passed") -> list[Verdict]:
    return [Verdict(f"later {place}", None, f"not tried: {why}", "lesson") for place in range(number)]


def test_each_verdict_has_a_word() -> None:
    words = [trial.verdict for trial in (PASSED[0], FAILED, LIMITS[0], untried(1)[0])]
    assert words == ["passed", "failed", "limit of the model", "not tried"]


def test_a_verdict_is_four_things() -> None:
    name, passed, detail, lesson = FAILED
    assert (name, passed, detail, lesson) == ("keeps promises", False, "it broke one", "Which one?")


@pytest.mark.parametrize(
    ("trials", "passed"),
    [
        ([], False),
        (untried(3), False),
        (LIMITS, False),
        (PASSED, True),
        ([*PASSED, *LIMITS, *untried(1, "no room here")], True),
        ([*PASSED, FAILED], False),
    ],
    ids=["nothing", "not tried", "limits", "passed", "passed and limits", "one failed"],
)
def test_to_pass_takes_one_trial_that_is_passed_and_none_that_failed(trials: list[Verdict], passed: bool) -> None:
    assert Report("mine", trials).passed is passed


def test_the_summary_counts_each_verdict() -> None:
    report = Report("mine", [*PASSED, FAILED, *LIMITS, *untried(4)])
    assert report.summary == "mine: 21 of 28 trials passed, 1 failed, 2 limit of the model, 4 not tried"
    assert Report("mine", PASSED).summary == "mine: 21 of 21 trials passed"


def test_the_text_has_failures_first_and_what_passed_folded() -> None:
    lines = str(Report("mine", [*PASSED, *LIMITS, FAILED, *untried(4)])).splitlines()
    assert lines[:9] == [
        "mine: 21 of 28 trials passed, 1 failed, 2 limit of the model, 4 not tried",
        "",
        "✗ keeps promises",
        "    it broke one",
        "    → Which one?",
        "",
        "○ limit of the model: sleeps, dreams (a server that polls cannot sleep)",
        "– not tried: 4 trials (until 'keeps promises' is passed)",
        "✓ 21 passed: trial 0, trial 1, trial 2, trial 3, trial 4, trial 5, trial 6, trial 7, trial 8, trial",
    ]
    assert all(line.startswith("    ") for line in lines[9:]) and max(map(len, lines)) <= 100
    assert "seen" not in "".join(lines) and "lesson" not in "".join(lines)


def test_what_failed_for_one_reason_is_told_once() -> None:
    again = [FAILED._replace(name=name, detail="again") for name in ("keeps time", "keeps quiet")]
    text = str(Report("mine", [FAILED, *again]))
    assert text.splitlines()[2:7] == [
        "✗ keeps promises",
        "    it broke one",
        "✗ keeps time, keeps quiet",
        "    again",
        "    → Which one?",
    ]


def test_what_was_not_tried_is_named_where_it_is_little() -> None:
    text = str(Report("mine", [*PASSED, *untried(1, "no room"), *untried(4, "too late")]))
    assert "– not tried: later 0 (no room)\n– not tried: 4 trials (too late)\n" in text


def test_the_html_has_failures_first_and_folds_what_passed() -> None:
    report = Report("mine", [*PASSED, *LIMITS, FAILED, *untried(4)])
    html = report._repr_html_().partition(report.summary)[2]
    order = ["keeps promises", "it broke one", "Which one?", "limit of the model", "not tried", "<details>", "seen 20"]
    assert sorted(order, key=html.index) == order
    assert html.index("</details>") > html.index("seen 20") and "<summary>" in html and "21 passed" in html
    assert {"passed", "failed", "limit of the model", "not tried"} == set(re.findall('aria-label="([^"]*)"', html))
    assert "<details" not in Report("mine", [FAILED])._repr_html_()


@pytest.mark.parametrize("nasty", NASTY)
def test_nothing_that_a_function_says_is_taken_for_markup_or_moves_the_cursor(nasty: str) -> None:
    trials = [
        *(FAILED._replace(detail=nasty), LIMITS[0]._replace(detail=nasty), PASSED[0]._replace(detail=nasty)),
        *untried(1, nasty),
    ]
    report = Report(nasty, trials)
    html = report._repr_html_()
    assert "<script" not in html and "<img" not in html and "\"&'" not in html
    assert html.count("&lt;") == 5 * nasty.count("<")
    for text in (str(report), report.summary, html):
        assert all(char.isprintable() or char == "\n" for char in text)
        text.encode()
    assert str(report).count("\n") <= 9


def test_a_long_text_keeps_its_beginning_and_its_end() -> None:
    shown = plain("ValueError: " + "x" * 10_000 + ", in line 7: raise")
    assert len(shown) < 500 and shown.startswith("ValueError: xxx") and shown.endswith("xxx, in line 7: raise")
    assert plain("é\u2192 \t") == "é\u2192 \\t"
