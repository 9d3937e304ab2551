"""serve(): what it takes, what it refuses, how it ends, and what it tells."""

import select
import selectors
import socket
import threading
import time
import traceback

import pytest
from helpers import connect, echoes, eventually

import muxlab
from muxlab.servers import epoll_server


def waits(listener, stop):
    select.select([stop], [], [])


def keyword_only(listener, *, stop):
    select.select([stop], [], [])


def with_a_default(listener, stop=None):
    select.select([stop], [], [])


def raises(listener, stop):
    raise KeyError("my own mistake")


def returns(listener, stop):
    return


@pytest.mark.parametrize("fn", [waits, keyword_only, with_a_default, epoll_server])
def test_takes_stop_however_it_is_asked_for(fn) -> None:
    with muxlab.serve(fn) as server:
        assert server.alive and server.error is None
        assert server.address[0] == "127.0.0.1" and server.address[1] > 0
    assert not server.alive


async def a_coroutine(listener, stop):
    return


def a_generator(listener, stop):
    yield


@pytest.mark.parametrize(
    ("fn", "hint"),
    [
        ("epoll", r'muxlab.SERVERS\["epoll"\]'),
        (None, "cannot be called"),
        (lambda: None, r"takes \(\)"),
        (lambda a, b, c: None, r"takes \(a, b, c\)"),
        (lambda listener, *, other: None, "takes"),
        (a_coroutine, "plain `def`"),
        (a_generator, "plain `def`"),
    ],
)
def test_refuses_what_is_no_server_function(fn, hint: str) -> None:
    with pytest.raises(TypeError, match=hint):
        muxlab.serve(fn)


@pytest.mark.parametrize(
    "arguments", [{"port": -1}, {"port": 65536}, {"port": "7788"}, {"backlog": -1}, {"backlog": 1.5}]
)
def test_refuses_numbers_out_of_range(arguments) -> None:
    (name,) = arguments
    with pytest.raises(ValueError, match=name):
        muxlab.serve(waits, **arguments)


def test_a_port_that_is_taken_is_named() -> None:
    with muxlab.serve(waits) as server:
        with pytest.raises(OSError, match=f"port {server.address[1]} is taken"):
            muxlab.serve(waits, port=server.address[1])
        assert server.alive


def test_without_epoll_its_servers_say_so_and_the_others_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(select, "epoll")
    monkeypatch.setattr(selectors, "DefaultSelector", selectors.PollSelector)  # as it is where there is no epoll
    for name in ("epoll", "epoll-edge"):
        with pytest.raises(OSError, match="needs Linux"):
            muxlab.serve(muxlab.SERVERS[name])
    for name in ("nonblocking", "select", "poll", "selectors", "asyncio"):
        with muxlab.serve(muxlab.SERVERS[name]) as server, muxlab.Swarm(server, connections=20, active=5) as swarm:
            swarm.wait_connected()
            swarm.wait_replies(100)
            assert swarm.snapshot().mismatches == 0


def test_an_error_is_kept_and_raised_once_with_the_learners_line_last() -> None:
    server = muxlab.serve(raises)
    assert server.wait()
    assert isinstance(server.error, KeyError)
    with pytest.raises(KeyError, match="my own mistake") as caught:
        server.stop()
    assert traceback.extract_tb(caught.value.__traceback__)[-1].line == 'raise KeyError("my own mistake")'
    server.stop()
    assert isinstance(server.error, KeyError)


def test_an_error_is_raised_at_the_end_of_the_with() -> None:
    with pytest.raises(KeyError, match="my own mistake"), muxlab.serve(raises) as server:
        assert server.wait()


def test_an_error_of_the_server_comes_before_its_consequences() -> None:
    with pytest.raises(KeyError) as caught, muxlab.serve(raises) as server:
        server.wait()
        connect(server.address)
    assert isinstance(caught.value.__context__, ConnectionError)


def test_an_interrupt_goes_before_an_error_of_the_server() -> None:
    with pytest.raises(KeyboardInterrupt), muxlab.serve(raises) as server:
        server.wait()
        raise KeyboardInterrupt


