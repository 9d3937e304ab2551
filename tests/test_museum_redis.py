"""The museum's Redis-like servers: each fails exactly the trials that its bug is about; the finished ones fail none."""

from collections.abc import Iterable

import pytest
from batteries import battery_of

import muxlab
from muxlab.course import EXERCISES
from muxlab.course.museum.caught import CAUGHT_AS_REDIS as FAILS
from muxlab.course.museum.redis import REDIS as BUGS
from muxlab.trials import REDIS, Verdict

pytestmark = pytest.mark.battery

FINISHED = ["muxlab.resp:redis_server", "muxlab.resp:redis_on_loop", "muxlab.resp:redis_on_streams"]


def with_battery(names: Iterable[str]) -> list:
    """Names of servers, each with the battery that its test asks for."""
    return [pytest.param(name, marks=battery_of(name, *REDIS)) for name in names]


@pytest.mark.parametrize("name", with_battery(FINISHED))
def test_a_finished_server_passes_all(verdicts: list[Verdict], name: str) -> None:
    assert [trial for trial in verdicts if trial.passed is not True] == []
    assert [trial.name for trial in verdicts] == list(REDIS)


@pytest.mark.parametrize("name", with_battery(FAILS))
def test_an_exhibit_fails_these_trials_and_no_other(verdicts: list[Verdict], name: str) -> None:
    failed = {trial.name.removeprefix("redis: "): trial.detail for trial in verdicts if trial.passed is False}
    assert list(failed) == FAILS[name], failed


def test_the_server_to_repair_fails_its_exercise() -> None:
    exercise = EXERCISES["redis-frames"]
    report = muxlab.check(exercise.broken, exercise.trials)
    failed = [trial.name.removeprefix("redis: ") for trial in report.trials if trial.passed is False]
    assert failed == ["takes inline commands", "refuses false lengths", "refuses counts beyond all reason"]


def test_no_exhibit_is_left_out_and_no_trial_is_idle() -> None:
    assert list(FAILS) == [exhibit.name for exhibit in BUGS]
    assert {f"redis: {name}" for names in FAILS.values() for name in names} == set(REDIS)
