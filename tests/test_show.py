"""What draws: the look, the two charts, and the playground without a browser."""

import base64
import itertools
import math
import struct
import subprocess
import sys
import threading
import time
from dataclasses import dataclass

import matplotlib
import pytest

import muxlab
from muxlab.measure import ChainCost, WaitCost
from muxlab.show import beside, cost, latency, playground, replies, style
from muxlab.show.playground import cell_size, picture_of
from muxlab.show.session import TILES, Frame

EPOLL = muxlab.SERVERS["epoll"]
BOUND = 10.0  # seconds, for what takes milliseconds


@dataclass
class Row:
    server: str
    connections: int
    cpu_us_per_reply: float
    replies_per_second: float = 1000.0


ROWS = [Row("select", n, 5 + n / 10) for n in (10, 100, 1000)] + [
    Row("epoll", n, 12.0) for n in (10, 100, 1000, 10_000)
]


@pytest.fixture(autouse=True, scope="module")
def fonts():
    """Let matplotlib open its fonts, which it keeps open for good, before descriptors are counted."""
    picture_of("epoll", Frame(dots=b"1"), "note")


@pytest.fixture(autouse=True)
def no_window():
    """Draw into memory, and forget every figure and every panel afterwards."""
    from matplotlib import pyplot

    from muxlab.show.playground import Playground

    matplotlib.use("agg")
    yield
    pyplot.close("all")
    for panel in list(Playground._panels):
        panel.close()


def refresh_until(panel, condition):
    """Refresh the panel, as the kernel's loop would, until `condition()` holds."""
    deadline = time.monotonic() + BOUND
    while not condition():
        assert time.monotonic() < deadline, (panel.screen.tiles, panel.screen.message)
        threading.Event().wait(0.02)
        panel.refresh()


def unpack(data):
    """Return (number, history, dots) of what `Frame.pack` made, as the browser reads it."""
    number, points, connections = struct.unpack_from("<III", data)
    history = struct.unpack_from(f"<{points}f", data, 12)
    shown = data[12 + 4 * points :]
    assert len(shown) == connections
    return number, history, shown


def dots(panel):
    return unpack(panel.screen.frame)[2]


# ---- the look


def as_deuteranope(colour):
    """Return linear RGB as seen without the green cones: Machado, Oliveira and Fernandes 2009, severity 1.0."""
    rgb = [(int(colour[i : i + 2], 16) / 255) ** 2.2 for i in (1, 3, 5)]
    matrix = (0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)
    return [sum(weight * part for weight, part in zip(row, rgb, strict=True)) for row in matrix]


def test_every_way_of_waiting_has_its_own_look():
    looks = [*style.WAITING.values(), style.OWN]
    assert set(muxlab.SERVERS) <= set(style.WAITING)
    assert len({look.colour for look in looks}) == len({look.marker for look in looks}) == len(looks)
    assert all(style.look(name) is look for name, look in style.WAITING.items())
    assert style.look("polling_server") is style.OWN


def test_looks_stay_apart_without_colour_vision():
    """Two that are close in colour for a deuteranope differ in marker: nothing is told by colour alone."""
    for group in (list(style.WAITING.values()), list(style.OUTCOME.values())):
        for one, other in itertools.combinations(group, 2):
            distance = math.dist(as_deuteranope(one.colour), as_deuteranope(other.colour))
            assert distance > 0.02 and one.marker != other.marker


def test_style_leaves_matplotlib_as_it_was():
    before = dict(matplotlib.rcParams)
    cost(ROWS)
    latency({"epoll": [0.001, 0.002]})
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "–"), (83e-6, "83 µs"), (0.00124, "1.24 ms"), (0.0124, "12.4 ms"), (0.124, "124 ms"), (2.5, "2.50 s"),
     (0.0009996, "1.00 ms"), (0.0, "0 µs"), (61.0, "61.0 s")],
)  # fmt: skip
def test_durations_are_written_as_a_person_would(seconds, text):
    assert style.human_seconds(seconds) == text


# ---- charts


def test_cost_draws_one_named_line_per_server():
    ax = cost(ROWS)
    drawn = {line.get_label(): list(line.get_xdata()) for line in ax.get_lines() if line.get_label()[0] != "_"}
    assert drawn == {"select": [10, 100, 1000], "epoll": [10, 100, 1000, 10_000]}
    assert {"select", "epoll"} <= {text.get_text() for text in ax.texts}
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert "connections" in ax.get_xlabel() and "microseconds" in ax.get_ylabel()


def test_cost_draws_the_median_of_repeated_rows():
    ax = cost([Row("epoll", 10, value) for value in (1.0, 2.0, 90.0)])
    assert list(ax.get_lines()[0].get_ydata()) == [2.0]


