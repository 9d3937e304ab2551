"""A swarm in processes of its own: what passes between them, how they end, and what they cost this one."""

import contextlib
import os
import resource
import select
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from helpers import PATIENCE, eventually
from leaks import children, descriptors

import muxlab
from muxlab import limits
from muxlab.servers import epoll_server
from muxlab.swarm.child import Child
from muxlab.swarm.processes import even_parts, parts_of


@pytest.fixture
def server():
    with muxlab.serve(epoll_server, backlog=1024) as running:
        yield running


def processes(swarm: muxlab.Swarm) -> list[int]:
    """Return the process ids of an isolated swarm."""
    return [child._process.pid for child in swarm._crowd._children]


def is_gone(pid: int) -> bool:
    """Tell whether this process has ended; a zombie, which waits for its parent, has."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def run_apart(code: str, *arguments: object) -> subprocess.Popen:
    """Run Python code in a process of its own, with its input and output piped."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_the_clients_are_not_in_this_process(server) -> None:
    before = len(limits.open_descriptors())
    with muxlab.Swarm(server, connections=100, isolate=True) as swarm:
        swarm.wait_connected()
        assert eventually(lambda: len(server.listener.accepted()) == 100)
        assert len(limits.open_descriptors()) < before + 100 + 10  # the server's ends, and what the talk takes


@pytest.mark.slow
def test_one_process_is_enough_and_none_is_left(server) -> None:
    before = children()
    with muxlab.Swarm(server, connections=100, isolate=True) as swarm:
        (pid,) = processes(swarm)
        assert len(children()) == len(before) + 1
    assert is_gone(pid) and children() == before


def test_the_clients_of_different_processes_say_different_things(monkeypatch) -> None:
    heard = []

    def listens(listener, stop):
        for _ in range(4):
            conn, _ = listener.accept()
            with conn:
                heard.append(conn.recv(100))

    monkeypatch.setattr(limits, "clients_per_process", lambda: 2)
    with muxlab.serve(listens) as server:
        with muxlab.Swarm(server, connections=4, active=4, isolate=True):
            server.wait()
    assert len(set(heard)) == len(heard) == 4


@pytest.mark.parametrize(
    ("asked", "parts"),
    [
        ((50, 25, None), [(20, 20, None), (20, 5, None), (10, 0, None)]),
        ((50, 25, 300), [(20, 20, 240), (20, 5, 60), (10, 0, 0)]),
        ((50, 60, 300), [(20, 20, 120), (20, 20, 120), (10, 20, 60)]),
        ((40, 0, 300), [(20, 0, 0), (20, 0, 0)]),
        ((1, 1, 300), [(1, 1, 300)]),
    ],
)
def test_what_each_process_gets(asked, parts) -> None:
    assert parts_of(*asked, room=20) == parts
    assert parts_of(*asked, room=20, least=4)[: len(parts)] == parts
    assert len(parts_of(*asked, room=20, least=4)) == 4


@pytest.mark.parametrize(
    ("asked", "parts"),
    [
        ((10, 4, None, 3), [(4, 2, None), (3, 1, None), (3, 1, None)]),
        ((10, 4, 40.0, 2), [(5, 2, 20.0), (5, 2, 20.0)]),
        ((2, 50, 20.0, 3), [(1, 17, 10.0), (1, 17, 10.0), (0, 16, 0.0)]),
        ((5, 0, 7.0, 2), [(3, 0, 0.0), (2, 0, 0.0)]),
    ],
)
def test_what_each_of_so_many_processes_gets(asked, parts) -> None:
    assert even_parts(*asked) == parts


def addresses(server: muxlab.Server) -> Counter:
    """Return how many clients come from each address."""
    found: Counter = Counter()
    for sock in server.listener.accepted():
        with contextlib.suppress(OSError):  # closed by now
            found[sock.getpeername()[0]] += 1
    return found