def test_clients_of_a_server_that_died_learn_of_it() -> None:
    def dies_at_the_first_word(listener, stop):
        conn, _ = listener.accept()
        conn.recv(100)
        raise RuntimeError("enough")

    server = muxlab.serve(dies_at_the_first_word)
    with connect(server.address) as client:
        client.sendall(b"hello")
        assert client.recv(100) == b""
    with pytest.raises(RuntimeError):
        server.stop()


def test_a_function_that_returns_leaves_nobody_in_the_queue() -> None:
    with muxlab.serve(returns) as server:
        assert server.wait() and server.error is None
        with pytest.raises(ConnectionRefusedError):
            connect(server.address)


def test_stop_may_be_called_often_and_from_many_threads() -> None:
    server = muxlab.serve(epoll_server)
    threads = [threading.Thread(target=server.stop) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    server.stop()
    assert not server.alive


def test_a_server_cannot_stop_itself() -> None:
    def stops_itself(listener, stop):
        box[0].stop()

    started = threading.Event()
    box = []

    def waits_for_its_box(listener, stop):
        started.wait(5)
        stops_itself(listener, stop)

    box.append(muxlab.serve(waits_for_its_box))
    started.set()
    assert box[0].wait()
    with pytest.raises(RuntimeError, match="by returning"):
        box[0].stop()


def test_cpu_seconds_are_those_of_the_servers_thread_alone() -> None:
    with muxlab.serve(waits) as server:
        end = time.thread_time() + 0.2
        while time.thread_time() < end:
            continue
        assert server.cpu_seconds() < 0.1
    assert server.cpu_seconds() < 0.1
    with muxlab.serve(muxlab.SERVERS["nonblocking"]) as server:
        assert eventually(lambda: server.cpu_seconds() > 0.1)
    assert server.cpu_seconds() > 0.1


@pytest.mark.slow
def test_a_hundred_starts_and_stops() -> None:
    """What they may leave behind is counted around every test."""
    for number in range(100):
        with muxlab.serve(muxlab.SERVERS[list(muxlab.SERVERS)[number % len(muxlab.SERVERS)]]) as server:
            assert echoes(server.address)


def test_stop_all_stops_servers_and_swarms() -> None:
    server = muxlab.serve(epoll_server)
    swarm = muxlab.Swarm(server, connections=5)
    muxlab.stop_all()
    assert not server.alive and not swarm.alive


def test_its_repr_tells_how_it_is() -> None:
    server = muxlab.serve(epoll_server)
    assert repr(server) == f"<muxlab server 'epoll' on 127.0.0.1:{server.address[1]}, alive>"
    server.stop()
    assert "ended" in repr(server)


def test_the_listener_is_an_ordinary_socket() -> None:
    seen = []

    def looks(listener, stop):
        seen.append((isinstance(listener, socket.socket), listener.getblocking()))

    with muxlab.serve(looks) as server:
        server.wait()
    assert seen == [(True, True)]


@pytest.mark.parametrize("tap", [False, True])
def test_a_copy_of_the_listener_accepts_too(tap: bool) -> None:
    kept = []

    def by_a_copy(listener, stop):
        with listener.dup() as copy:
            while not stop.is_set():
                if copy in select.select([copy, stop], [], [])[0]:
                    kept.append(copy.accept()[0])

    with muxlab.serve(by_a_copy, tap=tap) as server:
        client = connect(server.address)
        assert eventually(lambda: kept)
    with client:
        assert client.recv(1) == b""  # the lab closed what the function had left open


def test_threads_of_the_function_see_the_end_of_their_connection_before_its_descriptor_is_given_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("muxlab.listener.MOMENT", 10.0)
    seen = []

    def server(listener: socket.socket) -> None:
        def talk(conn: socket.socket) -> None:
            conn.recv(100)
            threading.Event().wait(0.05)  # whoever does not wait for this thread has closed its socket by then
            seen.append(conn.fileno() >= 0)
            conn.close()

        while True:
            threading.Thread(target=talk, args=[listener.accept()[0]]).start()

    with muxlab.serve(server) as running, socket.create_connection(running.address, timeout=5):
        assert eventually(running.threads)
    assert seen == [True]
