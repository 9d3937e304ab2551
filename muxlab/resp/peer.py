"""One client as the commands see it: what it asked, what it has subscribed to, and whether it is leaving."""

import itertools
from typing import Any, Protocol

from ..connection import IN
from .channels import Channels
from .commands import execute
from .protocol import Parser, Request, error_reply
from .store import Store

MOST_REPLIES = 65536
"""Bytes of replies to make in one go; what was asked beyond that waits until the client has taken some of them."""


class Reachable(Protocol):
    """What a peer is reached by: a `Connection`, or what another server has in its place."""

    def fileno(self) -> int:
        """Return its descriptor."""

    def send(self, data: bytes) -> None:
        """Send bytes, or keep them until there is room; never wait."""

    def close(self) -> None:
        """Close it."""


class Peer:
    """One client of a Redis-like server, however that server waits.

    Args:
        store, channels: what all clients of the server share.
        connection: takes what the client did not ask for just now: what is published on its channels.

    Attributes:
        channels: the channels that it has subscribed to.
        name: what it calls itself (CLIENT SETNAME).
        number: a number that no other client has or had.
        version: 2, or 3 for a client that has asked for version 3 of the protocol.
        leaving: True when the connection is to be closed as soon as the replies are sent.
        waiting: requests that have arrived, and are not answered yet.
        watched: for a server on epoll: the events that it watches this client for; at first, that it says something.
    """

    __slots__ = (
        "_replies",
        "channels",
        "connection",
        "leaving",
        "name",
        "number",
        "parser",
        "shared_channels",
        "store",
        "version",
        "waiting",
        "watched",
    )
    _numbers = itertools.count(1)

    def __init__(self, store: Store, channels: Channels, connection: Reachable) -> None:
        self.store, self.shared_channels = store, channels
        self.connection: Any = connection  # each server uses more of it than `Reachable` has
        self.channels: dict[bytes, None] = {}
        self.name = b""
        self.number = next(self._numbers)
        self.version = 2
        self.watched = IN
        self.leaving = False
        self.parser = Parser()
        self.waiting: list[Request] = []
        self._replies: list[bytes] | None = None  # while its requests are answered: the replies so far

    def answer(self, data: bytes) -> bytes:
        """Take the next bytes of the client, and return replies to what it has asked: to all of it, if they are short.

        While `waiting` is not empty, call this again with b"", once the client has taken the replies.
        """
        waiting = self.waiting
        waiting += self.parser.feed(data)
        replies: list[bytes] = []
        size = answered = 0
        self._replies = replies
        for request in waiting:
            reply = execute(self, request)
            replies.append(reply)
            size += len(reply)
            answered += 1
            if size > MOST_REPLIES or self.leaving:
                break
        self._replies = None
        del waiting[:answered]
        if self.leaving:
            waiting.clear()
        elif self.parser.trouble and not waiting:
            replies.append(error_reply(self.parser.trouble))
            self.leaving = True
        return b"".join(replies)

    def tell(self, news: bytes) -> None:
        """Send what was published on one of its channels; if it has published that itself, after the replies so far."""
        if self._replies is None:
            self.connection.send(news)
        else:
            self._replies.append(news)

    def hang_up(self) -> None:
        """Leave without a word: not even the replies to the requests before this one are sent."""
        if self._replies is not None:
            self._replies.clear()
        self.leaving = True

    def leave(self) -> None:
        """Forget its subscriptions: it is gone."""
        self.shared_channels.leave(self)
