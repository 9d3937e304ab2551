"""The stepper panel and the duel without a browser: acts by message, what they show, and that they end."""

import base64
import re
import threading
import time
from pathlib import Path

import pytest
import watch_servers

import muxlab
from muxlab.show import duel, panel, stepper, stepper_picture, stepper_view, style
from muxlab.stepper import client as watch_client

EPOLL = muxlab.SERVERS["epoll"]
BOUND = 10.0  # seconds, for what takes milliseconds


def forgetful(listener):
    """Edge-triggered, and reads once."""
    import select

    epoll = select.epoll()
    epoll.register(listener, select.EPOLLIN)
    clients = {}
    while True:
        for fd, _ in epoll.poll():
            if fd == listener.fileno():
                client, _ = listener.accept()
                clients[client.fileno()] = client
                epoll.register(client, select.EPOLLIN | select.EPOLLET)
            else:
                clients[fd].send(clients[fd].recv(1024))


@pytest.fixture(autouse=True, scope="module")
def fonts():
    """Let matplotlib open its fonts, which it keeps open for good, before descriptors are counted."""
    with muxlab.step(EPOLL) as stepper:
        stepper_picture.draw(
            stepper_view.source(stepper, stepper.state()), stepper_view.moment(stepper, stepper.state()), "note"
        )


@pytest.fixture(autouse=True)
def no_panels():
    """Close every panel afterwards."""
    yield
    for one in list(panel._panels):
        one.close()


def press(panel, act, client="", text="hello", times=1):
    """Do what the browser does when a button is pressed; returns the view that answers it."""
    before = panel.view["answered"]
    content = {"act": act, "client": client, "text": text, "times": times} if client else {"act": act}
    panel._handle_custom_msg(content, [])
    assert panel.view["answered"] == before + 1
    return panel.view


def row(panel, name="client 1"):
    return next(row for row in panel.view["rows"] if row["name"] == name)


# ---- the stepper


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
    assert (row(panel)["receive"], row(panel)["ready"], row(panel)["interest"]) == (5, ["IN", "OUT"], ["IN"])
    assert "receive" in row(panel)["changed"]
    seen = press(panel, "next_call")
    assert seen["headline"] == "Paused before recv(client 1, 65536)"
    assert {"line": 24, "text": "recv(client 1, 65536)", "kind": "paused", "fresh": True} in seen["notes"]
    seen = press(panel, "next_call")
    assert seen["calls"] == [
        {"line": 24, "where": "epoll_server", "text": "recv(client 1, 65536) = b'hello'", "kind": "data"}
    ]
    press(panel, "run_until_blocked")
    assert (row(panel)["receive"], row(panel)["reply"]) == (0, 5)
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
    import asyncio

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


def test_stop_all_ends_panels():
    one, two = stepper(EPOLL), duel(EPOLL, forgetful)
    muxlab.stop_all()
    assert (one.view["status"], one.view["ended"]) == ("stopped", True)
    assert [side["status"] for side in two.view["sides"]] == ["stopped", "stopped"]
    assert press(one, "start")["status"] == "paused"


def test_running_a_cell_again_closes_its_old_panels(monkeypatch):
    monkeypatch.setattr(muxlab.notebook, "current_cell", lambda: ("cell", "first run"))
    old, twin = stepper(EPOLL), duel(EPOLL, EPOLL)
    assert old.comm is not None and twin.comm is not None
    monkeypatch.setattr(muxlab.notebook, "current_cell", lambda: ("cell", "second run"))
    new = stepper(EPOLL)
    assert old.comm is None and twin.comm is None and not old.stepper.alive
    assert new.stepper.alive


def test_messages_to_a_closed_panel_do_nothing():
    panel = stepper(EPOLL)
    panel.close()
    panel._heard(panel, {"act": "start"}, [])
    assert not panel.stepper.alive


