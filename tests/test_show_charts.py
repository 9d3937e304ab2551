"""The charts that stand still: costs, costs beside published ones, replies, round trips."""

import itertools
import math
from dataclasses import dataclass

import pytest
from matplotlib import pyplot

from muxlab.measure import ChainCost, WaitCost
from muxlab.show import beside, cost, replies, round_trip, style

pytestmark = pytest.mark.usefixtures("drawing")

CURVES = {"epoll": {10_000: 18e-6, 100: 17e-6, 1000: 17e-6}, "nonblocking": {100: 140e-6, 1000: 1.4e-3}}


@dataclass
class Row:
    server: str
    connections: int
    cpu_us_per_reply: float
    replies_per_second: float = 1000.0


ROWS = [Row("select", n, 5 + n / 10) for n in (10, 100, 1000)] + [
    Row("epoll", n, 12.0) for n in (10, 100, 1000, 10_000)
]


def test_cost_draws_one_named_line_per_server():
    ax = cost(ROWS)
    drawn = {line.get_label(): list(line.get_xdata()) for line in ax.get_lines() if line.get_label()[0] != "_"}
    assert drawn == {"select": [10, 100, 1000], "epoll": [10, 100, 1000, 10_000]}
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["select", "epoll"]  # as their ends, downwards
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert "connections" in ax.get_xlabel() and "microseconds" in ax.get_ylabel()


@pytest.mark.slow
def test_cost_draws_the_cheapest_repetition():
    ax = cost([Row("epoll", 10, value) for value in (2.0, 1.0, 90.0)])
    assert list(ax.get_lines()[0].get_ydata()) == [1.0]
    measured = WaitCost("epoll", 10, 1, 7.0, least=5.0)
    assert list(cost([measured]).get_lines()[0].get_ydata()) == [5.0]
    assert list(cost([WaitCost("epoll", 10, 1, 7.0)]).get_lines()[0].get_ydata()) == [7.0], "published: not known"


def test_a_flat_line_looks_flat():
    low, high = cost([Row("epoll", n, 9.0 + n / 1000) for n in (1, 10, 100)]).get_ylim()
    assert high / low == pytest.approx(10)
    low, high = cost(ROWS).get_ylim()
    assert low > min(row.cpu_us_per_reply for row in ROWS) / 2  # what rises fills the chart, as before


def test_cost_says_in_its_title_what_came_out():
    assert cost(ROWS).get_title("left").replace("\n", " ") == (
        "With 100 times as many connections, a reply costs select 18 times as much, and epoll about as much as before"
    )
    assert cost([Row("epoll", 10, 12.0)]).get_title("left") == "What one reply costs the server"


@pytest.mark.slow
def test_nothing_is_written_on_a_line():
    """Names stand where no line comes: to the right of the ends, or, if a line goes on there, beside the chart."""
    for rows in (ROWS, [row for row in ROWS if row.connections <= 1000]):
        ax = cost(rows)
        ax.figure.canvas.draw()
        last = max(ax.transData.transform((x, y))[0] for line in ax.get_lines() if line.get_label()[0] != "_"
                   for x, y in line.get_xydata())  # fmt: skip
        legend = ax.get_legend()
        texts = legend.get_texts() if legend else [text for text in ax.texts if text.get_text() in style.WAITING]
        assert len(texts) == 2 and all(text.get_window_extent().x0 > last for text in texts)


def test_every_way_of_serving_has_its_line():
    ax = cost([Row(name, n, 10.0 + n) for name in ("threaded", "blocking") for n in (10, 2000)])
    lines = {line.get_label(): line.get_color() for line in ax.get_lines() if line.get_label()[0] != "_"}
    assert lines == {name: style.line_colour(name) for name in ("threaded", "blocking")}


def test_names_of_lines_that_end_together_do_not_overlap():
    ax = cost([Row(name, n, 10.0) for name in ("epoll", "epoll-edge", "asyncio") for n in (10, 100)])
    ax.figure.canvas.draw()
    names = [text for text in ax.texts if text.get_text() in style.WAITING]
    boxes = sorted((text.get_window_extent() for text in names), key=lambda box: box.y0)
    assert len(boxes) == 3
    assert all(below.y1 <= above.y0 + 1 for below, above in itertools.pairwise(boxes))


def test_charts_draw_where_they_are_told():
    from matplotlib.figure import Figure

    ax = Figure().subplots()
    assert cost(ROWS, ax=ax) is ax


def waits(factor, sizes=(10, 100, 1000)):
    """poll, proportional, and epoll, flat: at 1,000 `factor` times 100 microseconds, and 1."""
    poll = [WaitCost("poll", n, 1, factor * n / 10, machine="a book") for n in sizes]
    return poll + [WaitCost("epoll", n, 1, 1.0, machine="a book") for n in sizes]


def test_cost_names_its_axes_after_the_experiment():
    ax = cost(waits(1))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("descriptors watched", "microseconds for one wait")