@pytest.mark.slow
def test_so_many_processes_have_addresses_of_their_own(server) -> None:
    with muxlab.Swarm(server, connections=90, active=30, processes=3) as swarm:
        swarm.wait_connected()
        swarm.wait_replies(100)
        assert len(swarm.pids) == 3 and swarm.pids == processes(swarm)
        assert eventually(lambda: sorted(addresses(server).values()) == [30, 30, 30])
        swarm.connections = 31
        swarm.wait_connected()
        assert eventually(lambda: sorted(addresses(server).values()) == [10, 10, 11])
        assert swarm.snapshot().mismatches == 0


@pytest.mark.slow
def test_more_processes_than_clients_start_only_what_they_need(server) -> None:
    with muxlab.Swarm(server, connections=2, active=2, processes=4) as swarm:
        swarm.wait_replies(10)
        assert len(swarm.pids) == 2
        swarm.connections = 4
        swarm.wait_connected()
        assert len(swarm.pids) == 4 and swarm.snapshot().connected == 4


@pytest.mark.slow
def test_more_than_so_many_processes_may_hold_are_refused(server, monkeypatch) -> None:
    monkeypatch.setattr(limits, "clients_per_process", lambda: 20)
    with pytest.raises(ValueError, match=r"41 connections are too many for processes=2: .* give processes=3 or more"):
        muxlab.Swarm(server, connections=41, processes=2)
    with muxlab.Swarm(server, connections=40, processes=2) as swarm:
        with pytest.raises(ValueError, match="too many for processes=2"):
            swarm.connections = 41
        assert swarm.connections == 40


@pytest.mark.parametrize("wrong", [0, -1, True, 2.0])
def test_a_number_of_processes_is_a_whole_number(server, wrong) -> None:
    with pytest.raises((TypeError, ValueError), match="processes="):
        muxlab.Swarm(server, connections=5, processes=wrong)


def test_a_swarm_in_a_thread_has_no_processes(server) -> None:
    with muxlab.Swarm(server, connections=5) as swarm:
        assert swarm.pids == []


MANY = """
import resource, sys, muxlab
resource.setrlimit(resource.RLIMIT_NOFILE, (200, 200))
with muxlab.Swarm(("127.0.0.1", int(sys.argv[1])), 300, 300, isolate=True) as swarm:
    for wanted in (300, 500, 100):
        swarm.connections = wanted
        swarm.wait_connected()
        swarm.wait_replies(1000)
        now = swarm.snapshot()
        print(now.connected, now.mismatches, now.errors, len(swarm._crowd._children), len(swarm.activity()))
"""


@pytest.mark.slow
def test_more_clients_than_a_process_may_have_descriptors(server) -> None:
    with run_apart(MANY, server.address[1]) as parent:
        told, _ = parent.communicate(timeout=60)
    assert told.splitlines() == ["300 0 0 3 300", "500 0 0 4 500", "100 0 0 4 100"]  # 136 to each process


PARENT = """
import time, muxlab
with muxlab.serve(muxlab.SERVERS["epoll"]) as server:
    swarm = muxlab.Swarm(server, connections=50, active=50, isolate=True)
    swarm.wait_connected()
    print(swarm._crowd._children[0]._process.pid, flush=True)
    for _ in range(600):
        time.sleep(0.1)
"""
"""It sleeps in short naps, as a signal that arrives just before a system call does not interrupt that call."""


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_it_ends_with_its_parent(number) -> None:
    with run_apart(PARENT) as parent:
        child = int(parent.stdout.readline())
        assert not is_gone(child)
        parent.send_signal(number)
        parent.wait(PATIENCE)
    assert eventually(lambda: is_gone(child))


@pytest.mark.slow
def test_it_ends_with_its_parent_in_the_middle_of_an_answer() -> None:
    code = PARENT.replace("time.sleep(0.1)", "while True: swarm._crowd._children[0].send('activity')")
    with run_apart(code) as parent:
        child = int(parent.stdout.readline())
        parent.kill()
        parent.wait(PATIENCE)
    assert eventually(lambda: is_gone(child))


def test_an_interrupt_does_not_reach_it(server) -> None:
    with muxlab.Swarm(server, connections=5, isolate=True) as swarm:
        (pid,) = processes(swarm)
        assert os.getpgid(pid) != os.getpgid(0)  # Ctrl-C goes to a whole group
        os.kill(pid, signal.SIGINT)
        swarm.wait_replies(100)


