"""What to do with a server that sleeps, what cannot be stepped, and the telling moment of the stored picture."""

import asyncio
import contextlib
import socket
import threading
import time

import pytest
from press import press, queued, row

import muxlab
from muxlab.show import duel, rehearsal, stepper, stepper_picture, stepper_view

pytestmark = pytest.mark.usefixtures("drawing")

EPOLL = muxlab.SERVERS["epoll"]


def one_at_a_time(listener):
    while True:
        client, _ = listener.accept()
        with client:
            while data := client.recv(4096):
                client.sendall(data)


def a_thread_for_each(listener):
    while True:
        client, _ = listener.accept()
        threading.Thread(target=talk, args=[client], daemon=True).start()


def talk(client):
    with client:
        while data := client.recv(4096):
            client.sendall(data)


def sleeper(listener):
    time.sleep(60)


def sends_much(listener):
    client, _ = listener.accept()
    with client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        client.sendall(bytes(2**24))


# ---- who wakes it


@pytest.mark.parametrize(
    ("fn", "clients", "wakers", "says"),
    [
        (EPOLL, 0, {"client": []}, "Press New client to wake it."),
        (EPOLL, 2, {"client": [], "send": ["client 1", "client 2"]}, "Let a client send, or press New client"),
        (one_at_a_time, 0, {"client": []}, "Only a new connection wakes it"),
        (one_at_a_time, 2, {"send": ["client 1"]}, "Only client 1 can wake it: let it send."),
        (sends_much, 1, {"read": ["client 1"]}, "There is room again when client 1 reads."),
        (sleeper, 0, {}, "No client can wake it"),
    ],
)
def test_a_server_that_sleeps_tells_what_wakes_it(fn, clients, wakers, says):
    panel = stepper(fn, clients=clients)
    assert (panel.view["wakers"], panel.view["refusal"]) == ({}, "")
    seen = press(panel, "run_until_blocked")
    assert seen["status"] == "blocked"
    assert seen["wakers"] == wakers
    assert seen["detail"].startswith(says) and says in seen["refusal"]
    panel.stop()
    assert panel.view["wakers"] == {} and panel.view["refusal"] == "The server has ended: press Start again."


def test_a_client_that_epoll_watches_for_room_alone_wakes_it_by_reading():
    with muxlab.step(EPOLL) as step:
        step.client()
        slow = step.client()
        step.listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        step.run_until_blocked()
        while slow.send(bytes(2**18)):
            step.run_until_blocked()
        panel = stepper(step)
        assert panel.view["wakers"] == {"client": [], "send": ["client 1"], "read": ["client 2"]}
        assert panel.view["detail"].startswith("Let a client send or read, or press New client, to wake it.")
        panel.stop()


def test_what_wakes_it_does_wake_it():
    panel = stepper(one_at_a_time, clients=2)
    press(panel, "run_until_blocked")
    seen = press(panel, "send", "client 2")  # it waits for client 1 alone
    assert seen["status"] == "blocked" and queued(row(panel, "client 2"), "receive") == 5
    assert row(panel, "client 2")["place"] == "in the queue"
    assert press(panel, "send", "client 1")["status"] == "paused"


# ---- what cannot be stepped


def test_threads_of_a_server_run_freely_and_the_panel_says_so():
    panel = stepper(a_thread_for_each, clients=2)
    assert "thread" not in panel.view["detail"]
    seen = press(panel, "run_until_blocked")
    assert seen["headline"] == "Asleep in accept(): waiting for a client to connect"
    assert "It has started 2 threads, which run freely: only this one is stepped." in seen["detail"]
    press(panel, "send", "client 2")
    deadline = time.monotonic() + 10
    while queued(row(panel, "client 2"), "reply") < 5 and time.monotonic() < deadline:
        panel.refresh()
    assert queued(row(panel, "client 2"), "reply") == 5  # its thread has answered, and nobody has stepped it
    for name in ("client 1", "client 2"):
        press(panel, "close", name)


def test_what_free_threads_did_is_seen_a_little_later():
    """In a kernel a cell runs inside the loop; here a coroutine stands in for the cell."""

    async def cell():
        panel = stepper(a_thread_for_each, clients=1)
        press(panel, "run_until_blocked")
        press(panel, "send", "client 1")
        deadline = time.monotonic() + 10
        while queued(row(panel), "reply") < 5 and time.monotonic() < deadline:
            await asyncio.sleep(0.01)
        seen = queued(row(panel), "reply")
        press(panel, "close", "client 1")
        return seen

    assert asyncio.run(cell()) == 5


@pytest.mark.parametrize("name", ["blocking", "threaded"])
def test_reference_servers_that_sleep_in_their_calls(name):
    panel = stepper(muxlab.SERVERS[name], clients=1)
    seen = press(panel, "run_until_blocked")
    assert seen["status"] == "blocked"
    assert ("It has started a thread" in seen["detail"]) == (name == "threaded")  # not the one that watches `stop`


def test_a_crash_is_told_at_its_line():
    def broken(listener, stop):
        listener.accpt()

    panel = stepper(broken)
    seen = press(panel, "run_until_blocked")
    (note,) = seen["notes"]
    assert (note["line"], note["kind"]) == (2, "crashed") and note["text"].startswith("AttributeError")


