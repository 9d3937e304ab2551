"""Whole servers, clocked: each experiment keeps its protocol, and what disturbs it does not count."""

import itertools
import threading
from collections.abc import Callable
from types import SimpleNamespace

import pytest

import muxlab
from muxlab.measure import churn, churn_cost, echo_cost, servers
from muxlab.swarm.stats import Histogram, figures


def test_rows_hold_what_was_asked_for() -> None:
    rows = echo_cost(muxlab.SERVERS["epoll"], [5, 20], active=2, seconds=0.05, payload=100)
    assert [(row.server, row.connections, row.active, row.payload) for row in rows] == [
        ("epoll", 5, 2, 100),
        ("epoll", 20, 2, 100),
    ]
    for row in rows:
        assert row.replies > 0 and row.replies_per_second > 0
        assert 0 < row.p50 <= row.p99
        assert 0 < row.least <= row.low <= row.cpu_us_per_reply <= row.high < 1e6
        assert 1 <= row.repeats <= servers.MOST_ROUNDS
        assert "Python" in row.machine


def test_one_number_gives_one_row() -> None:
    (row,) = echo_cost(muxlab.SERVERS["select"], 3, seconds=0.05)
    assert row.connections == 3


@pytest.mark.slow
def test_a_crowd_costs_the_polling_server_and_not_epoll() -> None:
    """The shape is the course's central claim: a factor of 30 here, of which 4 is asked for."""
    polling = echo_cost(muxlab.SERVERS["nonblocking"], [10, 600])
    waiting = echo_cost(muxlab.SERVERS["epoll"], [10, 600])
    assert polling[1].least > 4 * polling[0].least
    assert waiting[1].least < 4 * waiting[0].least


def test_the_clock_runs_until_there_is_something_to_count() -> None:
    """However short the time: in a moment in which the server did nothing, a reply would seem to cost nothing."""
    (row,) = echo_cost(muxlab.SERVERS["nonblocking"], 20, active=10, seconds=1e-6)
    assert row.replies >= servers.ROUNDS * servers.TURNS * 10
    assert row.least > 0


QUIET = servers._Run("s", 2, replies=1000, cpu=0.008, took=0.02, latency=figures(Histogram(), 1))
CHARGED = QUIET._replace(replies=10, cpu=0.005, took=0.03)  # each turn of the two took 6 ms, of which one was charged
FREE = CHARGED._replace(cpu=1e-6)  # the same, and hardly any was


@pytest.mark.parametrize(
    ("runs", "repeats", "least"),
    [
        ([QUIET] * 5, 5, 8.0),
        ([FREE, CHARGED, QUIET, QUIET, QUIET], 3, 8.0),
        ([CHARGED] * 7 + [QUIET, FREE, QUIET, QUIET], 3, 8.0),
        ([CHARGED] * servers.MOST_ROUNDS, servers.MOST_ROUNDS, 500.0),
        ([CHARGED] * (servers.MOST_ROUNDS - 1) + [QUIET], 1, 8.0),
    ],
)
def test_what_a_disturbed_round_says_does_not_count(runs, repeats, least, monkeypatch: pytest.MonkeyPatch) -> None:
    """More rounds make up for it, up to a bound; without a single undisturbed one, all count."""
    left = iter(runs)
    monkeypatch.setattr(servers, "_run", lambda *_: next(left))
    (row,) = echo_cost(muxlab.SERVERS["epoll"], 2, active=2)
    assert (row.repeats, row.least) == (repeats, pytest.approx(least))
    assert not list(left)


