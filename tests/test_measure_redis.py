"""What part of the real Redis a server is: rows of the right shape, counts of calls, and nothing left."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import eventually
from programs import need

import muxlab
from muxlab.measure import RedisShare, read_csv, redis_share
from muxlab.measure.real_redis import RealRedis, redis_benchmark
from muxlab.programs import missing
from muxlab.resp import redis_server


@pytest.mark.slow
def test_one_row_for_each_server_and_pipeline(tmp_path) -> None:
    need("redis-server", "redis-benchmark")
    rows = redis_share(redis_server, pipelines=(1, 16), requests=1000, rounds=2)
    assert [(row.server, row.pipeline) for row in rows] == [
        *(("redis-server", 1), ("redis-server", 16), ("redis_server", 1), ("redis_server", 16))
    ]
    for row in rows:
        assert row.requests == 2 * 1000 * (1 if row.pipeline == 1 else 5)
        assert row.requests_per_cpu_second == pytest.approx(1e6 / row.cpu_us_per_request)
        assert (row.share == 1) == (row.server == "redis-server")
        assert row.writes == pytest.approx(1 / row.pipeline, rel=0.05)
        assert 1 <= row.reads * row.pipeline < 2, "one for each batch, and the ends"
        assert row.repeats == 2
    rows.to_csv(tmp_path / "rows.csv")
    assert read_csv(tmp_path / "rows.csv", RedisShare) == rows


def test_ping_is_one_command_and_not_two() -> None:
    need("redis-server", "redis-benchmark")
    for row in redis_share(redis_server, pipelines=1, requests=500, rounds=1, test="ping"):
        assert row.writes == pytest.approx(1, rel=0.05)
        assert 1 <= row.reads < 1.5, "one for each request, and the ends"


@pytest.mark.parametrize("test", ["get,set", "ping_inline,get"])
def test_several_commands_at_once_are_refused(test: str) -> None:
    need("redis-server", "redis-benchmark")
    with pytest.raises(ValueError, match=f"test='{test}': give one command"):
        redis_share(redis_server, pipelines=1, requests=100, rounds=1, test=test)


def test_a_command_that_redis_benchmark_does_not_have_is_named() -> None:
    need("redis-server", "redis-benchmark")
    with RealRedis() as redis, pytest.raises(ValueError, match="tests='bogus': redis-benchmark has no such test"):
        redis_benchmark(redis.address, tests="bogus")


def test_the_name_of_the_real_one_is_taken() -> None:
    with pytest.raises(ValueError, match="'redis-server' is the name of the real Redis"):
        redis_share({"redis-server": redis_server})


HELD = """
import os, sys, time
from muxlab.measure.real_redis import RealRedis

redis = RealRedis()
if "fork" not in sys.argv or os.fork() == 0:
    print(redis.address[1], redis._program.folder, os.getpid(), flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("forks", [False, True])
def test_a_redis_ends_with_the_process_that_started_it(forks: bool) -> None:
    need("redis-server")
    command = [sys.executable, "-c", HELD, *["fork"] * forks]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port, folder, fork = process.stdout.readline().split()
        address = "127.0.0.1", int(port)
        with socket.create_connection(address, timeout=10) as client:
            client.sendall(b"PING\r\n")
            assert client.recv(64) == b"+PONG\r\n"
            process.kill()
            try:
                assert client.recv(64) == b"", "Redis has ended"
                assert eventually(lambda: not Path(folder).exists()), "and its folder is gone"
            finally:
                if forks:
                    os.kill(int(fork), signal.SIGKILL)


@pytest.mark.parametrize("bad", [{"pipelines": 0}, {"requests": 0}, {"rounds": 0}, {"pipelines": []}])
def test_bad_numbers_are_refused(bad: dict) -> None:
    with pytest.raises(ValueError, match=next(iter(bad))):
        redis_share(redis_server, **bad)


def test_without_redis_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(muxlab.measure.MissingProgram, match="redis-server and redis-benchmark are not installed here"):
        redis_share(redis_server)
    assert missing("redis-server", "redis-benchmark", "redis-cli") == (
        "redis-server, redis-benchmark and redis-cli are not installed here: "
        "on Debian or Ubuntu, `apt install redis-server redis-tools`"
    )
