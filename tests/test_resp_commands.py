"""The commands of the Redis-like server, and its store with a clock that the test turns."""

import random

import pytest

from muxlab.resp.channels import Channels
from muxlab.resp.peer import MOST_REPLIES, Peer
from muxlab.resp.protocol import array, bulk_string
from muxlab.resp.store import FORGET_BATCH, Store


class Clock:
    """A clock that stands until it is set."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Inbox:
    """A connection that keeps what was sent."""

    def __init__(self) -> None:
        self.sent = b""

    def send(self, data: bytes) -> None:
        self.sent += data

    def fileno(self) -> int:
        return -1

    def close(self) -> None:
        pass


class Lab:
    """One store, one set of channels, and clients of them."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.store, self.channels = Store(self.clock), Channels()
        self.peer = self.another()

    def another(self) -> Peer:
        return Peer(self.store, self.channels, Inbox())

    def ask(self, line: str, peer: Peer | None = None) -> str:
        """The reply to an inline request, in one line."""
        return (peer or self.peer).answer(line.encode() + b"\r\n").decode().rstrip().replace("\r\n", " ")


@pytest.fixture
def lab() -> Lab:
    return Lab()


@pytest.mark.parametrize(
    ("lines", "replies"),
    [
        (["PING", "ping hello"], ["+PONG", "$5 hello"]),
        (["PING a b"], ["-ERR wrong number of arguments for 'ping' command"]),
        (["ECHO x", "ECHO"], ["$1 x", "-ERR wrong number of arguments for 'echo' command"]),
        (["GET k", "SET k v", "get k", "SET k w", "GET k"], ["$-1", "+OK", "$1 v", "+OK", "$1 w"]),
        (["SET k v FOO", "SET k v EX", "SET k v EX 1 PX 1"], ["-ERR syntax error"] * 3),
        (["SET k v EX x", "SET k v EX 1.5"], ["-ERR value is not an integer or out of range"] * 2),
        (["SET k v EX 0", "SET k v px -1"], ["-ERR invalid expire time in 'set' command"] * 2),
        (["SET k v EX 9999999999999999"], ["-ERR invalid expire time in 'set' command"]),
        (["INCR n", "INCR n", "GET n"], [":1", ":2", "$1 2"]),
        (["SET n -1", "INCR n", "INCRBY n -5", "INCRBY n 10"], ["+OK", ":0", ":-5", ":5"]),
        (["INCRBY n x"], ["-ERR value is not an integer or out of range"]),
        (["SET n x", "INCR n"], ["+OK", "-ERR value is not an integer or out of range"]),
        (["SET n 01", "INCR n"], ["+OK", "-ERR value is not an integer or out of range"]),
        (["SET n 9223372036854775807", "INCR n"], ["+OK", "-ERR increment or decrement would overflow"]),
        (["SET n 9223372036854775808", "INCR n"], ["+OK", "-ERR value is not an integer or out of range"]),
        (["SET a 1", "SET b 1", "EXISTS a a c", "DEL a a c", "DBSIZE"], ["+OK", "+OK", ":2", ":1", ":1"]),
        (["SET a 1", "FLUSHALL", "DBSIZE", "FLUSHALL x"], ["+OK", "+OK", ":0", "-ERR syntax error"]),
        (["FOO", "foo a 'b c'"], [
            "-ERR unknown command 'FOO', with args beginning with:",
            "-ERR unknown command 'foo', with args beginning with: 'a' 'b c'",
        ]),
        (["GET", "GET a b"], ["-ERR wrong number of arguments for 'get' command"] * 2),
        (["SELECT 0", "SELECT 99", "SELECT x"], [
            "+OK", "-ERR DB index is out of range", "-ERR value is not an integer or out of range",
        ]),
        (["CONFIG GET appendonly", "CONFIG GET zz"], ["*2 $10 appendonly $2 no", "*0"]),
        (["CLIENT SETNAME me", "CLIENT GETNAME"], ["+OK", "$2 me"]),
        (["HELLO 4", "HELLO x"], [
            "-NOPROTO unsupported protocol version",
            "-ERR Protocol version is not an integer or out of range",
        ]),
        (["HELLO 3 SETNAME", "HELLO 3 FOO"], [
            "-ERR Syntax error in HELLO option 'SETNAME'", "-ERR Syntax error in HELLO option 'FOO'",
        ]),
    ],
)  # fmt: skip
def test_replies(lab: Lab, lines: list[str], replies: list[str]) -> None:
    assert [lab.ask(line) for line in lines] == replies


