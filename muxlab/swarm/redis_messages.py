"""The messages of a crowd whose server speaks Redis's protocol: ECHO requests, whose replies are checked byte for byte.

A client of such a crowd says the same letters as that of any other, within a frame.
"""

import os

from ..connection import IN, OUT
from .clients import Member
from .messages import PERIOD, RECV_SIZE, Talk

ECHO = b"*2\r\n$4\r\nECHO\r\n"
"""How the request begins. What follows is the message with its length in front, as in the reply."""


class RedisTalk(Talk):
    """The conversations of a crowd with a Redis-like server; a client's `message` is the reply that it expects."""

    def follow(self, payload: int, rate: float | None) -> None:
        """Adopt the length of messages and their rate."""
        super().follow(payload, rate)
        self._header = b"$%d\r\n" % payload
        self._chunk = min(len(self._header) + payload + 3, RECV_SIZE)  # one more than the reply, as in `Talk`

    def _send(self, client: Member, due: float) -> None:
        start = (client.number * 7919 + client.answered * 31) % PERIOD
        client.message = b"%b%b\r\n" % (self._header, self._noise[start : start + self._size])
        client.received, client.wrong, client.due = 0, False, due
        self.sent += 1
        request = ECHO + client.message
        try:
            taken = client.sock.send(request)
        except BlockingIOError:
            taken = 0
        except OSError as error:
            self._members.lose(client, os.strerror(error.errno or 0))
            return
        if taken < len(request):
            client.unsent = memoryview(request)[taken:]
            self._modify(client.sock.fileno(), IN | OUT)


TALKS: dict[str, type[Talk]] = {"echo": Talk, "redis": RedisTalk}
"""What the clients of a swarm can speak."""


def check_protocol(name: object) -> None:
    """Refuse any other name of a protocol, with a ValueError."""
    if name not in TALKS:
        known = " or ".join(repr(known) for known in TALKS)
        raise ValueError(f"protocol={name!r}: the clients of a swarm speak {known}")
