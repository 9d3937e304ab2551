"""The museum: each exhibit fails exactly the trials that its bug is about, and shows itself as a difference."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from batteries import AT_ONCE, Batteries, ByName

from muxlab.course import EXERCISES
from muxlab.course.museum import EXHIBITS, Exhibit
from muxlab.course.museum.caught import CAUGHT as FAILS
from muxlab.course.museum.caught import CAUGHT_ON_REQUEST as FAILS_ON_REQUEST
from muxlab.course.museum.redis import REDIS as BUGS
from muxlab.course.variant import bug, source
from muxlab.trials import REDIS, Verdict
from muxlab.trials.runner import ON_REQUEST, TRIALS


@pytest.fixture(scope="module")
def found(batteries: Batteries) -> ByName:
    return batteries.all(FAILS)


@pytest.mark.battery
@pytest.mark.parametrize("name", list(FAILS))
def test_an_exhibit_fails_these_trials_and_no_other(found: ByName, name: str) -> None:
    failed = {trial.name: trial.detail for trial in found[name] if trial.passed is False}
    assert list(failed) == FAILS[name], failed


@pytest.fixture(scope="module")
def found_on_request(batteries: Batteries) -> dict[tuple[str, str], list[Verdict]]:
    """The trials of exercises: by the exercise's name and the exhibit's."""

    def trials(asked: tuple[str, str]) -> list[Verdict]:
        exercise, name = asked
        return batteries.one(name, *EXERCISES[exercise].trials)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip(FAILS_ON_REQUEST, pool.map(trials, FAILS_ON_REQUEST), strict=True))


@pytest.mark.battery
@pytest.mark.parametrize(("exercise", "name"), list(FAILS_ON_REQUEST))
def test_an_exhibit_fails_these_trials_of_its_exercise(
    found_on_request: dict[tuple[str, str], list[Verdict]], exercise: str, name: str
) -> None:
    found = found_on_request[exercise, name]
    failed = {trial.name: trial.detail for trial in found if trial.passed is False}
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
