"""The reference servers: one file for each way of waiting, each a function of `(listener, stop)`.

All of them echo, and share `Connection`; they differ in how they learn *which* client to serve next. Read them side
by side: what differs between two files is what the course is about. Only asyncio has connections of its own, which it
calls transports.
"""

from collections.abc import Callable

from ..arguments import require_epoll
from .asyncio_server import asyncio_server
from .blocking_server import blocking_server
from .epoll_edge_server import epoll_edge_server
from .epoll_server import epoll_server
from .nonblocking_server import nonblocking_server
from .poll_server import poll_server
from .select_server import select_server
from .selectors_server import selectors_server
from .threaded_server import threaded_server

SERVERS: dict[str, Callable] = {
    "blocking": blocking_server,
    "threaded": threaded_server,
    "nonblocking": nonblocking_server,
    "select": select_server,
    "poll": poll_server,
    "epoll": epoll_server,
    "epoll-edge": epoll_edge_server,
    "selectors": selectors_server,
    "asyncio": asyncio_server,
}

__all__ = [
    "SERVERS",
    "asyncio_server",
    "blocking_server",
    "epoll_edge_server",
    "epoll_server",
    "name_of",
    "nonblocking_server",
    "poll_server",
    "select_server",
    "selectors_server",
    "threaded_server",
]


def name_of(fn: Callable) -> str:
    """Return the name to show for `fn`. Raises OSError for a reference server that needs epoll where there is none."""
    for name, reference in SERVERS.items():
        if fn is reference:
            require_epoll(name)
            return name
    return str(getattr(fn, "__name__", type(fn).__name__))
