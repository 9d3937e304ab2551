"""The path of a slow reader's bytes: every byte is in one of five places, and of one the mark is the bound."""

import select
import sys

import pytest

import muxlab
from muxlab.course import EXERCISES
from muxlab.measure import slow_reader

PIECE = 2**14
READS_ON = EXERCISES["high-water"].start


@pytest.mark.parametrize("name", ["select", "epoll", "epoll-edge", "selectors", "asyncio"])
def test_the_places_fill_from_the_far_end_and_drain_again(name: str) -> None:
    story = slow_reader(muxlab.SERVERS[name], piece=PIECE)
    filling = [moment for moment in story if not moment.reading]
    full = filling[-1]
    assert min(full.at_client, full.sending, full.unsent, full.unread, full.behind) > 0
    assert [moment.total for moment in filling] == sorted(moment.total for moment in filling)
    first = [next(i for i, moment in enumerate(story) if getattr(moment, place)) for place in ("at_client", "behind")]
    assert first == sorted(first)
    assert story[-1].total == 0 and story[-1].reading
    assert all(min(m.at_client, m.sending, m.unsent, m.unread, m.behind) >= 0 for m in story)
    a_read = 2**18 if name == "asyncio" else 2**16
    assert max(moment.unsent for moment in story) <= 2**16 + a_read  # the mark, and one recv


def test_a_server_that_reads_on_holds_what_the_queues_do_not() -> None:
    story = slow_reader(READS_ON, total=2**20, piece=2**16)
    full = max(story, key=lambda moment: moment.total)
    assert full.total == 2**20 and full.behind == full.unread == 0
    assert full.unsent > 2**19
    assert story[-1].total == 0


def test_a_server_that_lets_nobody_in_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["muxlab.measure.slow_reader"], "PATIENCE", 0.5)

    def closed_door(listener, stop):
        select.select([stop], [], [])

    with pytest.raises(RuntimeError, match="closed_door has not accepted the client"):
        slow_reader(closed_door, total=PIECE, piece=PIECE)


@pytest.mark.parametrize(
    ("how", "error"), [({"total": 0}, ValueError), ({"piece": 2**30}, ValueError), ({"piece": 1.5}, TypeError)]
)
def test_bad_sizes_are_refused_before_anything_starts(how: dict, error: type[Exception]) -> None:
    with pytest.raises(error):
        slow_reader(muxlab.SERVERS["epoll"], **how)