def test_when_it_is_killed_the_swarm_says_so(server) -> None:
    swarm = muxlab.Swarm(server, connections=5, isolate=True)
    swarm.wait_replies(100)
    replies = swarm.snapshot().replies
    os.kill(*processes(swarm), signal.SIGKILL)
    with pytest.raises(ChildProcessError, match="SIGKILL"):
        swarm.wait_replies(10**9)
    now = swarm.snapshot()
    assert not swarm.alive and isinstance(swarm.error, ChildProcessError)
    assert now.connected == 0 and now.replies >= replies  # what is known of it remains
    for name, value in {"connections": 50, "active": 2, "payload": 10, "rate": 5}.items():
        with pytest.raises(ChildProcessError, match=r"SIGKILL.*make a new swarm"):
            setattr(swarm, name, value)
    with pytest.raises(ChildProcessError):
        swarm.stop()


def test_its_errors_come_with_their_traceback(server) -> None:
    with pytest.raises(OSError, match="Too many open files") as caught:
        with muxlab.Swarm(server, connections=1, isolate=True) as swarm:
            resource.prlimit(*processes(swarm), resource.RLIMIT_NOFILE, (10, 10))
            swarm.connections = 50
            swarm.wait_connected()
    assert any("in begin_connect" in note for note in caught.value.__notes__)


@pytest.mark.slow
def test_one_that_cannot_be_started_later_is_started_when_it_can(server, monkeypatch) -> None:
    monkeypatch.setattr(limits, "clients_per_process", lambda: 3)
    with muxlab.Swarm(server, connections=3, active=6, isolate=True) as swarm:
        with monkeypatch.context() as broken:
            broken.setattr("subprocess.Popen", fails)
            with pytest.raises(OSError, match="no room"):
                swarm.connections = 6
        swarm.connections = 6
        swarm.wait_connected()
        assert swarm.snapshot().connected == 6


def fails(*_, **__):
    raise OSError("no room for a process")


@pytest.mark.slow
def test_several_that_cannot_be_started_leave_nothing(monkeypatch) -> None:
    with muxlab.serve(epoll_server) as server:
        address = server.address
    monkeypatch.setattr(limits, "clients_per_process", lambda: 1)
    with pytest.raises(ConnectionRefusedError, match="nobody listens"):
        muxlab.Swarm(address, connections=3, isolate=True)


def test_a_process_that_cannot_be_started_leaves_nothing(server, monkeypatch) -> None:
    monkeypatch.setattr("subprocess.Popen", fails)
    with pytest.raises(OSError, match="no room"):
        muxlab.Swarm(server, connections=3, isolate=True)


def test_too_many_are_refused_before_a_process_is_started(server) -> None:
    before = children()
    here = limits.most_connections(server_here=True, clients_here=False)
    for target, most in ((server, here), (server.address, limits.client_ports("127.0.0.1"))):
        with pytest.raises(ValueError, match="too many"):
            muxlab.Swarm(target, connections=most + 100, isolate=True)
    assert children() == before


