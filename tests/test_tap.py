"""The tap: what it sees, that it sees all of it, and that it changes nothing."""

import contextlib
import functools
import json
import re
import select
import selectors
import shutil
import socket
import subprocess
import sys
import threading
import time

import pytest
import watch_servers
from helpers import slow
from watch_servers import LEARNERS, wait_until

import muxlab
from muxlab.server import serve
from muxlab.watch.calls import KEPT, kind_of
from muxlab.watch.tap import Tap


def talk(address, messages=3):
    """One client's conversation, to its end: when this returns, the server has closed its side."""
    with socket.create_connection(address, timeout=5) as sock:
        for number in range(messages):
            sock.sendall(b"%d" % number)
            assert sock.recv(100) == b"%d" % number
        sock.shutdown(socket.SHUT_WR)
        assert sock.recv(100) == b""


def make(name):
    fn = {**muxlab.SERVERS, **LEARNERS}[name]
    return fn().serve if isinstance(fn, type) else fn


WAIT = {"nonblocking": None, "blocking": None, "threaded": None, "one_at_a_time": None,
        "select": "select.select", "poll": "poll.poll",
        "with_class": "select.select", "with_poll": "poll.poll", "uring": "ring.enter"}  # fmt: skip


@pytest.mark.parametrize("name", [*muxlab.SERVERS, *LEARNERS])
def test_every_kind_of_server_is_seen(name):
    with serve(make(name), tap=True) as server:
        talk(server.address)
        talk(server.address)
        wait_until(lambda: server.calls["close", "done"] == 2)
        calls = server.calls
        events = calls.events
    send = "send" if name in muxlab.SERVERS or name == "one_function" else "sendall"
    ring = "ring." if name == "uring" else ""  # whose completions are recorded, as there are no such calls
    assert calls[f"{ring}accept", "done"] == 2
    assert calls[f"{ring}recv", "data"] == 6
    assert calls[f"{ring}recv", "end"] == 2
    assert calls[ring + send, "data" if send == "send" else "done"] == 6
    assert calls.total() - calls.system_calls().total() == (16 if ring else 0)
    assert {call.name for call in calls.system_calls().events} == {name for name, _ in calls.system_calls()}
    assert calls["close", "done"] == 2
    wait = WAIT.get(name, "epoll.poll")
    if wait is not None:
        assert calls[wait, "ready"] >= 4
        looks = [event.args for event in events if event.name == wait and event.outcome == "timeout"]
        assert set(looks) <= ({"0"} if name == "asyncio" else set())  # it looks before it calls what is due
        assert calls.of(wait) == calls[wait, "ready"] + len(looks)
    if wait == "epoll.poll":
        assert calls["epoll.register", "done"] >= 3
    assert [event.number for event in events] == list(range(events[0].number, events[-1].number + 1))
    assert sum(calls.values()) == events[-1].number
    cpu = [event.cpu for event in events]
    assert cpu == sorted(cpu)
    assert {event.who for event in events if event.name == f"{ring}recv"} == {"client 1", "client 2"}


def test_nothing_else_is_touched():
    before = select.select, select.epoll, socket.socket, time.sleep, socket.socket.recv, dict(vars(watch_servers))
    fn = watch_servers.one_function
    own = fn.__globals__, fn.__code__, fn.__closure__
    with serve(fn, tap=True) as server:
        talk(server.address)
        after = select.select, select.epoll, socket.socket, time.sleep, socket.socket.recv, dict(vars(watch_servers))
        assert before == after
        assert own == (fn.__globals__, fn.__code__, fn.__closure__)


def test_a_bare_server_says_how_to_count():
    with serve(muxlab.SERVERS["epoll"]) as server:
        assert server.fn is muxlab.SERVERS["epoll"]
        assert type(server.listener).__name__ == "Listener"
        with pytest.raises(RuntimeError, match="tap=True"):
            _ = server.calls


def test_an_event_tells_what_happened():
    with serve(muxlab.SERVERS["epoll"], tap=True) as server:
        talk(server.address, messages=1)
        wait_until(lambda: server.calls["close", "done"] == 1)
        events = server.calls.events[:13]
    assert [str(event) for event in events] == [
        "epoll.register(stop, IN)",
        "epoll.register(listener, IN)",
        "epoll.poll() = [listener IN]",
        "accept(listener) = client 1",
        "accept(listener) = EAGAIN",
        "epoll.register(client 1, IN)",
        "epoll.poll() = [client 1 IN]",
        "recv(client 1, 65536) = b'0'",
        "send(client 1, b'0') = 1",
        "epoll.poll() = [client 1 IN]",
        "recv(client 1, 65536) = b''",
        "epoll.unregister(client 1)",
        "close(client 1)",
    ]
    assert [event.kind for event in events] == [
        "done", "done", "wait", "data", "EAGAIN", "done", "wait", "data", "data", "wait", "end", "done", "done",
    ]  # fmt: skip
    assert events[7].amount == 1
    assert events[7].fd == events[8].fd > 0


