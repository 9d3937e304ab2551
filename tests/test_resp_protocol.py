"""Requests cut out of a stream of bytes: the same ones however the bytes arrive, and no more than the limits allow."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muxlab.resp import protocol
from muxlab.resp.inline import split_words
from muxlab.resp.protocol import Parser, Request


def as_array(request: Request) -> bytes:
    """A request as clients send it."""
    return protocol.array([protocol.bulk_string(word) for word in request])


def read(pieces: list[bytes], most_held: int = protocol.MOST_HELD) -> tuple[list[Request], bytes]:
    """The requests in a stream that arrives in pieces, and what was wrong with the rest."""
    parser = Parser(most_held)
    requests = [request for piece in pieces for request in parser.feed(piece)]
    return requests, parser.trouble


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """The data in pieces, cut at these places."""
    borders = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(borders)]


def one_by_one(data: bytes) -> list[bytes]:
    """The data in pieces of one byte."""
    return [data[at : at + 1] for at in range(len(data))]


# few letters, but those that mean something to a parser
words = st.binary(max_size=12) | st.text("*$\r\n1 'x\"", max_size=8).map(str.encode)
requests = st.lists(words, min_size=1, max_size=5)
inline_requests = st.lists(st.text("abc*$:1", min_size=1, max_size=5).map(str.encode), min_size=1, max_size=3).filter(
    lambda found: not found[0].startswith(b"*")
)
streams = st.lists(
    requests.map(lambda found: (found, as_array(found)))
    | inline_requests.map(lambda found: (found, b" ".join(found) + b"\r\n")),
    max_size=6,
)
quick = settings(max_examples=150, deadline=None, derandomize=True, database=None)


@quick
@given(streams, st.lists(st.integers(0, 1000), max_size=8))
def test_the_same_requests_however_the_bytes_are_cut(stream: list[tuple[Request, bytes]], places: list[int]) -> None:
    wanted = [request for request, _ in stream]
    data = b"".join(piece for _, piece in stream)
    assert read([data]) == (wanted, b"")
    assert read(cut(data, places)) == (wanted, b"")
    assert read(one_by_one(data)) == (wanted, b"")


@quick
@given(st.text("*$-1029\r\nPING\" '\\x", max_size=40).map(str.encode), st.lists(st.integers(0, 40), max_size=5))
def test_nonsense_is_the_same_nonsense_however_it_is_cut(data: bytes, places: list[int]) -> None:
    whole = read([data])
    assert read(cut(data, places)) == whole
    assert read(one_by_one(data)) == whole


@pytest.mark.parametrize(
    ("data", "trouble"),
    [
        (b"*1048577\r\n", b"invalid multibulk length"),
        (b"*x\r\n", b"invalid multibulk length"),
        (b"*\r\n", b"invalid multibulk length"),
        (b"*+1\r\n", b"invalid multibulk length"),
        (b"*01\r\n", b"invalid multibulk length"),
        (b"*-1x\r\n", b"invalid multibulk length"),
        (b"*" + b"9" * 5000 + b"\r\n", b"invalid multibulk length"),
        (b"*1\r\n$-1\r\n", b"invalid bulk length"),
        (b"*1\r\n$536870913\r\n", b"invalid bulk length"),
        (b"*1\r\n$x\r\n", b"invalid bulk length"),
        (b"*1\r\n$04\r\n", b"invalid bulk length"),
        (b"*1\r\nPING\r\n", b"expected '$', got 'P'"),
        (b"*1\r\n\n\r\n", b"expected '$', got ' '"),
        (b"*2\r\n$1\r\na\r\n:1\r\n", b"expected '$', got ':'"),
        (b"x" * 65537, b"too big inline request"),
        (b"*" + b"1" * 65537, b"too big mbulk count string"),
        (b"*1\r\n$" + b"1" * 65537, b"too big bulk count string"),
        (b'SET a "b\r\n', b"unbalanced quotes in request"),
        (b'SET a "b"c\r\n', b"unbalanced quotes in request"),
    ],
)
def test_what_cannot_be_a_request_is_named_as_redis_names_it(data: bytes, trouble: bytes) -> None:
    before = as_array([b"PING"])
    wanted = [[b"PING"]], b"ERR Protocol error: " + trouble
    assert read([before + data + before]) == wanted, "the request before it is answered, the one behind it is not"
    assert read([before, *one_by_one(data), before]) == wanted


def test_the_largest_that_is_allowed_is_waited_for() -> None:
    for data in (
        b"*1048576\r\n",
        b"*1\r\n$536870912\r\n",
        b"x" * 65536,
        b"*" + b"1" * 65535,
        b"*1\r\n$" + b"1" * 65535,
    ):
        assert read([data]) == ([], b""), data[:20]


def test_empty_requests_are_passed_over() -> None:
    data = b"*0\r\n*-1\r\n*-5\r\n\r\n  \r\n" + as_array([b"PING"])
    assert read([data]) == read(one_by_one(data)) == ([[b"PING"]], b"")
    assert read([b"*3\r\n$4\r\nPI", b"NG\r\n$0\r\n\r\n$1\r\nx\r\n*0\r\n"]) == ([[b"PING", b"", b"x"]], b"")


def test_an_unfinished_request_holds_a_bounded_number_of_bytes() -> None:
    parser = Parser(most_held=1000)
    parser.feed(b"*100\r\n" + b"$10\r\n0123456789\r\n" * 90)
    assert not parser.trouble
    parser.feed(b"$10\r\n0123456789\r\n" * 9 + b"$500\r\n" + b"x" * 50)
    assert parser.trouble == b"ERR Protocol error: too big request"
    assert parser.feed(as_array([b"PING"])) == []
    assert read([as_array([b"x" * 300, b"y" * 300])] * 3, most_held=1000)[1] == b"", "it counts each request by itself"


def test_a_long_string_in_many_pieces_takes_no_longer_than_its_length() -> None:
    parser = Parser()
    parser.feed(b"*1\r\n$20000000\r\n")
    for _ in range(20000):  # were each piece to copy all before it, this would be 200 GB
        assert parser.feed(b"x" * 1000) == []
    assert parser.feed(b"\r\n") == [[b"x" * 20000000]]


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        (b"  set  a\tb ", [b"set", b"a", b"b"]),
        (b'set a "b c"', [b"set", b"a", b"b c"]),
        (rb"set a 'b\'c\n'", [b"set", b"a", rb"b'c\n"]),
        (rb'set a "x\x41\n\r\tq\q\"\xzz"', [b"set", b"a", b'xA\n\r\tqq"xzz']),
        (b'set a x"b y"', [b"set", b"a", b"xb y"]),
        (b"set '' \"\"", [b"set", b"", b""]),
        (b"set 'a\"b'", [b"set", b'a"b']),
        (b"'a' 'b'c", None),
        (b"it's", None),
        (rb"'a\' ", None),
        (rb"'a\b' 'a\\b\'", None),
        (rb"'a\b' 'a\\b'", [rb"a\b", rb"a\\b"]),
        (b'"a\\"', None),
    ],
)
def test_words_in_quotes(line: bytes, wanted: list[bytes] | None) -> None:
    assert split_words(line) == wanted


def test_a_line_end_in_an_error_does_not_end_it() -> None:
    assert protocol.error_reply(b"ERR what is a\r\nb") == b"-ERR what is a  b\r\n"
