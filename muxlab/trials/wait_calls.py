"""How a server waits, as its calls show it: some ways of waiting do not allow everything."""

from typing import NamedTuple

from ..watch.tap import Calls

READINESS = ("select.select", "poll.poll", "epoll.poll")

ASKED = 100
"""Answers of EAGAIN that show a server to poll: it gets as many in a thousandth of a second, and one that waits gets
one or two for an event."""


class Model(NamedTuple):
    """A way of waiting.

    Attributes:
        waits: the readiness calls that the server makes.
        polls: it makes none, and asks sockets that have nothing, again and again: it cannot sleep.
    """

    waits: frozenset[str]
    polls: bool

    @property
    def is_select(self) -> bool:
        """Whether it waits with select and nothing else: it cannot hold a descriptor of 1,024 or more."""
        return self.waits == {"select.select"}


def model_of(calls: Calls) -> Model:
    """Return the model that a stream of calls shows."""
    waits = frozenset(name for name in READINESS if calls.of(name))
    asked = sum(number for (_, outcome), number in calls.items() if outcome == "EAGAIN")
    return Model(waits, not waits and asked > ASKED)
