"""The swarm: it counts correctly, notices every wrong byte, and does what its attributes say."""

import functools
import itertools
import select
import threading
import time

import pytest
from helpers import eventually, slow

import muxlab
from muxlab import limits
from muxlab.servers import epoll_server
from muxlab.swarm.stats import Histogram


@pytest.fixture
def server():
    with muxlab.serve(epoll_server, backlog=1024) as running:
        yield running


@pytest.fixture(params=["thread", *slow("process", "processes")])
def new_swarm(request, monkeypatch):
    """Make a swarm: all clients in a thread, in one other process, or in one for every 20 of them."""
    if request.param == "processes":
        monkeypatch.setattr(limits, "clients_per_process", lambda: 20)
    return functools.partial(muxlab.Swarm, isolate=request.param != "thread")


def one_conversation(answer):
    """Return a server for one client, which answers each message with `answer(message)`."""

    def serve_one(listener, stop):
        conn, _ = listener.accept()
        with conn:
            while True:
                if stop in select.select([conn, stop], [], [])[0] or not (data := conn.recv(65536)):
                    return
                conn.sendall(answer(data))

    return serve_one


def test_counts_add_up(server, new_swarm) -> None:
    with new_swarm(server, connections=100, active=10) as swarm:
        swarm.wait_connected()
        swarm.wait_replies(2000)
        now = swarm.snapshot()
    end = swarm.snapshot()
    assert now.connected == 100 and now.mismatches == now.errors == 0
    assert 2000 <= now.replies <= now.sent <= end.replies + 10
    assert end.replies == end.sent == swarm.latencies().count  # the replies under way were waited for


def test_figures_are_in_order(server, new_swarm) -> None:
    with new_swarm(server, connections=20, active=5) as swarm:
        swarm.wait_replies(1000)
        now = swarm.snapshot()
        for figures in (now, now.total):
            assert figures.replies_per_second > 0
            assert 0 < figures.p50 <= figures.p99 <= figures.max


def test_the_turn_to_talk_passes_round(server, new_swarm) -> None:
    def talking():
        return {number for number, byte in enumerate(swarm.activity()) if byte}

    with new_swarm(server, connections=10, active=3) as swarm:
        swarm.wait_connected()
        for first, who in ((0, {0, 1, 2}), (4, {4, 5, 6}), (8, {8, 9, 0}), (13, {3, 4, 5})):
            swarm.first = first
            assert eventually(lambda who=who: talking() == who)
        assert swarm.first == 13
        with pytest.raises(ValueError, match="first=-1"):
            swarm.first = -1
        with pytest.raises(ValueError, match=r"first=.* at most"):
            swarm.first = 2**40


def test_without_a_reply_there_are_no_latencies(server, new_swarm) -> None:
    with new_swarm(server, connections=5, active=0) as swarm:
        swarm.wait_connected()
        now = swarm.snapshot()
    assert (now.sent, now.replies, now.p50, now.p99, now.max) == (0, 0, None, None, None)


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (bytes.upper, "expected"),
        (lambda data: data[:-1] + b"!", "expected"),
        (lambda data: data + b"!", "expected"),
        (lambda data: data[1:] + data[:1], "expected"),
    ],
)
def test_every_wrong_byte_is_noticed(new_swarm, answer, word: str) -> None:
    with muxlab.serve(one_conversation(answer)) as server, new_swarm(server, connections=1, active=1) as swarm:
        assert eventually(lambda: swarm.snapshot().mismatches > 0)
        assert swarm.snapshot().replies <= 1
        with pytest.raises(TimeoutError, match=word):
            swarm.wait_replies(1000, timeout=0.1)


def test_a_reply_that_stays_out_is_not_counted(new_swarm) -> None:
    with muxlab.serve(one_conversation(lambda data: data[:-1])) as server:
        with new_swarm(server, connections=1, active=1) as swarm:
            with pytest.raises(TimeoutError, match="0 replies of 1 messages"):
                swarm.wait_replies(1, timeout=0.3)
            assert eventually(lambda: swarm.activity() == b"\xfb")


