"""The playground without a browser: frames, the stored picture, and the panel from start to stop."""

import asyncio
import base64
import sys
import threading
import time
from types import SimpleNamespace

import pytest
from helpers import eventually

import muxlab
from muxlab.show import playground, session, style
from muxlab.show.playground import TILES, Frame, Recorder, draw_playground, setting_of

pytestmark = pytest.mark.usefixtures("drawing")

EPOLL = muxlab.SERVERS["epoll"]
BOUND = 10.0  # seconds, for what takes milliseconds


def refresh_until(panel, condition):
    """Refresh the panel, as the kernel's loop would, until `condition()` holds."""
    deadline = time.monotonic() + BOUND
    while not condition():
        assert time.monotonic() < deadline, (panel.display.tiles, panel.display.message)
        threading.Event().wait(0.02)
        panel.refresh()


def dots(panel):
    return panel.display.dots


# ---- frames and pictures


@pytest.mark.slow
def test_frames_go_on_counting_and_travel_in_one_message(monkeypatch):
    panel = playground(EPOLL, connections=5)
    sent = []
    monkeypatch.setattr(panel.display, "send_state", lambda key=None: sent.append(set(key)))
    first = panel.display.number
    panel.start()
    panel.refresh()
    assert panel.display.number == first + 1 > 1
    assert sent[-1] >= {"number", "dots", "history"}
    panel.stop()


class FakeSession:
    """A session in which every look at the clock, the replies and the CPU time takes the next of the given numbers."""

    def __init__(self, monkeypatch, times, replies, cpu):
        clock, self._replies, self._cpu = iter(times), iter(replies), iter(cpu)
        monkeypatch.setattr(sys.modules["muxlab.show.playground"].time, "monotonic", lambda: next(clock))
        self.seen = SimpleNamespace(connected=1, replies_per_second=12_345.6, p50=8e-5, p99=None, mismatches=0)
        self.seen.replies = next(self._replies)
        self.swarm = SimpleNamespace(connections=1000, activity=lambda: b"\x01")
        self.server = SimpleNamespace(cpu_seconds=lambda: next(self._cpu), threads=list)

    def look(self):
        self.seen.replies = next(self._replies)


def test_tiles_say_in_words_what_a_session_came_to(monkeypatch):
    """One second of it, in which the server used half of a core, and replies came but no 99 % of them yet."""
    session = FakeSession(monkeypatch, times=[10, 11], replies=[1000, 13_346], cpu=[3.0, 3.5])
    frame = Recorder(session).frame()
    assert frame.tiles == ("1 / 1,000", "12,346", "80 µs", "–", "50 %")
    assert len(frame.tiles) == len(TILES) == len(Frame().tiles)
    assert (frame.number, frame.dots, frame.history, frame.before) == (1, b"\x01", (12_346.0,), ())


def test_one_thread_never_takes_more_than_one_core(monkeypatch):
    """The two clocks are not read at the same instant: on a busy machine CPU time seems to run faster than time."""
    session = FakeSession(monkeypatch, times=[10, 11], replies=[0, 10], cpu=[0.0, 1.38])
    assert Recorder(session).frame().tiles[-1] == "100 %"


def test_the_figures_of_the_last_setting_stay_beside_the_new_ones(monkeypatch):
    """But not those of a setting that a dragged slider only passed through: here after a tenth of a second."""
    times = [10, 11, 12.0, 12.1, 12.2, 13.2]
    session = FakeSession(monkeypatch, times, replies=[0, 100, 200, 300], cpu=[0.0, 0.5, 0.6, 0.7])
    recorder = Recorder(session)
    recorder.frame()  # at 11
    recorder.remember("50, 5 talking")  # at 12
    recorder.remember("70, 5 talking")  # at 12.1
    before = ("50, 5 talking", "12,346", "80 µs", "–", "50 %")
    assert recorder.frame().before == before == recorder.frame().before


@pytest.mark.parametrize("count", [0, 1, 7, 25, 26, 100, 999, 10_000])
def test_every_dot_finds_room_in_the_picture(count, monkeypatch):
    figures = []
    monkeypatch.setattr(style, "png", lambda figure, colours=0: figures.append(figure) or b"")
    draw_playground("epoll", Frame(dots=bytes(count)), "note")
    (ax,) = figures[0].axes
    places = [place for line in ax.lines[:1] for place in zip(line.get_xdata(), line.get_ydata(), strict=True)]
    assert len(set(places)) == count
    width, height = figures[0].get_size_inches()
    assert all(0 < x < width and 1.2 < y < height - 0.4 for x, y in places)
    assert height < 4.0  # inches, as a chart


