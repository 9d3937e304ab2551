"""`accept` and `connect` of the runtime: answered, refused, never answered."""

import contextlib
import errno
import socket

import pytest
from loops import run

from muxlab.runtime import accept, connect, recv, sendall, timeout

pytestmark = pytest.mark.timeout(100)  # a loop may sleep without end


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as made:
        yield made


def test_a_loop_is_server_and_client(listener):
    async def echo(conn):
        with conn:
            while data := await recv(conn, 65536):
                await sendall(conn, data)

    async def serve(loop):
        while True:
            loop.spawn(echo(await accept(listener)))

    async def main(loop):
        loop.spawn(serve(loop))
        answers = []
        for number in range(5):
            with await connect(listener.getsockname()) as sock:
                await sendall(sock, b"%d" % number)
                answers.append(await recv(sock, 100))
        return answers

    assert run(main) == [b"0", b"1", b"2", b"3", b"4"]


def test_a_connect_that_is_refused_raises_and_leaves_no_socket():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # and it does not listen

        async def main(loop):
            await connect(bound.getsockname())

        with pytest.raises(ConnectionRefusedError) as found:
            run(main)
    assert found.value.errno == errno.ECONNREFUSED


def test_a_connect_that_is_never_answered_can_be_given_up():
    """The accept queue is full: the kernel says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, contextlib.ExitStack() as closing:

        async def main(loop):
            for _ in range(10):
                closing.enter_context(await timeout(0.05, connect(listener.getsockname())))

        with pytest.raises(TimeoutError):
            run(main)


def test_a_name_is_not_looked_up_in_the_loop():
    async def main(loop):
        with pytest.raises(ValueError, match="gethostbyname"):
            await connect(("localhost", 80))
        with pytest.raises(ValueError, match="'::1' is not a numeric IPv4 address"):
            await connect(("::1", 80))
        with pytest.raises(TypeError, match="give a pair of host and port"):
            await connect("127.0.0.1:80")

    run(main)
