"""A swarm that speaks Redis's protocol: ECHO requests, and every byte of the replies is checked."""

import pytest
from helpers import eventually
from programs import need

import muxlab
from muxlab.measure import real_redis
from muxlab.resp import redis_server


@pytest.mark.parametrize("isolate", [False, True])
@pytest.mark.parametrize("payload", [1, 64, 300_000])
def test_every_reply_is_right(isolate: bool, payload: int) -> None:
    with muxlab.serve(redis_server) as server:
        with muxlab.Swarm(server, 30, active=5, payload=payload, isolate=isolate, protocol="redis") as swarm:
            swarm.wait_replies(100)
            swarm.payload = 10
            swarm.wait_replies(100)
        seen = swarm.snapshot()
        assert (seen.mismatches, seen.errors) == (0, 0)


def test_the_real_redis_answers_it() -> None:
    need("redis-server")
    with real_redis() as address:
        with muxlab.Swarm(address, 10, active=5, rate=2000.0, protocol="redis") as swarm:
            swarm.wait_replies(100)
            assert swarm.snapshot().mismatches == 0


def test_a_server_that_only_echoes_is_found_out() -> None:
    with muxlab.serve(muxlab.SERVERS["epoll"]) as server:
        with muxlab.Swarm(server, 5, active=2, protocol="redis") as swarm:
            assert eventually(lambda: swarm.snapshot().mismatches)
            assert swarm.snapshot().replies == 0


def test_another_protocol_is_refused() -> None:
    with muxlab.serve(redis_server) as server:
        with pytest.raises(ValueError, match="protocol='http': the clients of a swarm speak 'echo' or 'redis'"):
            muxlab.Swarm(server, protocol="http")


def test_the_playground_speaks_it(drawing: None) -> None:
    panel = muxlab.show.playground(redis_server, connections=20, active=5, protocol="redis")
    assert panel.display.message == ""
    assert panel._seen.tiles[1] != "0", "it is answered"
    assert panel._seen.tiles[0].startswith("20 / ")
    panel.close()
