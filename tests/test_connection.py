"""One client and the listening side, without a server around them."""

import contextlib
import errno
import select
import socket
from collections.abc import Iterator

import pytest
from helpers import connect, eventually, reset
from hypothesis import given, settings
from hypothesis import strategies as st

from muxlab.connection import ACCEPT_BATCH, HIGH_WATER, IN, OUT, RECV_SIZE, Acceptor, Connection, echo


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as sock:
        yield sock


@pytest.fixture
def ends(listener: socket.socket) -> Iterator[tuple[socket.socket, Connection]]:
    client = connect(listener.getsockname())
    connection = Connection(listener.accept()[0])
    yield client, connection
    client.close()
    connection.close()


def test_it_echoes_and_says_when_there_is_nothing_more(ends: tuple[socket.socket, Connection]) -> None:
    client, connection = ends
    assert not echo(connection)
    client.sendall(b"hello")
    assert eventually(lambda: echo(connection))
    assert client.recv(10) == b"hello"
    assert not echo(connection)
    assert connection.wants_read and not connection.wants_write and not connection.done
    assert connection.wants == select.EPOLLIN == select.POLLIN


def test_an_end_is_not_done_before_everything_is_sent(ends: tuple[socket.socket, Connection]) -> None:
    client, connection = ends
    client.shutdown(socket.SHUT_WR)
    connection.unsent += b"rest"
    assert eventually(lambda: connection.receive() == b"" and connection.ended)
    assert not connection.done and connection.wants_write and not connection.wants_read
    connection.flush()
    assert connection.done
    assert client.recv(10) == b"rest"


@pytest.mark.parametrize("call", ["receive", "send"])
def test_a_reset_raises_nothing_and_ends_it(ends: tuple[socket.socket, Connection], call: str) -> None:
    client, connection = ends
    reset(client)
    connection.unsent += b"never taken"
    assert eventually(lambda: (connection.receive() if call == "receive" else connection.send(b"x")) or connection.done)
    assert connection.broken and not connection.wants_read and not connection.wants_write and not connection.wants
    assert not echo(connection)


def test_who_does_not_read_is_not_read_from(ends: tuple[socket.socket, Connection]) -> None:
    client, connection = ends
    while len(connection.unsent) < 2**22:  # so much that the room still found in the queues does not matter
        connection.send(bytes(65536))
    client.sendall(b"more")
    assert not echo(connection)
    assert connection.wants_write and not connection.done
    assert connection.wants == select.EPOLLOUT == select.POLLOUT


NARROW = 131072  # bytes of a kernel buffer (Linux doubles it): a few pieces fill it

piece = st.one_of(
    st.binary(min_size=1, max_size=5),
    st.tuples(st.integers(0, 255), st.sampled_from([1, 4, 16])).map(
        lambda drawn: bytes([drawn[0]]) * RECV_SIZE * drawn[1]
    ),
)
deed = st.one_of(
    st.tuples(st.just("send"), piece),
    st.tuples(st.just("read"), st.sampled_from([1, 100, RECV_SIZE, 20 * RECV_SIZE])),
    st.tuples(st.just("turns"), st.sampled_from([1, 2, 20])),
)
several = settings(max_examples=40, deadline=None, derandomize=True, database=None)


class Talk:
    """A client and its connection in one thread: what the client sends, and what it has read."""

    def __init__(self, client: socket.socket, connection: Connection) -> None:
        self.client, self.connection = client, connection
        self.said, self.got = bytearray(), bytearray()

    def do(self, what: str, argument: bytes | int) -> None:
        if what == "send":
            with contextlib.suppress(BlockingIOError):
                self.said += argument[: self.client.send(argument)]
        elif what == "read":
            with contextlib.suppress(BlockingIOError):
                self.got += self.client.recv(argument)
        else:
            for _ in range(argument):
                self.turn()

    def turn(self) -> None:
        connection = self.connection
        before = len(connection.unsent)
        echo(connection)
        assert len(connection.unsent) <= max(before, HIGH_WATER + RECV_SIZE)
        assert connection.wants_write == bool(connection.unsent)
        assert connection.wants == connection.wants_read * IN | connection.wants_write * OUT
        assert not connection.wants_read or len(connection.unsent) <= HIGH_WATER
        assert not connection.done or not connection.unsent

    def all_came_back(self) -> bool:
        """Take turns, and read as long as something comes; tell whether the end has come."""
        with contextlib.suppress(BlockingIOError):
            while True:
                self.turn()
                if self.connection.done:
                    self.connection.close()
                data = self.client.recv(16 * RECV_SIZE)
                if not data:
                    return True
                self.got += data
        return False


