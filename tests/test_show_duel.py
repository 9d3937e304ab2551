"""The duel without a browser: the same bytes for both, and what each of them did about it."""

import base64

import pytest
from press import forgetful, press, queued

import muxlab
from muxlab.show import duel, stepper
from muxlab.stepper import client as watch_client

pytestmark = pytest.mark.usefixtures("drawing")

EPOLL = muxlab.SERVERS["epoll"]


def test_the_same_bytes_for_both_and_one_forgets():
    panel = duel(EPOLL, forgetful)
    assert (panel.message, panel.times) == ("hello", 600)
    press(panel, "send", "client 1", "hello", 600)
    left, right = panel.view["sides"]
    assert [queued(one["rows"][0], "receive") for one in (left, right)] == [0, 1976]
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


def test_clients_that_find_no_room_are_an_error_and_nothing_stays(monkeypatch):
    monkeypatch.setattr(watch_client, "CONNECT_TIMEOUT", 0.1)
    with pytest.raises(TimeoutError):
        stepper(EPOLL, backlog=0, clients=3)
    with pytest.raises(TypeError):
        duel(EPOLL, lambda: None)


def test_stop_all_ends_panels():
    one, two = stepper(EPOLL), duel(EPOLL, forgetful)
    muxlab.stop_all()
    assert (one.view["status"], one.view["ended"]) == ("stopped", True)
    assert [side["status"] for side in two.view["sides"]] == ["stopped", "stopped"]
    assert press(one, "start")["status"] == "paused"


@pytest.mark.slow
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