@pytest.mark.parametrize(
    ("name", "outcome", "kind"),
    [
        ("accept", "done", "data"), ("sendall", "done", "data"), ("send", "data", "data"), ("recv", "end", "end"),
        ("close", "done", "done"), ("epoll.register", "done", "done"), ("send", "done", "done"),
        ("time.sleep", "done", "wait"), ("poll.poll", "timeout", "wait"), ("epoll.poll", "ready", "wait"),
        ("recv", "EAGAIN", "EAGAIN"), ("connect", "EINPROGRESS", "EAGAIN"),
        ("recv", "timeout", "error"), ("recv", "ECONNRESET", "error"), ("select.select", "ValueError", "error"),
    ],
)  # fmt: skip
def test_what_a_timeline_tells_apart(name, outcome, kind):
    assert kind_of(name, outcome) == kind


def test_failures_have_the_name_of_their_errno():
    def server(listener):
        epoll = select.epoll()
        epoll.register(listener, select.EPOLLIN)
        for attempt in (
            lambda: epoll.register(listener, select.EPOLLIN),
            lambda: epoll.unregister(999),
            lambda: select.select([5000], [], []),
            lambda: epoll.poll(0),
        ):
            with contextlib.suppress(OSError, ValueError):
                attempt()
        epoll.close()
        epoll.close()

    with serve(server, tap=True) as running:
        assert running.wait()
    assert dict(running.calls) == {
        ("epoll.register", "done"): 1, ("epoll.register", "EEXIST"): 1, ("epoll.unregister", "EBADF"): 1,
        ("select.select", "ValueError"): 1, ("epoll.poll", "timeout"): 1, ("epoll.close", "done"): 1,
    }  # fmt: skip


def test_its_own_connections_and_sleeps_are_seen():
    def server(listener, pause):
        time.sleep(pause)
        watch_servers.connect_out(listener)

    with serve(functools.partial(server, pause=0.001), tap=True) as running:
        assert running.wait()
        # the helper is another module's: what it does with the listener is seen, what it makes by itself is not
        assert [event.name for event in running.calls.events] == ["time.sleep", "accept", "recv", "close"]
    with serve(watch_servers.connect_out, tap=True) as running:
        assert running.wait()
        assert [str(event) for event in running.calls.events] == [
            "sendall(socket, b'hello')",
            "accept(listener) = client 1",
            "recv(client 1, 10) = b'hello'",
            "close(client 1)",
            "close(socket)",
        ]


@pytest.mark.parametrize("make_buffers", [list, iter])
def test_what_is_sent_from_several_buffers_is_seen(make_buffers):
    def server(listener):
        client, _ = listener.accept()
        with client:
            client.sendmsg(make_buffers([b"hello, ", bytearray(b"world")]))
            client.setblocking(False)
            client.sendmsg(["not bytes"])

    with pytest.raises(TypeError), serve(server, tap=True) as running:
        with socket.create_connection(running.address) as sock:
            assert sock.recv(100) == b"hello, world"
            assert running.wait()
            assert [str(event) for event in running.calls.events if event.name == "sendmsg"] == [
                "sendmsg(client 1, b'hello, world') = 12",
                "sendmsg(client 1, a list) = TypeError",
            ]


@pytest.mark.parametrize("make", [socket.socket, selectors.DefaultSelector, select.poll, select.epoll])
def test_what_was_made_before_the_server_serves_it_too(make, monkeypatch):
    made = make()
    monkeypatch.setattr(watch_servers, "made_earlier", made, raising=False)
    with serve(watch_servers.watch_with_made_earlier, tap=True) as server:
        assert server.wait()
        assert server.error is None
        assert server.calls["epoll.register", "done"] == (make is select.epoll)
    if make is not select.poll:
        made.close()


def test_a_global_that_it_assigns_reaches_its_module():
    watch_servers.served = 0
    with serve(watch_servers.count_globally, tap=True) as server:
        for _ in range(3):
            socket.create_connection(server.address).close()
        assert server.wait()
    assert watch_servers.served == 3


def test_an_error_points_to_the_learners_line():
    with pytest.raises(BlockingIOError) as caught:
        with serve(watch_servers.crash_in_helper, tap=True) as server:
            server.wait()
    assert [entry.name for entry in caught.traceback][-2:] == ["crash_in_helper", "take"]


def test_what_the_lab_does_to_the_sockets_is_not_counted():
    with serve(watch_servers.one_at_a_time, tap=True) as server:
        sock = socket.create_connection(server.address)
        sock.sendall(b"x")
        assert sock.recv(1) == b"x"
    sock.close()
    assert server.calls.of("shutdown") == 0
    assert server.calls.of("close") <= 1  # the function's own `with`, on the way out


