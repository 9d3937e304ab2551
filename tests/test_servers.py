"""The reference servers, against clients that behave as real ones do. What holds for one holds for all."""

import contextlib
import gc
import socket
import threading
from collections.abc import Callable, Iterator

import pytest
from helpers import connect, echoes, eventually, no_descriptors_left, read_exactly, reset, slow

import muxlab
from muxlab.connection import HIGH_WATER, RECV_SIZE, Connection
from muxlab.listener import listen
from muxlab.server import Server
from muxlab.servers.asyncio_server import EchoClient
from muxlab.stop import Stop

SLEEPING = [name for name in muxlab.SERVERS if name != "nonblocking"]
MANY = [name for name in muxlab.SERVERS if name != "blocking"]  # those that serve many clients at once


@pytest.fixture(params=MANY)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with muxlab.serve(muxlab.SERVERS[request.param]) as running:
        yield running
        assert running.alive
        assert echoes(running.address)


def test_echoes_many_clients_in_turn(server: Server) -> None:
    clients = [connect(server.address) for _ in range(50)]
    for number, client in enumerate(clients):
        client.sendall(b"message %d" % number)
    for number, client in enumerate(clients):
        expected = b"message %d" % number
        assert read_exactly(client, len(expected)) == expected
        client.close()


def test_a_silent_client_holds_nobody_up(server: Server) -> None:
    with connect(server.address):
        assert echoes(server.address)


def test_a_message_that_comes_byte_by_byte(server: Server) -> None:
    with connect(server.address) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in b"partial":
            client.sendall(bytes([byte]))
        assert read_exactly(client, 7) == b"partial"


@pytest.mark.parametrize("size", [0, 5, 4 * 2**20])
def test_a_half_close_is_answered_in_full(server: Server, size: int) -> None:
    message = bytes(range(256)) * (size // 256) + bytes(size % 256)
    with connect(server.address) as client:
        sender = threading.Thread(target=lambda: (client.sendall(message), client.shutdown(socket.SHUT_WR)))
        sender.start()
        assert read_exactly(client, size) == message
        assert client.recv(1) == b""
        sender.join()


@pytest.mark.parametrize("before", [b"", b"hello"])
def test_a_reset_harms_nobody_else(server: Server, before: bytes) -> None:
    with connect(server.address) as other:
        for _ in range(20):
            rude = connect(server.address)
            rude.sendall(before)
            reset(rude)
        other.sendall(b"still there?")
        assert read_exactly(other, 12) == b"still there?"


def test_a_reset_in_the_middle_of_an_answer(server: Server) -> None:
    rude = connect(server.address)
    rude.sendall(bytes(200_000))
    rude.recv(1)
    reset(rude)
    assert echoes(server.address)


def test_clients_that_connect_and_leave(server: Server) -> None:
    for _ in range(50):
        connect(server.address).close()
    assert echoes(server.address)


def fill(client: socket.socket) -> int:
    """Send without reading until nothing more is taken for a moment; the bytes that were taken."""
    client.settimeout(0.3)
    taken = 0
    try:
        while True:
            taken += client.send(bytes(65536))
    except TimeoutError:
        return taken


def test_a_flood_that_is_never_read_stops_at_the_high_water_mark(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    most, a_read = 0, RECV_SIZE

    def send(self: Connection, data: bytes, original: Callable = Connection.send) -> None:
        nonlocal most
        original(self, data)
        most = max(most, len(self.unsent))

    def data_received(self: EchoClient, data: bytes, original: Callable = EchoClient.data_received) -> None:
        nonlocal most, a_read
        original(self, data)
        most, a_read = max(most, self.transport.get_write_buffer_size()), self.transport.max_size

    monkeypatch.setattr(Connection, "send", send)
    monkeypatch.setattr(EchoClient, "data_received", data_received)
    with connect(server.address) as flood:
        taken = fill(flood)
        assert echoes(server.address)
        held = server.name not in ("threaded", "uring")  # these hold one message each, and send it before the next
        assert held <= most <= held * (HIGH_WATER + a_read)
        flood.settimeout(10)
        assert len(read_exactly(flood, taken)) == taken  # and nothing of it is lost


def test_everybody_has_a_turn_beside_a_client_that_floods_and_reads(server: Server) -> None:
    over = threading.Event()
    with connect(server.address) as flood:

        def send() -> None:
            while not over.is_set():
                flood.sendall(bytes(100_000))
            flood.shutdown(socket.SHUT_WR)

        def read() -> None:
            while flood.recv(1_000_000):
                continue

        threads = [threading.Thread(target=work) for work in (send, read)]
        for thread in threads:
            thread.start()
        try:
            assert all(echoes(server.address) for _ in range(20))
        finally:
            over.set()
            for thread in threads:
                thread.join()


@pytest.mark.slow
def test_it_lives_through_a_lack_of_descriptors(server: Server) -> None:
    assert echoes(server.address)
    waiting = [socket.socket() for _ in range(5)]
    with no_descriptors_left():
        for client in waiting:
            client.settimeout(10)
            client.connect(server.address)  # into the accept queue; nobody can be accepted
            client.sendall(b"hello")
        cpu = server.cpu_seconds()
        threading.Event().wait(0.5)  # the time over which its CPU is looked at
        cpu = server.cpu_seconds() - cpu
        assert server.alive
        if server.name in SLEEPING:
            assert cpu < 0.25, "it spins on accept"
    for client in waiting:
        assert read_exactly(client, 5) == b"hello"
        client.close()


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in SLEEPING if name in MANY])
def test_it_sleeps_when_nobody_talks(name: str) -> None:
    with muxlab.serve(muxlab.SERVERS[name]) as server, muxlab.Swarm(server, connections=20, active=0) as swarm:
        swarm.wait_connected()
        with connect(server.address) as half_closed:
            half_closed.shutdown(socket.SHUT_WR)
            assert half_closed.recv(1) == b""
            cpu = server.cpu_seconds()
            threading.Event().wait(0.5)  # the time over which its CPU is looked at
            assert server.cpu_seconds() - cpu < 0.1


