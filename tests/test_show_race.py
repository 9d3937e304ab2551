"""The race without a browser: bars, turns, sliders, and servers that spoil it."""

import asyncio
import base64
import re
import select
import sys
import threading
import time
from types import SimpleNamespace

import pytest

import muxlab
from muxlab.show import race
from muxlab.show.race import Lap, Result, bars_of

pytestmark = pytest.mark.usefixtures("drawing")

EPOLL, SELECT = muxlab.SERVERS["epoll"], muxlab.SERVERS["select"]
BOUND = 20.0  # seconds, for what takes one or two


def refresh_until(panel, condition):
    """Refresh the panel, as the kernel's loop would, until `condition()` holds."""
    deadline = time.monotonic() + BOUND
    while not condition():
        assert time.monotonic() < deadline, (panel.results, panel.display.message)
        threading.Event().wait(0.02)
        panel.refresh()


def servers():
    """Threads of servers that run now."""
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("muxlab-server")]


def test_bars_are_shares_of_the_longest():
    bars = bars_of([Result("a", 20_000.0, 100.0), Result("b", 5000.0, 9.94), Result("c")])
    assert [[bar["share"] for bar in pair] for pair in bars] == [[1, 1], [0.25, pytest.approx(0.0994)], [0, 0]]
    assert [[bar["text"] for bar in pair] for pair in bars] == [["20,000", "100 µs"], ["5,000", "9.9 µs"], ["–", "–"]]


def test_a_new_race_shows_a_sample_and_runs_nothing():
    panel = race(SELECT, EPOLL, connections=20, active=5)
    assert not panel.running and servers() == []
    assert [one.name for one in panel.results] == ["select", "epoll"]
    assert all(one.replies_per_second > 0 and one.us_per_reply > 0 for one in panel.results)
    assert repr(panel) == "race(select, epoll, connections=20, active=5)"
    png = base64.b64decode(panel._repr_mimebundle_()["image/png"])
    assert png.startswith(b"\x89PNG")


def test_a_lap_goes_on_until_there_is_a_reply(monkeypatch):
    clock = [100.0]
    monkeypatch.setattr(sys.modules["muxlab.show.race"], "time", SimpleNamespace(monotonic=lambda: clock[0]))
    session = SimpleNamespace(
        seen=SimpleNamespace(replies=20, errors=0),
        server=SimpleNamespace(name="one", cpu_seconds=lambda: clock[0] / 10),
        swarm=SimpleNamespace(activity=list, active=0, connections=0),
        look=lambda: None,
        trouble=lambda: "",
        all_tried=True,
    )
    lap = Lap(session, seconds=0.15)
    for seconds, replies, over in [(0, 20, False), (1, 20, False), (1.5, 30, True)]:
        clock[0], session.seen.replies = 100 + seconds, replies
        lap.look()
        assert lap.over is over, seconds
    assert lap.result.replies_per_second == pytest.approx(10 / 1.5)

    silent = Lap(session, seconds=0.15)
    silent.look()
    clock[0] += 6
    silent.look()
    assert silent.over and silent.result.replies_per_second == 0


def test_servers_take_turns_and_one_runs_at_a_time(monkeypatch):
    monkeypatch.setattr(sys.modules["muxlab.show.race"], "LAP", 0.05)
    panel = race(SELECT, EPOLL, connections=20, active=5)
    panel.start()
    seen = []

    def note():
        running = servers()
        assert len(running) <= 1
        seen.extend(name for name in running if seen[-1:] != [name])
        return len(seen) >= 4

    refresh_until(panel, note)
    panel.stop()
    names = [re.sub("muxlab-server-", "", name) for name in seen]
    assert names[:4] == ["select", "epoll"] * 2
    assert servers() == [] and not panel.running


@pytest.mark.slow
def test_a_moved_slider_begins_anew():
    panel = race(SELECT, EPOLL, connections=20, active=5)
    panel.start()
    panel.sliders.connections = 30
    assert all(one.replies_per_second is None for one in panel.results)
    assert panel.running
    refresh_until(panel, lambda: panel.results[0].replies_per_second)
    panel.stop()