def test_a_flat_line_looks_flat():
    low, high = cost([Row("epoll", n, 9.0 + n / 1000) for n in (1, 10, 100)]).get_ylim()
    assert high / low == pytest.approx(10)
    low, high = cost(ROWS).get_ylim()
    assert low > min(row.cpu_us_per_reply for row in ROWS) / 2  # what rises fills the chart, as before


def test_names_of_lines_that_end_together_do_not_overlap():
    ax = cost([Row(name, n, 10.0) for name in ("epoll", "epoll-edge", "asyncio") for n in (10, 100)])
    ax.figure.canvas.draw()
    names = [text for text in ax.texts if text.get_text() in style.WAITING]
    boxes = sorted((text.get_window_extent() for text in names), key=lambda box: box.y0)
    assert len(boxes) == 3
    assert all(below.y1 <= above.y0 + 1 for below, above in itertools.pairwise(boxes))


def test_charts_draw_where_they_are_told():
    from matplotlib.figure import Figure

    left, right = Figure().subplots(1, 2)
    assert cost(ROWS, ax=left) is left
    assert latency({"epoll": [0.001]}, ax=right) is right


def waits(factor, sizes=(10, 100, 1000)):
    """poll, proportional, and epoll, flat: at 1,000 `factor` times 100 microseconds, and 1."""
    poll = [WaitCost("poll", n, 1, factor * n / 10, machine="a book") for n in sizes]
    return poll + [WaitCost("epoll", n, 1, 1.0, machine="a book") for n in sizes]


def test_cost_names_its_axes_after_the_experiment():
    ax = cost(waits(1))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("descriptors watched", "microseconds for one wait")


def test_beside_compares_slopes_and_ratios():
    ax = beside(waits(1), waits(2, sizes=(10, 1000, 10_000)))
    own = {line.get_label(): line for line in ax.get_lines() if line.get_label() in style.WAITING}
    theirs = [line for line in ax.get_lines() if line.get_label() == "_published"]
    assert set(own) == {"poll", "epoll"} and len(theirs) == 2
    assert {line.get_linestyle() for line in own.values()} == {"-"}
    assert {(line.get_linestyle(), line.get_markerfacecolor()) for line in theirs} == {("--", style.CARD)}
    texts = [text.get_text() for text in ax.texts]
    assert texts.count("poll, slope 1.00") == texts.count("epoll, slope 0.00") == 2
    assert {"100×", "200×"} <= set(texts)  # at 1,000, the largest that both have
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["this machine", "a book"]


def test_beside_without_a_common_size_draws_no_ratio():
    ax = beside(waits(1), waits(2, sizes=(20, 200)))
    assert not [text for text in ax.texts if "×" in text.get_text()]


def test_replies_draws_the_fastest_on_top_and_tells_the_learners_own_apart():
    left, right = replies([Row("epoll", 10, 7.5, 20_000.0), Row("my_server", 10, 9.0, 30_000.0)])
    assert [label.get_text() for label in left.get_yticklabels()] == ["epoll", "my_server"]  # from the bottom up
    assert [bar.get_width() for bar in left.patches] == [20_000, 30_000]
    assert [bar.get_width() for bar in right.patches] == [7.5, 9.0]
    assert [bool(bar.get_hatch()) for bar in left.patches] == [False, True]
    assert {"30,000", "20,000"} <= {text.get_text() for text in left.texts}


def test_latency_marks_half_and_99_percent():
    ax = latency({"epoll": [n / 1000 for n in range(1, 1001)]})
    half, most = (
        line for line in ax.get_lines() if line.get_label().startswith("_child") and len(line.get_xdata()) == 1
    )
    assert half.get_xdata()[0] == pytest.approx(0.500, abs=0.01)
    assert most.get_xdata()[0] == pytest.approx(0.990, abs=0.01)
    assert "99 %" in [label.get_text() for label in ax.get_yticklabels()]


def test_latency_takes_a_histogram_like_the_samples_it_counts():
    shape = [(0.001, 500), (0.002, 490), (0.050, 10)]
    samples = [seconds for seconds, count in shape for _ in range(count)]
    from_histogram, from_samples = latency({"epoll": dict(shape)}), latency({"epoll": samples})
    names = [[text.get_text() for text in ax.texts] for ax in (from_histogram, from_samples)]
    assert names[0] == names[1]
    assert "1.00 ms · 2.00 ms" in names[0][0]


