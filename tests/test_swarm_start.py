"""What is interrupted, or cannot be started, while it is being built leaves nothing running and nothing open."""

import functools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from helpers import eventually
from leaks import left_over, snapshot

import muxlab
from muxlab import running
from muxlab.server import Server
from muxlab.servers import epoll_server


@pytest.fixture
def server() -> Iterator[Server]:
    with muxlab.serve(epoll_server, backlog=1024) as there:
        assert eventually(lambda: there.xray().asleep_in == "epoll_wait"), "its epoll is not to be counted as new"
        yield there


MAKERS: dict[str, Callable] = {
    "server": lambda _: muxlab.serve(epoll_server),
    "tapped server": lambda _: muxlab.serve(epoll_server, tap=True),
    "stepped server": lambda _: muxlab.step(epoll_server),
    "swarm": lambda server: muxlab.Swarm(server, 5),
    "swarm in a process": lambda server: muxlab.Swarm(server, 5, isolate=True),
}
TIMERS = {"swarm in a process": 25}
"""How many interrupts, where a hundred would take too long: a process takes a tenth of a second to start."""


class Ring(KeyboardInterrupt):
    """The interrupt of a timer."""


@pytest.fixture
def timer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[float], None]]:
    """Set a timer that raises `Ring` in the main thread after so many seconds, or with 0 call it off.

    Called off, it rings no more: a signal that was already on its way may arrive some bytecodes later, when another
    thread runs, and would end the whole test run.

    A ring in the callback of a weak reference is swallowed by Python, which then calls `unraisablehook`. Pytest's own
    parses source there, and CPython 3.11 cannot do that in the middle of another `ast.parse`, such as the stepper's.
    """
    monkeypatch.setattr(sys, "unraisablehook", lambda unraisable: None)

    armed = False

    def ring(*_: object) -> None:
        nonlocal armed
        if armed:
            armed = False  # one ring for each time that it is set
            raise Ring

    def set_timer(seconds: float) -> None:
        nonlocal armed
        armed = seconds > 0
        signal.setitimer(signal.ITIMER_REAL, seconds)

    before = signal.signal(signal.SIGALRM, ring)
    yield set_timer
    set_timer(0)
    signal.signal(signal.SIGALRM, before)


def end_all_but(server: Server) -> None:
    """Stop everything as `stop_all` does, and let one server run."""
    for thing, _ in reversed(list(running._running)):
        if thing is not server:
            thing.end()


@pytest.mark.slow
@pytest.mark.parametrize("what", MAKERS)
def test_an_interrupt_at_any_moment_leaves_nothing(what: str, server: Server, timer: Callable) -> None:
    make, times = functools.partial(MAKERS[what], server), []
    for _ in range(5):
        began = time.perf_counter()
        made = make()
        times.append(time.perf_counter() - began)
        made.stop()
    before = snapshot()
    interrupted, count = 0, TIMERS.get(what, 100)
    for number in range(10 * count):  # on a busy machine many a timer rings too late
        try:
            timer((number % count + 1) / count * sorted(times)[2])
            make()
            timer(0)
        except Ring:
            interrupted += 1
        end_all_but(server)
        if interrupted == count:
            break
    assert interrupted == count
    assert not left_over(before)
    assert [thing for thing, _ in running._running] == [server]


@pytest.mark.parametrize("what", MAKERS)
def test_a_thread_or_process_that_cannot_be_started_leaves_nothing(what: str, server: Server, monkeypatch) -> None:
    def no_more(*_: object, **__: object) -> None:
        raise RuntimeError("can't start new thread")

    before = snapshot()
    monkeypatch.setattr(threading.Thread, "start", no_more)
    monkeypatch.setattr(subprocess, "Popen", no_more)
    for _ in range(3):
        with pytest.raises(RuntimeError, match="can't start new thread"):
            MAKERS[what](server)
    monkeypatch.undo()
    assert not left_over(before, grace=0.1)
    assert [thing for thing, _ in running._running] == [server]


@pytest.mark.parametrize("what", ["swarm", "swarm in a process"])
def test_a_server_that_is_not_there_leaves_nothing(what: str) -> None:
    with muxlab.serve(epoll_server) as server:
        address = server.address
    before = snapshot()
    with pytest.raises(ConnectionRefusedError):
        MAKERS[what](address)
    assert not left_over(before, grace=0.1)
    assert not running._running


# ---- undisturbed


def test_work_is_seen_through_when_its_caller_is_interrupted(timer: Callable) -> None:
    done = []

    def work() -> None:
        timer(0.01)
        threading.Event().wait(0.1)  # time for the timer to ring
        done.append(threading.get_ident())

    with pytest.raises(Ring):
        running.undisturbed(work)
    assert done and done[0] != threading.get_ident()


def test_what_the_work_raises_is_raised_here() -> None:
    def work() -> None:
        raise LookupError("not there")

    with pytest.raises(LookupError, match="not there"):
        running.undisturbed(work)


def test_another_thread_does_its_work_itself() -> None:
    """Python's signal handlers never run there."""
    found = []

    def elsewhere() -> None:
        running.undisturbed(lambda: found.append(threading.get_ident()))
        found.append(threading.get_ident())

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert found[0] == found[1]


def test_work_is_done_once_or_never(timer: Callable) -> None:
    """Also when the interrupt comes while the thread for it is being started."""
    done: list[int] = []
    interrupted, tasks = 0, len(os.listdir("/proc/self/task"))
    for number in range(1000):
        try:
            timer(1e-6 + number * 1e-7)
            running.undisturbed(lambda number=number: done.append(number))
            timer(0)
        except Ring:
            interrupted += 1
        else:
            assert done[-1] == number
    assert interrupted > 100
    assert len(done) == len(set(done)) >= 1000 - interrupted
    assert eventually(lambda: len(os.listdir("/proc/self/task")) <= tasks)
