"""The stepper: every status, for reference servers and learners' servers, by line and by call."""

import foreign_wait
import pytest
import watch_servers
from helpers import eventually
from stepped import ALL, make

import muxlab
from muxlab.stepper import step, tracer

BLOCKING = ["blocking", "one_at_a_time"]  # asleep in accept and recv
WAITING = [name for name in ALL if name != "nonblocking"]


def test_asyncio_is_stepped_through_its_calls_and_the_functions_that_it_calls():
    with step(muxlab.SERVERS["asyncio"]) as stepper:
        stepper.run_until_blocked()
        client = stepper.client()
        stepper.run_until_blocked()
        client.send("hi")
        assert stepper.state().call == "recv(client 1, 262144)"
        assert stepper.state().function == "asyncio_server"
        assert stepper.state().text.startswith("runner.run(")
        assert stepper.next().function == "EchoClient.data_received"
        assert stepper.next_call().call == "send(client 1, b'hi')"


@pytest.mark.parametrize("name", [name for name in ALL if name != "threaded"])
def test_a_whole_conversation(name):
    with step(make(name)) as stepper:
        client = stepper.client()
        assert stepper.state().connections[0].where == "in the accept queue"
        assert stepper.state().accept_queue == 1
        stepper.run_until_blocked()
        assert stepper.state().connections[0].where == "accepted"
        assert client.read() is None
        assert client.send("hello") == 5
        asleep_in_recv = name in [*BLOCKING, "uring"]  # then the bytes do not even wait for the next line
        assert stepper.state().connections[0].receive == (0 if asleep_in_recv else 5)
        assert asleep_in_recv or ("client 1", "receive") in stepper.state().changed
        while stepper.state().connections[0].receive:
            assert stepper.next().status == "paused"
        stepper.run_until_blocked()
        assert stepper.state().connections[0].reply == 5
        assert client.read() == b"hello"
        client.half_close()
        stepper.run_until_blocked()
        assert stepper.state().connections[0].where == "closed by the server"
        assert client.read() == b""
        assert stepper.calls["ring.recv" if name == "uring" else "recv", "end"] == 1


def test_the_threads_of_a_threaded_server_go_on_while_it_is_held():
    with step(muxlab.SERVERS["threaded"]) as stepper:
        stepper.run_until_blocked()
        clients = [stepper.client() for _ in range(2)]
        assert stepper.state().status == "paused"  # at the line after the first accept
        stepper.run_until_blocked()
        stepper.next()
        for client in clients:
            client.send("hello")
        assert eventually(lambda: [client.waiting() for client in clients] == [5, 5])
        assert [row.where for row in stepper.state().connections] == ["accepted"] * 2
        clients[0].half_close()
        assert eventually(lambda: stepper.state().connections[0].where == "closed by the server")


@pytest.mark.parametrize("name", WAITING)
def test_asleep_until_a_client_acts(name):
    waits = {
        **dict.fromkeys([*BLOCKING, "threaded"], "accept(listener)"),
        "poll": "poll.poll()",
        "with_poll": "poll.poll()",
        "select": "select.select([listener, stop], [], [])",
        "with_class": "select.select([listener], [], [])",
        "uring": "ring.enter(poll stop, accept listener)",
    }
    with step(make(name)) as stepper:
        state = stepper.run_until_blocked()
        assert (state.status, state.call) == ("blocked", waits.get(name, "epoll.poll()"))
        assert state.asleep_in in ("epoll_wait", "select", "poll", "accept", "io_uring_enter")
        for method in (stepper.next, stepper.next_call, stepper.run_until_blocked):
            assert method() == state  # no step wakes it ...
        stepper.client()  # ... but this does
        state = stepper.state()
        assert state.status == "paused"
        assert [call.kind for call in state.calls] == ["data" if name in [*BLOCKING, "threaded"] else "wait"]


@pytest.mark.parametrize("name", ["epoll", "epoll-edge", "poll", "select"])
def test_what_the_server_does_not_care_for_leaves_it_asleep(name):
    with step(make(name)) as stepper:
        client = stepper.client()
        stepper.run_until_blocked()
        assert client.read() is None
        assert stepper.state().status == "blocked"


