"""Conversations and searches that test_search.py asks for with the marker `ahead`: they mostly wait.

What they return is plain: names, numbers, and conversations as they are written.
"""

from collections.abc import Callable
from typing import Any
from unittest import mock

import muxlab
from muxlab.course.museum.conversations import SHORTEST
from muxlab.course.museum.labels import good_server
from muxlab.trials import stage
from muxlab.trials.search import Search

EXHIBITS = {name: exhibit.fn for name, exhibit in muxlab.museum.EXHIBITS.items()}
SHOWN = {name: conversation for name, (conversation, _) in SHORTEST.items()}


def breaks(name: str) -> bool:
    """Tell whether an exhibit's own conversation breaks it."""
    with mock.patch.object(stage, "RETURN", 0.5):  # seconds: a sound server takes no thousandth of that
        return SHOWN[name].play(EXHIBITS[name], patience=0.3) is not None


def break_a_server(name: str) -> list[str]:
    """Return the conversations, of all exhibits, that break a reference server."""
    return [repr(conversation) for conversation in {*SHOWN.values()} if conversation.play(muxlab.SERVERS[name])]


def break_good_servers() -> list[str]:
    """Return the exhibits whose conversation breaks their good server, where that is no reference server."""
    good = {name: good_server(muxlab.museum.EXHIBITS[name]) for name in SHOWN}
    others = [name for name in SHOWN if good[name] not in muxlab.SERVERS.values()]
    return [name for name in others if SHOWN[name].play(good[name]) is not None]


def found_in(name: str, most: str) -> dict[str, Any]:
    """Return what a search finds in an exhibit or a reference server, with so many conversations at most."""
    looking = search((EXHIBITS | muxlab.SERVERS)[name], most=int(most))
    found = looking.run()
    conversation = found.conversation and repr(found.conversation)
    once = [f"{broke}, in {played}" for played, broke in looking.once]
    return {"tried": found.tried, "once": once, "conversation": conversation, "told": str(found)}


def search(fn: Callable, most: int, **settings: float) -> Search:
    """Return a search that is the same each time."""
    return Search(fn, seconds=60, most=most, patience=0.3, seed=1, **settings)
