"""Two crowds side by side, without a browser: who is answered, who waits, the slider, and what spoils it."""

import base64
import threading
import time

import pytest

import muxlab
from muxlab.show import crowds
from muxlab.show.crowds import MOST, Side, draw_crowds

pytestmark = pytest.mark.usefixtures("drawing")

EPOLL = muxlab.SERVERS["epoll"]
BOUND = 10.0  # seconds, for what takes milliseconds
CLIENTS = "clients answered in the last second"


def one_at_a_time(listener):
    while True:
        client, _ = listener.accept()
        with client:
            while data := client.recv(4096):
                client.sendall(data)


def refresh_until(panel, condition):
    """Refresh the panel, as the kernel's loop would, until `condition()` holds."""
    deadline = time.monotonic() + BOUND
    while not condition():
        assert time.monotonic() < deadline, (panel.seen, panel.display.message)
        threading.Event().wait(0.05)
        panel.refresh()


def answered(panel):
    return [side.answered for side in panel.seen]


@pytest.mark.slow
def test_a_sample_shows_one_client_served_and_all_others_waiting():
    threads = threading.active_count()
    panel = crowds(one_at_a_time, EPOLL, connections=30)
    assert not panel.running and threading.active_count() == threads
    assert answered(panel)[0] == 1 and panel.seen[0].waiting == 29
    assert panel.seen[1].answered > 1 and panel.seen[1].waiting == 0
    assert [len(side.dots) for side in panel.seen] == [30, 30]
    assert panel.display.message == ""
    assert repr(panel) == "crowds(one_at_a_time, epoll, connections=30)"
    assert base64.b64decode(panel._repr_mimebundle_()["image/png"]).startswith(b"\x89PNG")


@pytest.mark.slow
def test_the_slider_lets_clients_come_and_go_on_both_sides():
    panel = crowds(one_at_a_time, EPOLL, connections=10)
    panel.start()
    refresh_until(panel, lambda: answered(panel) == [1, 10])
    panel.slider.connections = 40
    refresh_until(panel, lambda: answered(panel) == [1, 40] and panel.seen[0].waiting == 39)
    panel.slider.connections = 4  # no round number, and fewer
    refresh_until(panel, lambda: answered(panel) == [1, 4] and panel.seen[0].waiting == 3)
    assert [side.clients for side in panel.seen] == [4, 4]
    panel.stop()
    panel.stop()
    assert not panel.running and panel.display.message == ""
    panel.slider.connections = 7  # for the next start
    panel._button.click()
    refresh_until(panel, lambda: answered(panel) == [1, 7])
    panel._button.click()
    assert not panel.running


@pytest.mark.slow
def test_waits_grow_until_somebody_is_served():
    panel = crowds(one_at_a_time, EPOLL, connections=3)
    panel.start()
    refresh_until(panel, lambda: panel.seen[0].longest > 1)
    assert panel.seen[1].longest == 0
    panel.stop()


def test_a_crash_stops_both_and_is_shown_with_the_learners_line():
    def fragile(listener, stop):
        client, _ = listener.accept()
        with client:
            client.recv(100)
            raise ZeroDivisionError("after the first message")

    panel = crowds(fragile, EPOLL, connections=3)
    assert not panel.running
    assert "ZeroDivisionError: after the first message" in panel.display.message
    assert "raise ZeroDivisionError" in panel.display.message


def test_a_crash_before_the_first_client_is_shown_too():
    def broken(listener, stop):
        raise RuntimeError("at once")

    panel = crowds(EPOLL, broken, connections=3)
    assert not panel.running and "RuntimeError: at once" in panel.display.message


@pytest.mark.slow
def test_too_many_connections_are_refused_in_the_panel():
    panel = crowds(one_at_a_time, EPOLL, connections=5)
    panel.start()
    panel.slider.connections = 10_000_000
    assert "10,000,000 connections are too many" in panel.display.message
    assert panel.running and panel.slider.connections == 5
    panel.slider.connections = 6
    assert panel.display.message == ""
    panel.stop()


@pytest.mark.parametrize(
    ("side", "words"),
    [
        (Side("a", 1, 1), ("1 of 1", "client answered in the last second", "nobody waits")),
        (Side("a", 2, 1, 1, 0.3), ("1 of 2", CLIENTS, "1 waits")),
        (Side("a", 2000, 1, 1999, 12.4), ("1 of 2,000", CLIENTS, "1,999 wait, the longest for 12 s")),
    ],
)
def test_words(side, words):
    assert side.words() == words


@pytest.mark.parametrize("count", [0, 1, 29, 30, 1000])
def test_pictures_are_small(count):
    some = bytes([9, 0, 251, 252, 253] * count)[:count]
    png = draw_crowds([Side("epoll", count, dots=some)] * 2, "note", "what went wrong, with a $ and a \\ in it")
    assert png.startswith(b"\x89PNG") and len(png) < 60_000


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"first": "epoll"}, TypeError, "function"),
        ({"second": lambda: None}, TypeError, "listener"),
        ({"connections": 0}, ValueError, "connections=0"),
        ({"connections": 10_000_000}, ValueError, "too many"),
        ({"connections": 1.5}, TypeError, "connections=1.5"),
    ],
)
def test_bad_arguments_are_refused_at_once(arguments, error, says):
    with pytest.raises(error, match=says):
        crowds(**{"first": EPOLL, "second": EPOLL} | arguments)


@pytest.mark.slow
def test_the_slider_ends_where_dots_are_still_seen():
    panel = crowds(one_at_a_time, EPOLL, connections=5)
    values = [value for _, value in panel.slider._slider.options]
    assert values == sorted(values) and values[-1] <= MOST