def test_a_call_that_the_end_of_the_server_cut_short_is_not_counted():
    with serve(watch_servers.one_at_a_time, tap=True) as server:
        talk(server.address)
        wait_until(lambda: server.xray().asleep_in == "accept")
    assert server.forced
    assert server.calls.of("accept") == server.calls["accept", "done"] == 1


def test_memory_is_bounded_and_counts_are_exact():
    tap = Tap()
    for _ in range(3 * KEPT):
        tap.call("recv", 3, 1, lambda _: ("data", 1, ""), None, int)
    assert len(tap.calls.events) == KEPT
    assert tap.calls["recv", "data"] == tap.calls.events[-1].number == 3 * KEPT


def test_threads_of_a_server_lose_no_count():
    tap = Tap()

    def work_on():
        for _ in range(5000):
            tap.call("recv", 3, 1, lambda _: ("data", 1, ""), None, int)

    work = [threading.Thread(target=work_on) for _ in range(4)]
    for thread in work:
        thread.start()
    for thread in work:
        thread.join()
    assert tap.calls["recv", "data"] == 20_000


TRACED = """
import asyncio, json, socket, struct, sys, threading, muxlab  # asyncio: to import it takes closes, too
from muxlab.server import serve
fn = muxlab.SERVERS[sys.argv[1]]
threads = set()

def talk(*socks):
    for number in range(5):
        for sock in socks:
            sock.sendall(b"hello")
            assert sock.recv(100) == b"hello"
    threads.update(t.native_id for t in threading.enumerate() if t.name.startswith(("muxlab-server", "Thread")))

with serve(fn, tap=True) as server:
    socks = []
    for turn in range(3):
        socks.append(socket.create_connection(server.address))
        talk(socks[-1])
        if fn.__name__ == "blocking_server":  # the next client has to wait until this one has left
            socks[-1].shutdown(socket.SHUT_WR)
            assert socks[-1].recv(1) == b""
    if fn.__name__ != "blocking_server":
        talk(*socks)
        socks[0].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        socks[0].close()
        socks[1].shutdown(socket.SHUT_WR)
        assert socks[1].recv(1) == b""
print(json.dumps([sorted(threads), [[*key, count] for key, count in server.calls.items()]]))
for sock in socks:
    sock.close()
"""
SYSCALLS = {"accept4": ["accept"], "recvfrom": ["recv"], "sendto": ["send"],
            "close": ["close", "epoll.close", "ring.close"],
            "select": ["select.select"], "poll": ["poll.poll"], "epoll_wait": ["epoll.poll"],
            "io_uring_enter": ["ring.enter"],
            "epoll_ctl": ["epoll.register", "epoll.modify", "epoll.unregister"]}  # fmt: skip
SAME = {"accept": "accept4", "pselect6": "select", "ppoll": "poll", "epoll_pwait": "epoll_wait"}


def strace_works(tmp_path):
    if shutil.which("strace") is None:
        return False
    return subprocess.run(["strace", "-f", "-o", str(tmp_path / "probe"), "true"], capture_output=True).returncode == 0


@pytest.mark.parametrize("name", ["epoll", *slow(*sorted(muxlab.SERVERS.keys() - {"epoll"}))])
def test_counts_are_those_of_strace(name, tmp_path):
    if not strace_works(tmp_path):
        pytest.skip("strace is not installed, or not allowed here")
    log = tmp_path / "log"
    strace = ["strace", "-f", "-o", str(log), "-e", f"trace={','.join({*SYSCALLS, *SAME})}"]
    done = subprocess.run([*strace, sys.executable, "-c", TRACED, name], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    threads, counts = json.loads(done.stdout)
    thread = "|".join(map(str, threads))
    # the file of a name; and the two ends of the pipe of a door, or of asyncio's own self-pipe; or two copies of a
    # ring's descriptor, which Python's mmap makes
    ours = 3 if name in ("blocking", "threaded", "asyncio", "uring") else 1
    seen = {("close", ""): -ours}
    # "12 recvfrom(5, ...) = -1 EAGAIN (...)", or "12 <... recvfrom resumed>...) = 5"
    for line in log.read_text().splitlines():
        found = re.match(rf"(?:{thread}) +(?:<\.\.\. )?(\w+)(?:\(| resumed>).* = (-?\d+)(?: (E\w+))?", line)
        if found:
            key = SAME.get(found[1], found[1]), found[3] or ""
            seen[key] = seen.get(key, 0) + 1
    tapped = {}
    for call, outcome, count in counts:
        if call.startswith("ring.") and call not in ("ring.enter", "ring.close"):
            continue  # a completion, which is no call
        (syscall,) = (syscall for syscall, calls in SYSCALLS.items() if call in calls)
        key = syscall, outcome if outcome.startswith("E") else ""
        tapped[key] = tapped.get(key, 0) + count
    assert tapped == seen
