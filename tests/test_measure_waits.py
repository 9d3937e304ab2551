"""The experiments that clock the ways of waiting alone: each keeps to its protocol, which counts can tell."""

import functools
import os
import random
import re
import sys
import threading

import pytest

from muxlab import notebook as bars
from muxlab.measure import chain_cost, pass_cost, wait_cost, waits
from muxlab.measure.protocol import machine
from muxlab.measure.waits import MODELS, pairs, socket_pair

QUICK = 0.01  # seconds: what is counted does not depend on how long it goes on


@pytest.fixture
def heard(monkeypatch):
    """Record the descriptors from which a byte was read, in order, whichever way waited."""
    found = []
    machine()  # reads, too, the first time
    read = os.read

    def counted(fd, size):
        byte = read(fd, size)  # nothing there: it raises, and is not counted
        found.append(fd)
        return byte

    monkeypatch.setattr(os, "read", counted)
    return found


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("make", [os.pipe, socket_pair])
def test_each_way_names_those_who_spoke_and_nobody_else(model, make):
    with pairs(30, make) as (readers, writers), waits.waiting(model, readers, 3, 0) as (ask, take):
        assert not ask()
        for number in (4, 11, 29):
            os.write(writers[number], b"!")
        spoke = sorted(readers[number] for number in (4, 11, 29))
        assert sorted(ask()) == spoke
        if model != "nonblocking":  # to which asking is reading
            assert sorted(ask()) == spoke
        for fd in spoke:
            take(fd, 1)
        assert not ask()


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("experiment", [wait_cost, pass_cost])
def test_a_wait_or_pass_hears_all_that_are_ready_each_time_others(model, experiment, heard):
    (row,) = experiment(model, 40, ready=3, seconds=QUICK)
    assert len(heard) == 3 * (row.repeats + 1)  # and one to warm up
    rounds = [tuple(heard[start : start + 3]) for start in range(0, len(heard), 3)]
    assert all(len(set(each)) == 3 for each in rounds)
    assert len(set(rounds)) > 1
    assert row.model == model and row.ready == 3
    assert 0 < row.low <= getattr(row, row.form.cost) <= row.high
    assert getattr(row, row.form.size) == 40
    assert "Python" in row.machine


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(("active", "writes"), [(1, 100), (7, 50), (20, 0)])
def test_the_chain_hears_every_byte_and_no_more(model, active, writes, heard):
    (row,) = chain_cost(model, 20, active, writes, seconds=QUICK)
    runs = row.repeats + 1
    assert len(heard) == runs * (active + writes)
    assert (row.pairs, row.active, row.writes) == (20, active, writes)
    assert row.us_per_event == row.us_per_run / (active + writes)


def test_the_chain_goes_from_pair_to_pair(heard):
    chain_cost("epoll", 5, active=1, writes=6, seconds=QUICK)
    first = heard[:7]
    assert len(set(first)) == 5
    assert first[5:] == first[:2] and heard[7:14] == first


def test_the_chain_makes_25_runs_at_most():
    (row,) = chain_cost("epoll", 2, writes=0, seconds=5)
    assert row.repeats == 25


@pytest.mark.parametrize("experiment", [wait_cost, pass_cost, chain_cost])
def test_several_numbers_give_several_rows_and_one_gives_one(experiment):
    sizes = experiment("poll", (2, 5), seconds=QUICK)
    assert [getattr(row, row.form.size) for row in sizes] == [2, 5]
    assert len(experiment("poll", 3, seconds=QUICK)) == 1


def test_epoll_names_more_than_its_default_of_1023():
    (row,) = pass_cost("epoll", 1100, ready=1100, seconds=QUICK)
    assert row.us_per_event == row.us_per_pass / 1100


def test_a_silent_majority_costs_poll_and_not_epoll():
    """A factor of 40 here, and of 1.1; 4 is asked of both, in medians of single waits, which no load moves far."""
    cost = {model: [row.us_per_wait for row in wait_cost(model, [10, 1000])] for model in ("poll", "epoll")}
    assert cost["poll"][1] > 4 * cost["poll"][0]
    assert cost["epoll"][1] < 4 * cost["epoll"][0]