def test_pictures_are_small():
    crowd = Frame(dots=bytes([9, 0, 251, 252, 253] * 2000))
    png = draw_playground("epoll", crowd, "note", "what went wrong, with a $ and a \\ in it")
    assert png.startswith(b"\x89PNG") and len(png) < 60_000


# ---- the panel


def test_a_playground_shows_a_sample_and_leaves_nothing_running():
    threads = threading.active_count()
    panel = playground(EPOLL, connections=30, active=5)
    assert not panel.running and threading.active_count() == threads
    assert panel.display.tiles[0] == "30 / 30" and panel.display.tiles[2] != "–"
    assert len(dots(panel)) == 30 and sum(0 < dot <= 250 for dot in dots(panel)) == 5
    assert panel.display.message == ""


def test_a_playground_is_a_picture_where_no_kernel_runs():
    panel = playground(EPOLL, connections=30, active=5)
    bundle = panel._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")
    assert bundle["text/plain"] == "playground(epoll, connections=30, active=5)"


def test_start_refresh_stop():
    panel = playground(EPOLL, connections=30, active=5)
    panel.start()
    assert panel.running and panel._button.description == "Stop"
    refresh_until(panel, lambda: sum(0 < dot <= 250 for dot in dots(panel)) == 5)
    panel.stop()
    panel.stop()
    frozen = panel.display.number
    panel.refresh()
    assert not panel.running and panel.display.number == frozen and panel._button.description == "Start"
    panel._button.click()
    assert panel.running
    panel._button.click()
    assert not panel.running


def test_sliders_change_the_running_swarm():
    panel = playground(EPOLL, connections=20, active=5)
    panel.start()
    panel.sliders.connections = 60
    refresh_until(panel, lambda: panel.display.tiles[0] == "60 / 60" and len(dots(panel)) == 60)
    panel.sliders.active, panel.sliders.payload = 40, 1000
    refresh_until(panel, lambda: sum(0 < dot <= 250 for dot in dots(panel)) == 40)
    panel.sliders.connections = 10
    assert panel.sliders.active == 10  # nobody can talk who is not connected
    refresh_until(panel, lambda: len(dots(panel)) == 10)
    panel.stop()


def test_what_the_figures_before_belonged_to_is_said_in_words():
    swarm = SimpleNamespace(connections=1000, active=2000, payload=64)
    assert setting_of(swarm, "connections") == setting_of(swarm, "active") == "1,000, 1,000 talking"
    assert setting_of(swarm, "payload") == "64 bytes"


@pytest.mark.slow
def test_everybody_has_a_turn_to_talk(monkeypatch):
    monkeypatch.setattr(sys.modules["muxlab.show.playground"], "ROUND", 1.0)
    panel = playground(EPOLL, connections=20, active=2)
    panel.start()
    lit = set()

    def all_lit():
        lit.update(number for number, dot in enumerate(dots(panel)) if 0 < dot <= 250)
        return len(lit) == 20

    refresh_until(panel, all_lit)
    panel.stop()


@pytest.mark.slow
def test_the_turn_stays_while_somebody_waits():
    def serves_the_first(listener):
        client, _ = listener.accept()
        with client:
            while data := client.recv(4096):
                client.sendall(data)

    panel = playground(serves_the_first, connections=9, active=3)
    panel.start()
    refresh_until(panel, lambda: sum(dot == 251 for dot in dots(panel)) == 2)
    turn = panel._session.swarm.first
    for _ in range(5):
        panel.refresh()
    assert panel._session.swarm.first == turn
    panel.stop()


@pytest.mark.slow
def test_the_sample_waits_until_everybody_is_connected():
    panel = playground(EPOLL, connections=800, active=10)
    assert panel.display.tiles[0] == "800 / 800"


@pytest.mark.slow
def test_sliders_set_the_next_start():
    panel = playground(EPOLL, connections=20, active=5)
    panel.sliders.connections = 33
    panel.start()
    refresh_until(panel, lambda: panel.display.tiles[0] == "33 / 33")
    panel.stop()


def test_a_slider_that_is_placed_does_not_pass_through_other_values():
    told = []
    panel = playground(EPOLL, connections=20, active=5)
    panel.sliders.tell(lambda what, value: told.append((what, value)))
    panel.sliders.connections = 123  # not one of its stops
    assert told == [("connections", 123)] and panel.sliders.active == 5


