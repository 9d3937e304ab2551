"""Server functions that do odd things: whatever way they run, the learner hears of it, and nothing stays."""

import contextlib
import os
import select

import pytest
from helpers import eventually

import muxlab


class LivesInItsConstructor:
    """A class: to call it is to serve."""

    def __init__(self, listener, stop):
        while not stop.is_set():
            select.select([stop, listener], [], [])


class RaisesInItsConstructor:
    def __init__(self, listener):
        raise ValueError("mine")


class Stubborn(Exception):
    """An error that cannot be shown, nor given a traceback."""

    def with_traceback(self, traceback):
        raise RuntimeError("no traceback for me")

    def __str__(self):
        raise RuntimeError("no text either")


def raises_what_cannot_be_shown(listener, stop):
    raise Stubborn


def closes_by_number(listener, stop):
    os.close(listener.fileno())
    os.close(stop.fileno())
    raise KeyError("mine")


def closes_its_stop(listener, stop):
    stop.close()
    select.select([listener], [], [])


def forks(listener, stop):
    child = os.fork()
    if child:
        os.waitpid(child, 0)


ERRORS = {
    LivesInItsConstructor: None,
    RaisesInItsConstructor: ValueError,
    raises_what_cannot_be_shown: Stubborn,
    closes_by_number: KeyError,
    closes_its_stop: None,
    forks: None,
}
WAYS = {
    "bare": muxlab.serve,
    "tapped": lambda fn: muxlab.serve(fn, tap=True),
    "stepped": muxlab.step,
}


@pytest.mark.filterwarnings("ignore:.* did not return within:RuntimeWarning")
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")  # Python 3.12 and later
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("fn", ERRORS, ids=lambda fn: fn.__name__)
def test_it_ends_and_its_error_reaches_the_learner(fn, way: str) -> None:
    server = WAYS[way](fn)
    if way == "stepped":
        server.run_until_blocked()
    assert eventually(lambda: not server.alive or server.thread.native_id)
    with contextlib.suppress(*filter(None, [ERRORS[fn]])):
        server.wait(0.1)
        server.stop(timeout=0.2)
    assert not server.alive
    assert type(server.error) is (ERRORS[fn] or type(None)), repr(server.error)


@pytest.mark.parametrize("fn", [RaisesInItsConstructor, raises_what_cannot_be_shown], ids=lambda fn: fn.__name__)
def test_a_stepped_one_is_seen_to_crash(fn) -> None:
    with muxlab.step(fn) as stepper:
        state = stepper.run_until_blocked()
        assert state.status == "crashed" and state.line
