"""The timeline: every call is a mark at its place, and three servers beside one another say what the course says."""

import itertools
import socket
from collections import Counter

import matplotlib
import pytest
from helpers import slow
from watch_servers import wait_until

import muxlab
from muxlab.show import compare, style, timeline
from muxlab.watch.calls import Call, Calls

THREE = ("nonblocking", "select", "epoll")


@pytest.fixture(autouse=True, scope="module")
def fonts():
    """Let matplotlib open its fonts, which it keeps open for good, before descriptors are counted."""
    matplotlib.use("agg")
    timeline(calls_of(("recv", "client 1", "data"))).figure.canvas.draw()


@pytest.fixture(autouse=True)
def no_window():
    """Draw into memory, and forget every figure afterwards."""
    from matplotlib import pyplot

    yield
    pyplot.close("all")


def calls_of(*events, earlier=0):
    """Calls as a tap would give them: (name, who, outcome) each, after `earlier` that it does not keep any more."""
    calls = Calls(Counter((name, outcome) for name, _, outcome in events))
    if earlier:
        calls["recv", "EAGAIN"] += earlier
    calls.events = [
        Call(number, name, who, -1, "", outcome, 0, "", 0.0, "", 0)
        for number, (name, who, outcome) in enumerate(events, 1 + earlier)
    ]
    return calls


def same_clients(fn):
    """What a server calls while three clients come, say hello, and leave; after each act it has time for 24 calls."""
    with muxlab.step(fn) as step:
        clients = []
        for _ in range(3):
            clients.append(step.client())
            step.next_call(24)
        for client in clients:
            client.send("hello")
            step.next_call(24)
        for client in clients:
            client.close()
            step.next_call(24)
        return step.calls


def marks(ax):
    """How many marks of each outcome there are, by what is drawn."""
    return {line.get_label(): len(line.get_xdata()) for line in ax.get_lines()}


def rows(ax):
    return [label.get_text() for label in ax.get_yticklabels()]


def places(ax, kind):
    """Where the marks of one outcome are: (call number, row)."""
    names = dict(zip(ax.get_yticks(), rows(ax), strict=True))
    (line,) = (line for line in ax.get_lines() if line.get_label() == kind)
    return [(x, names[y]) for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True)]


EVERY_KIND = calls_of(
    ("epoll.register", "stop", "done"),
    ("epoll.poll", "epoll", "ready"),
    ("accept", "listener", "done"),
    ("recv", "client 10", "EAGAIN"),
    ("recv", "client 2", "data"),
    ("send", "client 2", "data"),
    ("recv", "client 2", "end"),
    ("connect", "socket", "ECONNREFUSED"),
    ("select.select", "", "timeout"),
    ("time.sleep", "", "done"),
)


def test_every_call_has_its_mark_at_its_place():
    ax = timeline(EVERY_KIND)
    assert marks(ax) == {"wait": 3, "done": 1, "EAGAIN": 1, "data": 3, "end": 1, "error": 1}
    assert rows(ax) == ["waits", "listener", "client 2", "client 10", "others"]
    assert places(ax, "wait") == [(2, "waits"), (9, "waits"), (10, "waits")]
    assert places(ax, "data") == [(3, "listener"), (5, "client 2"), (6, "client 2")]
    assert places(ax, "EAGAIN") == [(4, "client 10")]
    assert places(ax, "error") == [(8, "others")]
    top, bottom = ax.transAxes.inverted().transform(ax.transData.transform([(1, 0), (1, 4)]))[:, 1]
    assert top > bottom


def test_each_outcome_has_its_colour_and_shape_here_and_in_the_legend():
    ax = timeline(EVERY_KIND)
    drawn = {line.get_label(): (line.get_color(), line.get_marker()) for line in ax.get_lines()}
    assert drawn == {kind: (style.on_any_page(look.colour), look.marker) for kind, look in style.OUTCOME.items()}
    explained = {(line.get_color(), line.get_marker()) for line in ax.get_legend().get_lines()}
    assert explained == set(drawn.values())
    assert len(ax.get_legend().get_texts()) == len(drawn)


def test_the_legend_explains_what_is_there_and_nothing_else():
    texts = timeline(calls_of(("recv", "client 1", "EAGAIN"))).get_legend().get_texts()
    assert [text.get_text() for text in texts] == ["EAGAIN: nothing yet"]


def test_a_wait_is_a_light_line_through_all_rows():
    ax = timeline(EVERY_KIND)
    (lines,) = ax.collections
    assert [segment[0][0] for segment in lines.get_segments()] == [2, 9, 10]
    assert all(sorted(segment[:, 1]) == sorted(ax.get_ylim()) for segment in lines.get_segments())


