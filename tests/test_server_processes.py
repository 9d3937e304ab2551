"""One server in several processes on one port: who gets whom, what is refused, and that none is left."""

import contextlib
import errno
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest
from helpers import PATIENCE, connect, echoes, eventually, no_descriptors_left, slow
from leaks import children

import muxlab
from muxlab import server_processes
from muxlab.server_processes import ServerProcesses


def is_gone(pid: int) -> bool:
    """Tell whether this process has ended; a zombie, which waits for its parent, has."""
    try:
        with open(f"/proc/{pid}/stat") as page:
            return page.read().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.mark.parametrize("name", ["epoll", *slow("selectors", "asyncio")])
def test_they_share_a_port_and_its_clients(name: str) -> None:
    before = children()
    with ServerProcesses(name, processes=3) as servers:
        assert len(set(servers.pids)) == 3 and len(children()) == len(before) + 3
        with muxlab.Swarm(servers.address, connections=300, active=300) as swarm:
            swarm.wait_connected()
            swarm.wait_replies(600)
            # Replies come while others still wait in the accept queue of a process that got little time.
            assert eventually(lambda: sum(servers.held()) == 300), servers.held()
            held = servers.held()
        cpu = servers.cpu_seconds()
        pids = servers.pids
    assert len(held) == len(cpu) == 3
    assert all(10 < share < 200 for share in held)  # by a hash: 100 each, more or less
    assert all(seconds > 0 for seconds in cpu)
    assert all(map(is_gone, pids)) and children() == before


@pytest.mark.slow
def test_a_port_of_ones_own_choice() -> None:
    with ServerProcesses("epoll", 2) as first:
        with pytest.raises(OSError, match=f"port {first.address[1]} is taken"):
            ServerProcesses("epoll", 2, port=first.address[1])
        port = first.address[1]
    with ServerProcesses("epoll", 2, port=port) as again:
        assert again.address == ("127.0.0.1", port)
        assert echoes(again.address) and repr(again) == f"<muxlab server 'epoll' on 127.0.0.1:{port}, 2 processes>"
    with pytest.raises(OSError) as refused:
        connect(("127.0.0.1", port))
    assert refused.value.errno == errno.ECONNREFUSED


def test_two_in_a_row_end_twice() -> None:
    servers = ServerProcesses("epoll", 1)
    servers.end()
    servers.end()
    assert servers.pids == []


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"name": ["epoll"]}, ValueError, r"there is no server \['epoll'\]: the reference servers are blocking, "),
        ({"name": "epol"}, ValueError, "there is no server 'epol': the reference servers are blocking, "),
        ({"processes": 0}, ValueError, "processes=0"),
        ({"processes": 1.5}, TypeError, "processes=1.5"),
        ({"port": 70000}, ValueError, "port=70000"),
        ({"backlog": -1}, ValueError, "backlog=-1"),
    ],
)
def test_what_cannot_be_is_refused(arguments: dict, error: type, says: str) -> None:
    with pytest.raises(error, match=says):
        ServerProcesses(**arguments)


def test_one_that_does_not_start_says_why_and_leaves_none(monkeypatch: pytest.MonkeyPatch) -> None:
    real, started = server_processes.start_python, []

    def second_one_fails(module: str, name: str, port: int, backlog: int) -> tuple[subprocess.Popen, socket.socket]:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            process, tie = real(module, name, taken.getsockname()[1] if started else port, backlog)
            started.append(process)
            if len(started) == 2:
                process.wait(PATIENCE)
        return process, tie

    monkeypatch.setattr(server_processes, "start_python", second_one_fails)
    with pytest.raises(OSError, match=r"a server process does not listen: .*Address already in use"):
        ServerProcesses("epoll", 2)
    assert all(process.poll() is not None for process in started)


def test_one_that_dies_is_noticed() -> None:
    with ServerProcesses("epoll", 2) as servers:
        servers.check_alive()
        os.kill(servers.pids[0], signal.SIGKILL)
        assert eventually(lambda: servers._processes[0][0].poll() is not None)  # its threads do not end all at once
        for look in (servers.check_alive, servers.held):
            with pytest.raises(ChildProcessError, match="has ended, with status -9"):
                look()