@pytest.mark.slow
def test_only_one_playground_plays():
    one, other = playground(EPOLL, connections=5), playground(muxlab.SERVERS["select"], connections=5)
    one.start()
    other.start()
    assert other.running and not one.running
    muxlab.stop_all()
    assert not other.running


@pytest.mark.slow
def test_servers_that_were_stopped_elsewhere_do_not_upset_the_panel():
    panel = playground(EPOLL, connections=5)
    panel.start()
    panel._session.server.end()
    refresh_until(panel, lambda: not panel.running)
    assert "returned" in panel.display.message


@pytest.mark.slow
def test_stopping_is_not_held_against_a_simple_server():
    """It serves one client at a time and does not expect a reset; when the panel stops, nine are waiting for it."""

    def one_at_a_time(listener):
        while True:
            client, _ = listener.accept()
            with client:
                while data := client.recv(4096):
                    client.sendall(data)

    panel = playground(one_at_a_time, connections=10, active=10)
    assert panel.display.message == ""
    panel.start()
    refresh_until(
        panel, lambda: sum(dot == 251 for dot in dots(panel)) == 9
    )  # they wait, for more than a quarter second
    panel.stop()
    assert panel.display.message == ""


def test_a_crash_is_shown_with_the_learners_line():
    def fragile(listener, stop):
        client, _ = listener.accept()
        with client:
            client.recv(100)
            raise ZeroDivisionError("after the first message")

    panel = playground(fragile, connections=3)
    assert not panel.running
    assert "ZeroDivisionError: after the first message" in panel.display.message
    assert "fragile" in panel.display.message and "raise ZeroDivisionError" in panel.display.message
    panel.start()
    refresh_until(panel, lambda: not panel.running)
    assert "ZeroDivisionError" in panel.display.message


def test_a_crash_before_the_first_client_is_shown_too(monkeypatch):
    def broken(listener, stop):
        raise RuntimeError("at once")

    def serve_to_the_end(fn, **options):
        """Let no client come before the crash: as long as the listener is open, the kernel lets some of them in."""
        server = muxlab.serve(fn, **options)
        assert eventually(lambda: not server.alive)
        return server

    monkeypatch.setattr(session, "serve", serve_to_the_end)
    panel = playground(broken, connections=3)
    assert not panel.running and panel.name == "broken"
    assert panel.display.tiles[:4] == ("0 / 3", "0", "–", "–")
    assert panel.display.tiles[4] in ("–", "0 %")  # it depends on whether there was a second look before the end
    assert "RuntimeError: at once" in panel.display.message


def test_wrong_replies_are_reported_while_it_goes_on():
    def shouting(listener, stop):
        client, _ = listener.accept()
        with client:
            while data := client.recv(4096):
                client.sendall(data.swapcase())

    panel = playground(shouting, connections=1, active=1)
    assert "not what had been sent" in panel.display.message


def test_too_many_connections_are_refused_in_the_panel():
    panel = playground(EPOLL, connections=20)
    panel.start()
    panel.sliders.connections = 10_000_000
    assert "10,000,000 connections are too many" in panel.display.message
    assert panel.running and panel.sliders.connections == 20
    panel.sliders.connections = 21
    assert panel.display.message == ""
    panel.stop()
    panel.sliders.connections = 10_000_000
    panel.start()
    assert not panel.running and "too many" in panel.display.message


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"fn": "epoll"}, TypeError, "function"),
        ({"fn": lambda: None}, TypeError, "listener"),
        ({"connections": 0}, ValueError, "connections=0"),
        ({"connections": 10_000_000}, ValueError, "too many"),
        ({"active": -1}, ValueError, "active=-1"),
        ({"payload": 1.5}, TypeError, "payload=1.5"),
    ],
)
def test_bad_arguments_are_refused_at_once(arguments, error, says):
    with pytest.raises(error, match=says):
        playground(**{"fn": EPOLL} | arguments)


@pytest.mark.slow
def test_frames_are_sent_by_a_task_of_the_running_loop():
    """In a kernel a cell runs inside the loop; here a coroutine stands in for the cell."""

    async def cell():
        panel = playground(EPOLL, connections=5)
        panel.start()
        senders = set()
        panel.display.observe(lambda _: senders.add(threading.current_thread()), "number")
        deadline = time.monotonic() + BOUND
        while not senders and time.monotonic() < deadline:
            await asyncio.sleep(0.01)
        panel.stop()
        await asyncio.wait_for(panel._task, BOUND)
        return senders

    assert asyncio.run(cell()) == {threading.current_thread()}
