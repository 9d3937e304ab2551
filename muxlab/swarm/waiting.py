"""How far a crowd has come, in words, and waits until it is further: until all are connected, or so many replies came.

Whoever waits is told as soon as nothing more can come: the server died, the swarm was stopped, or clients were lost.
"""

import contextlib
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from .. import errors
from ..arguments import check_count, check_timeout
from ..server import Server
from .loop import Crowd
from .stats import Tally

if TYPE_CHECKING:
    from . import processes as apart

LOOK_UP = 0.01
"""Seconds between two looks at how far the swarm is, while one waits for it: a hundred a second are no load."""

LAST_WORDS = 0.5
"""Seconds that a server which closed its connections is given to say why: what it raised tells more than they do."""


class Waiting:
    """The waits of a `Swarm`, whose methods say what they take and raise.

    Args:
        crowd: the clients.
        server: their server; None where only its address is known.
    """

    def __init__(self, crowd: "Crowd | apart.IsolatedCrowd", server: Server | None) -> None:
        self._crowd, self._server = crowd, server

    def for_connections(self, timeout: float) -> None:
        """Wait until all clients are connected, see `Swarm.wait_connected`."""
        __tracebackhide__ = True
        deadline = time.monotonic() + check_timeout(timeout)
        with self._interruptible():
            while not ((tally := self._crowd.tally()).settled and tally.connected >= self._crowd.wanted):
                self._check_alive(tally)
                if tally.settled:
                    self._give_up("not all could be connected")
                if time.monotonic() > deadline:
                    raise TimeoutError(f"not all were connected within {timeout:g} s: {self.state()}")
                time.sleep(LOOK_UP)

    def for_replies(self, count: int, timeout: float) -> None:
        """Wait for `count` more replies, from now on, see `Swarm.wait_replies`."""
        __tracebackhide__ = True
        check_count("count", count, 0)
        deadline = time.monotonic() + check_timeout(timeout)
        with self._interruptible():
            goal = self._crowd.tally().replies + count
            while (missing := goal - (tally := self._crowd.tally()).replies) > 0:
                self._check_alive(tally)
                if tally.settled and not tally.connected:
                    self._give_up("no client is connected any more")
                if time.monotonic() > deadline:
                    raise TimeoutError(f"{missing} of {count} replies are missing after {timeout:g} s: {self.state()}")
                time.sleep(LOOK_UP)

    def state(self) -> str:
        """Return how far the crowd has come: "5 of 5 connected, 9 replies of 10 messages", and what went wrong."""
        now = self._crowd.tally()
        found = f", {now.mismatches} with wrong bytes ({now.first_mismatch})" if now.mismatches else ""
        lost = f", {now.errors} lost ({now.first_error})" if now.errors else ""
        there = f"{now.connected} of {self._crowd.wanted} connected"
        return f"{there}, {now.replies} replies of {now.sent} messages{found}{lost}"

    @contextlib.contextmanager
    def _interruptible(self) -> Iterator[None]:
        try:
            yield
        except KeyboardInterrupt:
            raise errors.Interrupted(f"you stopped waiting: {self.state()}") from None

    def _check_alive(self, tally: Tally) -> None:
        __tracebackhide__ = True
        if tally.error is not None:
            raise tally.error
        if not tally.alive:
            raise RuntimeError("the swarm was stopped: make a new one")
        if self._server is not None and self._server.error is not None:
            self._server.stop()  # raises what the server raised, with the learner's own line
            raise ConnectionError(f"the server died: {self._server.error!r}") from self._server.error

    def _give_up(self, why: str) -> None:
        """Raise an error that says why nothing more will come."""
        __tracebackhide__ = True
        if self._server is not None:
            self._server.wait(LAST_WORDS)
        self._check_alive(self._crowd.tally())
        raise ConnectionError(f"{why}: {self.state()}")
