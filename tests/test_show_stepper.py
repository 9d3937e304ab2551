"""The stepper panel without a browser: acts by message, what they show, and that it ends."""

import asyncio
import re
import threading
import time

import pytest
import watch_servers
from matplotlib.colors import to_rgb
from press import forgetful, press, queued, row

import muxlab
from muxlab.show import stepper, stepper_view, style
from muxlab.stepper import client as watch_client

pytestmark = pytest.mark.usefixtures("drawing")

EPOLL = muxlab.SERVERS["epoll"]
BOUND = 10.0  # seconds, for what takes milliseconds


def test_a_panel_begins_before_the_first_line():
    panel = stepper(EPOLL, clients=2)
    seen = panel.view
    assert (seen["name"], seen["status"], seen["headline"]) == ("epoll", "paused", "Paused before line 10")
    assert seen["line"] == 10 and not seen["ended"]
    assert [one["place"] for one in seen["rows"]] == ["in the queue", "in the queue"]
    assert (seen["listener"]["receive"], seen["listener"]["limit"]) == (2, 128)
    assert panel.source["path"] == ["epoll_server"]
    assert "".join(text for _, text in panel.source["lines"][9]) == "    acceptor = Acceptor(listener)"


def test_a_whole_conversation_by_buttons():
    panel = stepper(EPOLL)
    assert press(panel, "client")["said"] == {"text": "client 1 is connected", "well": True}
    seen = press(panel, "run_until_blocked")
    assert seen["headline"] == "Asleep in epoll.poll(): waiting for an event"
    assert "epoll_wait" in seen["detail"]
    seen = press(panel, "send", "client 1")
    assert seen["said"]["text"] == "client 1 sent 5 bytes: b'hello'"
    assert (queued(row(panel), "receive"), row(panel)["ready"], row(panel)["interest"]) == (5, ["IN", "OUT"], ["IN"])
    assert "receive" in row(panel)["changed"]
    seen = press(panel, "next_call")
    assert seen["headline"] == "Paused before recv(client 1, 65536)"
    assert {"line": 24, "text": "recv(client 1, 65536)", "kind": "paused", "fresh": True} in seen["notes"]
    seen = press(panel, "next_call")
    assert seen["calls"] == [
        {"line": 24, "where": "epoll_server", "text": "recv(client 1, 65536) = b'hello'", "kind": "data"}
    ]
    press(panel, "run_until_blocked")
    assert (queued(row(panel), "receive"), queued(row(panel), "reply")) == (0, 5)
    assert press(panel, "read", "client 1")["said"]["text"] == "client 1 read 5 bytes: b'hello'"
    assert press(panel, "read", "client 1")["said"]["text"] == "client 1 has nothing to read yet: EAGAIN"
    press(panel, "half_close", "client 1")
    press(panel, "run_until_blocked")
    assert row(panel)["place"] == "closed"
    assert "the end of the stream" in press(panel, "read", "client 1")["said"]["text"]
    assert press(panel, "close", "client 1")["rows"][0]["gone"]


def test_the_latest_result_stays_beside_its_line():
    panel = stepper(watch_servers.one_function, clients=1)
    while not (notes := press(panel, "next")["notes"]):
        pass
    assert notes == [{"line": 7, "text": "= [listener IN]", "kind": "wait", "fresh": True}]
    assert press(panel, "next")["notes"] == [{**notes[0], "fresh": False}]


def test_bytes_that_wait_while_the_server_sleeps():
    panel = stepper(forgetful, clients=1)
    press(panel, "run_until_blocked")
    press(panel, "send", "client 1", "hello", 600)
    seen = press(panel, "run_until_blocked")
    assert (seen["headline"], seen["forgotten"]) == ("Asleep in epoll.poll() with 1,976 bytes waiting", 1976)


def test_helpers_show_their_own_source():
    panel = stepper(watch_servers.two_functions, clients=1)
    while press(panel, "next")["function"] == "two_functions":
        pass
    assert panel.source["path"] == ["two_functions", "accept_one"]
    assert panel.view["headline"] == "Paused before line 2 of accept_one"
    assert [name for name, _, changed in panel.view["locals"]] == ["listener", "epoll", "clients"]