def test_a_key_is_forgotten_when_its_time_is_over(lab: Lab) -> None:
    assert [lab.ask("SET k v EX 10"), lab.ask("TTL k"), lab.ask("PTTL k")] == ["+OK", ":10", ":10000"]
    lab.clock.now += 9.9
    assert [lab.ask("GET k"), lab.ask("TTL k"), lab.ask("PTTL k")] == ["$1 v", ":0", ":100"]
    assert lab.store.timeout() == pytest.approx(0.1)
    lab.clock.now += 0.2
    assert lab.store.timeout() == 0
    assert [lab.ask(line) for line in ("GET k", "EXISTS k", "DEL k", "TTL k", "EXPIRE k 10", "DBSIZE")] == [
        *("$-1", ":0", ":0", ":-2", ":0", ":0")
    ]
    assert lab.store.timeout() is None


def test_expire_and_its_errors(lab: Lab) -> None:
    assert [lab.ask(line) for line in ("EXPIRE k 5", "SET k v", "TTL k", "EXPIRE k 5", "TTL k")] == [
        *(":0", "+OK", ":-1", ":1", ":5")
    ]
    assert [lab.ask("PEXPIRE k 100000"), lab.ask("TTL k"), lab.ask("INCR n")] == [":1", ":100", ":1"]
    assert [lab.ask("SET k v"), lab.ask("TTL k")] == ["+OK", ":-1"], "SET makes a key last"
    assert [lab.ask("EXPIRE k 0"), lab.ask("EXISTS k")] == [":1", ":0"]
    assert lab.ask("EXPIRE k x") == "-ERR value is not an integer or out of range"
    assert lab.ask("EXPIRE k 1 foo") == "-ERR Unsupported option foo"
    assert lab.ask("PEXPIRE k 9223372036854775807") == "-ERR invalid expire time in 'pexpire' command"
    assert [lab.ask("SET n 1 EX 7"), lab.ask("INCR n"), lab.ask("TTL n")] == ["+OK", ":2", ":7"], "INCR keeps the time"
    assert lab.ask("SET k v EX 4000000000") == "+OK"
    assert lab.store.timeout() == pytest.approx(7)


def test_the_store_does_what_a_plain_one_does() -> None:
    """Many random steps, beside a dictionary that looks through all keys each time."""
    clock, chance = Clock(), random.Random(11)
    store, plain = Store(clock), dict[bytes, tuple[bytes, float]]()
    for step in range(5000):
        key = b"%d" % chance.randrange(20)
        seconds = chance.choice([None, 0.5, 2.0, 30.0])
        match chance.randrange(5):
            case 0 | 1:
                store.set(key, b"%d" % step, seconds)
                plain[key] = b"%d" % step, clock.now + (seconds or 1e9)
            case 2:
                assert store.expire(key, 1.0) == (key in plain)
                if key in plain:
                    plain[key] = plain[key][0], clock.now + 1.0
            case 3:
                assert store.delete(key) == (plain.pop(key, None) is not None)
            case 4:
                clock.now += chance.random()
                if chance.random() < 0.5:
                    store.forget_due()
        plain = {key: (value, deadline) for key, (value, deadline) in plain.items() if deadline > clock.now}
        value = plain.get(key)
        assert store.get(key) == (value and value[0])
    assert len(store) == len(plain)


def test_the_heap_does_not_grow_with_each_new_time(lab: Lab) -> None:
    for _ in range(10 * FORGET_BATCH):
        lab.store.set(b"k", b"v", seconds=50)
    assert len(lab.store._heap) <= FORGET_BATCH + 3


def test_a_million_keys_at_once_are_forgotten_in_batches(lab: Lab) -> None:
    for number in range(2 * FORGET_BATCH + 1):
        lab.store.set(b"%d" % number, b"v", seconds=1)
    lab.clock.now += 2
    turns = 0
    while lab.store.timeout() == 0:
        lab.store.forget_due()
        turns += 1
    assert turns == 3
    assert len(lab.store) == 0


