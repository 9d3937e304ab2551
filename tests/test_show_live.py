"""A panel that runs notices when no page shows it any more; without a browser: the answers come from the test."""

import asyncio
import threading
import time

import pytest

import muxlab
from muxlab.show import crowds, live, playground, race

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("drawing")]

EPOLL, SELECT = muxlab.SERVERS["epoll"], muxlab.SERVERS["select"]
BOUND = 20.0  # seconds, for what takes one or two

MAKERS = {
    "playground": lambda: playground(EPOLL, connections=5),
    "race": lambda: race(SELECT, EPOLL, connections=5, active=2),
    "crowds": lambda: crowds(SELECT, EPOLL, connections=5),
}


@pytest.fixture(params=MAKERS)
def make(request, monkeypatch):
    """Return a function that makes a panel, of each kind in turn; it asks the page at every other frame."""
    monkeypatch.setattr(live, "PER_SECOND", 100)
    monkeypatch.setattr(live, "PING_EVERY", 2)
    monkeypatch.setattr(live, "UNHEARD", 4)
    return MAKERS[request.param]


def play(make, hear=None, until=None):
    """Make a panel in a loop, as a kernel does, start it, and let it play until `until(panel)`; return the panel."""

    async def cell():
        panel = make()
        if hear is not None:
            panel.display.observe(lambda change: hear(panel, change.new), "ping")
        panel.start()
        assert panel.running
        deadline = time.monotonic() + BOUND
        while not until(panel):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.01)
        return panel

    return asyncio.run(cell())


def test_the_load_stops_when_no_page_answers(make):
    threads = threading.active_count()
    panel = play(make, until=lambda panel: not panel.running)
    assert panel.display.ping == live.UNHEARD
    assert "no page showed it" in panel._title.value and panel._button.description == "Start"
    assert panel.display.message == "" and threading.active_count() == threads


def test_it_goes_on_while_a_page_answers(make):
    def answer(panel, ping):
        panel.display._handle_custom_msg({"pong": ping}, [])

    panel = play(make, answer, until=lambda panel: panel.display.ping > 3 * live.UNHEARD)
    assert panel.running
    panel.stop()
    assert "no page" not in panel._title.value


def test_a_page_that_answers_now_and_then_is_enough(make):
    """So it is with a tab in the background, and with a kernel that is busy for a while."""

    def answer(panel, ping):
        if ping % live.UNHEARD == 0:
            panel.display._handle_custom_msg({"pong": ping}, [])

    panel = play(make, answer, until=lambda panel: panel.display.ping > 3 * live.UNHEARD)
    assert panel.running
    panel.stop()


def test_a_start_begins_to_count_anew(make):
    panel = make()
    panel._unheard = live.UNHEARD
    panel.start()
    assert panel.running and panel._unheard == 0
    panel.stop()
