"""One client of a swarm, how it gets its first connection, and what it has to say."""

import random
import socket

CONNECTING, OPEN, LOST = range(3)

CONNECT_TIMEOUT = 2.0
"""Seconds for the first connection; on this machine it takes microseconds, unless the accept queue is full."""

PERIOD = 65521
"""Bytes after which the noise repeats: a prime, so that a lost or doubled block of 2**n bytes shows as wrong bytes."""


class Client:
    """One client: its socket, and the message that is under way, if any."""

    __slots__ = (
        *("answered", "due", "leaving", "message", "number", "received"),
        *("shown", "sock", "state", "talks", "unsent", "wrong"),
    )

    def __init__(self, sock: socket.socket, number: int, state: int) -> None:
        self.sock = sock
        self.number = number  # differs between clients, so that their messages do
        self.state = state
        self.talks = False
        self.leaving = False  # closes as soon as its reply is there
        self.message = b""  # b"" when none is under way
        self.unsent = memoryview(b"")
        self.received = 0
        self.wrong = False  # a byte of this reply differed
        self.due = 0.0  # when the message should have been sent, by perf_counter
        self.answered = self.shown = 0  # replies, and how many of them `activity` has told of


def first_connection(address: tuple[str, int]) -> socket.socket:
    """One connection, made before anything else starts: an unreachable server is refused here."""
    host, port = address
    try:
        return socket.create_connection((socket.gethostbyname(host), port), timeout=CONNECT_TIMEOUT)  # IPv4, as servers
    except TimeoutError:
        raise ConnectionError(
            f"{host}:{port} does not answer within {CONNECT_TIMEOUT:g} s: "
            "its accept queue is full, or nothing is at that address"
        ) from None
    except ConnectionRefusedError:
        raise ConnectionRefusedError(
            f"nobody listens on {host}:{port}: start the server first, and keep it running"
        ) from None
    except OSError as error:
        raise ConnectionError(f"{host}:{port} cannot be reached: {error}") from None


def letters(size: int) -> bytes:
    """`size` small letters, easy to read in a cell; the same ones every time."""
    period = bytes(random.Random(0).choices(range(97, 123), k=PERIOD))
    return (period * (size // PERIOD + 1))[:size]