def test_a_closed_panel_may_be_collected_on_any_thread():
    panel = stepper(EPOLL)
    panel.close()
    collector = threading.Thread(target=panel.__del__)
    with panel._lock:
        collector.start()
        collector.join(BOUND)
        assert not collector.is_alive()


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
        ({"clients": 1.5}, ValueError, "clients=1.5"),
        ({"backlog": -1}, ValueError, "backlog=-1"),
    ],
)
def test_bad_arguments_are_refused_at_once(arguments, error, says):
    with pytest.raises(error, match=says):
        stepper(**{"fn": EPOLL} | arguments)


def test_clients_that_find_no_room_are_an_error_and_nothing_stays(monkeypatch):
    monkeypatch.setattr(watch_client, "CONNECT_TIMEOUT", 0.1)
    with pytest.raises(TimeoutError):
        stepper(EPOLL, backlog=0, clients=3)
    with pytest.raises(TypeError):
        duel(EPOLL, lambda: None)


# ---- the duel


def test_the_same_bytes_for_both_and_one_forgets():
    panel = duel(EPOLL, forgetful)
    assert (panel.message, panel.times) == ("hello", 600)
    press(panel, "send", "client 1", "hello", 600)
    left, right = panel.view["sides"]
    assert [one["rows"][0]["receive"] for one in (left, right)] == [0, 1976]
    assert [one["forgotten"] for one in (left, right)] == [0, 1976]
    assert right["headline"] == "Asleep in epoll.poll() with 1,976 bytes waiting"
    assert [[call["kind"] for call in side["calls"]] for side in (left, right)] == [["wait", "data", "data"]] * 2
    said = press(panel, "read", "client 1")["said"]["text"]
    assert said == "client 1 · epoll: read 3,000 bytes · forgetful: read 1,024 bytes"
    assert [side["calls"] for side in panel.view["sides"]] == [[], []]
    assert press(panel, "client")["said"]["text"] == "client 2 is connected"
    assert [len(side["rows"]) for side in panel.view["sides"]] == [2, 2]
    assert press(panel, "close", "client 2")["said"]["text"] == "client 2 closed its connection"


def test_a_duel_goes_on_when_one_has_crashed():
    panel = duel(EPOLL, forgetful)
    press(panel, "reset", "client 1")
    assert [side["status"] for side in panel.view["sides"]] == ["blocked", "crashed"]
    assert not panel.view["ended"]
    assert not press(panel, "client")["said"]["well"]
    assert press(panel, "stop")["ended"]
    assert [side["status"] for side in press(panel, "start")["sides"]] == ["blocked", "blocked"]


# ---- pictures and looks


def test_panels_are_pictures_where_no_kernel_runs():
    for one, text in (
        (stepper(EPOLL, clients=2), "stepper(epoll): paused before line 10"),
        (duel(EPOLL, forgetful), "duel(epoll: blocked, forgetful: blocked)"),
    ):
        bundle = one._repr_mimebundle_()
        png = base64.b64decode(bundle["image/png"])
        assert png.startswith(b"\x89PNG") and len(png) < 40_000
        assert bundle["text/plain"] == text
        assert "application/vnd.jupyter.widget-view+json" in bundle
        assert one._picture() == png


def test_source_lines_keep_every_letter():
    for fn in (EPOLL, forgetful, watch_servers.one_function):
        with muxlab.step(fn) as one:
            lines = one.listings[0].lines
            assert tuple("".join(text for _, text in parts) for parts in stepper_view.ink(lines)) == lines
    assert stepper_view.ink(()) == []


def test_outcomes_have_the_colours_of_the_course():
    css = (Path(panel.__file__).parent / "browser/stepper.css").read_text()
    for outcome, look in style.OUTCOME.items():
        assert f"--ms-{outcome}: {look.colour.lower()};" in css


def test_nothing_of_a_server_is_put_into_the_page_as_html():
    js = panel.StepPanel._esm
    assert js.count("innerHTML") == js.count("innerHTML = drawing(") > 0