def test_the_title_counts_all_calls():
    calls = calls_of(("recv", "client 1", "data"), ("recv", "client 1", "end"), earlier=1200)
    calls.server = "nonblocking"
    ax = timeline(calls)
    assert ax.get_title("left") == "nonblocking"
    assert ax.get_title("right") == "1,202 calls: 1,200 EAGAIN, 1 data, 1 end"
    assert timeline(calls_of(("close", "client 1", "done"))).get_title("right") == "1 call: 1 done"


def test_what_is_left_out_is_told():
    events = [("recv", f"client {number}", "data") for number in range(1, 31)]
    calls = calls_of(*events)
    assert timeline(calls).get_xlabel() == "call number"
    assert timeline(calls, last=30).get_xlabel() == "call number"
    some = timeline(calls, first=10)
    assert some.get_xlabel() == "call number: the first 10 of 30"
    assert [x for x, _ in places(some, "data")] == list(range(1, 11))
    some = timeline(calls, last=10)
    assert some.get_xlabel() == "call number: the last 10 of 30"
    assert places(some, "data") == [(x, f"client {x}") for x in range(21, 31)]
    assert timeline(calls_of(*events, earlier=1000)).get_xlabel() == "call number: the last 30 of 1,030"


def test_many_calls_are_few_artists():
    """Ten thousand marks are drawn as one line of each outcome: that is what makes it quick."""
    turn = [("recv", f"client {number}", "EAGAIN") for number in range(99)] + [("epoll.poll", "epoll", "ready")]
    ax = timeline(calls_of(*turn * 100))
    assert marks(ax) == {"EAGAIN": 9900, "wait": 100}
    assert len(ax.lines) == 2 and len(ax.collections) == 1


@pytest.mark.parametrize("panels", [1, *slow(3)])
@pytest.mark.parametrize("count", [5, 21, *slow(10, 20, 25, 60, 100, 900, 10_000)])
def test_names_of_rows_do_not_overlap(count, panels):
    calls = calls_of(*(("recv", f"client {number}", "EAGAIN") for number in range(1, count + 1)))
    ax = compare([calls] * panels)[-1]
    ax.figure.canvas.draw()
    boxes = [label.get_window_extent() for label in ax.get_yticklabels()]
    assert rows(ax)[:2] == ["waits", "listener"] and len(boxes) >= min(count + 2, 7)
    assert len(boxes) == count + 2 or count > 10  # ten clients are named one by one, in three panels too
    assert all(below.y1 <= above.y0 + 1 for above, below in itertools.pairwise(boxes))
    assert ax.figure.get_figheight() < 9.5  # inches: a notebook on a small screen


def test_it_draws_where_it_is_told():
    from matplotlib.figure import Figure

    ax = Figure().subplots()
    assert timeline(EVERY_KIND, ax=ax) is ax
    assert marks(ax)


def test_matplotlib_is_left_as_it_was():
    before = dict(matplotlib.rcParams)
    compare([EVERY_KIND, EVERY_KIND])
    assert dict(matplotlib.rcParams) == before


# ---- real servers


@pytest.mark.parametrize("name", [name for name in muxlab.SERVERS if name != "blocking"])
def test_counts_by_kind_agree_with_the_events(name):
    calls = same_clients(muxlab.SERVERS[name])
    assert calls.kinds() == Counter(event.kind for event in calls.events)
    assert calls.kinds() == marks(timeline(calls))


def test_the_whole_course_in_one_figure():
    """The same clients for three servers: the numbers are the same each time, on every machine."""
    axes = compare([same_clients(muxlab.SERVERS[name]) for name in THREE])
    assert [ax.get_title("left") for ax in axes] == list(THREE)
    assert [ax.get_title("right") for ax in axes] == [
        "215 calls: 200 EAGAIN, 9 data, 3 ends, 3 done",
        "27 calls: 9 data, 9 waits, 3 EAGAIN, 3 ends, 3 done",
        "35 calls: 11 done, 9 data, 9 waits, 3 EAGAIN, 3 ends",
    ]
    assert len({ax.get_xlim() for ax in axes}) == 1
    assert all(rows(ax) == ["waits", "listener", "client 1", "client 2", "client 3"] for ax in axes)
    assert all([row for _, row in places(ax, "end")] == ["client 1", "client 2", "client 3"] for ax in axes)
    assert [bool(ax.texts) for ax in axes] == [False, True, True]  # "no more calls"