def test_the_text_of_a_walk():
    lines = []
    with step(muxlab.SERVERS["epoll"]) as stepper:
        lines += [str(stepper.run_until_blocked())]
        client = stepper.client()
        lines += [str(stepper.run_until_blocked())]
        client.send(b"hello")
        lines += [str(stepper.state())]
        lines += [str(stepper.next_call())]
        client.reset()
        lines += [str(stepper.run_until_blocked())]
    lines += [str(stepper)]
    poll = "blocked in epoll.poll(), waiting for an event\n  line 17: ready = epoll.poll(acceptor.timeout)"
    assert (
        "\n".join(lines)
        == f"""{poll}
  line 13 called epoll.register(stop, IN)
  line 14 called epoll.register(listener, IN)
  listener: accept queue 0 of 128, watched for IN
{poll}
  line 32 called accept(listener) = client 1
  line 32 called accept(listener) = EAGAIN
  line 33 called epoll.register(client 1, IN)
  listener: accept queue 0 of 128, watched for IN
  client 1: receive queue 0, send queue 0, ready for OUT, watched for IN
paused before line 18: if acceptor.rest_is_over():
  line 17 called epoll.poll() = [client 1 IN]
  listener: accept queue 0 of 128, watched for IN
  client 1: receive queue 5, send queue 0, ready for IN|OUT, watched for IN
paused before recv(client 1, 65536)
  line 24: echo(client)
  listener: accept queue 0 of 128, watched for IN
  client 1: receive queue 5, send queue 0, ready for IN|OUT, watched for IN
{poll}
  line 24 called recv(client 1, 65536) = b'hello'
  line 24 called send(client 1, b'hello') = ECONNRESET
  line 26 called epoll.unregister(client 1)
  line 28 called close(client 1)
  listener: accept queue 0 of 128, watched for IN
  client 1: closed by the server
stopped
  line 12 called epoll.close()
  listener: closed by the server
  client 1: closed by the server"""
    )


def test_several_calls_at_once():
    with step(muxlab.SERVERS["nonblocking"]) as stepper:
        state = stepper.next_call(10)  # it is held before the first, and before nine more
        assert (state.status, state.call, len(state.calls)) == ("paused", "accept(listener)", 9)
        stepper.client()
        assert len(stepper.next_call(10).calls) == 10
    with step(muxlab.SERVERS["epoll"]) as stepper:
        state = stepper.next_call(10)
        assert (state.status, len(state.calls)) == ("blocked", 2)  # asleep: there is no third
        assert len(stepper.next_call(10).calls) == 2


def test_a_polling_server_asks_in_the_order_of_arrival():
    with step(muxlab.SERVERS["nonblocking"]) as stepper:
        for _ in range(8):
            stepper.client()
        stepper.next_call(9)  # eight are accepted, and the ninth accept would find nobody
        calls = stepper.next_call(18).calls
    assert [call.who for call in calls] == ["listener", *(f"client {number}" for number in range(1, 9))] * 2


def test_bytes_wait_for_a_connection_that_nobody_has_accepted():
    with step(muxlab.SERVERS["epoll"]) as stepper:
        clients = [stepper.client() for _ in range(3)]
        clients[1].send("hello")
        clients[2].send("bye")
        clients[2].half_close()
        assert [row.receive for row in stepper.state().connections] == [0, 5, 3]
        assert "client 2: in the accept queue, receive queue 5" in str(stepper)
        assert ("client 3", "receive") not in stepper.state().changed
        clients[1].reset()
        assert [row.receive for row in stepper.state().connections] == [0, 5, 3]
        stepper.run_until_blocked()
        assert [row.where for row in stepper.state().connections] == ["accepted", *2 * ["closed by the server"]]
        assert ["b'hello'" in str(call) for call in stepper.state().calls].count(True) == 2  # received, and sent back


def test_select_names_one_of_many():
    with step(muxlab.SERVERS["select"]) as stepper:
        clients = [stepper.client() for _ in range(3)]
        stepper.run_until_blocked()
        clients[1].send(b"hello")
        assert str(stepper.state().calls[-1]) == (
            "select.select([listener, stop, client 1, client 2, client 3], [], []) = [client 2], [], []"
        )