def test_select_watches_as_many_as_the_error_says_and_not_more():
    """The writing ends lie above the wall, so that all numbers below it are left for those that are watched."""
    with pytest.raises(ValueError, match="FD_SETSIZE") as refused:
        wait_cost("select", 1100)
    fitting = int(re.search(r"so (\d+) can be added", str(refused.value))[1])
    assert fitting > 800
    (row,) = wait_cost("select", fitting, seconds=QUICK)
    assert row.watched == fitting
    for experiment in (wait_cost, pass_cost, chain_cost):
        with pytest.raises(ValueError, match="FD_SETSIZE"):
            experiment("select", [10, fitting + 2])
    (row,) = wait_cost("poll", 1100, seconds=QUICK)
    assert row.watched == 1100


@pytest.mark.parametrize(
    ("experiment", "arguments", "says"),
    [
        (wait_cost, {"model": "kqueue", "watched": 5}, "nonblocking, select, poll, epoll"),
        (wait_cost, {"model": "poll", "watched": 0}, "watched=0"),
        (wait_cost, {"model": "poll", "watched": []}, r"watched=\[\]"),
        (wait_cost, {"model": "poll", "watched": 5, "ready": 6}, "ready=6"),
        (wait_cost, {"model": "poll", "watched": 5, "ready": 0}, "ready=0"),
        (wait_cost, {"model": "poll", "watched": 5, "seconds": 0}, "seconds=0"),
        (pass_cost, {"model": "poll", "sockets": [5, -1]}, "sockets=-1"),
        (chain_cost, {"model": "poll", "pairs": [5, 10], "active": 6}, "active=6"),
        (chain_cost, {"model": "poll", "pairs": 5, "writes": -1}, "writes=-1"),
        (wait_cost, {"model": "epoll", "watched": 10**7}, "RLIMIT_NOFILE.*would fit now.*prlimit"),
    ],
)
def test_what_cannot_be_measured_is_refused(experiment, arguments, says):
    with pytest.raises(ValueError, match=says):
        experiment(**arguments)


@pytest.mark.parametrize("count", ["5", 5.0, True])
def test_a_count_is_a_whole_number(count):
    with pytest.raises(TypeError, match="whole number"):
        wait_cost("poll", count)


def test_without_epoll_it_says_so(monkeypatch):
    monkeypatch.delattr("select.epoll")
    with pytest.raises(OSError, match="needs Linux"):
        wait_cost("epoll", 5)


def test_a_way_that_names_the_wrong_ones_is_found_out(monkeypatch):
    monkeypatch.setattr(random, "sample", lambda writers, ready: [writers[0]] * ready)  # two bytes for one
    with pytest.raises(RuntimeError, match="named 1 descriptors, and 2 were ready"):
        wait_cost("epoll", 5, ready=2, seconds=QUICK)


def test_a_bar_is_drawn_for_those_who_look_on_and_then_it_is_gone(monkeypatch, capsys):
    threads = set(threading.enumerate())
    wait_cost("epoll", [2, 3], seconds=QUICK)
    assert capsys.readouterr() == ("", "")  # nobody looks on
    monkeypatch.setattr(bars, "PATIENCE", 0)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    wait_cost("epoll", [2, 3], seconds=QUICK)
    drawn = capsys.readouterr()
    assert "waits, epoll" in drawn.err and drawn.err.endswith("\r") and drawn.out == ""
    assert set(threading.enumerate()) == threads


@pytest.mark.parametrize(
    ("bar", "amounts", "drawn"),
    [(bars.counter, (500, 1500), "500 of 1,000"), (bars.clock, (250.0, 2000.0), "250 of 1000 s")],
)
def test_a_bar_of_something_that_grows(monkeypatch, capsys, bar, amounts, drawn) -> None:
    with bar(1000, "clients") as show:
        show(1)
    assert capsys.readouterr() == ("", "")  # nobody looks on
    monkeypatch.setattr(bars, "PATIENCE", 0)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    at_once = functools.partial(bars._bar_class(), mininterval=0)  # draws whatever it is told
    monkeypatch.setattr(bars, "_bar_class", lambda: at_once)
    with bar(1000, "clients") as show:
        for amount in amounts:  # the last is more than there is
            show(amount)
    shown = capsys.readouterr().err
    assert "clients: " in shown and drawn in shown and shown.endswith("\r")


@pytest.mark.parametrize(("person", "seen"), [(True, True), (False, False)])
def test_a_notebook_that_a_program_runs_shows_no_bar(monkeypatch, person, seen):
    request = {"header": {"msg_id": "1"}, "metadata": {}, "content": {"allow_stdin": person}}
    monkeypatch.setattr(bars, "request", lambda: request)
    settings = [1, 2]
    assert (bars.with_bar(settings, "waits") is not settings) == seen