def test_a_swapped_block_of_a_large_message_is_noticed(server) -> None:
    size = 3 * 65536

    def swaps_blocks(listener, stop):
        conn, _ = listener.accept()
        with conn:
            data = b""
            while len(data) < size:
                data += conn.recv(65536)
            conn.sendall(data[65536:131072] + data[:65536] + data[131072:])
            select.select([stop], [], [])

    with muxlab.serve(swaps_blocks) as server, muxlab.Swarm(server, connections=1, active=1, payload=size) as swarm:
        assert eventually(lambda: swarm.snapshot().mismatches)


def test_connections_grow_and_shrink_while_it_runs(server, new_swarm) -> None:
    with new_swarm(server, connections=10, active=10) as swarm:
        for wanted in (200, 20, 300, 1, 50):
            swarm.connections = wanted
            swarm.wait_connected()
            assert eventually(lambda wanted=wanted: swarm.snapshot().connected == wanted)
            swarm.wait_replies(50)
        assert (swarm.snapshot().mismatches, swarm.snapshot().errors) == (0, 0)
        assert eventually(lambda: sum(sock.fileno() >= 0 for sock in server.listener.accepted()) == 50)


def answered(swarm: muxlab.Swarm) -> int:
    """Return how many clients are answered within the next thousand replies."""
    swarm.activity()
    swarm.wait_replies(1000)
    return sum(0 < code <= 250 for code in swarm.activity())


def test_active_is_how_many_talk(server, new_swarm) -> None:
    with new_swarm(server, connections=30, active=0) as swarm:
        swarm.wait_connected()
        for active, talking in ((7, 7), (30, 30), (100, 30), (2, 2)):
            swarm.active = active
            assert eventually(lambda talking=talking: answered(swarm) == talking)
        swarm.active = 0
        assert eventually(lambda: swarm.snapshot().sent == swarm.snapshot().replies)


@pytest.mark.slow
def test_the_payload_changes_while_it_runs(server, new_swarm) -> None:
    with new_swarm(server, connections=5, active=5) as swarm:
        for payload in (1, 100_000, 2**24, 1000):
            swarm.payload = payload
            swarm.wait_replies(20, timeout=60)
        assert (swarm.snapshot().mismatches, swarm.snapshot().errors) == (0, 0)


def test_changes_in_quick_succession_lose_nothing(server, new_swarm) -> None:
    with new_swarm(server, connections=50, active=10) as swarm:
        for connections, active, payload in itertools.product((1, 80, 33), (0, 40, 5), (1, 5000)):
            swarm.connections, swarm.active, swarm.payload = connections, active, payload
        swarm.active = 5
        swarm.wait_connected()
        swarm.wait_replies(500)
        assert (swarm.snapshot().connected, swarm.snapshot().mismatches, swarm.snapshot().errors) == (33, 0, 0)


@pytest.mark.slow
def test_a_rate_is_kept(server, new_swarm) -> None:
    with new_swarm(server, connections=20, active=20, rate=500) as swarm:
        swarm.wait_connected()
        began, before = time.perf_counter(), swarm.snapshot().sent
        swarm.wait_replies(500)
        elapsed, sent = time.perf_counter() - began, swarm.snapshot().sent - before
        assert 0.5 < sent / elapsed / 500 < 1.2
        swarm.rate = None
        swarm.wait_replies(5000)