def test_one_that_does_not_listen_to_its_end_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    with ServerProcesses("epoll", 2) as servers:
        (pid, _) = servers.pids
        os.kill(pid, signal.SIGSTOP)
        monkeypatch.setattr(server_processes, "PATIENCE", 0.1)
    assert is_gone(pid)


def test_an_end_that_was_interrupted_can_be_done_again(monkeypatch: pytest.MonkeyPatch) -> None:
    servers = ServerProcesses("epoll", 2)
    pids = servers.pids

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(subprocess.Popen, "wait", interrupted)
        with pytest.raises(KeyboardInterrupt):
            servers.end()
    assert servers.pids == pids
    servers.end()
    assert all(map(is_gone, pids))


PARENT = """
import time
from muxlab.server_processes import ServerProcesses
servers = ServerProcesses("epoll", 2)
print(*servers.pids, flush=True)
for _ in range(600):
    time.sleep(0.1)
"""


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_they_end_with_their_parent(number: signal.Signals) -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as parent:
        pids = [int(word) for word in parent.stdout.readline().split()]
        assert len(pids) == 2 and not any(map(is_gone, pids))
        parent.send_signal(number)
        parent.wait(PATIENCE)
    assert eventually(lambda: all(map(is_gone, pids)))


PARENT_OF_A_FORK = """
import os, muxlab
from muxlab.server_processes import ServerProcesses
servers = ServerProcesses("epoll", 1)
swarm = muxlab.Swarm(servers.address, 1, processes=1)
fork = os.fork()
if fork:
    print(*servers.pids, *swarm.pids, fork, flush=True)
os.read(0, 1)
os._exit(0)
"""


def test_a_fork_of_their_parent_does_not_keep_them_going() -> None:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", PARENT_OF_A_FORK], **pipes) as parent:
        *pids, fork = [int(word) for word in parent.stdout.readline().split()]
        assert len(pids) == 2 and not any(map(is_gone, pids))
        parent.kill()
        assert eventually(lambda: all(map(is_gone, pids)))
        assert not is_gone(fork)


@contextlib.contextmanager
def forked() -> Iterator[int]:
    """Fork a process that lives until the end of the block."""
    until, end = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(end)
        os.read(until, 1)
        os._exit(0)
    try:
        yield pid
    finally:
        for fd in (until, end):
            os.close(fd)
        os.waitpid(pid, 0)


def test_a_fork_does_not_delay_their_end() -> None:
    servers = ServerProcesses("epoll", 2)
    started = [process for process, _ in servers._processes]
    with forked():
        servers.end()
    assert [process.returncode for process in started] == [0, 0]  # they were not killed


@pytest.mark.slow
def test_a_fork_that_ends_everything_ends_only_its_own() -> None:
    with ServerProcesses("epoll", 2) as servers, muxlab.Swarm(servers.address, 10, processes=2) as swarm:
        swarm.wait_connected()
        pid = os.fork()
        if pid == 0:
            try:
                swarm.end()
                servers.end()
                os._exit(0)
            finally:
                os._exit(1)
        assert os.waitpid(pid, 0)[1] == 0
        swarm.wait_replies(100)
        servers.check_alive()


def test_what_other_code_prints_in_them_is_not_taken_for_their_answer(tmp_path, monkeypatch) -> None:
    (tmp_path / "sitecustomize.py").write_text("print('hello from site', flush=True)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with ServerProcesses("epoll", 1) as servers:
        assert echoes(servers.address)


def test_too_few_descriptors_are_explained() -> None:
    with no_descriptors_left(), pytest.raises(OSError, match=r"too few descriptors .* raise the limit") as refused:
        ServerProcesses("epoll", 2)
    assert refused.value.errno == errno.EMFILE


def test_an_interrupt_at_the_terminal_does_not_reach_them() -> None:
    with ServerProcesses("epoll", 2) as servers:
        for pid in servers.pids:
            assert os.getpgid(pid) != os.getpgid(0)  # Ctrl-C goes to a whole group
            os.kill(pid, signal.SIGINT)
        assert all(echoes(servers.address) for _ in range(20))
        servers.check_alive()


def test_another_system_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(OSError, match="a server in several processes needs Linux: work in a Linux container"):
        ServerProcesses("epoll", 2)
    with pytest.raises(OSError, match="a crowd on all cores needs Linux"):
        muxlab.measure.crowd_plan(100)