@pytest.mark.parametrize(
    ("draw", "says"),
    [
        (lambda: cost([]), "no rows"),
        (lambda: cost([Row("epoll", 10, 0.0)]), "above zero"),
        (lambda: cost([Row("epoll", 10, math.nan)]), "above zero"),
        (lambda: cost([*waits(1), *ROWS]), "cost.. was given rows of several kinds"),
        (lambda: beside([], waits(1)), "beside.. was given no rows"),
        (lambda: beside(waits(1), []), "no rows"),
        (lambda: beside(waits(1), [ChainCost("poll", 10, 1, 100, 5.0)]), "several kinds"),
        (lambda: latency({}), "no samples"),
        (lambda: replies([]), "no rows"),
        (lambda: replies([Row("epoll", 10, 1.0), Row("epoll", 20, 1.0)]), "several for epoll"),
        (lambda: replies([Row("epoll", 10, math.nan)]), "cannot draw nan for 'epoll'"),
        (lambda: latency({"epoll": []}), "no durations for 'epoll'"),
        (lambda: latency({"epoll": [0.0]}), "above zero"),
    ],
)
def test_charts_refuse_what_cannot_be_drawn(draw, says):
    with pytest.raises(ValueError, match=says):
        draw()


# ---- frames and pictures


def test_a_frame_survives_the_way_to_the_browser():
    frame = Frame(number=7, dots=bytes([0, 1, 250, 251, 252, 253]), history=(0.0, 1.5, 20_000.0))
    assert unpack(frame.pack()) == (7, frame.history, frame.dots)


def test_tiles_have_a_text_for_every_title():
    tiles = Frame(connected=1, wanted=1000, replies_per_second=12345.6, p50=8e-5, cpu_share=0.5).tiles()
    assert tiles == ["1 / 1,000", "12,346", "80 µs", "–", "50 %"]
    assert len(tiles) == len(TILES)


@pytest.mark.parametrize("count", [0, 1, 7, 100, 999, 10_000])
def test_every_dot_finds_room_in_the_picture(count):
    side = cell_size(count, 6.7, 2.0)
    assert math.floor(6.7 / side + 1e-9) * math.floor(2.0 / side + 1e-9) >= count


def test_pictures_are_small():
    crowd = Frame(dots=bytes([9, 0, 251, 252, 253] * 2000))
    png = picture_of("epoll", crowd, "note", "what went wrong, with a $ and a \\ in it")
    assert png.startswith(b"\x89PNG") and len(png) < 60_000


# ---- the playground


def test_a_playground_shows_a_sample_and_leaves_nothing_running():
    threads = threading.active_count()
    panel = playground(EPOLL, connections=30, active=5)
    assert not panel.running and threading.active_count() == threads
    assert panel.screen.tiles[0] == "30 / 30" and panel.screen.tiles[2] != "–"
    assert len(dots(panel)) == 30 and sum(0 < dot <= 250 for dot in dots(panel)) == 5
    assert panel.screen.message == ""


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
    frozen = panel.screen.frame
    panel.refresh()
    assert not panel.running and panel.screen.frame == frozen and panel._button.description == "Start"
    panel._button.click()
    assert panel.running
    panel._button.click()
    assert not panel.running


def test_sliders_change_the_running_swarm():
    panel = playground(EPOLL, connections=20, active=5)
    panel.start()
    panel.sliders.connections = 60
    refresh_until(panel, lambda: panel.screen.tiles[0] == "60 / 60" and len(dots(panel)) == 60)
    panel.sliders.active, panel.sliders.payload = 40, 1000
    refresh_until(panel, lambda: sum(0 < dot <= 250 for dot in dots(panel)) == 40)
    panel.sliders.connections = 10
    assert panel.sliders.active == 10  # nobody can talk who is not connected
    refresh_until(panel, lambda: len(dots(panel)) == 10)
    panel.stop()


def test_sliders_set_the_next_start():
    panel = playground(EPOLL, connections=20, active=5)
    panel.sliders.connections = 33
    panel.start()
    refresh_until(panel, lambda: panel.screen.tiles[0] == "33 / 33")
    panel.stop()


def test_a_slider_that_is_placed_does_not_pass_through_other_values():
    told = []
    panel = playground(EPOLL, connections=20, active=5)
    panel.sliders.tell(lambda what, value: told.append((what, value)))
    panel.sliders.connections = 123  # not one of its stops
    assert told == [("connections", 123)] and panel.sliders.active == 5


def test_only_one_playground_plays():
    one, other = playground(EPOLL, connections=5), playground(muxlab.SERVERS["select"], connections=5)
    one.start()
    other.start()
    assert other.running and not one.running
    muxlab.stop_all()
    assert not other.running


def test_servers_that_were_stopped_elsewhere_do_not_upset_the_panel():
    panel = playground(EPOLL, connections=5)
    panel.start()
    panel._load.server.end()
    refresh_until(panel, lambda: not panel.running)
    assert "returned" in panel.screen.message


