"""Which way of waiting a server takes: an exercise asks for one, and the battery takes any."""

from collections.abc import Callable

from .bench import Bench
from .report import Trial

CALLS = {"select": "select.select", "poll": "poll.poll", "epoll": "epoll.poll"}


def takes(fn: Callable, way: str) -> Trial:
    """Whether a server takes a way of waiting.

    Args:
        fn: the server function.
        way: "select", "poll" or "epoll"; or "edge", for an epoll that is asked for edges.
    """
    with Bench(fn) as bench:
        if way == "edge":
            return _is_told_of_edges(bench)
        found = bench.model().waits
    detail = f"it waits with {' and '.join(sorted(found)) or 'none of the calls that wait for several'}"
    return Trial(f"waits with {CALLS[way]}", found == {CALLS[way]}, detail, "Which call does your server sleep in?")


def _is_told_of_edges(bench: Bench) -> Trial:
    """A client has been answered, and is silent: what does an epoll watch it for?"""
    bench.answered(bench.client().say(b"hello\n"))
    interest = [row.interest for row in bench.server.xray().connections if row.interest]
    detail = f"epoll watches a client for {interest[0]}" if interest else "no epoll watches its clients"
    passed = any("ET" in found.split("|") for found in interest)
    return Trial("is told of edges", passed, detail, "Which flag of register asks for edges?")
