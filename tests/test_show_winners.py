"""The map of winners: who wins a field, who is behind, and that it says so in words."""

from dataclasses import dataclass

import matplotlib
import pytest

import muxlab
from muxlab.show import style, winners
from muxlab.show.winners import fields_of

pytestmark = pytest.mark.usefixtures("drawing")


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
