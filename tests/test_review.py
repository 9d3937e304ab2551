"""The review of the article: a verdict follows from the experiments, and from nothing else; each bug is caught."""

import re
from pathlib import Path

import pytest
from batteries import battery_of

from muxlab.course.claims import CLAIMS, FALSE, LIMITED, TRUE
from muxlab.course.museum.caught import CAUGHT
from muxlab.course.review import BUGS, PROGRAMS, WITHOUT_EXCEPT, Verdicts
from muxlab.course.review.verdicts import LIMITS, verdict_of
from muxlab.course.variant import same
from muxlab.trials.runner import TRIALS

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"


@pytest.mark.parametrize(
    ("came_out", "verdict"),
    [([True], TRUE), ([True, True], TRUE), ([True, False], LIMITED), ([False, True], LIMITED), ([False, False], FALSE)],
)
def test_a_verdict_follows_from_what_came_out(came_out, verdict):
    assert verdict_of({f"fact {number}": held for number, held in enumerate(came_out)}) == verdict


def said(capsys):
    return " ".join(capsys.readouterr().out.split())


def test_a_claim_is_printed_with_what_follows_and_the_course_s_reason(capsys):
    Verdicts().claim(3, {"the number matters": True, "the rest is refused": False})
    out = said(capsys)
    assert out.startswith(
        f"3. {CLAIMS[3].words} \u2713 the number matters \u2717 the rest is refused True within limits."
    )
    assert out.endswith(CLAIMS[3].why)


def test_a_verdict_that_differs_from_the_course_s_says_so(capsys):
    verdicts = Verdicts()
    verdicts.claim(6, {"2,048 are welcome": True})
    out = said(capsys)
    assert "True, on this machine, just now. The course says: false." in out and CLAIMS[6].why not in out
    assert "true (here, just now; the course says: false)" in repr(verdicts.claims)


def test_limits_other_than_the_course_s_do_not_get_its_reason(capsys):
    """The same verdict, for another reason: what the course says about it would not fit."""
    verdicts = Verdicts()
    verdicts.claim(3, {"the number matters": False, "the rest is refused": True})
    verdicts.claim(3, {"the number matters": True, "the rest is refused": False, "one more": True})
    out = said(capsys)
    assert out.count("True within limits, but not within the limits that the course has found.") == 2
    assert CLAIMS[3].why not in out


def test_what_python_refuses_is_not_called_seen(capsys):
    verdicts = Verdicts()
    verdicts.bug(6, {"Python says SyntaxError": True})
    assert f"Refused by Python. {BUGS[6].effect}" in said(capsys)
    assert " | refused by Python | " in repr(verdicts.bugs).splitlines()[5]


def test_the_limits_are_those_of_the_claims_that_have_some():
    assert {*LIMITS} == {number for number, claim in CLAIMS.items() if claim.verdict == LIMITED}


def test_a_bug_is_seen_or_not(capsys):
    verdicts = Verdicts()
    verdicts.bug(4, {"it ends": True})
    verdicts.bug(5, {"nobody is served": True, "all of them wait": False})
    out = said(capsys)
    assert f"Seen. {BUGS[4].effect}" in out and "Not seen on this machine, just now." in out
    lines = repr(verdicts.bugs).splitlines()
    assert " | seen | " in lines[3] and " | not seen | " in lines[4] and " | not judged yet | " in lines[5]


def test_a_second_run_of_a_cell_takes_the_place_of_the_first(capsys):
    verdicts = Verdicts()
    verdicts.claim(1, {"it raised": False})
    verdicts.claim(1, {"it raised": True})
    assert " | true | chapter 2" in repr(verdicts.claims).splitlines()[0]
    capsys.readouterr()


@pytest.mark.parametrize("judge", ["claim", "bug"])
def test_bad_evidence_is_refused_and_prints_nothing(judge, capsys):
    say = getattr(Verdicts(), judge)
    with pytest.raises(ValueError, match=f"the article has no {judge} 13; they are numbered 1 to 12"):
        say(13, {"a": True})
    for number in (1.0, True, []):
        with pytest.raises(ValueError, match=f"the article has no {judge}"):
            say(number, {"a": True})
    with pytest.raises(ValueError, match="say at least one thing that follows from it"):
        say(1, {})
    for wrong in ({"a": 5.5}, {"a": 1}, {1: True}, [("a", True)]):
        with pytest.raises(TypeError, match=f"{judge} 1: give"):
            say(1, wrong)
    assert capsys.readouterr().out == ""


