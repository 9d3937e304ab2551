"""What part of the real Redis a server is: rows of the right shape, counts of calls, and nothing left."""

import socket
import subprocess
import sys

import pytest
from programs import need

import muxlab
from muxlab.measure import RedisShare, read_csv, redis_share
from muxlab.measure.real_redis import missing
from muxlab.resp import redis_server


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


HELD = """
import time
from muxlab.measure.real_redis import RealRedis

redis = RealRedis()
print(redis.address[1], flush=True)
time.sleep(60)
"""


def test_a_redis_ends_with_the_process_that_started_it() -> None:
    need("redis-server")
    with subprocess.Popen([sys.executable, "-c", HELD], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        address = "127.0.0.1", int(process.stdout.readline())
        with socket.create_connection(address, timeout=10) as client:
            client.sendall(b"PING\r\n")
            assert client.recv(64) == b"+PONG\r\n"
            process.kill()
            assert client.recv(64) == b"", "Redis has ended"


@pytest.mark.parametrize("bad", [{"pipelines": 0}, {"requests": 0}, {"rounds": 0}, {"pipelines": []}])
def test_bad_numbers_are_refused(bad: dict) -> None:
    with pytest.raises(ValueError, match=next(iter(bad))):
        redis_share(redis_server, **bad)


def test_without_redis_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(muxlab.measure.MissingProgram, match="redis-server is not installed here"):
        redis_share(redis_server)
    assert missing() == (
        "redis-server and redis-benchmark and redis-cli are not installed here: "
        "on Debian or Ubuntu, `apt install redis-server redis-tools`"
    )
