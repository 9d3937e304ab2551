"""The Redis-like server over real connections: driven by redis-py, and by clients that behave badly."""

import importlib
import socket
import threading
from collections.abc import Iterator

import pytest
import redis
from helpers import connect, eventually, read_exactly, reset

import muxlab
from muxlab.resp import redis_on_loop, redis_on_streams, redis_server
from muxlab.resp.redis_server import MOST_UNSENT

loop_module = importlib.import_module("muxlab.resp.redis_on_loop")  # the package has a function of that name

SERVERS = [redis_server, redis_on_loop, redis_on_streams]


@pytest.fixture(params=SERVERS, ids=lambda fn: fn.__name__)
def server(request: pytest.FixtureRequest) -> Iterator[muxlab.Server]:
    with muxlab.serve(request.param) as running:
        yield running


@pytest.fixture(params=[2, 3])
def client(server: muxlab.Server, request: pytest.FixtureRequest) -> Iterator[redis.Redis]:
    host, port = server.address
    with redis.Redis(host, port, socket_timeout=10, protocol=request.param) as found:
        yield found


def ask(sock: socket.socket, data: bytes, reply: bytes) -> bool:
    """Is this the reply?"""
    sock.sendall(data)
    return read_exactly(sock, len(reply)) == reply


def waiting_bytes_of(server: muxlab.Server) -> int:
    """How many bytes lie unread in the receive queues of the server's connections?"""
    return sum(row.receive or 0 for row in server.xray().connections)


def to_the_end(sock: socket.socket) -> bytes:
    """All that comes until the server closes."""
    data = bytearray()
    while piece := sock.recv(65536):
        data += piece
    return bytes(data)


def test_redis_py_gets_what_it_asks_for(client: redis.Redis) -> None:
    assert client.ping()
    assert client.echo("hello") == b"hello"
    assert client.get("k") is None
    assert client.set("k", b"\r\n\0\xff any bytes $3\r\n")
    assert client.get("k") == b"\r\n\0\xff any bytes $3\r\n"
    assert [client.incr("n"), client.incr("n")] == [1, 2]
    assert client.exists("k", "n", "zz") == 2
    assert client.set("t", "v", ex=100)
    assert client.ttl("t") == 100
    assert client.pexpire("t", 5000)
    assert 0 < client.pttl("t") <= 5000
    assert client.delete("k", "n", "zz") == 2
    assert client.dbsize() == 1
    assert client.flushall()
    with pytest.raises(redis.ResponseError, match="unknown command 'LPUSH'"):
        client.lpush("list", 1)
    large = b"x" * 3_000_000
    assert client.set("large", large)
    assert client.get("large") == large


def test_a_pipeline_of_redis_py(client: redis.Redis) -> None:
    with client.pipeline(transaction=False) as pipeline:
        for number in range(1000):
            pipeline.set(f"k{number}", number).get(f"k{number}")
        assert pipeline.execute() == [reply for number in range(1000) for reply in (True, b"%d" % number)]


def test_redis_py_subscribes(client: redis.Redis) -> None:
    with client.pubsub() as listening:
        listening.subscribe("news", "more")
        for channel in (b"news", b"more"):
            assert listening.get_message(timeout=10)["channel"] == channel
        assert client.publish("news", "hello") == 1
        assert listening.get_message(timeout=10)["data"] == b"hello"
        listening.unsubscribe("news")
        assert listening.get_message(timeout=10)["type"] == "unsubscribe"
        assert client.publish("news", "gone") == 0
    assert eventually(lambda: client.publish("more", "gone") == 0), "a client that is gone has no subscriptions"


def test_redis_py_with_its_defaults(server: muxlab.Server) -> None:
    """It tells its name, and asks for version 3 of the protocol: both have to leave it content."""
    with redis.Redis(*server.address, socket_timeout=10, client_name="me") as client:
        assert client.set("k", "v")
        assert client.get("k") == b"v"


def test_a_request_cut_at_every_byte(server: muxlab.Server) -> None:
    request = b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$4\r\na\r\nb\r\nPING\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"
    reply = b"+OK\r\n+PONG\r\n$4\r\na\r\nb\r\n"
    for at in range(1, len(request)):
        with connect(server.address) as client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client.sendall(request[:at])
            assert eventually(lambda: waiting_bytes_of(server) == 0), "the server has read the first part"
            assert ask(client, request[at:], reply)


def test_a_client_that_half_closes_gets_its_replies(server: muxlab.Server) -> None:
    with connect(server.address) as client:
        client.sendall(b"SET k 1\r\n" + b"INCR k\r\n" * 1000)
        client.shutdown(socket.SHUT_WR)
        assert to_the_end(client) == b"+OK\r\n" + b"".join(b":%d\r\n" % number for number in range(2, 1002))


def test_after_an_error_in_the_protocol_the_connection_ends(server: muxlab.Server) -> None:
    with connect(server.address) as client:
        client.sendall(b"PING\r\n*1\r\n$-1\r\nPING\r\n")
        assert to_the_end(client) == b"+PONG\r\n-ERR Protocol error: invalid bulk length\r\n"
    with connect(server.address) as client:
        client.sendall(b"QUIT\r\n")
        assert to_the_end(client) == b"+OK\r\n"


