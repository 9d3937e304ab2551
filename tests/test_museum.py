"""The museum: each exhibit fails exactly the trials that its bug is about, and shows itself as a difference."""

import pytest
from batteries import battery_of

from muxlab.course import EXERCISES
from muxlab.course.museum import EXHIBITS, Exhibit
from muxlab.course.museum.caught import CAUGHT as FAILS
from muxlab.course.museum.caught import CAUGHT_ON_REQUEST as FAILS_ON_REQUEST
from muxlab.course.museum.redis import REDIS as BUGS
from muxlab.course.variant import bug, source
from muxlab.trials import REDIS, Verdict
from muxlab.trials.runner import ON_REQUEST, TRIALS


@pytest.mark.battery
@pytest.mark.parametrize("name", [pytest.param(name, marks=battery_of(name)) for name in FAILS])
def test_an_exhibit_fails_these_trials_and_no_other(verdicts: list[Verdict], name: str) -> None:
    failed = {trial.name: trial.detail for trial in verdicts if trial.passed is False}
    assert list(failed) == FAILS[name], failed


ON_REQUEST_OF = [
    pytest.param(exercise, name, marks=battery_of(name, *EXERCISES[exercise].trials))
    for exercise, name in FAILS_ON_REQUEST
]


@pytest.mark.battery
@pytest.mark.parametrize(("exercise", "name"), ON_REQUEST_OF)
def test_an_exhibit_fails_these_trials_of_its_exercise(verdicts: list[Verdict], exercise: str, name: str) -> None:
    failed = {trial.name: trial.detail for trial in verdicts if trial.passed is False}
    assert list(failed) == FAILS_ON_REQUEST[exercise, name], failed


def test_no_exhibit_is_left_out() -> None:
    assert set(FAILS) | {name for _, name in FAILS_ON_REQUEST} == set(EXHIBITS) - {exhibit.name for exhibit in BUGS}


def test_no_trial_is_idle() -> None:
    assert {name for names in FAILS.values() for name in names} == set(TRIALS)
    failed = {name for names in FAILS_ON_REQUEST.values() for name in names}
    assert failed - set(TRIALS) - set(REDIS) == set(ON_REQUEST) - set(REDIS)  # those are in test_museum_redis.py


def test_a_server_to_repair_fails_its_exercise() -> None:
    for exercise in EXERCISES.values():
        if exercise.broken is not None and not exercise.pieces:
            broken = exercise.broken.__name__
            failed = FAILS.get(broken, []) + FAILS_ON_REQUEST.get((exercise.name, broken), [])
            assert set(failed) & set(exercise.trials), exercise.name


def test_every_exhibit_says_in_one_line_what_one_sees() -> None:
    for name, exhibit in EXHIBITS.items():
        assert exhibit.name == name
        assert exhibit.symptom and "\n" not in exhibit.symptom and exhibit.symptom.endswith("."), name
        assert repr(exhibit) == f"<exhibit {name}: {exhibit.symptom}>"


def test_an_exhibit_is_its_difference_from_a_good_server() -> None:
    for name, exhibit in EXHIBITS.items():
        if exhibit.good is None:
            assert exhibit.difference == source(exhibit.fn)
            continue
        lines = exhibit.difference.splitlines()
        assert [line[:4] for line in lines[:2]] == ["--- ", "+++ "], name
        several = name == "articles_epoll_server"  # five bugs at once, as the article has them
        assert sum(line[0] in "+-" for line in lines[2:]) <= (50 if several else 13), name  # and not another server
        assert str(exhibit) == f"{name}: {exhibit.symptom}\n\n{exhibit.difference}"


def test_an_exhibit_is_shown_with_signs_and_colours() -> None:
    page = EXHIBITS["deaf_to_stop"]._repr_html_()
    assert page.count("<del ") == 1 and "<ins " not in page
    assert '<del class="mux-line"><b>-</b>' in page and "<code>epoll_server</code>" in page
    assert '<span class="tok-nf">one_at_a_time</span>' in EXHIBITS["one_at_a_time"]._repr_html_()


def test_what_an_exhibit_shows_is_escaped() -> None:
    nasty = bug(EXHIBITS["one_at_a_time"].fn, "nasty", "<script>", ("conn.close()", "'<img src=x>'"))
    for exhibit in (nasty, Exhibit(nasty.fn)):
        page = exhibit._repr_html_().partition("</style>")[2]
        assert "&lt;script&gt;" in page and "&lt;img" in page and "<img" not in page and "<script" not in page
