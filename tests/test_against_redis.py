"""The same conversation with the real Redis and with ours, cut at every byte: the same replies, byte for byte.

Of an error, the code is compared (`-ERR`), and the words too, where they are ours to choose: all of them are Redis's.
"""

import subprocess
from collections.abc import Iterator

import pytest
from helpers import connect, read_exactly
from programs import need
from same_replies import END, reply_to, request

import muxlab
from muxlab.measure.real_redis import RealRedis, real_redis, redis_benchmark
from muxlab.resp import redis_on_loop, redis_on_streams, redis_server

Address = tuple[str, int]


GOOD = b"".join(
    [
        request(b"PING"),
        request(b"SET", b"k", b"a\r\nb"),
        request(b"GET", b"k"),
        b'SET w "two words"\r\nGET w\r\n\r\n*0\r\n',
        request(b"INCR", b"n") + request(b"incrby", b"n", b"-5"),
        request(b"GET", b"zz") + request(b"EXISTS", b"k", b"k", b"zz") + request(b"DEL", b"k", b"zz"),
        request(b"SET", b"t", b"v", b"EX", b"100") + request(b"TTL", b"t") + request(b"TTL", b"n"),
        request(b"EXPIRE", b"t", b"0") + request(b"PTTL", b"t") + request(b"DBSIZE"),
        request(b"foo", b"a", b"b\r\n") + request(b"GET") + request(b"SET", b"a", b"b", b"EX", b"0"),
        request(b"SUBSCRIBE", b"c") + request(b"PING") + request(b"GET", b"k") + request(b"UNSUBSCRIBE"),
        request(b"ECHO", b"") + request(b"FLUSHALL"),
    ]
)
"""One of each, to be cut at every byte; it leaves no key behind."""

BAD = [
    b"PING\r\n*1\r\nPING\r\nPING\r\n",
    b"PING\r\n*2\r\n$4\r\nECHO\r\n$-1\r\nPING\r\n",
    b"*1\r\n$536870913\r\n",
    b"*x\r\n",
    b"*2147483648\r\n",
    b"*1\r\n$x\r\n",
    b'GET "a\r\n',
    b"*1\r\n\n\r\n",
    b"QUIT\r\nPING\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"ECHO 'a\\' \r\nPING\r\n",
]
"""What ends a connection."""

ODD = [
    (b"FOO",),
    (b"",),
    (b"fo\0o", b"b\0c"),
    (b"f" * 200, b"x" * 200, b"y"),
    (b"foo", *[b"abc"] * 50),
    (b"PING", b"a", b"b"),
    (b"SET", b"k", b"v", b"FOO"),
    (b"SET", b"k", b"v", b"EX"),
    (b"SET", b"k", b"v", b"EX", b"x"),
    (b"SET", b"k", b"v", b"EX", b"x", b"EX", b"10"),
    (b"SET", b"k", b"v", b"EX", b"10", b"EX", b"x"),
    (b"SET", b"k", b"v", b"EX", b"10", b"ex", b"10"),
    (b"SET", b"k", b"v", b"PX", b"10", b"EX", b"10"),
    (b"SET", b"k", b"v", b"EX", b"10", b"EX"),
    (b"SET", b"k", b"v", b"PX", b"9223370000000000000"),
    (b"SET", b"k", b"v", b"PX", b"9223372036854775807"),
    (b"SET", b"k", b"v", b"PX", b"9223372036854775808"),
    (b"SET", b"k", b"v", b"EX", b"9999999999999999"),
    (b"EXPIRE", b"zz", b"x"),
    (b"EXPIRE", b"zz", b"1", b"foo"),
    (b"EXPIRE", b"zz", b"1", b"\r\nfoo\r\n"),
    (b"PEXPIRE", b"zz", b"9223372036854775807"),
    (b"PEXPIRE", b"zz", b"9223000000000000000"),
    (b"PEXPIRE", b"zz", b"-9223372036854775808"),
    (b"EXPIRE", b"zz", b"-9223372036854776"),
    (b"EXPIRE", b"zz", b"-9223372036854775"),
    (b"INCRBY", b"n", b"x"),
    (b"SUBSCRIBE",),
    (b"PUBLISH", b"c", b"x"),
    (b"UNSUBSCRIBE",),
    (b"SELECT", b"0"),
    (b"SELECT", b"x"),
    (b"SELECT", b"99"),
    (b"CONFIG",),
    (b"CONFIG", b"GET"),
    (b"config", b"get", b"appendonly"),
    (b"CONFIG", b"FOO"),
    (b"CLIENT", b"foo", b"b"),
    (b"CLIENT", b"SETNAME"),
    (b"CLIENT", b"SETNAME", b"a b"),
    (b"CLIENT", b"SETINFO", b"LIB-NAME", b"x"),
    (b"FLUSHALL", b"x"),
    (b"HELLO", b"4"),
    (b"HELLO", b"x"),
]


@pytest.fixture(scope="module")
def redis() -> Iterator[Address]:
    need("redis-server")
    with real_redis() as address:
        yield address


@pytest.fixture
def ours() -> Iterator[Address]:
    with muxlab.serve(redis_server) as server:
        yield server.address


@pytest.fixture(params=[redis_on_loop, redis_on_streams])
def ours_on_tasks(request: pytest.FixtureRequest) -> Iterator[Address]:
    with muxlab.serve(request.param) as server:
        yield server.address