def test_stop_all_ends_it_and_the_numbers_stay():
    panel = race(SELECT, EPOLL, connections=20, active=5)
    panel.start()
    muxlab.stop_all()
    assert not panel.running and servers() == []
    assert any(one.replies_per_second for one in panel.results)


@pytest.mark.slow
def test_whoever_turns_clients_away_is_said_to_have_lost_them():
    panel = race(SELECT, EPOLL, connections=1100)
    assert re.fullmatch(r"lost \d+ of its clients", panel.results[0].note), panel.results
    assert panel.results[1].note == "" and panel.display.message == ""


@pytest.mark.slow
def test_whoever_leaves_clients_without_an_answer_is_said_to():
    panel = race(muxlab.SERVERS["blocking"], EPOLL, connections=20, active=5)
    assert re.fullmatch("answers [01] of 5 that talk|no reply within 5 s", panel.results[0].note), panel.results
    assert panel.results[1].note == ""


@pytest.mark.slow
def test_start_and_stop_in_a_notebook_leave_one_task_at_work(monkeypatch):
    monkeypatch.setattr(sys.modules["muxlab.show.race"], "LAP", 0.05)

    async def notebook():
        panel = race(SELECT, EPOLL, connections=10)
        for _ in range(3):
            panel.start()
            await asyncio.sleep(0)
            panel.stop()
        panel.start()
        await asyncio.sleep(0.3)  # some frames
        tasks = [task for task in asyncio.all_tasks() if "_play" in repr(task)]
        panel.stop()
        await asyncio.wait_for(asyncio.gather(*tasks), BOUND)
        return tasks

    assert len(asyncio.run(notebook())) == 1


@pytest.mark.slow
def test_a_second_race_stops_the_first():
    first, second = race(SELECT, EPOLL, connections=10), race(EPOLL, SELECT, connections=10)
    first.start()
    second.start()
    assert second.running and not first.running
    second.stop()


@pytest.mark.slow
def test_clients_may_have_a_process_of_their_own():
    panel = race(SELECT, EPOLL, connections=10, isolate=True)
    assert all(one.replies_per_second > 0 for one in panel.results)


def test_a_server_that_crashes_is_named_and_the_race_stops():
    def broken(listener, stop):
        select.select([listener], [], [], BOUND)
        raise RuntimeError("out of order")

    panel = race(broken, EPOLL, connections=10)
    assert "broken stopped with RuntimeError: out of order" in panel.display.message
    assert servers() == []
    panel.start()
    refresh_until(panel, lambda: not panel.running)
    assert "out of order" in panel.display.message


def test_a_server_that_answers_wrongly_is_not_let_win():
    def shouting(listener, stop):
        while not stop.is_set():
            if listener in select.select([listener, stop], [], [])[0]:
                client, _ = listener.accept()
                with client:
                    while data := client.recv(4096):
                        client.sendall(data.swapcase())

    panel = race(shouting, EPOLL, connections=1, active=1)
    assert "not what had been sent" in panel.display.message
    panel.start()
    refresh_until(panel, lambda: not panel.running)
    assert "not what had been sent" in panel.display.message


def test_a_server_without_an_answer_is_passed_over(monkeypatch):
    monkeypatch.setattr(sys.modules["muxlab.show.race"], "PATIENCE", 0.3)

    def silent(listener, stop):
        select.select([stop], [], [])

    panel = race(silent, EPOLL, connections=10)
    assert panel.results[0].note.startswith("no reply within") and panel.results[0].replies_per_second is None
    assert panel.results[1].replies_per_second


@pytest.mark.parametrize(
    ("arguments", "numbers", "says"),
    [
        ((EPOLL,), {}, "two servers or more"),
        ((EPOLL, SELECT), {"active": 0}, "has to talk"),
        ((EPOLL, SELECT), {"connections": 0}, "connections=0"),
        ((EPOLL, SELECT), {"connections": 10**7}, "10,?000,?000"),
    ],
)
def test_bad_numbers_are_refused_before_anything_starts(arguments, numbers, says):
    with pytest.raises(ValueError, match=says):
        race(*arguments, **numbers)
    assert servers() == []


def test_what_is_not_a_server_is_refused():
    with pytest.raises(TypeError, match="a server is a function"):
        race(EPOLL, 7)
