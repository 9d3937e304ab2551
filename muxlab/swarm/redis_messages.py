"""The messages of a crowd whose server speaks Redis's protocol: ECHO requests, whose replies are checked byte for byte.

A client of such a crowd says the same letters as that of any other, within a frame.
"""

from .messages import Talk

ECHO = b"*2\r\n$4\r\nECHO\r\n"
"""How the request begins. What follows is the message with its length in front, as in the reply."""


class RedisTalk(Talk):
    """The conversations of a crowd with a Redis-like server."""

    def exchange(self, piece: bytes) -> tuple[bytes, bytes]:
        """Return the ECHO request for a piece of the noise, and the reply that it gets."""
        reply = b"$%d\r\n%b\r\n" % (len(piece), piece)
        return ECHO + reply, reply


TALKS: dict[str, type[Talk]] = {"echo": Talk, "redis": RedisTalk}
"""What the clients of a swarm can speak."""


def check_protocol(name: object) -> None:
    """Refuse any other name of a protocol, with a ValueError."""
    if name not in TALKS:
        known = " or ".join(repr(known) for known in TALKS)
        raise ValueError(f"protocol={name!r}: the clients of a swarm speak {known}")
