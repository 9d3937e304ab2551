"""The two charts of a crowd that grew: the round trip above, the memory below."""

import pytest
from matplotlib import pyplot

from muxlab import show
from muxlab.measure import AllCores

pytestmark = pytest.mark.usefixtures("drawing")


def row(connections: int, p50: float, kernel: float = 8.0, python: float = 1.0, server: str = "epoll") -> AllCores:
    counts = {"servers": 6, "swarms": 6, "answered": connections, "lost": 0, "held": connections}
    shares = {"least_share": 160, "most_share": 170, "seconds_to_open": 1.0, "cpu_us_per_reply": 12.0}
    return AllCores(server, connections, p50=p50, p99=3 * p50, kernel_kib=kernel, python_kib=python, **counts, **shares)


ROWS = [row(100_000, 31e-6), row(1000, 30e-6), row(10_000, 29e-6)]


def title(ax) -> str:
    return ax.get_title("left").replace("\n", " ")


@pytest.mark.slow
def test_the_titles_say_what_was_found() -> None:
    above, below = show.ascent(ROWS)
    assert title(above) == "With 100 times as many connections, a round trip takes epoll about as long as before"
    assert title(below) == "100,000 connections take 879 MiB: for each, 8.0 KiB in the kernel and 1.0 in Python"
    assert title(show.ascent([row(100, 1e-5), row(1000, 9e-5)])[0]).endswith("epoll 9 times as long")


def test_both_charts_have_the_same_connections_and_named_lines() -> None:
    above, below = show.ascent(ROWS)
    for ax, names in ((above, ["p99", "median"]), (below, ["kernel", "Python"])):
        assert [line.get_label() for line in ax.get_lines()] == names
        assert all(list(line.get_xdata()) == [1000, 10_000, 100_000] for line in ax.get_lines())
        assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert above.get_xlim() == below.get_xlim()
    texts = {text.get_text() for ax in (above, below) for text in ax.texts}
    assert {"p99 93 µs", "median 31 µs", "kernel 781 MiB", "Python 98 MiB"} <= texts


@pytest.mark.slow
def test_memory_that_could_not_be_told_is_left_out() -> None:
    _, below = show.ascent([row(100, 3e-5, kernel=0.0, python=0.0), row(1000, 3e-5, kernel=0.0)])
    (line,) = below.get_lines()
    assert line.get_label() == "Python" and list(line.get_xdata()) == [1000]
    show.ascent([row(100, 3e-5, kernel=0.0, python=0.0)])


def test_memory_that_cannot_be_right_is_doubted_in_the_title() -> None:
    _, below = show.ascent([row(1000, 3e-5), row(10_000, 3e-5, kernel=0.0, python=0.1)])
    assert title(below).startswith("10,000 connections seem to take 1 MiB, and 1,000 took 9: something else")


@pytest.mark.slow
def test_the_figure_says_its_numbers_in_words() -> None:
    words = show.ascent(ROWS)[0].figure.words()
    assert "1,000: 30 µs, 9 MiB" in words and "100,000: 31 µs, 879 MiB" in words
    assert "8.0 KiB in the kernel" in words


def test_it_draws_where_it_is_told() -> None:
    _, axes = pyplot.subplots(2)
    assert show.ascent(ROWS, axes) == list(axes)


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([], r"ascent\(\) was given no rows"),
        ([row(100, 1e-5), row(100, 1e-5, server="selectors")], "one server at a time, .* epoll, selectors"),
        ([row(100, 0.0)], r"ascent\(\) cannot draw 'epoll'"),
    ],
)
def test_what_cannot_be_drawn_is_refused(rows: list, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        show.ascent(rows)
