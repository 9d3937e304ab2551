"""The server that chapter 12's exercises end with: put together from their solutions, it is taken for Redis."""

import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from batteries import battery_of
from programs import need
from same_replies import END, by_their_code, reply_to, request

import muxlab
from muxlab.course import EXERCISES, ch12, ch12_commands, ch12_expiry, ch12_frames, ch12_loop, ch12_pubsub, ch12_server
from muxlab.course.variant import source
from muxlab.measure import real_redis, redis_benchmark, redis_share
from muxlab.trials import REDIS, Verdict

ROOT = Path(__file__).resolve().parent.parent
STEPS = ["redis-frames", "redis-commands", "redis-expiry", "redis-pubsub"]
SERVER = EXERCISES[STEPS[-1]].functions[0]

GOOD = b"".join(
    [
        request(b"PING") + request(b"ping", b"any\r\nbytes\0") + request(b"ECHO", b""),
        request(b"SET", b"k", b"a\r\nb") + request(b"GET", b"k") + request(b"GET", b"missing"),
        b"SET w word\r\nGET w\r\n\r\n*0\r\n*-1\r\nPING\n",
        request(b"INCR", b"n") + request(b"INCR", b"n") + request(b"INCR", b"w"),
        request(b"EXISTS", b"k", b"k", b"missing") + request(b"DEL", b"k", b"missing", b"k") + request(b"DBSIZE"),
        request(b"EXPIRE", b"n", b"100") + request(b"TTL", b"w") + request(b"PTTL", b"k"),
        request(b"INCR", b"n") + request(b"SET", b"n", b"1") + request(b"TTL", b"n"),
        request(b"PEXPIRE", b"n", b"0") + request(b"EXPIRE", b"n", b"1") + request(b"EXPIRE", b"w", b"x"),
        request(b"SING", b"a", b"b\r\n") + request(b"GET") + request(b"SET", b"a") + request(b"GET", b"a", b"b"),
        request(b"PUBLISH", b"news", b"hi") + request(b"SUBSCRIBE", b"news", b"sport"),
        request(b"UNSUBSCRIBE", b"sport") + request(b"UNSUBSCRIBE") + request(b"UNSUBSCRIBE"),
        request(b"DEL", b"w"),
    ]
)
"""One of each, to be cut at every byte; it leaves no key behind."""

BAD = [
    b"PING\r\n*1\r\nPING\r\nPING\r\n",
    b"PING\r\n*2\r\n$4\r\nECHO\r\n$-1\r\nPING\r\n",
    b"*1\r\n$536870913\r\n",
    b"*1\r\n$04\r\nPING\r\n",
    b"*x\r\n",
    b"*2147483648\r\n",
    b"*1\r\n\r\n",
    b"QUIT\r\nPING\r\n",
]
"""What ends a connection."""


@pytest.fixture
def server() -> Iterator[muxlab.Server]:
    with muxlab.serve(SERVER, backlog=256) as running:
        yield running


def test_each_step_is_the_one_before_and_what_its_cell_held() -> None:
    """So that a server put together from all solutions is the last one."""
    put_together: dict[str, str] = {}
    for name in STEPS:
        exercise = EXERCISES[name]
        given = exercise.broken or exercise.start
        assert given is not None
        before = {one.__name__: source(one) for one in _functions(given)}
        assert not put_together or before == put_together, name
        after = {one.__name__: source(one) for one in exercise.functions}
        changed = {piece for piece in before if before[piece] != after[piece]}
        assert changed == set(exercise.pieces or ["redis_server"]), name
        put_together = after
    assert put_together == {one.__name__: source(one) for one in ch12.FINISHED}
    written = [
        one for module in MODULES for one in vars(module).values() if getattr(one, "__module__", "") == module.__name__
    ]
    assert {source(one) for one in written if callable(one)} >= set(put_together.values())


MODULES = [ch12_server, ch12_frames, ch12_commands, ch12_expiry, ch12_pubsub]


