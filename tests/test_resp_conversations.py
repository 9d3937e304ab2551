"""Conversations with the Redis-like servers that hypothesis makes up: requests cut anyhow, clients that break off."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest
from helpers import PATIENCE, read_exactly, reset
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

import muxlab
from muxlab.course.museum.redis import REDIS
from muxlab.interrupt import Pulse
from muxlab.resp import redis_on_loop, redis_on_streams, redis_server

MANNERS = ["stays", "half-closes", "resets"]

data = st.sampled_from([b"v", b"", b"\r\n", b"$1\r\n", b"*1\r\n$4\r\nPING\r\n"]) | st.binary(max_size=9)
command = st.one_of(
    st.sampled_from([(b"PING",), (b"INCR", b"n"), (b"GET", b"k"), (b"DEL", b"k", b"n"), (b"GET",), (b"SING",)]),
    st.tuples(st.just(b"ECHO"), data),
    st.tuples(st.just(b"SET"), st.just(b"k"), data),
)
client = st.tuples(
    st.lists(command, min_size=1, max_size=6), st.lists(st.integers(0, 150), max_size=5), st.sampled_from(MANNERS)
)
conversations = st.lists(client, min_size=1, max_size=3)

Conversation = list[tuple[list[tuple[bytes, ...]], list[int], str]]


def wire(words: tuple[bytes, ...]) -> bytes:
    """Return a request as bytes."""
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)


def cut(stream: bytes, places: list[int]) -> list[bytes]:
    """Cut a stream at some places."""
    ends = [0, *sorted({place % len(stream) for place in places} - {0}), len(stream)]
    return [stream[start:end] for start, end in pairwise(ends)]


class Keys:
    """What a client of its own keys may expect: a Redis of five commands, in dictionaries."""

    def __init__(self, owner: int) -> None:
        self.owner = b"%d:" % owner
        self.values: dict[bytes, bytes] = {}

    def words(self, words: tuple[bytes, ...]) -> tuple[bytes, ...]:
        """Return a command with the owner's own keys."""
        if words[0] in (b"SET", b"INCR", b"GET"):
            return words[0], *(self.owner + key for key in words[1:2]), *words[2:]
        if words[0] == b"DEL":
            return words[0], *(self.owner + key for key in words[1:])
        return words

    def reply(self, words: tuple[bytes, ...]) -> bytes:
        """Do what a command says; return its reply."""
        match words:
            case (b"PING",):
                return b"+PONG\r\n"
            case (b"ECHO", text):
                return b"$%d\r\n%b\r\n" % (len(text), text)
            case (b"SET", key, value):
                self.values[key] = value
                return b"+OK\r\n"
            case (b"GET", key):
                value = self.values.get(key)
                return b"$-1\r\n" if value is None else b"$%d\r\n%b\r\n" % (len(value), value)
            case (b"INCR", key):
                self.values[key] = b"%d" % (int(self.values.get(key, b"0")) + 1)
                return b":%b\r\n" % self.values[key]
            case (b"DEL", *keys):
                return b":%d\r\n" % sum(self.values.pop(key, None) is not None for key in keys)
            case (b"GET",):
                return b"-ERR wrong number of arguments for 'get' command\r\n"
        return b"-ERR unknown command 'SING', with args beginning with: \r\n"


class Stage:
    """A server that is played with, one conversation after the other."""

    def __init__(self, server: muxlab.Server, timeout: float) -> None:
        self.server, self.timeout = server, timeout
        self.pulse = Pulse(server.thread.native_id or 0)
        self.pause = threading.Event()

    def connect(self) -> socket.socket:
        return socket.create_connection(self.server.address, self.timeout)

    def digest(self) -> None:
        """Wait until the server sleeps: what was sent has been read."""
        for _ in range(2000):
            self.pause.wait(0.0002)
            if not self.pulse.awake():
                return

    def play(self, conversation: Conversation) -> list[tuple[bytes, bytes]]:
        """Play a conversation; return, of each client that did not break off, what it expected and what it got."""
        with contextlib.ExitStack() as stack:
            control = stack.enter_context(self.connect())
            control.sendall(wire((b"FLUSHALL",)))
            flushed = b"+OK\r\n", read_exactly(control, 5)
            clients = []
            for number, (commands, places, manner) in enumerate(conversation):
                keys = Keys(number)
                named = [keys.words(words) for words in commands]
                replies = b"".join(map(keys.reply, named))
                pieces = cut(b"".join(map(wire, named)), places)
                clients.append((stack.enter_context(self.connect()), pieces, replies, manner))
            for turn in range(max(len(pieces) for _, pieces, _, _ in clients)):
                for sock, pieces, _, manner in clients:
                    last = len(pieces) - (manner == "resets")  # who breaks off keeps the last piece
                    for piece in pieces[turn : min(turn + 1, last)]:
                        sock.sendall(piece)
                self.digest()
            for sock, _, _, manner in clients:
                if manner == "resets":
                    reset(sock)
                elif manner == "half-closes":
                    sock.shutdown(socket.SHUT_WR)
            answered = [
                (replies, to_the_end(sock) if manner == "half-closes" else read_exactly(sock, len(replies)))
                for sock, _, replies, manner in clients
                if manner != "resets"
            ]
            return [flushed, *answered]


def to_the_end(sock: socket.socket) -> bytes:
    """Return all that comes until the server closes."""
    came = bytearray()
    while piece := sock.recv(65536):
        came += piece
    return bytes(came)


@contextlib.contextmanager
def stage(fn: Callable, timeout: float = PATIENCE) -> Iterator[Stage]:
    server = muxlab.serve(fn)
    made = Stage(server, timeout)
    try:
        yield made
    finally:
        server.end()  # whatever a broken one has raised
        made.pulse.close()


@pytest.mark.parametrize("fn", [redis_server, redis_on_loop, redis_on_streams], ids=lambda fn: fn.__name__)
def test_however_requests_are_cut_and_whoever_breaks_off_all_replies_come(fn: Callable) -> None:
    with stage(fn) as at:

        @settings(max_examples=60, deadline=None, derandomize=True, database=None)
        @given(conversations)
        def play(conversation: Conversation) -> None:
            for expected, got in at.play(conversation):
                assert got == expected

        play()
        assert at.server.alive


@pytest.mark.parametrize(
    "name",
    [
        "one_request_for_each_recv",
        "one_parser_for_all",
        "cut_between_cr_and_lf",
        "inherits_half_a_request",
        "keeps_text",
        "hangs_up_on_what_it_does_not_know",
    ],
)
def test_they_find_what_is_wrong_with_a_broken_server(name: str) -> None:
    def breaks(conversation: Conversation) -> bool:
        key = repr(conversation)
        if key not in played:  # each is played once: what it leaves behind may be what breaks the next
            try:
                played[key] = any(got != expected for expected, got in at.play(conversation))
            except OSError:  # a reset, no end, or nobody there any more
                played[key] = True
        return played[key]

    played: dict[str, bool] = {}
    (broken,) = (exhibit.fn for exhibit in REDIS if exhibit.name == name)
    with stage(broken, timeout=0.5) as at:
        first = settings(max_examples=1000, derandomize=True, database=None, phases=[Phase.generate])
        assert find(conversations, breaks, settings=first)
