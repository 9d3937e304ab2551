"""The map of winners, and the race without a browser."""

import asyncio
import base64
import re
import select
import sys
import threading
import time
from dataclasses import dataclass

import matplotlib
import pytest

import muxlab
from muxlab.show import race, style, winners
from muxlab.show.playground import picture_of
from muxlab.show.race import bars_of
from muxlab.show.session import Frame, Result
from muxlab.show.winners import fields_of

EPOLL, SELECT = muxlab.SERVERS["epoll"], muxlab.SERVERS["select"]
BOUND = 20.0  # seconds, for what takes one or two


@dataclass
class Row:
    server: str
    connections: int
    active: int
    cpu_us_per_reply: float


ROWS = [
    *[Row("nonblocking", 900, 1, cost) for cost in (900.0, 1000.0, 5000.0)],
    *[Row("select", 900, 1, 110.0), Row("epoll", 900, 1, 10.0), Row("epoll-edge", 900, 1, 11.0)],
    *[Row("nonblocking", 10, 10, 9.0), Row("select", 10, 10, 7.0), Row("epoll", 10, 10, 8.0)],
    *[Row("nonblocking", 10, 1, 11.0), Row("epoll", 10, 1, 20.0)],
]


@pytest.fixture(autouse=True, scope="module")
def fonts():
    """Let matplotlib open its fonts, which it keeps open for good, before descriptors are counted."""
    picture_of("epoll", Frame(dots=b"1"), "note")


@pytest.fixture(autouse=True)
def no_window():
    """Draw into memory, and forget every figure and every panel afterwards."""
    from matplotlib import pyplot

    from muxlab.show.race import Race

    matplotlib.use("agg")
    yield
    pyplot.close("all")
    for panel in list(Race._panels):
        panel.close()


# ---- the look


def test_the_second_chart_of_a_notebook_is_shown_like_the_first():
    """Its backend is loaded by the first chart, inside of `style`, and switches matplotlib to interactive for good."""
    assert not matplotlib.is_interactive()
    with style.style():
        matplotlib.interactive(True)
    try:
        assert matplotlib.is_interactive()
    finally:
        matplotlib.interactive(False)


# ---- the map


def test_a_field_is_won_by_all_that_are_near_the_cheapest():
    fields = fields_of(ROWS)
    assert fields[900, 1].won == ["epoll", "epoll-edge"]
    assert fields[900, 1].behind == [("select", 11.0), ("nonblocking", 100.0)]  # 1,000 is the median of three
    assert fields[10, 10] == (["select", "epoll"], [("nonblocking", pytest.approx(9 / 7))])
    assert fields[10, 1].won == ["nonblocking"]


def test_the_order_of_rows_does_not_matter():
    assert fields_of(ROWS[::-1]) == fields_of(ROWS)


def test_the_map_says_in_words_what_it_says_in_colours():
    ax = winners(ROWS)
    texts = [text.get_text() for text in ax.texts]
    assert {"epoll, epoll-edge", "select 11×\nnonblocking 100×", "select, epoll", "nonblocking"} <= set(texts)
    assert [label.get_text() for label in ax.get_xticklabels()] == ["10", "900"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["1", "10"]


def test_each_winner_has_a_stripe_and_a_longer_lead_a_stronger_colour():
    assert len(winners(ROWS).patches) == 2 + 2 + 1
    strength = []
    for lead in (1.5, 5.0, 50.0):
        (stripe,) = winners([Row("epoll", 9, 1, 1.0), Row("poll", 9, 1, lead)]).patches
        strength.append(sum(stripe.get_facecolor()[:3]))
    assert strength == sorted(strength, reverse=True) and len(set(strength)) == 3


def test_a_field_without_a_loser_is_all_alike():
    ax = winners([Row("epoll", 9, 9, 1.0), Row("poll", 9, 9, 1.1)])
    assert "all alike" in [text.get_text() for text in ax.texts]


def test_text_stays_inside_its_field_and_readable():
    ax = winners([Row(name, n, 1, 1.0 + 9 * (name == "nonblocking")) for n in (10, 100, 900, 9000) for name in
                  ("nonblocking", "select", "poll", "epoll", "epoll-edge")])  # fmt: skip
    ax.figure.canvas.draw()
    inside = [text for text in ax.texts if text.get_text() and "bold" not in text.get_text()]
    for text in inside:
        box = text.get_window_extent().transformed(ax.transData.inverted())
        x, y = text.xy
        assert x - 0.5 <= box.x0 and box.x1 <= x + 0.5 and y - 0.5 <= box.y0 and box.y1 <= y + 0.5, text


def test_a_servers_own_of_the_learner_can_win():
    (stripe,) = winners([Row("mine", 9, 1, 1.0), Row("poll", 9, 1, 100.0)]).patches
    assert stripe.get_facecolor()[:3] != matplotlib.colors.to_rgb(style.CARD)


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([], "no rows"),
        ([Row("epoll", 9, 1, 0.0)], "above zero"),
        ([Row("epoll", 9, 1, float("nan"))], "above zero"),
        ([muxlab.measure.WaitCost("poll", 9, 1, 1.0)], "how many were active"),
    ],
)
def test_what_cannot_be_mapped_is_refused(rows, says):
    with pytest.raises(ValueError, match=says):
        winners(rows)


# ---- the race


def refresh_until(panel, condition):
    """Refresh the panel, as the kernel's loop would, until `condition()` holds."""
    deadline = time.monotonic() + BOUND
    while not condition():
        assert time.monotonic() < deadline, (panel.results, panel.track.message)
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


def test_whoever_turns_clients_away_is_said_to_have_lost_them():
    panel = race(SELECT, EPOLL, connections=1100)
    assert re.fullmatch(r"lost \d+ of its clients", panel.results[0].note), panel.results
    assert panel.results[1].note == "" and panel.track.message == ""


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


def test_a_second_race_stops_the_first():
    first, second = race(SELECT, EPOLL, connections=10), race(EPOLL, SELECT, connections=10)
    first.start()
    second.start()
    assert second.running and not first.running
    second.stop()


def test_clients_may_have_a_process_of_their_own():
    panel = race(SELECT, EPOLL, connections=10, isolate=True)
    assert all(one.replies_per_second > 0 for one in panel.results)


def test_a_server_that_crashes_is_named_and_the_race_stops():
    def broken(listener, stop):
        select.select([listener], [], [], BOUND)
        raise RuntimeError("out of order")

    panel = race(broken, EPOLL, connections=10)
    assert "broken stopped with RuntimeError: out of order" in panel.track.message
    assert servers() == []
    panel.start()
    refresh_until(panel, lambda: not panel.running)
    assert "out of order" in panel.track.message


def test_a_server_without_an_answer_is_passed_over(monkeypatch):
    monkeypatch.setattr("muxlab.show.session.PATIENCE", 0.3)

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