def test_unfinished_requests_and_resets_hold_nobody_up(server: muxlab.Server) -> None:
    unfinished = [connect(server.address) for _ in range(50)]
    for number, client in enumerate(unfinished):
        client.sendall((b"*", b"*2\r\n$3\r\nGE", b"*1\r\n$536870912\r\nx", b"PIN")[number % 4])
    with connect(server.address) as client:
        assert ask(client, b"PING\r\n", b"+PONG\r\n")
        for other in unfinished:
            reset(other)
        assert ask(client, b"PING\r\n", b"+PONG\r\n")
        assert eventually(lambda: len(server.xray().connections) == 1)


def test_keys_are_forgotten_while_nobody_talks(server: muxlab.Server, client: redis.Redis) -> None:
    client.set("k", "v", px=50)
    assert eventually(lambda: client.get("k") is None)


@pytest.mark.slow
def test_a_client_that_asks_for_much_and_reads_late_gets_all(server: muxlab.Server) -> None:
    with connect(server.address) as client, connect(server.address) as other:
        client.sendall(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$100000\r\n" + b"x" * 100000 + b"\r\n")
        assert read_exactly(client, 5) == b"+OK\r\n"
        client.sendall(b"GET k\r\n" * 400)  # 40 MB: more than the kernel keeps
        client.shutdown(socket.SHUT_WR)
        before = server.cpu_seconds()
        assert ask(other, b"PING\r\n", b"+PONG\r\n")
        threading.Event().wait(0.2)
        assert server.cpu_seconds() - before < 0.1, "it sleeps while the client does not read"
        assert to_the_end(client) == (b"$100000\r\n" + b"x" * 100000 + b"\r\n") * 400


def test_a_subscriber_that_does_not_read_is_disconnected(server: muxlab.Server) -> None:
    with connect(server.address) as deaf, connect(server.address) as hearing, connect(server.address) as speaker:
        for client in (deaf, hearing):
            assert ask(client, b"SUBSCRIBE news\r\n", b"*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n")
        message = b"x" * 50000
        push = b"*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$50000\r\n" + message + b"\r\n"
        request = b"*3\r\n$7\r\nPUBLISH\r\n$4\r\nnews\r\n$50000\r\n" + message + b"\r\n"
        published = 0
        while published < 1000:
            speaker.sendall(request)
            reply = read_exactly(speaker, 4)
            assert read_exactly(hearing, len(push)) == push
            published += 1
            if reply == b":1\r\n":
                break
            assert reply == b":2\r\n"
        assert MOST_UNSENT / len(push) < published < 1000


def test_a_long_reply_to_a_subscriber_waits_for_it(server: muxlab.Server) -> None:
    """What counts is the news that it does not read: replies that it has asked for wait, as for anybody."""
    value = bytes(8 * MOST_UNSENT)
    with connect(server.address) as client, connect(server.address) as other:
        client.sendall(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$%d\r\n%b\r\nHELLO 3\r\nSUBSCRIBE c\r\n" % (len(value), value))
        subscribed = b">3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n"
        came = bytearray()
        while not came.endswith(subscribed):
            came += client.recv(65536)
        client.sendall(b"GET k\r\n")
        assert eventually(lambda: waiting_bytes_of(server) == 0)
        assert ask(other, b"PING\r\n", b"+PONG\r\n"), "by now, it has been answered"
        reply = b"$%d\r\n%b\r\n" % (len(value), value)
        assert read_exactly(client, len(reply)) == reply


def test_a_subscriber_that_asks_for_much_and_does_not_read_gets_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """On the loop another task waits for room for what was published, and the client is not read from all the same."""
    made = []

    class Noted(loop_module.Outbox):
        def __init__(self, *args: object) -> None:
            super().__init__(*args)
            made.append(self)

    monkeypatch.setattr(loop_module, "Outbox", Noted)
    with muxlab.serve(redis_on_loop) as server, connect(server.address) as speaker, connect(server.address) as deaf:
        deaf.sendall(b"HELLO 3\r\nSUBSCRIBE news\r\n")
        while not deaf.recv(65536).endswith(b"$4\r\nnews\r\n:1\r\n"):
            pass
        reply = b"$%d\r\n%b\r\n" % (MOST_UNSENT // 4, bytes(MOST_UNSENT // 4))
        assert ask(speaker, b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n" + reply, b"+OK\r\n")
        message = b"$4\r\nnews\r\n$10000\r\n" + b"x" * 10000 + b"\r\n"
        published = 0
        to_deaf = made[1]
        while len(to_deaf.unsent) <= MOST_UNSENT // 4:
            assert ask(speaker, b"*3\r\n$7\r\nPUBLISH\r\n" + message, b":1\r\n")
            published += 1
        deaf.sendall(b"GET k\r\n" * 200)
        assert eventually(lambda: waiting_bytes_of(server) == 0)
        assert ask(speaker, b"PING\r\n", b"+PONG\r\n")
        assert len(to_deaf.unsent) < MOST_UNSENT, "one reply has been made, and the others wait"
        before = server.cpu_seconds()
        threading.Event().wait(0.2)
        assert server.cpu_seconds() - before < 0.1, "it sleeps meanwhile"
        news = b">3\r\n$7\r\nmessage\r\n" + message
        wanted = published * news + 200 * reply
        assert read_exactly(deaf, len(wanted)) == wanted