def test_the_tables_have_a_line_for_each_and_link_to_chapters_that_exist():
    verdicts = Verdicts()
    for table, rows in ((verdicts.claims, CLAIMS), (verdicts.bugs, BUGS)):
        page = table._repr_html_()
        assert len(repr(table).splitlines()) == len(rows) == page.count("<tr>") - 1 == 12
        linked = re.findall(r'href="([^"]+)"', page)
        assert linked and all((NOTEBOOKS / name).exists() for name in linked)
        assert len(linked) == sum(len(row.chapters) for row in rows.values())


def test_the_chapter_judges_every_claim_and_every_bug():
    (chapter,) = NOTEBOOKS.glob("14_*.ipynb")
    text = chapter.read_text(encoding="utf-8")
    for kind in ("claim", "bug"):
        assert sorted(map(int, re.findall(rf"verdicts\.{kind}\((\d+)", text))) == [*range(1, 13)]


def test_words_end_as_sentences_and_trials_exist():
    for bug in BUGS.values():
        assert bug.words.endswith(".") and bug.effect.endswith(".")
        assert set(bug.trials) <= TRIALS.keys()
        assert bug.program in {*PROGRAMS, "client"}


OF_THE_MUSEUM = {number for number, bug in BUGS.items() if bug.trials and bug.alone.name in CAUGHT}
OWN = {number for number, bug in BUGS.items() if bug.trials} - OF_THE_MUSEUM


def test_what_stands_in_the_museum_is_caught_by_these_trials():
    """The museum's own tests run them."""
    assert len(OF_THE_MUSEUM) == 5
    for number in OF_THE_MUSEUM:
        assert set(BUGS[number].trials) <= set(CAUGHT[BUGS[number].alone.name])


def with_its_trials(server):
    """The numbers of the bugs, each with the battery that its test asks for."""
    return [
        pytest.param(number, marks=battery_of(server.format(number), *BUGS[number].trials)) for number in sorted(OWN)
    ]


@pytest.mark.battery
@pytest.mark.parametrize("number", with_its_trials("bug {} alone"))
def test_a_bug_alone_is_caught_by_its_trials(verdicts, number):
    assert {trial.name: trial.passed for trial in verdicts} == dict.fromkeys(BUGS[number].trials, False)


@pytest.mark.battery
@pytest.mark.parametrize("number", with_its_trials("bug {} repaired"))
def test_its_good_server_passes_them(verdicts, number):
    assert {trial.name: trial.passed for trial in verdicts} == dict.fromkeys(BUGS[number].trials, True)


POLITE = ("returns 4 MiB whole to a client that reads late", "answers a client that half-closes after asking")


@pytest.mark.battery
@battery_of("bug 10 alone", *POLITE)
def test_the_server_that_compares_masks_has_no_other_fault(verdicts):
    """Whoever ends politely is served in full: only a reset brings a mask that it does not expect."""
    assert {trial.name: trial.passed for trial in verdicts} == dict.fromkeys(POLITE, True)


def test_the_slip_shows_only_without_the_except():
    slip = WITHOUT_EXCEPT.difference
    assert "unsnet" in slip and "except" not in "".join(line for line in slip.splitlines() if line[0] in "+-")
    assert "unsnet" in PROGRAMS["polling"].difference and "unsnet" not in BUGS[2].alone.difference


def test_each_of_the_articles_servers_has_the_bugs_that_are_shown_alone():
    """That they fail trials, and the repaired ones pass them, is in the chapter, where it is compared."""
    assert {name: sum(bug.program == name for bug in BUGS.values()) for name in PROGRAMS} == {
        "polling": 3,
        "select": 2,
        "epoll": 6,
    }
    for program in PROGRAMS.values():
        assert program.difference and not same(program.fn, program.good)