def test_with_a_rate_a_stall_is_seen_by_all_that_were_due() -> None:
    """A closed loop would send one message in the stall, and see one long latency (coordinated omission)."""
    stall = threading.Event()

    def answer(data: bytes) -> bytes:
        if stall.is_set():
            stall.clear()
            threading.Event().wait(0.5)  # the stall
        return data

    with muxlab.serve(one_conversation(answer)) as server:
        with muxlab.Swarm(server, connections=1, active=1, rate=200) as swarm:
            swarm.wait_replies(20)
            stall.set()
            swarm.wait_replies(150)
        late = sum(count for bound, count in swarm.latencies().items() if bound > 0.1)
        assert late > 40  # about 80 were due in the first 0.4 s of it


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"connections": 0}, ValueError),
        ({"connections": -5}, ValueError),
        ({"connections": 1.5}, TypeError),
        ({"connections": True}, TypeError),
        ({"active": -1}, ValueError),
        ({"payload": 0}, ValueError),
        ({"payload": 2**24 + 1}, ValueError),
        ({"active": True}, TypeError),
        ({"connections": 10**30}, ValueError),
        ({"rate": 0}, ValueError),
        ({"rate": True}, ValueError),
        ({"rate": float("inf")}, ValueError),
        ({"rate": float("nan")}, ValueError),
        ({"rate": 10**400}, ValueError),
    ],
)
def test_bad_numbers_are_refused_at_the_start_and_later(server, new_swarm, arguments, error) -> None:
    ((name, value),) = arguments.items()
    with pytest.raises(error, match=name if value != 10**30 else "too many"):
        new_swarm(server, **arguments)
    with new_swarm(server, connections=5, active=5) as swarm:
        with pytest.raises(error, match=name if value != 10**30 else "too many"):
            setattr(swarm, name, value)
        assert getattr(swarm, name) == {"connections": 5, "active": 5, "payload": 64, "rate": None}[name]
        swarm.wait_replies(10)


def test_too_many_connections_are_refused_before_any_is_opened(server) -> None:
    for most in (limits.most_connections(server_here=True), limits.ephemeral_ports()):
        with pytest.raises(ValueError, match=r"too many.*(RLIMIT_NOFILE|ip_local_port_range)"):
            muxlab.Swarm(server, connections=most + 100)
    assert not server.listener.accepted()
    with muxlab.Swarm(server, connections=5) as swarm:
        with pytest.raises(ValueError, match="too many"):
            swarm.connections = 10**6
        assert swarm.connections == 5


def test_more_talking_clients_than_there_are_means_all(server, new_swarm) -> None:
    with new_swarm(server, connections=30, active=10**30) as swarm:
        swarm.wait_connected()
        assert eventually(lambda: answered(swarm) == 30)
        swarm.active = 10**40
        swarm.connections = 40
        assert eventually(lambda: answered(swarm) == 40)


@pytest.mark.parametrize("timeout", [-1, float("nan"), True, "5", None])
def test_a_wait_has_a_bound(server, new_swarm, timeout) -> None:
    with new_swarm(server, connections=5) as swarm:
        for wait in (swarm.wait_connected, functools.partial(swarm.wait_replies, 1)):
            with pytest.raises(ValueError, match=r"timeout=.*number of seconds, 0 or more"):
                wait(timeout=timeout)
            wait(timeout=float("inf"))  # which ends as soon as there is what is waited for


@pytest.mark.parametrize(("count", "error"), [(-1, ValueError), (1.5, TypeError), ("1", TypeError)])
def test_what_is_no_number_of_replies_is_refused(server, count, error) -> None:
    with muxlab.Swarm(server, connections=5) as swarm:
        with pytest.raises(error, match="count="):
            swarm.wait_replies(count)
        swarm.wait_replies(0)


@pytest.mark.parametrize("address", ["127.0.0.1:7788", 7788, ("127.0.0.1",), ("127.0.0.1", True), None])
def test_what_is_no_server_is_refused(address) -> None:
    with pytest.raises(TypeError, match=r"muxlab\.serve"):
        muxlab.Swarm(address)


def test_an_unreachable_server_is_refused(new_swarm) -> None:
    with muxlab.serve(epoll_server) as server:
        address = server.address
    with pytest.raises(ConnectionRefusedError, match="nobody listens"):
        new_swarm(address)


def test_a_server_that_dies_is_told_of_while_one_waits(new_swarm) -> None:
    def dies(listener, stop):
        conn, _ = listener.accept()
        conn.recv(100)
        raise RuntimeError("my own mistake")

    with pytest.raises(RuntimeError, match="my own mistake"), muxlab.serve(dies) as server:
        with new_swarm(server, connections=3, active=3) as swarm:
            swarm.wait_replies(10)