@pytest.mark.parametrize(
    ("took", "rounds"), [(0.04, servers.MOST_ROUNDS), (0.2, servers.ROUNDS + 3), (0.9, 4), (5.0, 3)]
)
def test_a_busy_machine_does_not_make_it_measure_for_minutes(took, rounds, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a second of further rounds is enough for a number, and three rounds where these take three seconds."""
    clock = itertools.count(step=took)
    made: list[int] = []
    monkeypatch.setattr(servers, "time", SimpleNamespace(perf_counter=lambda: next(clock)))
    monkeypatch.setattr(servers, "_run", lambda fn, count, *_: made.append(count) or CHARGED)
    rows = echo_cost(muxlab.SERVERS["epoll"], [2, 3], active=2)
    assert [row.repeats for row in rows] == [rounds, rounds]
    assert made == [2, 3] * rounds


def test_a_server_that_does_not_answer_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    def mute(listener, stop):
        conn, _ = listener.accept()
        with conn:
            while not stop.is_set() and conn.recv(1024):
                continue

    monkeypatch.setattr(servers, "PATIENCE", 0.3)
    with pytest.raises(TimeoutError, match="replies are missing"):
        echo_cost(mute, 1, seconds=0.1)


@pytest.mark.parametrize("experiment", [echo_cost, churn_cost])
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"connections": 1, "seconds": 0}, "seconds=0"),
        ({"connections": 1, "seconds": -1}, "seconds=-1"),
        ({"connections": [1, 0]}, "connections=0"),
        ({"connections": 1, "payload": 0}, "payload=0"),
        ({"connections": [5, 2000]}, "FD_SETSIZE"),
    ],
)
def test_what_cannot_be_measured_is_refused(experiment: Callable, arguments: dict, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        experiment(muxlab.SERVERS["select"], **arguments)


@pytest.mark.slow
@pytest.mark.parametrize("experiment", [echo_cost, churn_cost])
def test_the_clients_may_live_in_a_process_of_their_own(experiment: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    swarm = muxlab.Swarm
    for module in (servers, churn):
        monkeypatch.setattr(module, "Swarm", lambda *a, **kw: asked.append(kw["isolate"]) or swarm(*a, **kw))
    (row,) = experiment(muxlab.SERVERS["epoll"], 3, seconds=0.05, isolate=True)
    assert set(asked) == {True}
    assert row.connections == 3


@pytest.mark.slow
def test_the_wall_is_that_of_the_reference_select_server_alone() -> None:
    (row,) = echo_cost(muxlab.SERVERS["poll"], 1200, seconds=0.05)
    assert row.connections == 1200


@pytest.mark.parametrize("experiment", [echo_cost, churn_cost])
def test_a_crowd_is_refused_to_a_server_that_serves_one_client_at_a_time(experiment: Callable) -> None:
    with pytest.raises(ValueError, match='"blocking" serves one client at a time, and 5 were to be connected at once'):
        experiment(muxlab.SERVERS["blocking"], connections=5 if experiment is echo_cost else 4)


def test_one_client_is_not_too_many() -> None:
    (row,) = echo_cost(muxlab.SERVERS["blocking"], 1, seconds=0.05)
    assert row.server == "blocking" and row.cpu_us_per_reply > 0


@pytest.mark.slow
def test_the_clock_starts_when_all_clients_are_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    """To accept thousands, a server may take longer than the whole measurement."""
    monkeypatch.setattr(servers, "SETTLED", 10.0)  # on a busy machine, it may accept nobody for a while
    accepted_then: set[int] = set()

    def slow(listener):
        accepted = []

        def talk(conn) -> None:
            with conn:
                while data := conn.recv(100):
                    accepted_then.add(len(accepted))
                    conn.sendall(data)

        while True:
            accepted.append(listener.accept()[0])
            threading.Thread(target=talk, args=accepted[-1:]).start()
            threading.Event().wait(0.005)

    echo_cost(slow, 50, seconds=0.05)
    assert accepted_then == {50}


def test_the_threads_of_a_server_are_counted() -> None:
    (row,) = echo_cost(muxlab.SERVERS["threaded"], 20, active=5, seconds=0.05)
    assert row.cpu_us_per_reply > 1  # as many microseconds take the three calls that a reply needs


@pytest.mark.parametrize("name", [name for name in muxlab.SERVERS if name != "blocking"])
def test_churn_is_of_clients_that_come_and_go(name: str) -> None:
    spoke = 0

    def counting(listener, stop):
        class Listener(type(listener)):
            """A listener that counts the clients it accepts."""

            __slots__ = ()

            def accept(self):
                nonlocal spoke
                accepted = super().accept()
                spoke += 1
                return accepted

            def remember(self, sock):  # those that a ring has accepted
                nonlocal spoke
                super().remember(sock)
                spoke += 1

        listener.__class__ = Listener
        muxlab.SERVERS[name](listener, stop)

    (row,) = churn_cost(counting, connections=3, seconds=0.02)
    assert spoke == servers.ROUNDS * (3 + churn.BATCH) + churn.BATCH * row.repeats  # one batch to warm up
    assert (row.server, row.connections, row.clients) == ("counting", 3, churn.BATCH * row.repeats)
    assert 0 < row.low <= row.cpu_us_per_client <= row.high


def test_churn_with_a_server_that_hangs_up() -> None:
    def rude(listener):
        while True:
            listener.accept()[0].close()

    with pytest.raises(ConnectionError):
        churn_cost(rude)
