"""The charts of several workers: their titles say what the rows say."""

import matplotlib.pyplot as plt
import pytest

from muxlab import show
from muxlab.measure.herd import Herd

PLAIN = [
    Herd("epoll", workers, 10, 0, 10 * workers, 10 * (workers - 1), (10, *[0] * (workers - 1))) for workers in (1, 8)
]
EXCLUSIVE = [Herd("exclusive", workers, 10, 0, 10, 0, (10, *[0] * (workers - 1))) for workers in (1, 4, 8)]
IN_TURN = Herd("in turn", 4, 20, 0, 20, 0, (5, 5, 5, 5))
BY_HASH = Herd("reuseport", 4, 200, 0, 200, 0, (55, 3, 80, 62))


@pytest.fixture(autouse=True)
def closed_figures(fonts):
    yield
    plt.close("all")


def title(ax) -> str:
    return " ".join(ax.get_title("left").split())


def test_a_line_for_each_way_and_the_most_workers_in_the_title() -> None:
    ax = show.wake_ups(PLAIN + EXCLUSIVE)
    assert [list(line.get_xydata().ravel()) for line in ax.lines] == [[1, 1, 8, 8], [1, 1, 4, 1, 8, 1]]
    assert title(ax) == "Of 8 sleeping workers, one client wakes 8 with 'epoll' and 1 with 'exclusive'"
    assert "epoll: 1 of 1, 8 of 8." in ax.figure.words()
    assert "<svg" in ax.figure.svg()


def test_without_a_common_number_of_workers_nothing_is_compared() -> None:
    assert title(show.wake_ups([PLAIN[0], EXCLUSIVE[1]])) == "How many workers one client wakes"


def test_a_part_for_each_worker_as_wide_as_its_share() -> None:
    ax = show.shares([EXCLUSIVE[1], IN_TURN, BY_HASH])
    assert [round(bar.get_width(), 3) for bar in ax.patches][-4:] == [0.275, 0.015, 0.4, 0.31]
    assert {"5", "55", "80"} <= {text.get_text() for text in ax.texts} and "3" not in {t.get_text() for t in ax.texts}
    assert [label.get_text() for label in ax.get_yticklabels()] == ["exclusive", "in turn", "reuseport"]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [f"worker {n}" for n in (1, 2, 3, 4)]
    assert title(ax) == "With 'exclusive', one worker gets every client; with 'in turn', all get the same"
    assert "reuseport: 55, 3, 80, 62." in ax.figure.words()


def test_a_title_claims_nothing_of_one_worker_or_of_odd_shares() -> None:
    assert title(show.shares([EXCLUSIVE[0], BY_HASH])) == "Who gets how many of the clients"


def test_many_workers_have_colours_again() -> None:
    show.shares([Herd("in turn", 9, 9, 0, 9, 0, (1,) * 9)]).figure.svg()


def test_it_draws_where_it_is_told_to() -> None:
    left, right = plt.subplots(1, 2)[1]
    assert show.wake_ups(PLAIN, left) is left and show.shares([IN_TURN], ax=right) is right


@pytest.mark.parametrize("chart", [show.wake_ups, show.shares])
def test_nothing_to_draw_is_told(chart) -> None:
    with pytest.raises(ValueError, match=r"no rows: pass what muxlab\.measure\.herd returned"):
        chart([])


def test_shares_of_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="no client came"):
        show.shares([Herd("epoll", 2, 1, 0, 0, 0, (0, 0))])