def test_it_forgets_clients_that_left(server: Server) -> None:
    clients = [connect(server.address) for _ in range(30)]
    assert eventually(lambda: len(open_sockets(server)) == 30)
    for client in clients:
        client.close()
    assert eventually(lambda: not open_sockets(server))


def open_sockets(server: Server) -> list[socket.socket]:
    return [sock for sock in server.listener.accepted() if sock.fileno() >= 0]


@pytest.mark.slow
def test_select_turns_away_whom_it_cannot_hold() -> None:
    with muxlab.serve(muxlab.SERVERS["select"]) as server:
        with muxlab.Swarm(server, connections=1100, active=10) as swarm:
            # a client is connected when the kernel says so: it may be a moment later that the server turns it away
            assert eventually(lambda: 1100 - swarm.snapshot().errors == swarm.snapshot().connected < 1024)
            swarm.wait_replies(100)
            assert 900 < swarm.snapshot().connected < 1024
            assert "closed by the server" in repr(swarm)
            assert swarm.snapshot().mismatches == 0


@pytest.mark.battery
@pytest.mark.parametrize("name", [name for name in MANY if name != "select"])
def test_the_others_hold_more_than_1024(name: str) -> None:
    with muxlab.serve(muxlab.SERVERS[name]) as server, muxlab.Swarm(server, connections=1100, active=50) as swarm:
        swarm.wait_connected()
        swarm.wait_replies(500)
        assert (swarm.snapshot().connected, swarm.snapshot().mismatches, swarm.snapshot().errors) == (1100, 0, 0)


@pytest.mark.parametrize("name", MANY)
@pytest.mark.parametrize("payload", [1, 3000, *slow(300_000)])
def test_no_byte_is_lost_whatever_the_size(name: str, payload: int) -> None:
    with muxlab.serve(muxlab.SERVERS[name]) as server:
        with muxlab.Swarm(server, connections=40, active=40, payload=payload) as swarm:
            swarm.wait_replies(200, timeout=30)
            assert (swarm.snapshot().mismatches, swarm.snapshot().errors) == (0, 0)


@pytest.mark.battery
def test_five_thousand_connections_open_and_talk() -> None:
    with muxlab.serve(muxlab.SERVERS["epoll"], backlog=1024) as server:
        with muxlab.Swarm(server, connections=5000, active=5000) as swarm:
            swarm.wait_connected(timeout=60)
            assert eventually(lambda: all(client.answered for client in swarm._crowd.clients), timeout=60)
            result = swarm.snapshot()
    assert (result.connected, result.mismatches, result.errors) == (5000, 0, 0)


# ---- servers that sleep in their calls


def test_blocking_serves_one_client_after_the_other() -> None:
    with muxlab.serve(muxlab.SERVERS["blocking"]) as server:
        with connect(server.address) as first, connect(server.address) as second:
            second.sendall(b"hello")
            first.sendall(b"one")
            assert read_exactly(first, 3) == b"one"
            assert server.xray().asleep_in == "recv"
            assert server.accept_queue()[0] == 1  # the second, and its bytes
            first.shutdown(socket.SHUT_WR)
            assert first.recv(1) == b""
            assert read_exactly(second, 5) == b"hello"
        reset(connect(server.address))
        assert echoes(server.address)
        assert eventually(lambda: server.xray().asleep_in == "accept")


def test_blocking_returns_all_bytes_to_a_client_that_reads_late() -> None:
    with muxlab.serve(muxlab.SERVERS["blocking"]) as server, connect(server.address) as client:
        taken = fill(client)
        assert server.xray().asleep_in == "send"
        client.settimeout(10)
        assert len(read_exactly(client, taken)) == taken
        client.shutdown(socket.SHUT_WR)
        assert client.recv(1) == b""