def _functions(server: object) -> list:
    """The functions that a server is put together from."""
    names = server.__globals__  # type: ignore[attr-defined]
    file = server.__code__.co_filename  # type: ignore[attr-defined]
    return [one for one in names.values() if getattr(getattr(one, "__code__", None), "co_filename", "") == file]


@pytest.mark.battery
@battery_of(f"solution of {STEPS[-1]}", *REDIS)
def test_it_passes_all_trials(verdicts: list[Verdict]) -> None:
    assert [trial for trial in verdicts if trial.passed is not True] == []
    assert [trial.name for trial in verdicts] == list(REDIS)


def test_the_chapter_writes_out_the_server_that_the_steps_begin_with() -> None:
    chapter = json.loads((ROOT / "notebooks/12_build_a_redis.ipynb").read_text(encoding="utf-8"))
    cells = ["".join(cell["source"]) for cell in chapter["cells"] if cell["cell_type"] == "code"]
    for name in ["redis_server", "respond", "parse", "a_line", "answer", "database", "bulk", "error_reply", "integer"]:
        text = inspect.getsource(getattr(ch12_server, name)).rstrip()
        assert any(text in cell for cell in cells), name
    assert any(inspect.getsource(ch12_loop.redis_on_loop).rstrip() in cell for cell in cells)


def test_redis_py_takes_it_for_redis(server: muxlab.Server) -> None:
    host, port = server.address
    with redis.Redis(host, port, socket_timeout=10, protocol=2) as client:
        assert client.ping()
        assert client.set("k", bytes(range(256)))
        assert client.get("k") == bytes(range(256))
        assert client.get("missing") is None
        assert [client.execute_command("INCR", "n") for _ in range(2)] == [1, 2]
        assert client.expire("n", 100)
        assert client.ttl("n") == 100
        assert client.exists("k", "n") == client.delete("k", "n") == 2
        with pytest.raises(redis.ResponseError, match="unknown command 'LPUSH'"):
            client.lpush("list", 1)
        with client.pubsub() as listening:
            listening.subscribe("news")
            assert listening.get_message(timeout=10)["type"] == "subscribe"
            assert client.publish("news", "hi") == 1
            assert listening.get_message(timeout=10)["data"] == b"hi"


@pytest.mark.slow
def test_redis_benchmark_drives_it(server: muxlab.Server) -> None:
    need("redis-benchmark")
    for pipeline in (1, 16):
        rows = redis_benchmark(server.address, pipeline, requests=2000, tests="ping,set,get,incr")
        assert {row.test for row in rows} >= {"SET", "GET", "INCR"}


@pytest.mark.slow
def test_it_replies_as_redis_does_however_a_conversation_is_cut(server: muxlab.Server) -> None:
    need("redis-server")
    with real_redis() as address:
        whole = by_their_code(reply_to(address, [GOOD]))
        assert whole.startswith(b"+PONG\r\n$11\r\nany\r\nbytes\0\r\n$0\r\n\r\n+OK\r\n")
        assert whole.endswith(END + b"\r\n")
        assert len(re.findall(rb"-ERR", whole)) == 6
        for at in range(0, len(GOOD), 3):
            assert by_their_code(reply_to(server.address, [GOOD[:at], GOOD[at:]])) == whole, f"cut at byte {at}"
        one_by_one = [GOOD[at : at + 1] for at in range(len(GOOD))]  # cut at all of them
        assert by_their_code(reply_to(server.address, one_by_one)) == whole
        for wrong in BAD:
            real = by_their_code(reply_to(address, [wrong]))
            assert not real.endswith(END + b"\r\n")
            assert by_their_code(reply_to(server.address, [wrong])) == real


def test_the_server_that_the_steps_begin_with_can_be_measured() -> None:
    """It ends at the first inline request: a chapter that nobody has solved yet is to run all the same."""
    need("redis-server", "redis-benchmark")
    _, row = redis_share({"your server": ch12.BELIEVES_ALL[0]}, pipelines=16, requests=100, rounds=1)
    assert row.server == "your server" and row.reads < 0.5