@contextlib.contextmanager
def talk() -> Iterator[Talk]:
    with socket.socket() as listener, socket.socket() as client:
        for sock in (listener, client):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, NARROW)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, NARROW)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        client.connect(listener.getsockname())
        client.setblocking(False)
        connection = Connection(listener.accept()[0])
        with contextlib.closing(connection):
            yield Talk(client, connection)


@several
@given(st.lists(deed, min_size=3, max_size=20))
def test_however_it_is_cut_and_whoever_stalls_the_same_bytes_come_back(deeds: list) -> None:
    with talk() as one:
        for what, argument in deeds:
            one.do(what, argument)
        one.client.shutdown(socket.SHUT_WR)
        assert eventually(one.all_came_back)
        assert one.connection.done and not one.connection.broken
        assert one.got == one.said


@several
@given(st.lists(piece | st.sampled_from([1, RECV_SIZE, 20 * RECV_SIZE]), min_size=3, max_size=20))
def test_what_is_sent_comes_in_order_whether_or_not_there_is_room(deeds: list) -> None:
    """Bytes are sent by the connection; of a number, so many are read by the client."""
    with talk() as one:
        sent = bytearray()
        for what in deeds:
            if isinstance(what, bytes):
                one.connection.send(what)
                sent += what
            else:
                one.do("read", what)
        one.client.shutdown(socket.SHUT_WR)
        assert eventually(one.all_came_back)
        assert one.got == sent


@several
@given(st.lists(deed, max_size=12), st.booleans())
def test_whenever_a_client_breaks_off_it_is_done_and_nothing_is_raised(deeds: list, politely: bool) -> None:
    with talk() as one:
        for what, argument in deeds:
            one.do(what, argument)
        one.client.close() if politely else reset(one.client)

        def done() -> bool:
            one.turn()
            return one.connection.done

        assert eventually(done)


def test_accepting_stops_at_the_end_of_the_queue_and_after_a_batch(listener: socket.socket) -> None:
    acceptor = Acceptor(listener)
    clients = [connect(listener.getsockname()) for _ in range(ACCEPT_BATCH + 3)]
    first, second = acceptor.accept(), acceptor.accept()
    assert (len(first), len(second), acceptor.accept()) == (ACCEPT_BATCH, 3, [])
    for thing in [*clients, *first, *second]:
        thing.close()


class Refusing(socket.socket):
    """A listener whose accept fails with the errors that are written down, one after the other."""

    codes: list[int]

    def accept(self) -> tuple[socket.socket, object]:
        if self.codes:
            code = self.codes.pop(0)
            raise OSError(code, errno.errorcode[code])
        return super().accept()


@pytest.fixture
def refusing() -> Iterator[Refusing]:
    with Refusing() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        yield sock


@pytest.mark.parametrize("code", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM])
def test_a_lack_of_descriptors_asks_for_one_rest(refusing: Refusing, code: int) -> None:
    refusing.codes = [code]
    acceptor = Acceptor(refusing)
    assert acceptor.timeout is None and not acceptor.rest_is_over()
    with connect(refusing.getsockname()):
        assert acceptor.accept() == [] and acceptor.resting
        assert acceptor.timeout is not None
        assert eventually(acceptor.rest_is_over)
        assert not acceptor.rest_is_over() and acceptor.timeout is None
        (accepted,) = acceptor.accept()
        accepted.close()


def test_who_left_before_accept_does_not_stop_the_next(refusing: Refusing) -> None:
    refusing.codes = [errno.ECONNABORTED, errno.EPROTO]
    with connect(refusing.getsockname()):
        (accepted,) = Acceptor(refusing).accept()
        accepted.close()


def test_a_useless_listener_is_an_error(refusing: Refusing) -> None:
    refusing.codes = [errno.EINVAL]
    with pytest.raises(OSError, match="EINVAL"):
        Acceptor(refusing).accept()