@pytest.mark.slow
def test_a_conversation_cut_at_every_byte(redis: Address, ours: Address) -> None:
    whole = reply_to(redis, [GOOD])
    assert whole.startswith(b"+PONG\r\n+OK\r\n$4\r\na\r\nb\r\n")
    assert whole.endswith(END + b"\r\n")
    assert reply_to(ours, [GOOD]) == whole
    for at in range(1, len(GOOD)):
        pieces = [GOOD[:at], GOOD[at:]]
        assert reply_to(ours, pieces) == whole, f"cut at byte {at}"
        if at % 8 == 0:
            assert reply_to(redis, pieces) == whole, f"cut at byte {at}"
    one_by_one = [GOOD[at : at + 1] for at in range(len(GOOD))]
    assert reply_to(ours, one_by_one) == reply_to(redis, one_by_one) == whole


@pytest.mark.slow
def test_the_same_on_a_loop_of_tasks(redis: Address, ours_on_tasks: Address) -> None:
    for data in (GOOD, *BAD):
        real = reply_to(redis, [data])
        assert reply_to(ours_on_tasks, [data]) == real
        assert reply_to(ours_on_tasks, [data[at : at + 7] for at in range(0, len(data), 7)]) == real


@pytest.mark.parametrize("data", BAD)
def test_what_ends_a_connection(redis: Address, ours: Address, data: bytes) -> None:
    real = reply_to(redis, [data])
    assert not real.endswith(END + b"\r\n")
    assert reply_to(ours, [data]) == real
    assert reply_to(ours, [data[at : at + 1] for at in range(len(data))]) == real


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"PING\r\nPOST / HTTP/1.1\r\n\r\n"])
def test_a_browser_gets_no_answer_in_the_same_turn(redis: Address, ours: Address, data: bytes) -> None:
    assert reply_to(ours, [data]) == reply_to(redis, [data]) == b""
    one_by_one = [data[at : at + 1] for at in range(len(data))]
    assert reply_to(ours, one_by_one) == reply_to(redis, one_by_one) != b"", "the first line came alone"


@pytest.mark.parametrize("words", ODD, ids=lambda words: repr(b" ".join(words)[:30]))
def test_odd_requests(redis: Address, ours: Address, words: tuple[bytes, ...]) -> None:
    assert reply_to(ours, [request(*words)]) == reply_to(redis, [request(*words)])


@pytest.mark.parametrize(
    "line", ["CONFIG GET save", "CONFIG GET", "CONFIG FOO", "CONFIG", "GET", "GET k", "FOO", "PING"]
)
def test_what_a_subscriber_may_ask_for(redis: Address, ours: Address, line: str) -> None:
    data = f"SUBSCRIBE c\r\n{line}\r\nUNSUBSCRIBE c\r\n".encode()
    assert reply_to(ours, [data]) == reply_to(redis, [data])


def test_version_3_of_the_protocol(redis: Address, ours: Address) -> None:
    data = (
        b"HELLO 3\r\nGET zz\r\nCONFIG GET save\r\nCLIENT GETNAME\r\nSUBSCRIBE a b\r\nPING\r\nGET zz\r\nPUBLISH a hi\r\n"
    )

    def without_number(replies: bytes) -> bytes:
        before, _, after = replies.partition(b"$2\r\nid\r\n:")
        return before + after.partition(b"\r\n")[2]

    assert without_number(reply_to(ours, [data])) == without_number(reply_to(redis, [data]))


@pytest.mark.parametrize(
    "line", ["INCR n", "SET n 01", "SET n -0", "SET n 9223372036854775807", "SET n 1.5", "SET n ''"]
)
def test_what_is_a_number(redis: Address, ours: Address, line: str) -> None:
    data = f"DEL n\r\n{line}\r\nINCR n\r\nGET n\r\nDEL n\r\n".encode()
    assert reply_to(ours, [data]) == reply_to(redis, [data])


def test_what_is_published_reaches_others(redis: Address, ours: Address) -> None:
    def heard(address: Address) -> bytes:
        with connect(address) as listener, connect(address) as speaker:
            listener.sendall(b"SUBSCRIBE news\r\n")
            subscribed = b"*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n"
            assert read_exactly(listener, len(subscribed)) == subscribed
            speaker.sendall(b"PUBLISH news one\r\nPUBLISH other two\r\nPUBLISH news three\r\n")
            assert read_exactly(speaker, 12) == b":1\r\n:0\r\n:1\r\n"
            listener.sendall(b"QUIT\r\n")
            return read_exactly(listener, 10_000)

    assert heard(ours) == heard(redis)


@pytest.mark.slow
def test_redis_benchmark_drives_ours() -> None:
    need("redis-benchmark")
    with muxlab.serve(redis_server, backlog=256) as server:
        for pipeline in (1, 16):
            rows = redis_benchmark(server.address, pipeline, requests=2000, tests="ping,set,get,incr")
            assert {row.test for row in rows} >= {"SET", "GET", "INCR"}
            assert all(row.requests_per_second > 0 and row.pipeline == pipeline for row in rows)


def test_redis_cli_talks_to_ours(ours: Address) -> None:
    need("redis-cli")
    done = subprocess.run(
        ["redis-cli", "-p", str(ours[1])],
        input="set k v\nget k\nincr k\nfoo\n",
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert done.stdout.splitlines() == [
        *("OK", "v", "ERR value is not an integer or out of range", ""),
        *("ERR unknown command 'foo', with args beginning with: ", ""),
    ]


def test_nobody_listens_and_nothing_is_left() -> None:
    need("redis-server", "redis-benchmark")
    with RealRedis() as running:
        address = running.address
    with pytest.raises(ConnectionRefusedError):
        redis_benchmark(address)


def test_a_missing_program_is_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    for start, program, package in (
        (RealRedis, "redis-server", "redis-server"),
        (lambda: redis_benchmark(("127.0.0.1", 1)), "redis-benchmark", "redis-tools"),
    ):
        with pytest.raises(OSError, match=f"{program} is not installed here: .*`apt install {package}`"):
            start()