def test_room_for_the_ends_that_are_here() -> None:
    both, one = (limits.most_connections(server_here=True, clients_here=here) for here in (True, False))
    assert both in (one // 2, limits.ephemeral_ports())
    assert limits.most_connections(server_here=False, clients_here=False) == limits.ephemeral_ports()
    needed = [limits.descriptors_needed(n, server_here=True, clients_here=False)[0] for n in (1000, 2000)]
    assert needed[1] - needed[0] == 1000


def test_a_question_that_was_interrupted_spoils_nothing(server) -> None:
    with muxlab.Swarm(server, connections=20, isolate=True) as swarm:
        (child,) = swarm._crowd._children
        for method in ("state", "latencies", "activity"):
            child.send(method)
        assert swarm.snapshot().sent >= 0
        assert len(swarm.activity()) <= 20


def test_the_answer_to_a_question_that_was_interrupted_is_not_taken_for_another(server) -> None:
    with pytest.raises(ChildProcessError), muxlab.Swarm(server, connections=20, isolate=True) as swarm:
        swarm.wait_replies(10)
        (child,) = swarm._crowd._children
        child.send("activity")  # and nobody receives
        select.select([child._socket], [], [], PATIENCE)  # its answer is there
        os.kill(*processes(swarm), signal.SIGKILL)
        assert eventually(lambda: is_gone(processes(swarm)[0]))
        assert swarm.latencies().count >= 0


@pytest.mark.slow
def test_a_process_that_is_stopped_is_named_at_once_and_may_go_on(server) -> None:
    with muxlab.Swarm(server, connections=5, isolate=True) as swarm:
        (pid,) = processes(swarm)
        swarm.wait_replies(10)
        os.kill(pid, signal.SIGSTOP)
        for ask in (swarm.snapshot, swarm.activity, lambda: swarm.wait_replies(1), lambda: setattr(swarm, "active", 3)):
            began = time.monotonic()
            with pytest.raises(TimeoutError, match=rf"{pid}, was stopped by a signal.*kill -CONT {pid}"):
                ask()
            assert time.monotonic() - began < PATIENCE / 2  # and not after the patience that a busy one is given
        os.kill(pid, signal.SIGCONT)
        swarm.wait_replies(100)
    assert is_gone(pid)


@pytest.mark.slow
def test_a_process_that_is_stopped_is_killed_at_the_end_and_the_loss_is_told(server) -> None:
    swarm = muxlab.Swarm(server, connections=5, isolate=True)
    swarm.wait_replies(10)
    replies = swarm.snapshot().replies
    (pid,) = processes(swarm)
    os.kill(pid, signal.SIGSTOP)
    with pytest.warns(RuntimeWarning, match="stopped by a signal.*killed.*lost") as caught:
        swarm.stop()
    assert is_gone(pid) and not swarm.alive
    assert caught[0].filename == __file__
    assert swarm.snapshot().replies == replies  # its latest answer stands
    swarm.stop()


@pytest.mark.slow
def test_a_process_that_is_awake_and_does_not_answer_is_given_up(server, monkeypatch) -> None:
    with muxlab.Swarm(server, connections=5, isolate=True) as swarm:
        swarm.wait_replies(10)
        monkeypatch.setattr("muxlab.swarm.child.PATIENCE", 0.2)  # not before: to start may take longer
        (child,) = swarm._crowd._children
        child._number += 1  # the answer to a question that was never asked
        with pytest.raises(TimeoutError, match=r"no answer within 0\.2 s"):
            child.receive()
        assert swarm.snapshot().sent > 0


def test_no_file_of_the_learner_gets_in_its_way(server, tmp_path, monkeypatch) -> None:
    (tmp_path / "random.py").write_text("raise ImportError('not the real one')")
    monkeypatch.chdir(tmp_path)
    with muxlab.Swarm(server, connections=5, isolate=True) as swarm:
        swarm.wait_replies(100)


def test_stop_all_ends_it(server) -> None:
    swarm = muxlab.Swarm(server, connections=5, isolate=True)
    swarm.wait_replies(10)
    muxlab.stop_all()
    assert not swarm.alive and swarm.error is None


def test_without_message_sockets_it_is_refused(server, monkeypatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(OSError, match="Linux"):
        muxlab.Swarm(server, connections=5, isolate=True)


def test_a_child_that_was_ended_keeps_its_answers() -> None:
    before = descriptors()
    child = Child()
    child.end()  # one that was not started has nothing to end
    child.start()
    child.end()
    child.end()
    child.send("activity")
    assert child.receive() == b""
    assert descriptors() == before


@pytest.mark.slow
def test_an_end_that_was_interrupted_can_be_done_again(server, monkeypatch) -> None:
    real, interrupts = Child.end, [KeyboardInterrupt]

    def interrupted_once(child: Child) -> None:
        if interrupts:
            raise interrupts.pop()
        real(child)

    monkeypatch.setattr(Child, "end", interrupted_once)
    swarm = muxlab.Swarm(server, connections=4, processes=2)
    pids = swarm.pids
    with pytest.raises(KeyboardInterrupt):
        swarm.end()
    assert not all(map(is_gone, pids))
    swarm.end()
    assert all(map(is_gone, pids))
