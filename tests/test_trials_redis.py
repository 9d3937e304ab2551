"""The trials of a Redis-like server: what their clients take for a right reply, and who passes."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from pass_on import passes_on_to
from programs import need

import muxlab
from muxlab.__main__ import main
from muxlab.measure.real_redis import real_redis
from muxlab.trials import REDIS
from muxlab.trials.resp_client import (
    ANY_NUMBER,
    ERROR,
    NIL,
    OK,
    PONG,
    RedisClient,
    array,
    bulk,
    end_of_reply,
    number,
    request,
)
from muxlab.trials.runner import ON_REQUEST, TRIALS

REPLIES = [OK, PONG, NIL, ERROR + b"no\r\n", number(-3), bulk(b""), bulk(b"a\r\nb"), array(), array(bulk("a"), NIL)]
MIXED = array(array(number(1), bulk("a")), bulk("b"), array())


@pytest.fixture
def talk() -> Iterator[tuple[RedisClient, socket.socket]]:
    """A client, and the other end of its connection."""
    ours, theirs = socket.socketpair()
    client = RedisClient(0)
    client.sock.close()
    client.sock = ours
    ours.setblocking(False)
    yield client, theirs
    ours.close()
    theirs.close()


def test_a_request_is_an_array_of_strings() -> None:
    assert request("SET", b"key", 12) == b"*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$2\r\n12\r\n"


@pytest.mark.parametrize("reply", [*REPLIES, MIXED], ids=repr)
def test_a_reply_ends_where_it_ends_however_much_of_it_is_there(reply: bytes) -> None:
    for size in range(len(reply)):
        assert end_of_reply(reply[:size], 0) == 0
    assert end_of_reply(reply, 0) == len(reply)
    assert end_of_reply(b"before" + reply + b"+after", 6) == 6 + len(reply)


@pytest.mark.parametrize("nonsense", [b"hello\r\n", b"$many\r\n", b"*2\r\n:1\r\nx"])
def test_what_is_no_reply_is_told_from_one_that_is_not_whole(nonsense: bytes) -> None:
    with pytest.raises(ValueError, match=r"no reply|invalid literal"):
        end_of_reply(nonsense, 0)


def test_replies_are_right_however_they_are_cut(talk) -> None:
    client, theirs = talk
    client.expect(*REPLIES)
    for byte in b"".join(REPLIES):
        assert not client.answered
        theirs.sendall(bytes([byte]))
        client.read()
    assert client.answered and client.replies == REPLIES and client.came_back == "9 of 9 replies came"


def test_of_an_error_the_code_is_compared_and_of_any_number_that_it_is_one(talk) -> None:
    client, theirs = talk
    client.ask("GET", reply=ERROR).ask("INCR", "a", reply=ANY_NUMBER)
    theirs.sendall(b"-ERR wrong number of arguments for 'get' command\r\n:12\r\n")
    client.read()
    assert client.answered
    client.ask("GET", reply=ERROR)
    theirs.sendall(b"-ERROR\r\n")
    client.read()
    assert client.came_back == "reply 3, to GET, was b'-ERROR\\r\\n' instead of an error that begins with -ERR"
    assert client.got == f"a wrong answer; {client.came_back}"


def test_the_first_wrong_reply_is_told_with_its_request(talk) -> None:
    client, theirs = talk
    client.ask("PING", reply=PONG).ask("GET", b"k\xff", reply=bulk("right")).greet()
    theirs.sendall(PONG + bulk("wrong") + PONG)
    client.read()
    assert client.wrong and not client.answered
    assert client.came_back == r"reply 2, to GET 'k\xff', was b'$5\r\nwrong\r\n' instead of b'$5\r\nright\r\n'"


def test_what_nobody_asked_for_is_wrong(talk) -> None:
    client, theirs = talk
    client.greet()
    theirs.sendall(PONG + OK)
    client.read()
    assert client.came_back == "after all that was expected came b'+OK\\r\\n'"
    assert client.wrong


def test_what_is_no_reply_is_wrong(talk) -> None:
    client, theirs = talk
    client.greet()
    theirs.sendall(b"PING\r\n")
    client.read()
    assert client.came_back == "reply 1, to PING, was b'PING\\r\\n' instead of b'+PONG\\r\\n'"


def test_half_a_reply_is_none(talk) -> None:
    client, theirs = talk
    client.greet()
    theirs.sendall(PONG + b"+O")
    client.read()
    assert not client.wrong and not client.answered


# ---- all of them


def test_redis_names_all_trials_of_a_redis_like_server() -> None:
    assert len(REDIS) > 20 and set(REDIS) <= set(ON_REQUEST) and not set(REDIS) & set(TRIALS)
    report = muxlab.check(muxlab.SERVERS["epoll"], "redis")
    assert [trial.name for trial in report.trials] == list(REDIS)


def test_the_command_line_knows_the_name_for_all_of_them(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    file = tmp_path / "server.py"
    file.write_text("from muxlab.servers import epoll_server\n")
    assert main(["check", f"{file}:epoll_server", "--trial", "redis"]) == 1
    assert capsys.readouterr().out.startswith(f"epoll_server: 0 of {len(REDIS)} trials passed, 1 failed")


def test_an_echo_server_is_told_once_what_is_missing() -> None:
    first, *others = muxlab.check(muxlab.SERVERS["epoll"], "redis").trials
    assert first.name == "redis: answers PING" and first.passed is False
    assert first.detail == r"reply 1, to PING, was b'*1\r\n$4\r\nPING\r\n' instead of b'+PONG\r\n'"
    assert {trial.detail for trial in others} == {"not tried: until 'redis: answers PING' is passed"}


def test_a_redis_trial_is_run_after_all_that_it_needs() -> None:
    before: set[str] = set()
    for name in REDIS:
        assert {needed.name for needed in ON_REQUEST[name].needs} <= before, name
        before.add(name)
    assert [name for name in REDIS if not ON_REQUEST[name].needs] == ["redis: answers PING"]


OUT_OF_SIGHT = [
    "redis: forgets keys while nobody talks",
    "redis: sleeps between two expiries",
    "redis: holds at most 1 MiB for a subscriber that does not read",
]
"""What cannot be seen of a server in another process, or is a matter of its settings."""


@pytest.mark.battery
def test_the_real_redis_passes_all_that_can_be_seen_of_it() -> None:
    need("redis-server")
    trials = [name for name in REDIS if name not in OUT_OF_SIGHT]
    with real_redis() as address:
        report = muxlab.check(passes_on_to(address), trials)
    assert [trial for trial in report.trials if trial.passed is not True] == []
