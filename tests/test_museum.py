"""The museum: each exhibit fails exactly the trials that its bug is about, and shows itself as a difference."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from batteries import AT_ONCE, Batteries, ByName

from muxlab.course import EXERCISES
from muxlab.course.museum import EXHIBITS, Exhibit
from muxlab.course.museum.redis import REDIS as BUGS
from muxlab.course.variant import bug, source
from muxlab.trials import REDIS, Verdict
from muxlab.trials.runner import ON_REQUEST, TRIALS

RESETS = [
    "survives a reset before any data",
    "survives a reset between messages",
    "survives a reset in the middle of a reply",
]
FORGETS = ["forgets clients that left", "forgets clients that broke off"]

FAILS: dict[str, list[str]] = {
    "patient_server": ["returns 4 MiB whole to a client that reads late", "lives through a lack of descriptors"],
    "buggy_server": [
        "returns 4 MiB whole to a client that reads late",
        "waits for room when there is none",
        *RESETS,
        "survives clients that connect and leave",
        *FORGETS,
    ],
    "restless_server": [
        "gives nobody what was meant for another",
        "lives with a client that never reads",
        *RESETS,
        "survives clients that connect and leave",
        "answers a client that half-closes after asking",
        *FORGETS,
        "sleeps when nobody talks",
        "sleeps beside a client that half-closed",
        "lives through a lack of descriptors",
    ],
    "ghost_server": [
        "gives nobody what was meant for another",
        "lives with a client that never reads",
        "survives a reset in the middle of a reply",
        "forgets clients that broke off",
        "sleeps when nobody talks",
        "sleeps beside a client that half-closed",
        "lives through a lack of descriptors",
    ],
    "picky_server": [
        "gives nobody what was meant for another",
        "lives with a client that never reads",
        *RESETS,
        "survives clients that connect and leave",
        "forgets clients that broke off",
        "lives through a lack of descriptors",
    ],
    "burst_server": [
        "accepts a burst of 300",
        "gives nobody what was meant for another",
        "returns 4 MiB whole to a client that reads late",
        "waits for room when there is none",
        "is fair while one client floods",
        *RESETS,
    ],
    "impatient_server": ["sleeps until there is room", "lives through a lack of descriptors"],
    "crowded_server": [
        "gives nobody what was meant for another",
        "lives with a client that never reads",
        "survives a reset in the middle of a reply",
        "forgets clients that broke off",
        "lives through a lack of descriptors",
    ],
    "heir_server": [
        "gives nobody what was meant for another",
        "survives a reset in the middle of a reply",
        "forgets clients that broke off",
        "lives through a lack of descriptors",
    ],
    "stale_server": [
        "returns 4 MiB whole to a client that reads late",
        "waits for room when there is none",
        "lives through a lack of descriptors",
    ],
    "lost_wakeup_server": ["echoes one message"],
    "one_at_a_time": ["is not held up by a silent client"],
    "eight_at_a_time": ["serves 64 clients in turn", "serves others while 200 clients hold half a line"],
    "waits_for_the_rest_of_a_line": ["serves others while 200 clients hold half a line"],
    "dies_of_a_reset": [
        "gives nobody what was meant for another",
        *RESETS,
        "forgets clients that broke off",
        "lives through a lack of descriptors",
    ],
    "guards_recv_only": [
        "gives nobody what was meant for another",
        "survives a reset in the middle of a reply",
        "forgets clients that broke off",
    ],
    "knows_one_error": ["survives a reset in the middle of a reply"],
    "blocking_sendall": ["lives with a client that never reads", "lives through a lack of descriptors"],
    "drops_what_send_did_not_take": [
        "returns 4 MiB whole to a client that reads late",
        "waits for room when there is none",
    ],
    "drain_loop_on_a_blocking_socket": [
        "serves 64 clients in turn",
        "serves others while 200 clients hold half a line",
    ],
    "insists_on_accepting": ["lives through a lack of descriptors"],
    "one_accept_for_each_edge": ["accepts a burst of 300"],
    "one_recv_for_each_edge": ["takes messages that come glued together"],
    "four_recvs_for_each_edge": ["takes messages that come glued together"],
    "rests_after_each_event": ["does not nap while clients wait"],
    "always_writable": ["sleeps beside silent clients"],
    "still_watches_for_bytes": ["sleeps while a client does not read"],
    "watches_for_the_end": ["sleeps while a client does not read"],
    "stays_armed": ["sleeps again after a long reply"],
    "keeps_it_on_the_list": ["sleeps when clients have broken off"],
    "drains_one_client": ["is fair while one client floods"],
    "unregisters_after_close": [
        "gives nobody what was meant for another",
        *RESETS,
        "survives clients that connect and leave",
        "answers a client that half-closes after asking",
        *FORGETS,
        "sleeps when nobody talks",
        "sleeps beside a client that half-closed",
        "sleeps while a client does not read",
    ],
    "deaf_to_stop": ["returns when told to stop"],
    "repeats_the_tail": ["answers question after question"],
    "spins_without_descriptors": ["lives through a lack of descriptors"],
    "a_thousand_at_most": ["holds more than 1,024 clients"],
    "never_forgets": [*FORGETS],
    "remembers_who_broke_off": ["forgets clients that broke off"],
    "still_owes": ["forgets clients that broke off"],
    "reads_without_end": ["lives with a client that never reads", "sleeps while a client does not read"],
    "too_generous": ["holds at most 1 MiB for a client that never reads"],
    "leaves_before_the_end": ["answers a client that half-closes after asking"],
    "remembers_by_descriptor": [
        "gives nobody what was meant for another",
        "survives a reset in the middle of a reply",
        "forgets clients that broke off",
    ],
    "asks_who_it_is": ["survives a reset before any data"],
    "answers_in_quotes": ["echoes one message"],
    "one_recv_is_one_line": [
        "takes a message that comes byte by byte",
        "takes messages that come glued together",
        "returns any bytes",
    ],
    "first_line_only": ["takes messages that come glued together", "returns any bytes"],
    "looks_at_the_last_byte": [
        "takes a message that comes byte by byte",
        "takes messages that come glued together",
        "returns any bytes",
        "survives clients that connect and leave",
        "forgets clients that left",
        "sleeps when nobody talks",
        "sleeps beside a client that half-closed",
    ],
    "reads_text": ["returns any bytes"],
    "decodes_what_it_reads": ["returns any bytes"],
}
"""The trials that an exhibit fails. What needs one of those is not tried: it would fail for the same reason."""

FAILS_ON_REQUEST: dict[tuple[str, str], list[str]] = {
    ("stale", "stale_server"): ["lets nobody pay for another's event"],
    ("tidy", "looks_at_the_clock_when_woken"): ["closes clients that are silent for too long"],
    ("tidy", "one_alarm_for_a_lifetime"): ["keeps a client that is slow and alive"],
    ("tidy", "wakes_the_wrong_one"): ["closes nobody before the timeout"],
    ("tidy", "hangs_up_at_the_end"): ["loses no byte when it is stopped"],
    ("tidy", "closes_over_unread_bytes"): ["loses no byte when it is stopped"],
    ("tidy", "waits_for_the_last_reader"): [
        "returns when told to stop",
        "stops in time though a client does not read",
    ],
}
"""The trials that an exhibit fails, of those that an exercise asks for: by the exercise's name and the exhibit's."""


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
        assert sum(line[0] in "+-" for line in lines[2:]) <= 13, name  # a bug, and not another server
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