def test_a_crash_stays_in_sight_and_starts_again():
    panel = stepper(watch_servers.crash, clients=1)
    seen = press(panel, "run_until_blocked")
    assert (seen["status"], seen["headline"], seen["ended"]) == ("crashed", "Crashed at line 5", True)
    assert seen["detail"] == "NameError: name 'clients' is not defined"
    assert ["listener", "listener", False] in seen["locals"]
    seen = press(panel, "stop")
    assert (seen["status"], seen["line"]) == ("crashed", 5)
    seen = press(panel, "start")
    assert (seen["status"], seen["line"], len(seen["rows"]), seen["calls"]) == ("paused", 2, 1, [])


def test_a_server_that_never_waits_is_held_and_says_so():
    panel = stepper(muxlab.SERVERS["nonblocking"])
    seen = press(panel, "run_until_blocked")
    assert seen["status"] == "paused" and "never block" in seen["detail"]
    assert (
        len(seen["calls"]) == stepper_view.CALLS + 1 and "calls more" in seen["calls"][stepper_view.CALLS // 2]["text"]
    )


def test_what_a_client_cannot_do_is_one_line(monkeypatch):
    monkeypatch.setattr(watch_client, "CONNECT_TIMEOUT", 0.1)
    panel = stepper(EPOLL, backlog=0, clients=1)
    said = press(panel, "client")["said"]
    assert not said["well"] and "the accept queue is full" in said["text"]
    press(panel, "half_close", "client 1")
    said = press(panel, "send", "client 1")["said"]
    assert said == {"text": "client 1 could not send, EPIPE: broken pipe", "well": False}
    assert "1 to 16,777,216 bytes" in press(panel, "send", "client 1", "")["said"]["text"]
    assert "this one has 50,000,000" in press(panel, "send", "client 1", "hello", 10**7)["said"]["text"]
    assert "there is no client 9" in press(panel, "send", "client 9")["said"]["text"]
    assert "a client cannot '__init__'" in press(panel, "__init__", "client 1")["said"]["text"]
    press(panel, "stop")
    said = press(panel, "client")["said"]
    assert not said["well"] and "ECONNREFUSED" in said["text"]


def test_a_client_that_sends_more_than_there_is_room_for():
    panel = stepper(EPOLL, clients=1)
    text = press(panel, "send", "client 1", "hello", 3_000_000)["said"]["text"]
    assert re.fullmatch(r"client 1 sent [\d,]+ of 15,000,000 bytes: the kernel has no room for more", text)


def test_a_stepper_that_was_made_before():
    with muxlab.step(EPOLL, backlog=3) as one:
        one.client()
        panel = stepper(one, clients=1)
        assert panel.stepper is one and len(panel.view["rows"]) == 2
        one.run_until_blocked()
        panel.refresh()
        assert panel.view["status"] == "blocked"
    panel.refresh()
    assert panel.view["ended"]
    assert press(panel, "start")["listener"]["limit"] == 3
    assert panel.stepper is not one and panel.stepper.fn is EPOLL


def test_what_happens_by_itself_is_shown_by_the_running_loop():
    """In a kernel a cell runs inside the loop; here a coroutine stands in for the cell, and a thread for a visitor."""

    async def cell():
        panel = stepper(EPOLL)
        panel.stepper.run_until_blocked()
        showers = set()
        panel.observe(lambda _: showers.add(threading.current_thread()), "view")
        visitor = threading.Thread(target=panel.stepper.client)
        visitor.start()
        deadline = time.monotonic() + BOUND
        while panel.view["status"] != "paused" and time.monotonic() < deadline:
            await asyncio.sleep(0.01)
        visitor.join(BOUND)
        return panel.view["status"], showers

    assert asyncio.run(cell()) == ("paused", {threading.current_thread()})


def test_messages_to_a_closed_panel_do_nothing():
    panel = stepper(EPOLL)
    panel.close()
    panel._heard(panel, {"act": "start"}, [])
    assert not panel.stepper.alive


def test_messages_may_come_from_several_threads():
    panel = stepper(EPOLL, clients=3)
    acts = [("next", ""), ("client", ""), ("send", "client 1"), ("read", "client 2"), ("run_until_blocked", "")]

    def click():
        for act, client in acts * 5:
            panel._heard(panel, {"act": act, "client": client, "text": "hello", "times": 1}, [])

    clickers = [threading.Thread(target=click) for _ in range(3)]
    for clicker in clickers:
        clicker.start()
    for clicker in clickers:
        clicker.join(BOUND)
    assert panel.view["answered"] == 75 and len(panel.view["rows"]) == 18


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"fn": "epoll"}, TypeError, "function"),
        ({"fn": lambda: None}, TypeError, "listener"),
        ({"clients": -1}, ValueError, "clients=-1"),
        ({"clients": 1.5}, TypeError, "clients=1.5"),
        ({"backlog": -1}, ValueError, "backlog=-1"),
    ],
)
def test_bad_arguments_are_refused_at_once(arguments, error, says):
    with pytest.raises(error, match=says):
        stepper(**{"fn": EPOLL} | arguments)


