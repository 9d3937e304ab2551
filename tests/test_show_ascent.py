"""The chart of a climb: what it draws, and what it refuses."""

import matplotlib
import pytest
from matplotlib import pyplot

from muxlab.show import round_trip, style

CURVES = {"epoll": {10_000: 18e-6, 100: 17e-6, 1000: 17e-6}, "nonblocking": {100: 140e-6, 1000: 1.4e-3}}


@pytest.fixture(autouse=True, scope="module")
def fonts():
    """Let matplotlib open its fonts, which it keeps open for good, before descriptors are counted."""
    round_trip(CURVES).figure.canvas.draw()


@pytest.fixture(autouse=True)
def no_window():
    """Draw into memory, and forget every figure afterwards."""
    matplotlib.use("agg")
    yield
    pyplot.close("all")


def test_every_time_is_a_mark_and_written_beside_it() -> None:
    ax = round_trip(CURVES)
    ax.figure.canvas.draw()
    lines = {line.get_label(): line for line in ax.get_lines()}
    assert list(lines["epoll"].get_xdata()) == [100, 1000, 10_000]
    assert list(lines["nonblocking"].get_ydata()) == [140e-6, 1.4e-3]
    written = [text.get_text() for text in ax.texts]
    assert sorted(written) == sorted(["17 µs", "17 µs", "18 µs", "140 µs", "1.40 ms", "epoll", "nonblocking"])
    assert lines["epoll"].get_color() == style.look("epoll").colour
    assert ax.get_xscale() == ax.get_yscale() == "log"


def test_it_draws_where_it_is_told() -> None:
    _, ax = pyplot.subplots()
    assert round_trip({"mine": {10: 1e-3}}, ax) is ax


@pytest.mark.parametrize("curves", [{}, {"epoll": {}}, {"epoll": {100: 0.0}}, {"epoll": {0: 1e-6}}])
def test_what_cannot_be_drawn_is_refused(curves) -> None:
    with pytest.raises(ValueError, match="round_trip"):
        round_trip(curves)