def test_an_edge_that_was_forgotten():
    """Data waits, and epoll sleeps: what chapter 6 shows."""

    def forgetful(listener):
        import select

        epoll = select.epoll()
        epoll.register(listener, select.EPOLLIN)
        epoll.poll()
        client, _ = listener.accept()
        epoll.register(client, select.EPOLLIN | select.EPOLLET)
        while True:
            epoll.poll()
            client.recv(3)

    with step(forgetful) as stepper:
        client = stepper.client()
        stepper.run_until_blocked()
        client.send(b"abcdefgh")
        state = stepper.run_until_blocked()
        assert state.status == "blocked"
        assert state.connections[0].receive == 5
        assert state.connections[0].interest == "IN|ET"


def test_helpers_are_stepped_through_and_shown():
    with step(watch_servers.two_functions) as stepper:
        stepper.client()
        while not (state := stepper.next()).helper:
            assert state.status == "paused"
        assert (state.function, state.line, state.text) == ("accept_one", 2, "client, address = listener.accept()")
        assert set(state.locals) == {"listener", "epoll", "clients"}
        assert [listing.name for listing in stepper.listings] == ["two_functions", "accept_one"]
        assert "paused before line 2 of accept_one: client, address = listener.accept()" in str(state)
        assert "line 2 of accept_one called accept(listener) = client 1" in str(stepper.next())


def test_a_coroutine_goes_on_where_it_had_paused():
    """A task switch: the loop calls `send`, and the next line is one in the middle of another function."""
    with step(muxlab.exercise("lost-wakeup").functions[0]) as stepper:
        client = stepper.client()
        stepper.run_until_blocked()
        client.send(b"hello")
        lines = [stepper.next().text for _ in range(20)]
        after = lines[lines.index("sock = coroutine.send(None)") :][1:6]
    assert after == [
        "while data := conn.recv(65536):",
        "conn.sendall(data)",
        "await can_be_read(conn)",
        "yield sock",
        "epoll.register(sock, select.EPOLLIN)",
    ]


def test_locals_are_in_words():
    with step(watch_servers.one_function) as stepper:
        stepper.client()
        while "client" not in (state := stepper.next()).locals:
            pass
        assert state.locals["listener"] == "listener"
        assert state.locals["epoll"] == "epoll"
        assert state.locals["client"] == "client 1"
        assert state.locals["clients"] == "{}"
        assert ("locals", "client") in state.changed


def test_what_a_server_sends_wrongly_is_its_own_error():
    def shout(listener):
        client, _ = listener.accept()
        client.send(client.recv(100).decode().upper())

    with step(shout) as stepper:
        stepper.client().send("hello")
        while not stepper.next_call().call.startswith("send"):
            pass
        assert stepper.state().call == "send(client 1, a str)"
        state = stepper.next_call()
        assert state.error == "TypeError: a bytes-like object is required, not 'str'"
        assert state.locals == {"listener": "listener", "client": "client 1"}
    assert stepper.calls["send", "TypeError"] == 1


def test_a_running_server_is_held_by_next(monkeypatch):
    monkeypatch.setattr(tracer, "PATIENCE", 0.01)

    def busy(listener):
        while True:
            foreign_wait.work()
            sum(range(10))

    with step(busy) as stepper:
        while stepper.next().status != "running":
            pass
        while (state := stepper.next()).status == "running":
            pass
        assert state.status == "paused"


def test_on_change_is_called():
    told = []
    with step(muxlab.SERVERS["epoll"]) as stepper:
        stepper.on_change.append(lambda: told.append(stepper.state().status))
        stepper.run_until_blocked()
        assert "blocked" in told
        stepper.client()
        assert told[-1] == "paused"
    assert told[-1] == "stopped"


def test_reset_half_close_and_use_after():
    with step(muxlab.SERVERS["epoll"]) as stepper:
        clients = [stepper.client() for _ in range(3)]
        stepper.run_until_blocked()
        clients[0].close()
        clients[0].close()
        clients[1].reset()
        clients[2].half_close()
        stepper.run_until_blocked()
        assert {row.where for row in stepper.state().connections} == {"closed by the server"}
        assert stepper.calls["recv", "ECONNRESET"] == 1
        assert stepper.calls["recv", "end"] == 2
        for act in (lambda: clients[0].send(b"x"), clients[0].read, clients[1].half_close):
            with pytest.raises(OSError):
                act()


def test_bad_arguments_are_refused():
    with pytest.raises(TypeError, match="takes the function itself"):
        step("epoll")
    with pytest.raises(TypeError, match="function of"):
        step(lambda: None)
