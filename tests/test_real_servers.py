"""nginx, Redis, asyncio and yours under the same lens, and what stands in where one of them is missing."""

import select
import socket

import pytest
from programs import need

import muxlab
from muxlab.measure import real_servers, recorded
from muxlab.measure.real_servers import asks_for_room
from muxlab.programs import MissingProgram, find

pytestmark = pytest.mark.slow

NAMES = ["nginx", "redis-server", "asyncio", "epoll"]


def one_by_one_server(listener):
    """An echo server that takes one client for each wait, and is edge-triggered for none of them."""
    conns = {}
    epoll = select.epoll()
    epoll.register(listener, select.EPOLLIN)
    while True:
        for fd, _ in epoll.poll():
            if fd == listener.fileno():
                conn, _ = listener.accept()
                epoll.register(conn, select.EPOLLIN)
                conns[conn.fileno()] = conn
            elif data := conns[fd].recv(65536):
                conns[fd].sendall(data)
            else:
                epoll.unregister(fd)
                conns.pop(fd).close()


def mute_server(listener, stop):
    conn, _ = listener.accept()
    conn.close()


def test_all_four_answer_the_same_ten_clients() -> None:
    need("strace", "nginx", "redis-server")
    seen = real_servers()
    assert list(seen) == NAMES
    for name, glimpse in seen.items():
        assert not glimpse.recorded
        calls = glimpse.calls
        assert calls["accept", "done"] == 10
        assert calls["recv", "data"] == calls["recv", "end"] == calls["send", "data"] == 10
        if name != "redis-server":  # from version 7.4 on, Redis stops after ten
            assert calls["accept", "EAGAIN"] == (name != "nginx"), "nginx accepts one, the others until EAGAIN"
        assert not asks_for_room(calls)
        assert glimpse.others, "a program makes other calls, too"
        compared = dict(recorded(name).calls)
        for both in (calls, compared):
            both.pop(("epoll.poll", "timeout"), None)
            both.pop(("epoll.poll", "ready"), None)
            if name == "redis-server":
                both.pop(("accept", "EAGAIN"), None)
        assert calls == compared, "the recording says the same"
    assert [ax.get_title("left").strip() for ax in muxlab.show.compare(seen)] == NAMES


def test_all_four_ask_for_room_when_a_client_does_not_read() -> None:
    need("strace", "nginx", "redis-server")
    for name, glimpse in real_servers(much=True).items():
        assert not glimpse.recorded
        assert asks_for_room(glimpse.calls), name
        assert glimpse.calls["recv", "end"] == 1, "the client has read all, and hung up"


def test_a_function_of_yours_is_looked_at_in_place_of_ours() -> None:
    need("strace", "nginx", "redis-server")
    seen = real_servers(one_by_one_server)
    assert list(seen) == [*NAMES[:3], "one_by_one_server"]
    calls = seen["one_by_one_server"].calls
    assert calls.server == "one_by_one_server"
    assert calls["accept", "done"] == 10
    assert calls["accept", "EAGAIN"] == 0


def test_a_server_that_hangs_up_is_an_error_and_leaves_nothing() -> None:
    need("strace", "nginx", "redis-server")
    with pytest.raises((ConnectionError, OSError)):
        real_servers(mute_server)


def test_without_strace_they_are_recordings_and_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("muxlab.programs.find", lambda program: None if program == "strace" else find(program))
    for much in (False, True):
        for name, glimpse in real_servers(much=much).items():
            assert glimpse.recorded.startswith(
                "strace is not installed here: on Debian or Ubuntu, `apt install strace`"
            )
            assert glimpse.recorded.endswith("This is a recording") == (name != "epoll")
            assert glimpse.calls == recorded(name, much).calls
            assert asks_for_room(glimpse.calls) == much


def test_without_nginx_the_others_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    need("strace", "redis-server")
    monkeypatch.setattr("muxlab.programs.find", lambda program: None if program == "nginx" else find(program))
    seen = real_servers()
    assert [name for name, glimpse in seen.items() if glimpse.recorded] == ["nginx"]
    assert "apt install nginx" in seen["nginx"].recorded


def test_where_tracing_is_not_allowed_they_are_recordings(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*what: object) -> None:
        raise PermissionError("this system does not let strace look")

    monkeypatch.setattr("muxlab.measure.watched.trace", refused)
    monkeypatch.setattr("muxlab.measure.watched.trace_in_folder", refused)
    seen = real_servers({"mine": one_by_one_server})
    assert list(seen) == [*NAMES[:3], "mine"]
    for glimpse in seen.values():
        assert glimpse.recorded.startswith("this system does not let strace look. This is a recording")


def test_a_program_that_does_not_start_is_replaced_by_its_recording(monkeypatch: pytest.MonkeyPatch) -> None:
    need("strace", "nginx", "redis-server")
    monkeypatch.setattr("muxlab.measure.watched.NGINX", "nonsense;")
    monkeypatch.setattr("muxlab.measure.watched.ATTEMPTS", 1)
    nginx = real_servers()["nginx"]
    assert nginx.recorded.startswith("nginx does not get as far as watching its port: it says ")
    assert "unknown directive" in nginx.recorded
    assert nginx.calls == recorded("nginx").calls


def test_a_port_that_is_taken_is_not_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    need("strace", "redis-server")
    from muxlab.measure import watched

    free = watched.free_port
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ports = [taken.getsockname()[1]]
        monkeypatch.setattr(watched, "free_port", lambda: ports.pop() if ports else free())
        with watched.redis() as redis:
            assert redis.address[1] != taken.getsockname()[1]


@pytest.mark.parametrize("bad", [{"nginx": one_by_one_server}, {"asyncio": one_by_one_server}])
def test_the_names_of_the_others_are_taken(bad: dict) -> None:
    with pytest.raises(ValueError, match="is the name of another of the servers"):
        real_servers(bad)


def test_what_is_no_server_is_refused_before_anything_starts() -> None:
    with pytest.raises(TypeError, match="serve takes the function itself"):
        real_servers("epoll")
    with pytest.raises(TypeError, match="5: a server's name is a text"):
        real_servers({5: one_by_one_server})


def test_there_is_a_recording_of_four() -> None:
    with pytest.raises(ValueError, match="there is no recording of 'apache': nginx, redis-server, asyncio, epoll"):
        recorded("apache")
    assert issubclass(MissingProgram, OSError)