@pytest.mark.parametrize("name", THREE)
def test_the_same_clients_make_the_same_calls(name):
    once, again = (list(map(str, same_clients(muxlab.SERVERS[name]).events)) for _ in range(2))
    assert once == again


def test_a_running_server_and_a_stepper_are_drawn_as_they_are():
    with muxlab.serve(muxlab.SERVERS["epoll"], tap=True) as server:
        wait_until(lambda: server.calls["epoll.register", "done"] == 2)
        with muxlab.Swarm(server, connections=2, active=2) as swarm:
            swarm.wait_replies(20)
        wait_until(lambda: server.calls["close", "done"] == 2)
        with muxlab.step(muxlab.SERVERS["select"]) as stepper:
            stepper.run_until_blocked()
            stepper.client()
            stepper.run_until_blocked()
            running, stepped = compare([server, stepper])
            alone = timeline(stepper)
    assert (
        running.get_title("left").strip() == "epoll"
        and stepped.get_title("left") == alone.get_title("left") == "select"
    )
    assert rows(running) == rows(stepped) == ["waits", "listener", "client 1", "client 2"]
    assert marks(running)["data"] >= 42  # two clients accepted, and 20 messages at least received and sent
    assert marks(stepped) == {"wait": 1, "EAGAIN": 1, "data": 1}


def test_who_was_accepted_and_is_silent_has_an_empty_row():
    with muxlab.step(muxlab.SERVERS["select"]) as stepper:
        clients = [stepper.client() for _ in range(3)]
        stepper.run_until_blocked()
        clients[1].send("hello")
        stepper.run_until_blocked()
        ax = timeline(stepper)
    assert rows(ax) == ["waits", "listener", "client 1", "client 2", "client 3"]
    assert {row for kind in marks(ax) for _, row in places(ax, kind)} == {"waits", "listener", "client 2"}


def test_panels_are_named_and_coloured_as_told():
    axes = compare({"epoll": EVERY_KIND, "mine": EVERY_KIND})
    assert [ax.get_title("left").strip() for ax in axes] == ["epoll", "mine"]
    colours = [style.line_colour("epoll"), style.on_any_page(style.OWN.colour)]
    assert [ax.spines["left"].get_edgecolor() for ax in axes] == [matplotlib.colors.to_rgba(c) for c in colours]
    assert [ax.get_legend() is None for ax in axes] == [True, False]


def test_compared_parts_begin_together():
    long, short = calls_of(*[("recv", "client 1", "EAGAIN")] * 50), calls_of(*[("recv", "client 1", "data")] * 5)
    above, below = compare([long, short], last=20)
    assert list(above.get_lines()[0].get_xdata()) == list(range(1, 21))
    assert above.get_xlabel() == "the last 20 of 50"
    assert below.get_xlabel() == "calls, counted from the first one shown"
    assert not below.texts  # nobody knows what the 30 others would have to be compared with


@pytest.mark.parametrize(
    ("draw", "error", "says"),
    [
        (lambda: timeline(muxlab.SERVERS["epoll"]), TypeError, "tap=True"),
        (lambda: timeline({("recv", "data"): 1}), TypeError, "tap=True"),
        (lambda: timeline(calls_of()), ValueError, "no calls yet"),
        (lambda: timeline(EVERY_KIND, last=-1), ValueError, "last=-1: give one"),
        (lambda: timeline(EVERY_KIND, first=1, last=1), ValueError, "first=1, last=1: give one"),
        (lambda: timeline(calls_of(*[("recv", "client 1", "data")] * 9, earlier=5), first=8), ValueError, "not kept"),
        (lambda: compare([]), ValueError, "no servers"),
        (lambda: compare({"epoll": calls_of()}), ValueError, "epoll has made no calls"),
    ],
)
def test_what_cannot_be_drawn_is_refused(draw, error, says):
    with pytest.raises(error, match=says):
        draw()


def test_a_bare_server_says_how_to_be_drawn():
    with muxlab.serve(muxlab.SERVERS["epoll"]) as server, pytest.raises(RuntimeError, match="tap=True"):
        timeline(server)