def test_beside_says_how_far_apart_the_lines_are_and_how_steep():
    ax = beside(waits(1), waits(2, sizes=(10, 1000, 10_000)))
    own = {line.get_label(): line for line in ax.get_lines() if line.get_label() in style.WAITING}
    theirs = [line for line in ax.get_lines() if line.get_label().startswith("_published")]
    assert set(own) == {"poll", "epoll"} and len(theirs) == 2 == len(ax.get_lines()) - 2
    assert {line.get_linestyle() for line in own.values()} == {"-"}
    assert {(line.get_linestyle(), line.get_fillstyle()) for line in theirs} == {("--", "none")}
    assert ax.get_title("left").replace("\n", " ") == (  # at 1,000, the largest that both have
        "With 1,000 descriptors watched, poll costs 100 times as much as epoll here, "
        "and 200 times in the published figures"
    )
    assert [text.get_text() for text in ax.texts] == ["solid: this machine; dashed: a book"]
    slopes = [text.get_text() for text in ax.get_legend().get_texts()]
    assert slopes == ["poll: 1.00 here, 1.00 published", "epoll: 0.00 here, 0.00 published"]


def test_beside_without_a_common_size_compares_slopes_alone():
    ax = beside(waits(1), waits(2, sizes=(20, 200)))
    assert ax.get_title("left") == "What one wait costs: yours, and as published"


def test_replies_draws_the_fastest_on_top_and_tells_the_learners_own_apart():
    left, right = replies([Row("epoll", 10, 7.5, 20_000.0), Row("my_server", 10, 9.0, 30_000.0)])
    assert [label.get_text() for label in left.get_yticklabels()] == ["epoll", "my_server"]  # from the bottom up
    assert [bar.get_width() for bar in left.patches] == [20_000, 30_000]
    assert [bar.get_width() for bar in right.patches] == [7.5, 9.0]
    assert [bool(bar.get_hatch()) for bar in left.patches] == [False, True]
    assert {"30,000", "20,000"} <= {text.get_text() for text in left.texts}
    assert left.figure.get_suptitle() == "my_server gives 1.5 times as many replies as epoll"
    assert (
        replies([Row("epoll", 1, 1.0), Row("poll", 1, 1.0, 1100.0)])[0].figure.get_suptitle()
        == "All reply about as fast"
    )


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
        (lambda: replies([]), "no rows"),
        (lambda: replies([Row("epoll", 10, 1.0), Row("epoll", 20, 1.0)]), "several for epoll"),
        (lambda: replies([Row("epoll", 10, math.nan)]), "cannot draw nan for 'epoll'"),
    ],
)
def test_charts_refuse_what_cannot_be_drawn(draw, says):
    with pytest.raises(ValueError, match=says):
        draw()


# ---- round trips


def test_every_time_is_a_mark_and_the_last_is_written_beside_the_name() -> None:
    ax = round_trip(CURVES)
    lines = {line.get_label(): line for line in ax.get_lines()}
    assert list(lines["epoll"].get_xdata()) == [100, 1000, 10_000]
    assert list(lines["nonblocking"].get_ydata()) == [140e-6, 1.4e-3]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["nonblocking 1.40 ms", "epoll 18 µs"]
    assert lines["epoll"].get_color() == style.line_colour("epoll")
    assert ax.get_xscale() == ax.get_yscale() == "log"


def test_the_title_says_how_much_longer_a_round_trip_takes() -> None:
    assert round_trip(CURVES).get_title("left").replace("\n", " ") == (
        "With 10 times as many connections, a round trip takes nonblocking 10 times as long, "
        "and epoll about as long as before"
    )
    apart = {"epoll": {100: 1e-3, 1000: 1.1e-3}, "poll": {20: 1e-3, 200: 5e-3}}
    assert round_trip(apart).get_title("left").replace("\n", " ") == (
        "epoll takes about as long with 1,000 connections as with 100; "
        "poll takes 5 times as long with 200 connections as with 20"
    )
    other = round_trip(
        {"walk": {10: 1e-3, 100: 1e-2}, "heap": {10: 1e-3, 100: 1e-3}}, one="a turn", sizes="clients", costs="time"
    )
    assert other.get_title("left").replace("\n", " ") == (
        "With 10 times as many clients, a turn takes walk 10 times as long, and heap about as long as before"
    )
    assert (other.get_xlabel(), other.get_ylabel()) == ("clients", "time")
    assert len({line.get_marker() for line in other.get_lines()}) == 2  # both are the learner's own
    assert round_trip({"epoll": {10: 1e-3}}).get_title("left") == "How long a reply takes while the crowd grows"


def test_it_draws_where_it_is_told() -> None:
    _, ax = pyplot.subplots()
    assert round_trip({"mine": {10: 1e-3}}, ax) is ax


@pytest.mark.parametrize("curves", [{}, {"epoll": {}}, {"epoll": {100: 0.0}}, {"epoll": {0: 1e-6}}])
def test_what_cannot_be_drawn_is_refused(curves) -> None:
    with pytest.raises(ValueError, match="round_trip"):
        round_trip(curves)


# ---- what a screen reader says


def test_the_alternative_text_has_the_finding_and_the_numbers() -> None:
    first, *rest = cost(ROWS).figure.words().splitlines()
    assert first.startswith("With 100 times as many connections, a reply costs select 18 times as much")
    assert rest == [
        "CPU microseconds per reply, by connections. select: 6 with 10, 15 with 100, 100 with 1,000; "
        "epoll: 12 with 10, 12 with 100, 12 with 1,000, 12 with 10,000."
    ]
    assert "epoll: 17 µs with 100" in round_trip(CURVES).figure.words()
    assert "a book. Microseconds for one wait" in beside(waits(1), waits(2)).figure.words()
    assert "epoll: 1,000 replies per second, 7.0 CPU" in replies([Row("epoll", 1, 7.0)])[0].figure.words()