def test_stopping_is_not_held_against_a_simple_server():
    """It serves one client at a time and does not expect a reset; when the panel stops, nine are waiting for it."""

    def one_at_a_time(listener):
        while True:
            client, _ = listener.accept()
            with client:
                while data := client.recv(4096):
                    client.sendall(data)

    panel = playground(one_at_a_time, connections=10, active=10)
    assert panel.screen.message == ""
    panel.start()
    refresh_until(
        panel, lambda: sum(dot == 251 for dot in dots(panel)) == 9
    )  # they wait, for more than a quarter second
    panel.stop()
    assert panel.screen.message == ""


def test_a_crash_is_shown_with_the_learners_line():
    def fragile(listener, stop):
        client, _ = listener.accept()
        with client:
            client.recv(100)
            raise ZeroDivisionError("after the first message")

    panel = playground(fragile, connections=3)
    assert not panel.running
    assert "ZeroDivisionError: after the first message" in panel.screen.message
    assert "fragile" in panel.screen.message and "raise ZeroDivisionError" in panel.screen.message
    panel.start()
    refresh_until(panel, lambda: not panel.running)
    assert "ZeroDivisionError" in panel.screen.message


def test_a_crash_before_the_first_client_is_shown_too():
    def broken(listener, stop):
        raise RuntimeError("at once")

    panel = playground(broken, connections=3)
    assert not panel.running and panel.name == "broken"
    assert "RuntimeError: at once" in panel.screen.message


def test_wrong_replies_are_reported_while_it_goes_on():
    def shouting(listener, stop):
        client, _ = listener.accept()
        with client:
            while data := client.recv(4096):
                client.sendall(data.swapcase())

    panel = playground(shouting, connections=1, active=1)
    assert "not what had been sent" in panel.screen.message


def test_too_many_connections_are_refused_in_the_panel():
    panel = playground(EPOLL, connections=20)
    panel.start()
    panel.sliders.connections = 10_000_000
    assert "10,000,000 connections are too many" in panel.screen.message
    assert panel.running and panel.sliders.connections == 20
    panel.sliders.connections = 21
    assert panel.screen.message == ""
    panel.stop()
    panel.sliders.connections = 10_000_000
    panel.start()
    assert not panel.running and "too many" in panel.screen.message


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"fn": "epoll"}, TypeError, "function"),
        ({"fn": lambda: None}, TypeError, "listener"),
        ({"connections": 0}, ValueError, "connections=0"),
        ({"connections": 10_000_000}, ValueError, "too many"),
        ({"active": -1}, ValueError, "active=-1"),
        ({"payload": 1.5}, ValueError, "payload=1.5"),
    ],
)
def test_bad_arguments_are_refused_at_once(arguments, error, says):
    with pytest.raises(error, match=says):
        playground(**{"fn": EPOLL} | arguments)


def test_running_a_cell_again_closes_its_old_panel(monkeypatch):
    monkeypatch.setattr(muxlab.notebook, "current_cell", lambda: ("cell", "first run"))
    old = playground(EPOLL, connections=5)
    twin = playground(EPOLL, connections=5)
    old.start()
    assert twin.comm is not None
    monkeypatch.setattr(muxlab.notebook, "current_cell", lambda: ("cell", "second run"))
    playground(EPOLL, connections=5)
    assert not old.running and old.comm is None and twin.comm is None and old.screen.comm is None


def test_a_closed_panel_may_be_collected_on_any_thread():
    """Garbage is collected wherever memory is asked for: in the swarm's thread too, while this one waits for it."""
    from muxlab.show.playground import Playground

    panel = playground(EPOLL, connections=5)
    panel.close()
    collector = threading.Thread(target=panel.__del__)
    with Playground._lock:
        collector.start()
        collector.join(BOUND)
        assert not collector.is_alive()


def test_frames_are_sent_by_a_task_of_the_running_loop():
    """In a kernel a cell runs inside the loop; here a coroutine stands in for the cell."""
    import asyncio

    async def cell():
        panel = playground(EPOLL, connections=5)
        panel.start()
        senders = set()
        panel.screen.observe(lambda _: senders.add(threading.current_thread()), "frame")
        deadline = time.monotonic() + BOUND
        while not senders and time.monotonic() < deadline:
            await asyncio.sleep(0.01)
        panel.stop()
        await asyncio.wait_for(panel._task, BOUND)
        return senders

    assert asyncio.run(cell()) == {threading.current_thread()}


def test_nothing_heavy_is_imported_before_it_is_used():
    code = "import sys, muxlab; print({'matplotlib', 'ipywidgets', 'anywidget', 'numpy'} & set(sys.modules))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert out.stdout.strip() == "set()"