def test_publish_reaches_those_who_listen_now(lab: Lab) -> None:
    listener, other = lab.another(), lab.another()
    assert lab.ask("PUBLISH news 1") == ":0"
    assert lab.ask("SUBSCRIBE news more news", listener) == (
        "*3 $9 subscribe $4 news :1 *3 $9 subscribe $4 more :2 *3 $9 subscribe $4 news :2"
    )
    assert lab.ask("SUBSCRIBE news", other) == "*3 $9 subscribe $4 news :1"
    assert lab.ask("PUBLISH news hello") == ":2"
    push = array([bulk_string(b"message"), bulk_string(b"news"), bulk_string(b"hello")])
    assert listener.connection.sent == other.connection.sent == push
    assert list(lab.channels.told) == [listener, other]
    other.leave()
    assert lab.ask("UNSUBSCRIBE news", listener) == "*3 $11 unsubscribe $4 news :1"
    assert lab.ask("PUBLISH news gone") == ":0"
    assert lab.ask("PUBLISH more still") == ":1"
    assert [lab.ask("UNSUBSCRIBE", listener), lab.ask("UNSUBSCRIBE", listener)] == [
        *("*3 $11 unsubscribe $4 more :0", "*3 $11 unsubscribe $-1 :0")
    ]
    assert lab.channels._subscribers == {}, "a channel without subscribers takes no memory"


def test_a_subscriber_may_ask_for_little(lab: Lab) -> None:
    lab.ask("SUBSCRIBE news")
    refused = "only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context"
    assert lab.ask("GET k") == f"-ERR Can't execute 'get': {refused}"
    assert lab.ask("CONFIG GET x") == f"-ERR Can't execute 'config|get': {refused}"
    assert [lab.ask("PING"), lab.ask("PING x")] == ["*2 $4 pong $0", "*2 $4 pong $1 x"]
    lab.ask("UNSUBSCRIBE")
    assert lab.ask("GET k") == "$-1"


def test_version_3_of_the_protocol(lab: Lab) -> None:
    assert lab.ask("GET k") == "$-1"
    assert lab.ask("HELLO 3 AUTH default x SETNAME me").startswith(
        "%7 $6 server $5 redis $7 version $6 7.0.15 $5 proto :3 "
    )
    assert [lab.ask(line) for line in ("GET k", "CONFIG GET save", "CLIENT GETNAME")] == ["_", "%1 $4 save $0", "$2 me"]
    assert lab.ask("UNSUBSCRIBE") == ">3 $11 unsubscribe _ :0"
    assert lab.ask("SUBSCRIBE news") == ">3 $9 subscribe $4 news :1"
    assert [lab.ask("PING"), lab.ask("GET k")] == ["+PONG", "_"], "a subscriber may ask for anything"
    assert lab.ask("PING\r\nPUBLISH news hello\r\nPING") == "+PONG >3 $7 message $4 news $5 hello :1 +PONG"
    old = lab.another()
    assert lab.ask("SUBSCRIBE news", old) == "*3 $9 subscribe $4 news :1"
    lab.ask("PUBLISH news hello")
    assert old.connection.sent.startswith(b"*3\r\n$7\r\nmessage\r\n")
    assert lab.ask("HELLO 2").startswith("*14 $6 server ")


def test_what_is_asked_after_quit_is_not_done(lab: Lab) -> None:
    assert lab.ask("PING\r\nQUIT\r\nSET k v") == "+PONG +OK"
    assert lab.peer.leaving
    assert lab.store.get(b"k") is None
    assert not lab.peer.waiting


def test_after_a_protocol_error_the_client_has_to_leave(lab: Lab) -> None:
    assert lab.ask("PING\r\n*x\r\nPING") == "+PONG -ERR Protocol error: invalid multibulk length"
    assert lab.peer.leaving


def test_a_line_of_http_is_hung_up_on(lab: Lab) -> None:
    assert lab.ask("POST / HTTP/1.1\r\nHost: x\r\n\r\nSET k v") == ""
    assert lab.peer.leaving
    assert lab.store.get(b"k") is None


def test_who_asks_for_much_at_once_gets_it_in_parts(lab: Lab) -> None:
    lab.store.set(b"k", b"x" * 10000)
    replies = [lab.peer.answer(b"GET k\r\n" * 20 + b"*x\r\n")]
    while lab.peer.waiting:
        assert not lab.peer.leaving
        replies.append(lab.peer.answer(b""))
    assert len(replies) == 3
    assert max(map(len, replies)) <= MOST_REPLIES + 10010
    assert b"".join(replies).count(b"$10000\r\n") == 20
    assert replies[-1].endswith(b"-ERR Protocol error: invalid multibulk length\r\n")
    assert lab.peer.leaving
