"""The messages of a crowd: which client sends what and when, and whether each reply is the same bytes."""

import collections
import itertools
import os
import random
import time
from collections.abc import Iterator

from ..connection import IN, OUT
from .clients import OPEN, Member, Members
from .stats import Windows

PERIOD = 65521
"""Bytes after which the noise repeats: a prime, so that a lost or doubled block of 2**n bytes shows as wrong bytes."""

VARIETY = 1021
"""Messages in a row of which no two are the same piece of the noise: a prime, so that clients that always take turns
do not always get the same one."""

KEPT = 2**22
"""Letters of all these messages together that are kept ready; longer ones are cut out of the noise one by one."""

RECV_SIZE = 65536
"""Bytes asked of one recv at most, as the reference servers ask."""


class Talk:
    """The conversations of a crowd.

    Attributes:
        free: with a rate, the talkers that have no message under way.
        next_due: with a rate, when the next message is due, by perf_counter.
        sent, replies, mismatches, first_mismatch, windows: what is counted.
    """

    def __init__(self, members: Members) -> None:
        self._members = members
        self._modify = members.poller.modify
        self._talkers: list[Member] = []
        self.free: collections.deque[Member] = collections.deque()
        self._size = 0  # letters in a message
        self._exchanges: Iterator[tuple[bytes, bytes]] = iter(())  # what is sent next, and the reply to it
        self._chunk = RECV_SIZE  # bytes asked of one recv: Python takes memory for as many
        self._pace: float | None = None  # the rate that is kept
        self.next_due = 0.0
        self.sent = self.replies = self.mismatches = 0
        self.first_mismatch = ""
        self.windows = Windows()
        self._note_latency = self.windows.fresh.append

    def follow(self, payload: int, rate: float | None) -> None:
        """Adopt the length of messages and their rate."""
        if self._size != payload:
            self._size = payload
            self._exchanges = map(self.exchange, pieces(payload, self._members.begin))
            if payload * VARIETY <= KEPT:
                self._exchanges = itertools.cycle(list(itertools.islice(self._exchanges, VARIETY)))
            _, reply = self.exchange(bytes(payload))
            self._chunk = min(len(reply) + 1, RECV_SIZE)  # one more, to notice what is too much
        if self._pace != rate or not self._talkers:
            self._pace, self.next_due = rate, time.perf_counter()  # nothing was due while nobody talked

    def exchange(self, piece: bytes) -> tuple[bytes, bytes]:
        """Return what a client sends to have a piece of the noise echoed, and the reply that it expects."""
        return piece, piece

    # ---- who talks

    def choose(self, active: int, first: int = 0) -> None:
        """Let `active` of the connected clients talk, from the `first` on and round; more than there are means all."""
        self.hush()
        clients = self._members.clients
        active = min(active, len(clients))  # islice takes no number beyond sys.maxsize
        first %= max(1, len(clients))
        ring = itertools.chain(itertools.islice(clients, first, None), itertools.islice(clients, first))
        self._talkers = list(itertools.islice((c for c in ring if c.state == OPEN), active))
        self.free.clear()
        for client in self._talkers:
            client.talks = True
        for client in [c for c in self._talkers if not c.message]:
            self._next_message(client, time.perf_counter())

    def hush(self) -> None:
        """Let no client begin another message."""
        for client in self._talkers:
            client.talks = False

    def welcome(self, client: Member, active: int) -> None:
        """Let a client that was just connected talk, if fewer than `active` do."""
        if len(self._talkers) < active:
            client.talks = True
            self._talkers.append(client)
            self._next_message(client, time.perf_counter())

    def _next_message(self, client: Member, now: float) -> None:
        if self._pace is None:
            self._send(client, now)
        else:
            self.free.append(client)

    def send_due(self, now: float) -> None:
        """Give every message that is due, by the rate, to a talker that has none under way."""
        while self.free and self.next_due <= now and self._pace:
            client = self.free.popleft()
            if client.talks and client.state == OPEN:
                self._send(client, self.next_due)
                self.next_due += 1 / self._pace

    # ---- what they say; a client whose connection has ended is lost

    def _send(self, client: Member, due: float) -> None:
        request, client.message = next(self._exchanges)
        client.due = due
        self.sent += 1
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

    def send_rest(self, client: Member) -> None:
        """Send what `send` had no room for."""
        try:
            client.unsent = client.unsent[client.sock.send(client.unsent) :]
        except BlockingIOError:
            return
        except OSError as error:
            self._members.lose(client, os.strerror(error.errno or 0))
            return
        if not client.unsent:
            self._modify(client.sock.fileno(), IN)

    def receive(self, client: Member, now: float) -> None:
        """Take what has arrived by `now`, and compare it with what was sent."""
        try:
            data = client.sock.recv(self._chunk)
        except BlockingIOError:
            return
        except OSError as error:
            self._members.lose(client, os.strerror(error.errno or 0))
            return
        if not data:
            self._members.lose(client, "closed by the server")
            return
        if data != client.message or client.received:
            expected = client.message[client.received : client.received + len(data)]
            if data != expected:
                client.wrong = True
                self.first_mismatch = self.first_mismatch or f"expected {expected[:20]!r}, got {data[:20]!r}"
            if not client.message:  # bytes that nobody asked for
                self.mismatches += 1
                client.wrong = False
                return
            client.received += len(data)
            if client.received < len(client.message):
                return
            client.received = 0
        if client.wrong:
            self.mismatches += 1
            client.wrong = False
        else:
            self._note_latency(now - client.due)
            client.answered += 1
            self.replies += 1
        if client.talks and self._pace is None:  # as `_next_message`, without a call more for each reply
            self._send(client, now)
            return
        client.message = b""
        if client.leaving:
            self._members.drop(client)
        elif client.talks:
            self.free.append(client)


def pieces(size: int, begin: int) -> Iterator[bytes]:
    """Yield pieces of the noise, of `size` letters, without end: each differs from the last thousand before it.

    Args:
        begin: where in the noise they begin, so that crowds in several processes say different things.
    """
    noise = letters(size + PERIOD)
    starts = [(begin + number) * 31 % PERIOD for number in range(VARIETY)]
    for start in itertools.cycle(starts):
        yield noise[start : start + size]


def letters(size: int) -> bytes:
    """Return `size` small letters, easy to read in a cell; the same ones every time."""
    period = bytes(random.Random(0).choices(range(97, 123), k=PERIOD))
    return (period * (size // PERIOD + 1))[:size]
