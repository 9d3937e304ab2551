"""The reference servers: one file for each way of waiting, each a function of `(listener, stop)`.

All of them echo, and share `Connection`; they differ in how they learn *which* client to serve next. Read them side
by side: what differs between two files is what the course is about. Only two have connections of their own: asyncio,
which calls them transports, and io_uring, which makes the calls itself.
"""

from collections.abc import Callable

from ..arguments import require_epoll
from ..ring import refusal, require_ring
from .asyncio_server import asyncio_server
from .blocking_server import blocking_server
from .epoll_edge_server import epoll_edge_server
from .epoll_server import epoll_server
from .nonblocking_server import nonblocking_server
from .poll_server import poll_server
from .select_server import select_server
from .selectors_server import selectors_server
from .threaded_server import threaded_server
from .uring_server import uring_server

EVERYWHERE: dict[str, Callable] = {
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
"""All of `SERVERS` but "uring", which is among them only where the kernel allows io_uring."""


class Servers(dict[str, Callable]):
    """The reference servers by name, and an error that says more than the name that is not among them."""

    def __missing__(self, name: str) -> Callable:
        why = refusal() if name == "uring" else f"choose one of {', '.join(self)}"
        raise KeyError(f"there is no server {name!r} here: {why}")


SERVERS: Servers


def __getattr__(name: str) -> Servers:
    """Make `SERVERS` when it is first asked for: asking the kernel about io_uring would slow down `import muxlab`."""
    if name != "SERVERS":
        raise AttributeError(f"module 'muxlab.servers' has no attribute {name!r}")
    allowed = {} if refusal() else {"uring": uring_server}
    globals()["SERVERS"] = found = Servers(EVERYWHERE | allowed)
    return found


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
    "uring_server",
]


def name_of(fn: Callable) -> str:
    """Return the name to show for `fn`. Raises OSError for a reference server that cannot run on this system."""
    if fn is uring_server:
        require_ring()
        return "uring"
    for name, reference in EVERYWHERE.items():
        if fn is reference:
            require_epoll(name)
            return name
    return str(getattr(fn, "__name__", type(fn).__name__))
