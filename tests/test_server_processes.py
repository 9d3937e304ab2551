"""One server in several processes on one port: who gets whom, what is refused, and that none is left."""

import errno
import os
import signal
import socket
import subprocess
import sys

import pytest
from helpers import PATIENCE, connect, echoes, eventually
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


@pytest.mark.parametrize("name", ["epoll", "selectors", "asyncio"])
def test_they_share_a_port_and_its_clients(name: str) -> None:
    before = children()
    with ServerProcesses(name, processes=3) as servers:
        assert len(set(servers.pids)) == 3 and len(children()) == len(before) + 3
        with muxlab.Swarm(servers.address, connections=300, active=300) as swarm:
            swarm.wait_connected()
            swarm.wait_replies(600)
            held = servers.held()
        cpu = servers.cpu_seconds()
        pids = servers.pids
    assert len(held) == len(cpu) == 3
    assert all(10 < share < 200 for share in held)  # by a hash: 100 each, more or less
    if name != "asyncio":  # which has a pair of sockets for itself
        assert sum(held) == 300
    assert all(seconds > 0 for seconds in cpu)
    assert all(map(is_gone, pids)) and children() == before


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

    def second_one_fails(module: str, name: str, port: int, backlog: int, **pipes: int) -> subprocess.Popen:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            started.append(real(module, name, taken.getsockname()[1] if started else port, backlog, **pipes))
            if len(started) == 2:
                started[-1].wait(PATIENCE)
        return started[-1]

    monkeypatch.setattr(server_processes, "start_python", second_one_fails)
    with pytest.raises(OSError, match=r"a server process does not listen: .*Address already in use"):
        ServerProcesses("epoll", 2)
    assert all(process.poll() is not None for process in started)


def test_one_that_dies_is_noticed() -> None:
    with ServerProcesses("epoll", 2) as servers:
        servers.check_alive()
        os.kill(servers.pids[0], signal.SIGKILL)
        assert eventually(lambda: servers._processes[0].poll() is not None)  # its threads do not end all at once
        with pytest.raises(ChildProcessError, match="has ended, with status -9"):
            servers.check_alive()


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


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_they_end_with_their_parent(number: signal.Signals) -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as parent:
        pids = [int(word) for word in parent.stdout.readline().split()]
        assert len(pids) == 2 and not any(map(is_gone, pids))
        parent.send_signal(number)
        parent.wait(PATIENCE)
    assert eventually(lambda: all(map(is_gone, pids)))


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