def test_clients_that_the_server_closes_are_lost_and_told_of(server, new_swarm) -> None:
    def closes(listener, stop):
        for _ in range(3):
            listener.accept()[0].close()
        select.select([stop], [], [])

    with muxlab.serve(closes) as server, new_swarm(server, connections=3, active=1) as swarm:
        assert eventually(lambda: swarm.snapshot().errors == 3)
        assert swarm.activity() == b"\xfd\xfd\xfd"
        with pytest.raises(ConnectionError, match="3 lost"):
            swarm.wait_connected()


def test_a_lost_talker_is_followed_by_another(server, new_swarm) -> None:
    def turns_the_first_away(listener, stop):
        listener.accept()[0].close()
        epoll_server(listener, stop)

    with muxlab.serve(turns_the_first_away) as server, new_swarm(server, connections=5, active=1) as swarm:
        swarm.wait_replies(50)
        assert swarm.snapshot().errors == 1


def test_clients_keep_out_of_the_way_of_select(server) -> None:
    with muxlab.Swarm(server, connections=100) as swarm:
        swarm.wait_connected()
        assert all(client.sock.fileno() >= 1024 for client in swarm._crowd.clients)


def test_a_large_crowd_comes_from_several_addresses(server, monkeypatch) -> None:
    """A connect that finds most ports of its address in use takes milliseconds."""
    monkeypatch.setattr("muxlab.swarm.clients.PER_ADDRESS", 10)
    with muxlab.Swarm(server, connections=25, active=25) as swarm:
        swarm.wait_connected()
        swarm.wait_replies(100)
        assert eventually(lambda: len(server.listener.accepted()) == 25)
        hosts = [sock.getpeername()[0] for sock in server.listener.accepted()]
        assert [hosts.count(f"127.0.0.{n}") for n in (1, 2, 3)] == [10, 10, 5]


def test_stop_may_be_called_often_and_a_stopped_swarm_says_so(server, new_swarm) -> None:
    swarm = new_swarm(server, connections=5)
    swarm.wait_replies(10)
    swarm.stop()
    swarm.stop()
    swarm.connections = 7
    assert not swarm.alive and swarm.snapshot().connected == 0
    with pytest.raises(RuntimeError, match="stopped"):
        swarm.wait_replies(1)


def test_its_end_is_orderly_for_the_server(new_swarm) -> None:
    """Closing on unread replies would send resets, and a simple server would die of them without having erred."""

    def fragile(listener, stop):
        conns = []
        while not stop.is_set():
            for sock in select.select([stop, listener, *conns], [], [])[0]:
                if sock is listener:
                    conns.append(sock.accept()[0])
                elif sock is not stop:
                    if data := sock.recv(65536):
                        sock.sendall(data)
                    else:
                        conns.remove(sock)
                        sock.close()

    for _ in range(5):
        with muxlab.serve(fragile) as server:
            with new_swarm(server, connections=50, active=50) as swarm:
                swarm.wait_replies(500)
            assert eventually(lambda server=server: not any(s.fileno() >= 0 for s in server.listener.accepted()))
        assert server.error is None


def test_an_address_will_do(server, new_swarm) -> None:
    with new_swarm(server.address, connections=3) as swarm:
        swarm.wait_replies(10)


@pytest.mark.slow
def test_snapshots_may_be_taken_at_any_moment(server, new_swarm) -> None:
    with new_swarm(server, connections=50, active=50) as swarm:
        end = time.monotonic() + 1.2  # two windows are closed meanwhile
        while time.monotonic() < end:
            assert swarm.snapshot().mismatches == 0
            assert len(swarm.activity()) <= 50
            assert swarm.latencies().count >= 0


def test_percentiles_against_sorting() -> None:
    values = [1e-6 * 1.07**n for n in range(300)]
    histogram, other = Histogram(), Histogram()
    for number, value in enumerate(values):
        (histogram if number % 2 else other).add(value)
    histogram.merge(other)
    assert (histogram.count, histogram.max) == (300, max(values))
    for share in (0.01, 0.5, 0.9, 0.99, 1.0):
        exact = sorted(values)[max(0, round(share * 300) - 1)]
        assert exact <= histogram.percentile(share) * (1 + 1e-9) <= exact * 1.023
    assert Histogram().percentile(0.5) is None
    assert sum(count for _, count in histogram.items()) == 300
