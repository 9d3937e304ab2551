"""The chart of chapter 12: what one request costs each server, and what part of Redis that is."""

import dataclasses

import matplotlib.pyplot as plt
import pytest

from muxlab import show
from muxlab.measure import RedisShare, published
from muxlab.measure.protocol import machine

ROWS = [
    RedisShare("redis-server", 1, 1000, 50_000, 125_000, 8.0, 1.0, 0.75, 1.0, 1.0),
    RedisShare("my server", 1, 1000, 40_000, 62_500, 16.0, 0.5, 0.375, 1.0, 1.0),
    RedisShare("redis-server", 16, 5000, 200_000, 1_000_000, 1.0, 1.0, None, 0.06, 0.06),
    RedisShare("my server", 16, 5000, 150_000, 250_000, 4.0, 0.25, 0.125, 0.06, 0.06),
]


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


def widths(ax) -> dict[str, list[float]]:
    """The parts of the bars, by the name that the key has for them."""
    found: dict[str, list[float]] = {}
    for bars in ax.containers:
        found.setdefault(bars.get_label(), []).extend(bar.get_width() for bar in bars)
    return found


def test_a_bar_has_two_parts_and_is_as_long_as_a_request_costs() -> None:
    alone, pipelined = show.redis_share(ROWS)
    assert widths(alone) == {"in system calls": [6.0, 6.0], "in the program itself": [2.0, 10.0]}
    assert widths(pipelined) == {
        "undivided: the run was short": [1.0],
        "in system calls": [0.5],
        "in the program itself": [3.5],
    }
    assert [text.get_text() for text in alone.get_yticklabels()] == ["redis-server", "my server"]
    assert {text.get_text() for text in alone.texts} == {"8 µs", "16 µs, 50% of Redis", "one request at a time"}
    assert "16 requests in a pipeline" in {text.get_text() for text in pipelined.texts}


def test_the_title_says_what_part_of_redis_the_first_server_is() -> None:
    title = "My server is 50% of Redis and 25% with 16 requests in a pipeline"
    alone, pipelined = show.redis_share(ROWS)
    assert " ".join(alone.get_title("left").split()) == title
    assert not pipelined.get_title("left")
    words = alone.figure.words()
    assert words.startswith(f"{title}.\n")
    assert "my server, 16 in a pipeline: 4 CPU microseconds for a request, 0.5 in system calls, 3.5 in the" in words
    here = [dataclasses.replace(row, machine=machine()) for row in ROWS]
    assert " ".join(show.redis_share(here)[0].get_title("left").split()) == title
    assert show.redis_share(ROWS[:1])[0].get_title("left") == "What one request costs Redis"


def test_the_key_stands_below_and_has_each_part_once() -> None:
    axes = show.redis_share([dataclasses.replace(row, server=row.server.replace("my", "$your")) for row in ROWS])
    key = axes[-1].get_legend()
    assert [text.get_text() for text in key.get_texts()] == [
        *("in system calls", "in the program itself", "undivided: the run was short")
    ]
    assert axes[0].get_legend() is None
    assert "$your server, one at a time: 16 CPU" in axes[0].figure.words()


def test_without_rows_it_says_what_to_pass() -> None:
    with pytest.raises(ValueError, match=r"what muxlab\.measure\.redis_share returned"):
        show.redis_share([])


def test_the_published_rows_show_what_the_chapter_says() -> None:
    rows = published.redis_share()
    found = {(row.server, row.pipeline): row for row in rows}
    assert {row.server for row in rows} >= {"redis-server", "your server", "the finished one", "asyncio streams"}
    for name in ("your server", "the finished one"):
        assert found[name, 16].share < found[name, 1].share < 1
    for row in rows:
        assert row.machine and row.in_kernel is not None
        assert row.reads < 1.2 * found["redis-server", row.pipeline].reads
    elsewhere = [dataclasses.replace(row, machine="Another machine") for row in rows]
    title = show.redis_share(elsewhere)[0].get_title("left")
    assert " ".join(title.split()).startswith("Another machine: your server is ")
