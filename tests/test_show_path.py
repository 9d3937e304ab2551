"""The charts of chapter 07: a slow reader's path, and rows of dots for durations."""

import matplotlib.pyplot as plt
import pytest

from muxlab import show
from muxlab.measure import Moment

STORY = [
    Moment(False, 16384, 0, 0, 0, 0),
    Moment(False, 16384, 16384, 65536, 0, 0),
    Moment(True, 0, 16384, 32768, 0, 0),
    Moment(True, 0, 0, 0, 0, 0),
]


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


def test_a_path_says_how_much_the_server_held() -> None:
    (ax,) = show.path(STORY)
    assert ax.get_title("left") == "The server itself holds at most 64 KiB"
    assert ax.get_legend().get_texts()[2].get_text() == "server's memory: unsent"
    assert {text.get_text() for text in ax.texts} == {"it only sends", "it reads"}


def test_several_paths_share_one_key() -> None:
    above, below = show.path({"With a mark": STORY, "Without": STORY[:2]})
    assert above.get_title("left").startswith("With a mark: the server itself holds at most 64")
    assert below.get_legend() and not above.get_legend()
    assert not below.texts  # its client never reads
    assert "Without: the server itself" in above.figure.words()


def test_durations_are_dots_with_a_line_at_the_median() -> None:
    ax = show.durations({"two sends": [0.04, 0.044, 0.041], "one send": [4e-5, 4.1e-5, 5e-5]})
    assert ax.get_title("left") == "Two sends: 1,000 times one send"
    assert [tick.get_text() for tick in ax.get_yticklabels()] == [
        "two sends\nhalf within 41.0 ms",
        "one send\nhalf within 41 µs",
    ]
    assert len(ax.lines) == 4


@pytest.mark.parametrize("times", [{}, {"one": []}, {"one": [0.0]}, {"one": [float("nan")]}])
def test_durations_that_cannot_be_drawn_are_refused(times: dict) -> None:
    with pytest.raises(ValueError, match="durations"):
        show.durations(times)


@pytest.mark.parametrize("runs", [{}, [], {"one": []}])
def test_a_path_of_nothing_is_refused(runs) -> None:
    with pytest.raises(ValueError, match="no moments"):
        show.path(runs)
