"""The ring: what is in its queues and when, what it lends to the kernel and gets back, and systems without one."""

import contextlib
import errno
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
from helpers import eventually
from leaks import descriptors

import muxlab
from muxlab.listener import listen
from muxlab.ring import Completion, Ring, refusal, system
from muxlab.ring import ring as ring_module
from muxlab.servers import uring_server
from muxlab.stop import Stop

pytestmark = pytest.mark.skipif(bool(refusal()), reason=refusal() or "it is allowed")


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """A client and the server's end of its connection."""
    with listen(0, 16) as listener:
        client = socket.create_connection(listener.getsockname(), timeout=10)
        ours, _ = listener.accept()
    with client, ours:
        yield client, ours


@pytest.fixture
def interruptible() -> Iterator[None]:
    """An alarm interrupts as Ctrl-C does."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture(autouse=True)
def everything_was_given_back() -> Iterator[None]:
    yield
    assert ring_module._still_lent == []


def taken(ring: Ring) -> list[tuple[str, str, int | str]]:
    """Take what has completed, without what differs from machine to machine."""
    return [(done.name, done.tag, done.error or done.result) for done in ring.completions()]


# ---- the queues


def test_a_request_goes_from_one_queue_through_the_kernel_to_the_other(pair) -> None:
    client, ours = pair
    buffer = bytearray(100)
    with Ring() as ring:
        ring.recv(ours, buffer, "client 1")
        assert ring.queues() == (("recv client 1",), (), ())
        assert ring.enter(wait=0) == 0
        assert ring.queues() == ((), ("recv client 1",), ())
        client.sendall(b"hello")
        assert ring.enter() == 1
        assert ring.queues() == ((), (), ("recv client 1 = 5",))
        assert str(ring.queues()).splitlines() == [
            "submission queue  -",
            "with the kernel   -",
            "completion queue  recv client 1 = 5",
        ]
        assert taken(ring) == [("recv", "client 1", 5)]
        assert ring.queues() == ((), (), ())
        assert buffer[:6] == b"hello\0"


def test_one_accept_completes_for_each_client() -> None:
    with listen(0, 16) as listener, Ring() as ring:
        ring.accept(listener)
        ring.enter(wait=0)
        clients = [socket.create_connection(listener.getsockname(), timeout=10) for _ in range(3)]
        assert eventually(lambda: ring.enter() == 3)
        assert ring.queues().completion == ("accept = a client",) * 3
        accepted = list(ring.completions())
        assert [(done.name, done.tag, done.more) for done in accepted] == [("accept", listener, True)] * 3
        assert [done.sock.getpeername() for done in accepted] == [client.getsockname() for client in clients]
        assert listener.accepted() == [done.sock for done in accepted]
        assert not any(done.sock.get_inheritable() for done in accepted)
        for sock in [*clients, *listener.accepted()]:
            sock.close()


def test_what_is_sent_is_the_part_of_the_buffer_that_was_named(pair) -> None:
    client, ours = pair
    with Ring() as ring:
        ring.send(ours, bytearray(b"0123456789"), 3, 7)
        ring.enter()
        assert taken(ring) == [("send", ours, 4)]
    assert client.recv(100) == b"3456"


def test_a_cancelled_request_completes_too(pair) -> None:
    with Ring() as ring:
        ring.recv(pair[1], bytearray(10), "late")
        ring.enter(wait=0)
        ring.cancel("late")
        ring.enter(wait=2)
        assert sorted(taken(ring)) == [("cancel", "late", 0), ("recv", "late", "ECANCELED")]


def test_a_timeout_and_a_poll() -> None:
    stop = Stop()
    with Ring() as ring:
        ring.poll(stop, "stop")
        ring.timeout(0.001, "time")
        ring.enter()
        assert taken(ring) == [("timeout", "time", "ETIME")]
        stop.set()
        ring.enter()
        assert taken(ring) == [("poll", "stop", 1)]
    stop.close()


def test_errors_are_results(pair) -> None:
    client, ours = pair
    client.close()
    with Ring() as ring:
        ring.recv(ours, bytearray(10), 1)
        ring.enter()
        assert taken(ring) == [("recv", 1, 0)]
    assert str(Completion("recv", "client 1", -errno.ECONNRESET)) == "recv client 1 = ECONNRESET"
    assert Completion("recv", "client 1", -12345).error == "12345"


def test_more_requests_than_fit_are_handed_over_in_between_and_all_complete() -> None:
    readable = Stop()
    readable.set()
    with Ring(entries=2) as ring:  # the completion queue holds 4
        for number in range(50):
            ring.poll(readable, number)
        done: list = []
        while len(done) < 50:
            ring.enter()
            done += [tag for _, tag, _ in taken(ring)]
        assert sorted(done) == [*range(50)]
    readable.close()


@pytest.mark.parametrize("blocking", [True, False])
def test_nobody_sleeps_in_a_request_so_that_the_mode_of_the_socket_does_not_matter(pair, blocking: bool) -> None:
    client, ours = pair
    ours.setblocking(blocking)
    with Ring() as ring:
        ring.recv(ours, bytearray(10), 1)
        ring.enter(wait=0)
        assert taken(ring) == []
        client.sendall(b"hello")
        ring.enter()
        assert taken(ring) == [("recv", 1, 5)]


# ---- what is lent


def test_a_buffer_is_lent_until_its_request_completes(pair) -> None:
    client, ours = pair
    buffer = bytearray(10)
    with Ring() as ring:
        ring.recv(ours, buffer)
        for _ in range(2):
            with pytest.raises(BufferError):
                buffer.append(0)
            ring.enter(wait=0)
        client.sendall(b"hello")
        ring.enter()
        list(ring.completions())
        buffer.append(0)


def test_after_close_the_kernel_writes_nowhere(pair) -> None:
    client, ours = pair
    buffer = bytearray(10)
    with Ring() as ring:
        ring.recv(ours, buffer)
        ring.enter(wait=0)
    client.sendall(b"hello")
    assert ours.recv(10) == b"hello"
    assert buffer == bytes(10)
    buffer.append(0)
    ring.close()


def test_what_was_never_handed_over_does_not_happen(pair) -> None:
    client, ours = pair
    with Ring() as ring:
        ring.send(ours, bytearray(b"hello"), 0, 5)
    ours.close()
    assert client.recv(10) == b""


def test_clients_that_nobody_took_are_closed_with_the_ring() -> None:
    with listen(0, 16) as listener:
        with Ring(entries=1) as ring:  # so that there is no room for all of them in the completion queue
            ring.accept(listener)
            ring.enter(wait=0)
            clients = [socket.create_connection(listener.getsockname(), timeout=10) for _ in range(10)]
            ring.enter(wait=0)
    for client in clients:  # those that were accepted, and those that still waited in the accept queue
        with client, contextlib.suppress(ConnectionResetError):
            assert client.recv(1) == b""


def test_a_ring_without_owner_closes_itself(pair) -> None:
    before = len(os.listdir("/proc/self/fd"))
    ring = Ring()
    ring.recv(pair[1], bytearray(10))
    ring.enter(wait=0)
    del ring
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_forked_child_leaves_the_ring_of_its_parent_alone(pair) -> None:
    client, ours = pair
    with Ring() as ring:
        ring.recv(ours, bytearray(10), "mine")
        ring.enter(wait=0)
        child = os.fork()
        if child == 0:
            ring.close()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        client.sendall(b"hello")
        ring.enter()
        assert taken(ring) == [("recv", "mine", 5)]


def test_an_interrupt_wakes_it(pair, interruptible: None) -> None:
    with pytest.raises(KeyboardInterrupt), Ring() as ring:
        ring.recv(pair[1], bytearray(10))
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        ring.enter()
        pytest.fail("nothing has come, and it returned")


# ---- what is refused


def test_wrong_arguments(pair) -> None:
    for entries in (0, -1, 40_000):
        with pytest.raises(ValueError, match="32,768 at most"):
            Ring(entries)
    for entries in ("x", None, 1.5):
        with pytest.raises(TypeError, match="whole number"):
            Ring(entries)
    with Ring() as ring:
        for buffer in (b"bytes", bytearray(), None):
            with pytest.raises(TypeError, match="lend a bytearray"):
                ring.recv(pair[1], buffer)
        for start, end in ((0, 0), (3, 2), (-1, 2), (0, 11), (0, 2.5), ("a", 2)):
            with pytest.raises(ValueError, match="no such part"):
                ring.send(pair[1], bytearray(10), start, end)
        for seconds in (-1, float("nan"), "x"):
            with pytest.raises(ValueError, match="0 or more"):
                ring.timeout(seconds)
        for thing in (5, None):
            with pytest.raises(TypeError, match="give a socket"):
                ring.recv(thing, bytearray(10))
        with pytest.raises(ValueError, match="Ask first"):
            ring.enter()
        for wait in (None, "x", 1.5):
            with pytest.raises(TypeError, match="whole number"):
                ring.enter(wait)
        with pytest.raises(ValueError, match="0 or more"):
            ring.enter(-1)
        assert ring.queues() == ((), (), ())


def test_a_ring_that_is_closed_says_so(pair) -> None:
    ring = Ring()
    ring.close()
    uses = lambda: ring.poll(pair[1]), lambda: ring.enter(wait=0), ring.queues, ring.queued, lambda: ring.cancel(1)
    for use in (*uses, ring.__enter__):
        with pytest.raises(ValueError, match="this ring is closed: make a new one"):
            use()


def test_more_than_can_complete_is_not_waited_for(pair) -> None:
    with Ring() as ring:
        ring.recv(pair[1], bytearray(10))
        ring.timeout(0)
        with pytest.raises(ValueError, match="no more than 2 can complete"):
            ring.enter(wait=3)
        with listen(0, 16) as listener:
            ring.accept(listener)  # which may complete any number of times
            ring.enter(wait=0)
            clients = [socket.create_connection(listener.getsockname(), timeout=10) for _ in range(3)]
            assert ring.enter(wait=4) >= 4
            for sock in [*clients, *(done.sock for done in ring.completions() if done.sock)]:
                sock.close()


# ---- interrupts


def interrupt_now() -> None:
    """Interrupt the main thread, whichever thread this is."""
    signal.pthread_kill(threading.main_thread().ident, signal.SIGALRM)


def open_rings() -> int:
    """Return how many rings this process has open."""
    return sum("io_uring" in target for target in descriptors().values())


def test_an_interrupt_while_it_is_made_leaves_no_ring(monkeypatch: pytest.MonkeyPatch, interruptible: None) -> None:
    def interrupted(*arguments: int) -> int:
        fd = system.system_call(*arguments)
        interrupt_now()
        return fd

    monkeypatch.setattr(ring_module, "system_call", interrupted)
    with pytest.raises(KeyboardInterrupt):
        Ring()
    assert open_rings() == 0


def test_an_interrupt_while_it_waits_for_what_it_lent_changes_nothing(
    pair, monkeypatch: pytest.MonkeyPatch, interruptible: None
) -> None:
    def interrupted_once(*arguments: int) -> int:
        monkeypatch.undo()
        interrupt_now()
        return system.system_call(*arguments)

    buffer = bytearray(10)
    ring = Ring()
    ring.recv(pair[1], buffer)
    ring.enter(wait=0)
    monkeypatch.setattr(ring_module, "system_call", interrupted_once)
    with pytest.raises(KeyboardInterrupt):
        ring.close()
    assert (ring.fd, open_rings()) == (-1, 0)
    buffer.append(0)  # it has come back


def test_an_interrupt_right_before_it_is_closed_leaves_no_ring(
    monkeypatch: pytest.MonkeyPatch, interruptible: None
) -> None:
    def interrupted(fd: int) -> None:
        interrupt_now()
        close(fd)

    ring, close = Ring(), os.close
    with monkeypatch.context() as patched:
        patched.setattr(os, "close", interrupted)
        with pytest.raises(KeyboardInterrupt):
            ring.close()
    assert open_rings() == 0


def test_a_request_that_was_interrupted_is_not_waited_for(pair, monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupted:
        """The layout of an entry; to write one is interrupted."""

        size, unpack_from = ring_module.REQUEST.size, ring_module.REQUEST.unpack_from

        def pack_into(self, *_: object) -> None:
            raise KeyboardInterrupt

    buffer = bytearray(10)
    with Ring() as ring:
        with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
            patched.setattr(ring_module, "REQUEST", Interrupted())
            ring.recv(pair[1], buffer)
        assert ring.queues() == ((), (), ())
    buffer.append(0)


# ---- the server


def test_what_is_wrong_with_the_listener_is_raised() -> None:
    with socket.socket() as listener, pytest.raises(OSError, match="Invalid argument"):
        uring_server(listener, Stop())  # it does not listen


def test_a_typed_line_that_is_not_complete_does_not_end_it(monkeypatch: pytest.MonkeyPatch) -> None:
    class Typed(Stop):
        """A stop that is readable twice before it counts."""

        asked = 0

        def is_set(self) -> bool:
            self.asked += 1
            return self.asked > 3

    stop = Typed()
    stop.set()
    with listen(0, 16) as listener:
        uring_server(listener, stop)
    assert stop.asked == 4
    stop.close()


def test_nothing_is_left_of_a_server_that_is_stopped_in_the_middle() -> None:
    with muxlab.serve(uring_server) as server, muxlab.Swarm(server, connections=200, active=100) as swarm:
        swarm.wait_replies(500, timeout=10)
        server.stop()
    assert not server.forced


def test_a_stepped_server_can_be_stopped_before_any_of_its_calls() -> None:
    for calls in range(8):
        with muxlab.step(uring_server) as stepper:
            stepper.client().send("hi")
            for _ in range(calls):
                stepper.next_call()


# ---- whether it is allowed


@pytest.fixture
def asked_anew() -> Iterator[None]:
    refusal.cache_clear()
    yield
    refusal.cache_clear()


@pytest.mark.parametrize("newest", [0, 30, 44])
def test_an_old_kernel(asked_anew: None, monkeypatch: pytest.MonkeyPatch, newest: int) -> None:
    monkeypatch.setattr(system, "_newest_operation", lambda ring: newest)
    assert "5.19" in refusal()
    assert [finding.value for finding in muxlab.doctor().findings if finding.name == "io_uring"] == ["no"]


def test_the_doctor_knows() -> None:
    (finding,) = (finding for finding in muxlab.doctor().findings if finding.name == "io_uring")
    assert (finding.value, finding.fine) == ("allowed", True)


def test_import_does_not_ask_the_kernel() -> None:
    code = (
        "import sys, muxlab; from muxlab.servers import epoll_server; "
        "muxlab.serve(epoll_server).stop(); print('ctypes' in sys.modules, 'uring' in muxlab.SERVERS)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert run.stdout.split() == ["False", "True"], run.stderr


def test_an_unknown_server_is_refused_with_the_names_that_there_are() -> None:
    with pytest.raises(KeyError, match=r"choose one of blocking, .*uring"):
        muxlab.SERVERS["quick"]
