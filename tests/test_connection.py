"""One client and the listening side, without a server around them."""

import errno
import select
import socket
from collections.abc import Iterator

import pytest
from helpers import connect, eventually, reset

from muxlab.connection import ACCEPT_BATCH, Acceptor, Connection, echo


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
