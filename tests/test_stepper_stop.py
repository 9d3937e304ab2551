"""The stepper is stopped: before any line, in any call, in any server; and what the end of a server looks like."""

import threading

import foreign_wait
import pytest
import watch_servers
from stepped import ALL, make, stop_in_time
from watch_servers import NASTY

import muxlab
from muxlab.stepper import step


@pytest.mark.parametrize("name", [*ALL, *NASTY])
def test_stops_before_its_first_line(name):
    stepper = step(make(name))
    state = stepper.state()
    assert state.status == "paused"
    assert state.calls == () and state.line > 1 and state.text
    assert stop_in_time(stepper).status == "stopped"


@pytest.mark.parametrize("name", [*ALL, *NASTY])
@pytest.mark.parametrize("steps", [1, 7, 23])
def test_stops_after_some_lines(name, steps):
    stepper = step(make(name))
    for _ in range(steps):
        if stepper.next().status != "paused":
            break
    assert stop_in_time(stepper).status == "stopped"


@pytest.mark.parametrize("name", [*ALL, *NASTY])
def test_stops_in_its_run(name):
    stepper = step(make(name))
    state = stepper.run_until_blocked()
    expected = {"nonblocking", "swallow_and_spin", "swallow_in_helper", "spin"}
    if name == "work_hard":
        assert state.status in ("paused", "running")
    else:
        assert state.status == ("paused" if name in expected else "blocked")
        assert bool(state.note) == (name in expected)
    assert stop_in_time(stepper).status == "stopped"


@pytest.mark.parametrize("name", ALL)
def test_stops_with_clients_at_work(name):
    stepper = step(make(name))
    client = stepper.client()
    stepper.run_until_blocked()
    client.send(b"x" * 1000)
    for _ in range(3):
        stepper.next()
    assert stop_in_time(stepper).status == "stopped"


@pytest.mark.parametrize("calls", range(13))
def test_stops_before_any_call_of_asyncio(calls, caplog):
    """In a callback, asyncio catches whatever is raised; and it closes its sockets in a last turn of its loop."""
    stepper = step(muxlab.SERVERS["asyncio"])
    stepper.client().send("hi")
    for _ in range(calls):
        stepper.next_call()
    assert stop_in_time(stepper).status == "stopped"
    assert caplog.records == []


@pytest.mark.parametrize("steps", [3, 8, 12, 20])
def test_coroutines_that_are_closed_with_their_server_raise_nothing(steps):
    """What a coroutine raises while it is closed is printed, and lost; pytest takes that for an error."""
    with step(muxlab.exercise("lost-wakeup").functions[0]) as stepper:
        client = stepper.client()
        stepper.run_until_blocked()
        client.send(b"hello")
        for _ in range(steps):
            stepper.next()
        assert stop_in_time(stepper).status == "stopped"


@pytest.mark.parametrize(
    ("name", "function", "line", "error"),
    [
        ("crash", "crash", 5, "NameError: name 'clients' is not defined"),
        ("crash_in_helper", "take", 3, "BlockingIOError: [Errno 11] Resource temporarily unavailable"),
    ],
)
def test_a_crash_stays_on_screen(name, function, line, error):
    with step(make(name)) as stepper:
        if name == "crash":
            stepper.client()
        state = stepper.run_until_blocked()
        assert (state.status, state.function, state.line, state.error) == ("crashed", function, line, error)
        assert state.locals["listener"] == "listener"
        assert stepper.next() == stepper.run_until_blocked() == stepper.state()
        after = stop_in_time(stepper)
        assert (after.status, after.line, after.locals) == ("crashed", state.line, state.locals)
        with pytest.raises(OSError):
            stepper.client()


def test_a_server_that_returns_is_finished():
    def greet(listener):
        client, _ = listener.accept()
        client.sendall(b"hello")
        client.close()

    with step(greet) as stepper:
        client = stepper.client()
        state = stepper.run_until_blocked()
        assert (state.status, state.line) == ("finished", 0)
        assert client.read() == b"hello"
    assert stepper.state().status == "finished"


def test_a_wait_that_no_gate_sees():
    """A helper of another module: its epoll is its own. It is found asleep, woken by a client, and stopped."""

    def server(listener):
        while True:
            foreign_wait.wait(listener)
            listener.accept()[0].close()

    with step(server) as stepper:
        state = stepper.run_until_blocked()
        assert (state.status, state.call) == ("blocked", "epoll_wait(2)")
        stepper.client()
        state = stepper.state()
        assert (state.status, state.line) == ("paused", 4)
        assert stepper.run_until_blocked().status == "blocked"
        assert stop_in_time(stepper).status == "stopped"


def test_threads_of_the_server_run_freely_and_end_with_it():
    with step(watch_servers.threaded) as stepper:
        clients = [stepper.client() for _ in range(2)]
        assert stepper.run_until_blocked().call == "accept(listener)"
        clients[1].send("hello")
        watch_servers.wait_until(lambda: stepper.calls["sendall", "done"])
        assert clients[1].read() == b"hello"
        assert stepper.state().status == "blocked"
    assert stepper.calls["recv", "data"] == 1


def test_threads_may_look_and_stop_while_it_steps():
    stepper = step(muxlab.SERVERS["nonblocking"])
    failed = []

    def look():
        try:
            while stepper.state().status != "stopped":
                str(stepper)
        except Exception as error:
            failed.append(error)

    lookers = [threading.Thread(target=look) for _ in range(2)]
    for looker in lookers:
        looker.start()
    for _ in range(50):
        stepper.next_call()
    stop_in_time(stepper)
    for looker in lookers:
        looker.join()
    assert failed == []


def test_what_a_server_closes_it_may_close_while_it_is_stopped():
    """The `finally` of a server runs to its end, and is seen."""
    with step(muxlab.SERVERS["epoll"]) as stepper:
        stepper.client()
        stepper.run_until_blocked()
    assert stepper.calls["close", "done"] == 1
    assert stepper.calls["epoll.close", "done"] == 1


def test_an_interrupt_cannot_leave_its_lock_locked(monkeypatch):
    """`Condition.__enter__` is written in Python: an interrupt that arrives in it leaves the lock locked.

    Signal handlers run in the main thread only. So that thread, the learner's, must enter no condition that the
    server's thread enters.
    """
    entered = []

    def enter(condition):
        if threading.get_ident() == threading.main_thread().ident:
            entered.append(condition._lock)
        return condition._lock.__enter__()

    monkeypatch.setattr(threading.Condition, "__enter__", enter)
    with step(muxlab.SERVERS["epoll"]) as stepper:
        stepper.next()
        stepper.run_until_blocked()
        client = stepper.client()
        client.send(b"hello")
        assert stepper.run_until_blocked().status == "blocked"
        assert client.read() == b"hello"
    assert stepper._tracer._lock not in entered
