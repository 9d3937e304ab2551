"""The map of winners: who wins a square, who is behind, and that it says so in words and numbers."""

from dataclasses import dataclass

import matplotlib
import pytest

import muxlab
from muxlab.show import style, winners, winners_table
from muxlab.show.winners import ALIKE, fields_of, owners_of

pytestmark = pytest.mark.usefixtures("drawing")


@dataclass
class Row:
    server: str
    connections: int
    active: int
    cpu_us_per_reply: float


ROWS = [
    *[Row("nonblocking", 900, 1, cost) for cost in (1100.0, 1000.0, 5000.0)],
    *[Row("select", 900, 1, 110.0), Row("epoll", 900, 1, 10.0), Row("epoll-edge", 900, 1, 11.0)],
    *[Row("nonblocking", 10, 10, 11.9), Row("select", 10, 10, 7.0), Row("epoll", 10, 10, 8.0)],
    *[Row("nonblocking", 10, 1, 11.0), Row("epoll", 10, 1, 20.0)],
]


def test_a_field_is_won_by_all_that_are_near_the_cheapest():
    fields = fields_of(ROWS)
    assert fields[900, 1].won == ["epoll", "epoll-edge"]
    assert fields[900, 1].behind == [("select", 11.0), ("nonblocking", 100.0)]  # 1,000 is the cheapest of three
    assert fields[10, 10][:2] == (["select", "epoll"], [("nonblocking", pytest.approx(1.7))])
    assert fields[10, 1].won == ["nonblocking"]


def test_the_order_of_rows_does_not_matter():
    assert fields_of(ROWS[::-1]) == fields_of(ROWS)


def test_a_square_that_several_share_is_nobodys_but_all_that_wait_with_epoll_are_one():
    assert owners_of(fields_of(ROWS)) == {(900, 1): "epoll", (10, 10): ALIKE, (10, 1): "nonblocking"}
    others = [Row("selectors", 900, 1, 10.5), Row("asyncio", 900, 1, 9.9)]
    assert owners_of(fields_of(ROWS + others))[900, 1] == "epoll"


def test_a_square_has_one_solid_colour_the_winners_name_and_one_number():
    ax = winners(ROWS)
    texts = [text.get_text() for text in ax.texts]
    assert sorted(texts[:-1]) == sorted(
        ["11×", "epoll, epoll-edge", "all alike but nonblocking", "1.8×", "nonblocking"]
    )
    assert len(ax.patches) == 3
    colours = {matplotlib.colors.to_hex(square.get_facecolor()).upper() for square in ax.patches}
    assert colours == {style.fill_colour("epoll"), style.fill_colour("nonblocking"), style.MUTED}
    assert [label.get_text() for label in ax.get_xticklabels()] == ["10", "900"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["1", "10"]
    explained = [text.get_text() for text in ax.get_legend().get_texts()]
    assert explained == ["nonblocking", "epoll", "nobody: alike within 1.5 times"]


def test_the_title_says_who_wins_where():
    assert winners(ROWS[:6] + ROWS[6:9]).get_title("left").replace("\n", " ") == (
        "epoll wins in 1 of 2 crowds; where one of 900 talks, select costs 11 times as much"
    )
    assert winners(ROWS[6:9]).get_title("left") == "In each of these crowds, several cost about\nthe same"
    assert winners([Row("epoll", 9, 9, 1.0)]).get_title("left") == "epoll wins in 1 of 1 crowds"


@pytest.mark.parametrize(
    ("costs", "says"),
    [((1.0, 1.1, 1.2), "all alike"), ((1.0, 1.1, 9), "all alike but epoll"), ((1, 1, 9, 9), "2 of 4 alike")],
)
def test_a_shared_square_says_how_many_are_alike(costs, says):
    rows = [Row(name, 9, 9, cost) for name, cost in zip(("select", "poll", "epoll", "epoll-edge"), costs, strict=False)]
    assert says in [" ".join(text.get_text().split()) for text in winners(rows).texts]


def test_letters_read_well_on_every_winners_colour():
    for name in [*style.WAITING, "mine"]:
        colour = style.fill_colour(name)
        assert style.contrast(style.letters_on(colour), colour) >= 4.5
        assert all(style.contrast(colour, page) >= 2.9 for page in style.PAGES), name


def test_the_table_has_the_numbers_of_the_map():
    table = winners_table(ROWS)
    assert table.header == ("connections", "talk", "cheapest", "nonblocking", "select", "epoll", "epoll-edge")
    assert table.lines == [
        ("10", "1", "11.0 µs", "1.0×", "–", "1.8×", "–"),
        ("10", "10", "7.0 µs", "1.7×", "1.0×", "1.1×", "–"),
        ("900", "1", "10.0 µs", "100.0×", "11.0×", "1.0×", "1.1×"),
    ]
    assert str(table).splitlines()[1].split() == ["10", "1", "11.0", "µs", "1.0×", "–", "1.8×", "–"]
    assert len({len(line) for line in str(table).splitlines()}) == 1  # right-aligned columns
    assert table._repr_html_().count("<tr>") == 4
    assert "<b>" not in winners_table([Row("<b>", 1, 1, 1.0)])._repr_html_()


def test_text_stays_inside_its_field_and_readable():
    ax = winners([Row(name, n, 1, 1.0 + 9 * (name == "nonblocking")) for n in (10, 100, 900, 9000) for name in
                  ("nonblocking", "select", "poll", "epoll", "epoll-edge")])  # fmt: skip
    ax.figure.canvas.draw()
    inside = ax.texts[:-1]  # the last is above the map
    for text in inside:
        box = text.get_window_extent().transformed(ax.transData.inverted())
        x, y = text.xy
        assert x - 0.5 <= box.x0 and box.x1 <= x + 0.5 and y - 0.5 <= box.y0 and box.y1 <= y + 0.5, text


def test_a_servers_own_of_the_learner_can_win():
    (square,) = winners([Row("mine", 9, 1, 1.0), Row("poll", 9, 1, 100.0)]).patches
    assert matplotlib.colors.to_hex(square.get_facecolor()).upper() == style.fill_colour("mine")


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


def test_the_alternative_text_is_the_table():
    words = winners(ROWS).figure.words()
    assert words.splitlines()[0].startswith("epoll wins in 1 of 3 crowds") and str(winners_table(ROWS)) in words