@pytest.mark.parametrize("name", ["blocking", "threaded"])
@pytest.mark.parametrize("asleep_in", ["accept", "recv", "send"])
def test_whatever_call_it_sleeps_in_it_returns_when_told_to(name: str, asleep_in: str) -> None:
    with muxlab.serve(muxlab.SERVERS[name]) as server, contextlib.ExitStack() as clients:
        if asleep_in != "accept":
            client = clients.enter_context(connect(server.address))
            client.sendall(b"hello")
            assert read_exactly(client, 5) == b"hello"
        if asleep_in == "send":
            fill(client)
        server.stop()
        assert not server.forced and server.error is None
        assert not [thread for thread in threading.enumerate() if thread.name.startswith(("muxlab-door", "Thread"))]


def test_threaded_has_a_thread_for_each_client_while_it_is_there() -> None:
    def threads() -> int:
        return sum("(serve)" in thread.name for thread in threading.enumerate())

    with muxlab.serve(muxlab.SERVERS["threaded"]) as server:
        clients = [connect(server.address) for _ in range(30)]
        assert eventually(lambda: threads() == 30)
        for number, client in enumerate(clients):
            client.close() if number % 2 else reset(client)
        assert eventually(lambda: threads() == 0)
        clients = [connect(server.address) for _ in range(30)]
        assert eventually(lambda: threads() == 30)
        server.stop()
        assert threads() == 0
        assert [client.recv(1) for client in clients] == [b""] * 30
        for client in clients:
            client.close()


def test_threaded_turns_away_a_client_for_whom_there_is_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    with muxlab.serve(muxlab.SERVERS["threaded"]) as server, connect(server.address) as first:
        first.sendall(b"one")
        assert read_exactly(first, 3) == b"one"

        def start(thread: threading.Thread) -> None:
            raise RuntimeError("can't start new thread")

        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", start)
            with connect(server.address) as unlucky:
                assert unlucky.recv(1) == b""
        first.sendall(b"two")
        assert read_exactly(first, 3) == b"two"
        assert echoes(server.address)


@pytest.mark.parametrize("name", ["blocking", "threaded"])
def test_an_error_of_the_listener_ends_it_and_all_its_threads(name: str) -> None:
    with pytest.raises(OSError), muxlab.serve(muxlab.SERVERS[name]) as server, connect(server.address) as client:
        client.sendall(b"hello")
        assert read_exactly(client, 5) == b"hello"
        server.listener.shutdown(socket.SHUT_RDWR)
        if name == "blocking":
            client.shutdown(socket.SHUT_WR)
        assert client.recv(1) == b""
        assert server.wait()


# ---- asyncio, which has ways of its own


def test_asyncio_leaves_the_listener_to_its_owner() -> None:
    with muxlab.serve(muxlab.SERVERS["asyncio"], backlog=7) as server:
        assert echoes(server.address)
        assert server.accept_queue() == (0, 7)  # asyncio would have made it 100
        with server.listener.dup() as listener, contextlib.closing(Stop()) as told:
            told.set()
            muxlab.SERVERS["asyncio"](listener, told)
            assert listener.fileno() >= 0
        assert echoes(server.address)


def test_what_goes_wrong_in_asyncios_callbacks_ends_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    def data_received(self: EchoClient, data: bytes) -> None:
        raise KeyError("my own mistake")

    monkeypatch.setattr(EchoClient, "data_received", data_received)
    with pytest.raises(KeyError, match="my own mistake"), muxlab.serve(muxlab.SERVERS["asyncio"]) as server:
        with connect(server.address) as client:
            client.sendall(b"hello")
            assert client.recv(1) == b""
            assert server.wait()


@pytest.mark.parametrize("name", ["selectors", "asyncio"])
def test_an_error_of_the_listener_ends_the_others_too(name: str) -> None:
    with pytest.raises(OSError), muxlab.serve(muxlab.SERVERS[name]) as server, connect(server.address) as client:
        client.sendall(b"hello")
        assert read_exactly(client, 5) == b"hello"
        server.listener.shutdown(socket.SHUT_RDWR)
        assert client.recv(1) == b""
        assert server.wait()


class ReadyAtTurn(Stop):
    """A stop that is always readable, and set when it is looked at for the `turn`-th time: at that turn of the loop."""

    def __init__(self, turn: int) -> None:
        super().__init__()
        self.turns_left = turn
        self.set()

    def is_set(self) -> bool:
        self.turns_left -= 1
        return self.turns_left < 1


@pytest.mark.parametrize("turn", range(1, 7))
def test_asyncio_hangs_up_on_clients_that_are_just_coming_when_it_is_told_to_stop(turn: int) -> None:
    """From accept to `connection_made` it takes turns of the loop; a transport left open gives a ResourceWarning."""
    with listen(0, backlog=20) as listener, contextlib.closing(ReadyAtTurn(turn)) as stop:
        with contextlib.ExitStack() as clients:
            coming = [clients.enter_context(connect(listener.getsockname())) for _ in range(5)]
            muxlab.SERVERS["asyncio"](listener, stop)
            accepted = listener.accepted()
            assert [sock.fileno() for sock in accepted] == [-1] * len(accepted)
            del accepted
            gc.collect()
        assert len(coming) == 5
