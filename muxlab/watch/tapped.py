"""What a watched server gets in place of the standard sockets and waits, so that their calls go through a tap.

What does not leave the process (`poll.register`, `setblocking`) is not reported.
"""

import functools
import select
import selectors
import socket
import time
from collections.abc import Callable
from typing import Any

from .tap import Tap
from .tapped_sockets import socket_class
from .tapped_waits import Epoll, Poll, select_for, sleep_for


def stand_ins(tap: Tap) -> dict[Any, Any]:
    """What a watched server gets in place of what: {the standard class or function: the one that reports}."""

    def adopting(make: Callable[..., socket.socket]) -> Callable[..., socket.socket]:
        @functools.wraps(make)
        def made(*args: Any, **more: Any) -> socket.socket:
            sock = make(*args, **more)
            sock.__class__ = tapped_socket
            return sock

        return made

    tapped_socket, tapped_select = socket_class(tap, socket.socket), select_for(tap)
    found: dict[Any, Any] = {
        select.select: tapped_select,
        time.sleep: sleep_for(tap),
        socket.socket: tapped_socket,
        socket.create_server: adopting(socket.create_server),
        socket.create_connection: adopting(socket.create_connection),
    }
    for name, kind in {"epoll": Epoll, "poll": Poll}.items():
        if hasattr(select, name):
            real = getattr(select, name)
            found[real] = type(name, (kind,), {"tap": tap, "make": staticmethod(real)})
            selector: Any = getattr(selectors, f"{name.title()}Selector")
            found[selector] = type(selector.__name__, (selector,), {"_selector_cls": found[real]})
    plain = selectors.SelectSelector
    found[plain] = type(plain.__name__, (plain,), {"_select": staticmethod(tapped_select)})
    return found