# ---- the source


def test_a_long_docstring_is_folded():
    listing = stepper(EPOLL).source
    first, last = listing["fold"]
    lines = ["".join(text for _, text in parts) for parts in listing["lines"]]
    assert lines[first - 2].strip().startswith('"""Echo') and lines[last - 1].strip() == '"""'


@pytest.mark.parametrize(
    "lines",
    [(), ("def f():", "    pass"), ("def f():", '    """Short."""'), ("    return x",), ("def f(:",), ("x = 1",)],
)
def test_other_sources_are_not(lines):
    assert stepper_view.fold(lines) == []


@pytest.mark.parametrize(
    ("line", "count", "fold", "shown"),
    [
        (1, 5, [], [1, 2, 3, 4, 5]),
        (10, 40, [3, 9], [1, 2, *range(10, 22)]),
        (30, 40, [3, 9], [*range(24, 38)]),
        (40, 40, [3, 9], [*range(27, 41)]),
        (0, 3, [], [1, 2, 3]),
        (0, 0, [], []),
    ],
)
def test_the_picture_shows_the_lines_around_the_one_that_is_next(line, count, fold, shown):
    assert stepper_picture.lines_around(line, count, fold) == shown


# ---- the stored picture


@pytest.fixture
def drawn(monkeypatch):
    """Return the views that were drawn, of pictures that are to be stored."""
    monkeypatch.setenv("MUXLAB_FULL", "1")
    views = []
    monkeypatch.setattr(stepper_picture, "draw_stepper", lambda source, view, note: views.append(view) or b"")
    monkeypatch.setattr(stepper_picture, "draw_duel", lambda sides, note: views.append(sides) or b"")
    return views


@pytest.mark.parametrize("name", ["nonblocking", "select", "poll", "epoll", "epoll-edge", "selectors", "asyncio"])
def test_the_picture_of_a_stepper_shows_bytes_that_wait_for_their_recv(name, drawn):
    panel = stepper(muxlab.SERVERS[name])
    threads = threading.active_count()
    panel._repr_mimebundle_()
    (view,) = drawn
    assert view["headline"].startswith("Paused before recv(client 2,")
    assert [one["bars"]["receive"]["bytes"] for one in view["rows"]] == [0, 5]
    assert threading.active_count() == threads
    assert panel.view["rows"] == [] and "Paused before line" in panel.view["headline"]  # it has done nothing itself


def test_the_picture_of_one_at_a_time_shows_who_has_to_wait(drawn):
    stepper(one_at_a_time)._repr_mimebundle_()
    (view,) = drawn
    assert view["headline"] == "Asleep in recv(): waiting for bytes to arrive"
    assert [one["place"] for one in view["rows"]] == ["accepted", "in the queue"]
    assert view["rows"][1]["bars"]["receive"]["bytes"] == 5


def test_the_picture_of_a_panel_that_was_used_shows_what_it_shows(drawn):
    panel = stepper(EPOLL, clients=1)
    press(panel, "next_call")
    panel._repr_mimebundle_()
    assert drawn[-1] == panel.view
    other = stepper(EPOLL)
    other.stepper.next_call(2)  # from Python
    other.refresh()
    other._repr_mimebundle_()
    assert drawn[-1] == other.view


def test_the_picture_of_a_duel_shows_what_a_message_led_to(drawn):
    panel = duel(EPOLL, one_at_a_time)
    panel._repr_mimebundle_()
    assert [side["rows"][0]["bars"]["reply"]["bytes"] for side in drawn[-1]] == [3000, 3000]
    assert [side["rows"][0]["bars"]["reply"]["bytes"] for side in panel.view["sides"]] == [0, 0]
    press(panel, "client")
    panel._repr_mimebundle_()
    assert drawn[-1] == panel.view["sides"]


def test_a_rehearsal_prints_nothing_and_survives_a_broken_server(drawn, capsys):
    def chatty(listener, stop):
        print("I was not asked to run")
        raise ValueError

    panel = stepper(chatty)
    panel._repr_mimebundle_()
    assert capsys.readouterr().out == ""
    assert drawn[0]["status"] == "crashed"


def test_a_function_runs_behind_the_scenes_only_where_chapters_are_stored(drawn, monkeypatch):
    monkeypatch.delenv("MUXLAB_FULL")
    began = []

    def noted(listener, stop):
        began.append(listener)
        listener.accept()

    with contextlib.closing(stepper(noted)) as panel:
        panel._repr_mimebundle_()
        assert drawn[-1] == panel.view and began == []
    with contextlib.closing(duel(EPOLL, EPOLL)) as panel:
        panel._repr_mimebundle_()
        assert drawn[-1] == panel.view["sides"]


def test_a_rehearsal_ends_even_if_nothing_ever_speaks():
    def only_looks(listener, stop):
        listener.setblocking(False)
        held = []
        while True:
            with contextlib.suppress(BlockingIOError):
                held.append(listener.accept()[0])

    with rehearsal.at_recv(only_looks, 128, 0) as told:
        assert len(told.clients) == 2