# ---- what the browser and the stored picture both draw


def test_a_line_is_lit_while_the_server_is_at_it():
    panel = stepper(watch_servers.crash, clients=1)
    assert (panel.view["lit"], panel.view["status"]) == (panel.view["line"], "paused")
    seen = press(panel, "run_until_blocked")
    assert (seen["lit"], seen["status"]) == (5, "crashed")
    panel = stepper(EPOLL)
    seen = press(panel, "stop")
    assert (seen["lit"], seen["status"]) == (0, "stopped")


def test_few_bytes_are_drawn_one_by_one_and_more_of_them_as_a_bar():
    few = [stepper_view.bar_of(count) for count in (0, 1, 12)]
    assert [(bar["text"], bar["ticks"], bar["share"]) for bar in few] == [
        ("0 bytes", 0, 0.0),
        ("1 byte", 1, 0.0),
        ("12 bytes", 12, 0.0),
    ]
    shares = [stepper_view.bar_of(count)["share"] for count in (13, 3000, 2**22 - 1, 2**22, 2**30)]
    assert 0 < shares[0] < 0.01 < shares[1] < shares[2] < shares[3] == shares[4] == 1


def test_only_queues_that_can_be_seen_have_a_bar():
    panel = stepper(EPOLL, clients=1)
    assert [*row(panel)["bars"]] == ["reply", "receive"] and panel.view["listener"]["queue"] == ["client 1"]
    press(panel, "run_until_blocked")
    assert [*row(panel)["bars"]] == ["reply", "receive", "send"] and panel.view["listener"]["queue"] == []
    assert panel.view["listener"]["count"] == "0 of 128"
    press(panel, "reset", "client 1")
    press(panel, "run_until_blocked")
    assert row(panel)["bars"] == {}


def test_the_picture_draws_what_the_view_says(monkeypatch):
    figures = []
    monkeypatch.setattr(style, "png", lambda figure, colours=0: figures.append(figure) or b"")
    panel = stepper(EPOLL, clients=1)
    press(panel, "run_until_blocked")
    for text in ("hello", "hello" * 600):
        press(panel, "send", "client 1", text)
        panel._picture()
    for figure, bytes_ in zip(figures, (5, 3005), strict=True):
        (ax,) = figure.axes
        bar = stepper_view.bar_of(bytes_)
        boxes = [patch for patch in ax.patches if patch.get_facecolor()[:3] == to_rgb(style.COLOURS["queue"])]
        assert len(boxes) == (1 if bar["share"] else bar["ticks"])
        assert bar["text"] in [text.get_text() for text in ax.texts]


def test_source_lines_keep_every_letter():
    for fn in (EPOLL, forgetful, watch_servers.one_function):
        with muxlab.step(fn) as one:
            lines = one.listings[0].lines
            assert tuple("".join(text for _, text in parts) for parts in stepper_view.ink(lines)) == lines
    assert stepper_view.ink(()) == []
