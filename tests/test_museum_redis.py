"""The museum's Redis-like servers: each fails exactly the trials that its bug is about; the finished ones fail none."""

import pytest
from batteries import Batteries, ByName

import muxlab
from muxlab.course import EXERCISES
from muxlab.course.museum.redis import REDIS as BUGS
from muxlab.trials import REDIS

pytestmark = pytest.mark.battery

FINISHED = ["muxlab.resp:redis_server", "muxlab.resp:redis_on_loop", "muxlab.resp:redis_on_streams"]

FAILS: dict[str, list[str]] = {
    "knows_capitals_only": ["answers PING"],
    "cut_between_cr_and_lf": ["takes a request cut at every byte"],
    "one_request_for_each_recv": ["answers 1,000 pipelined requests"],
    "waits_for_a_carriage_return": ["takes inline commands"],
    "one_parser_for_all": ["serves others while 200 requests are unfinished"],
    "waits_for_the_rest_of_a_request": ["serves others while 200 requests are unfinished"],
    "inherits_half_a_request": [
        "refuses false lengths",
        "refuses counts beyond all reason",
        "refuses a line without an end",
        "survives a reset in the middle of a request",
    ],
    "hangs_up_after_the_question": ["answers a client that half-closes after asking"],
    "believes_every_length": ["refuses false lengths"],
    "takes_what_int_takes": ["refuses false lengths"],
    "waits_for_any_number_of_words": ["refuses counts beyond all reason"],
    "keeps_a_line_without_an_end": ["refuses a line without an end"],
    "keeps_text": ["keeps any bytes"],
    "counts_on_numbers": ["counts with INCR"],
    "hangs_up_on_what_it_does_not_know": ["names unknown commands and wrong arities"],
    "minds_too_few_words_only": ["names unknown commands and wrong arities"],
    "rounds_up_to_seconds": ["forgets a key when its time is over"],
    "heeds_every_alarm": ["forgets no key before its time"],
    "looks_at_the_clock_when_asked": ["forgets keys while nobody talks"],
    "looks_again_and_again": ["sleeps between two expiries"],
    "sleeps_for_years": ["takes a time that is years away"],
    "one_subscriber_for_each_channel": ["tells subscribers what is published"],
    "tells_those_who_have_left": ["gives a subscriber nothing after it has left"],
    "waits_for_every_subscriber": ["is not held up by a subscriber that does not read"],
    "settles_the_publisher_alone": ["sends the rest to a subscriber that reads late"],
    "keeps_everything_for_the_slow": ["holds at most 1 MiB for a subscriber that does not read"],
}
"""The trials that an exhibit fails, without their "redis: ". What needs one of those is not tried."""


@pytest.fixture(scope="module")
def found(batteries: Batteries) -> ByName:
    return batteries.all([*FINISHED, *FAILS], *REDIS)


@pytest.mark.parametrize("name", FINISHED)
def test_a_finished_server_passes_all(found: ByName, name: str) -> None:
    assert [trial for trial in found[name] if trial.passed is not True] == []
    assert [trial.name for trial in found[name]] == list(REDIS)


@pytest.mark.parametrize("name", list(FAILS))
def test_an_exhibit_fails_these_trials_and_no_other(found: ByName, name: str) -> None:
    failed = {trial.name.removeprefix("redis: "): trial.detail for trial in found[name] if trial.passed is False}
    assert list(failed) == FAILS[name], failed


def test_the_server_to_repair_fails_its_exercise() -> None:
    exercise = EXERCISES["redis-frames"]
    report = muxlab.check(exercise.broken, exercise.trials)
    failed = [trial.name.removeprefix("redis: ") for trial in report.trials if trial.passed is False]
    assert failed == ["takes inline commands", "refuses false lengths", "refuses counts beyond all reason"]


def test_no_exhibit_is_left_out_and_no_trial_is_idle() -> None:
    assert list(FAILS) == [exhibit.name for exhibit in BUGS]
    assert {f"redis: {name}" for names in FAILS.values() for name in names} == set(REDIS)