@pytest.mark.parametrize("width", [4, 5, 6, 7.2, 12])
def test_titles_do_not_overlap_and_the_legend_is_no_wider_than_the_chart(width):
    from matplotlib.figure import Figure

    calls = calls_of(*[("recv", "client 1", "EAGAIN")] * 400, ("recv", "client 1", "data"), ("close", "stop", "done"))
    calls.server = "nonblocking"
    figure = Figure(figsize=(width, 3), layout="constrained")
    with style.style():
        ax = timeline(calls, ax=figure.subplots())
    figure.draw_without_rendering()
    name, counts = (title.get_window_extent() for title in (ax._left_title, ax._right_title))
    assert ax.get_title("left").strip() == "nonblocking"
    legend = ax.get_legend().get_window_extent()
    assert not name.overlaps(counts) or name.y0 + name.height / 2 >= counts.y1 - 1  # beside it, or in the line above
    assert legend.x1 <= figure.bbox.x1 and legend.x0 >= 0


# ---- along is time


def calls_at(*events):
    """Calls with times: (name, who, outcome, began, took) each."""
    calls = calls_of(*(event[:3] for event in events))
    calls.events = [
        call._replace(began=began, took=took)
        for call, (*_, began, took) in zip(calls.events, events, strict=True)
    ]  # fmt: skip
    return calls


THINKER = calls_at(
    ("accept", "listener", "done", 100.0, 0.001),
    ("recv", "client 1", "data", 100.001, 0.899),
    ("sendall", "client 1", "done", 100.901, 0.0001),
    ("accept", "listener", "done", 100.902, 0.0001),
    ("recv", "client 2", "data", 100.999, 0.0001),
)


def bars(ax):
    """Where bars are: (row, from, to), in whole units of the axis."""
    names = dict(zip(ax.get_yticks(), rows(ax), strict=True))
    return [
        (names[round(bar.get_y() + bar.get_height() / 2, 6)], round(bar.get_x()), round(bar.get_x() + bar.get_width()))
        for bar in ax.patches
    ]


def test_a_call_that_sleeps_is_a_bar_as_long_as_it_lasted():
    ax = timeline(THINKER, times=True)
    assert bars(ax) == [("client 1", 1, 900)]
    assert ax.get_xlabel() == "milliseconds since the first call"
    assert ax.get_title("right") == "longest: recv(client 1), 899 ms of 999 ms"
    assert "asleep in recv: 899 ms" in [text.get_text() for text in ax.texts]
    assert rows(ax) == ["listener", "client 1", "client 2"]  # nothing waited for all at once
    assert marks(ax) == {"data": 5}
    assert [x for x, _ in places(ax, "data")] == pytest.approx([1, 900, 901.1, 902.1, 999.1])


def test_a_client_that_was_seen_waiting_has_a_bar_of_its_own():
    ax = timeline(THINKER, waiting={"client 2": (100.1, 100.999), "client 3": (99.0, 103.0)})
    assert ax.get_xlabel() == "seconds since the first call"
    assert bars(ax) == [("client 2", 1, 2), ("client 3", 0, 4), ("client 1", 1, 2)]
    words = [text.get_text() for text in ax.get_legend().get_texts()]
    assert words == ["data, or a new client", "asleep in a call", "a client waits"]
    assert "client 3 waits: 4.00 s" in [text.get_text() for text in ax.texts]


def test_a_wait_too_short_to_be_seen_is_not_explained():
    ax = timeline(THINKER, waiting={"client 2": (100.1, 100.1001)})
    assert "a client waits" not in [text.get_text() for text in ax.get_legend().get_texts()]


def test_a_wait_for_all_is_a_bar_in_the_row_of_waits():
    ax = timeline(
        calls_at(("epoll.poll", "epoll", "ready", 5.0, 2.5), ("recv", "client 1", "data", 7.5, 0)), times=True
    )
    assert bars(ax) == [("waits", 0, 2)] and marks(ax) == {"wait": 1, "data": 1}


@pytest.mark.parametrize("waiting", [{"client": (1, 2)}, {"client 1": (2, 1)}])
def test_who_cannot_have_waited_is_refused(waiting):
    with pytest.raises(ValueError, match="waiting="):
        timeline(THINKER, waiting=waiting)


def test_the_calls_of_a_real_server_have_times():
    def one_at_a_time(listener):
        conn, _ = listener.accept()
        with conn:
            conn.sendall(conn.recv(100))

    with muxlab.serve(one_at_a_time, tap=True) as server:
        with socket.create_connection(server.address, timeout=10) as client:
            wait_until(lambda: server.calls["accept", "done"] == 1)
            client.sendall(b"hello")
            assert client.recv(100) == b"hello"
        wait_until(lambda: not server.alive)
        accept, recv, *_ = server.calls.events
    assert (accept.name, recv.name) == ("accept", "recv")
    assert accept.took > 0 and accept.began + accept.took <= recv.began
