"""Sockets for the tests of the runtime."""

import contextlib
import socket
from collections.abc import Iterator

import pytest


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two connected sockets, as `accept` and `connect` make them."""
    with contextlib.ExitStack() as closing:
        ends = socket.socketpair()
        for end in ends:
            closing.enter_context(end)
            end.setblocking(False)
        yield ends
