"""What a notebook cell has started ends when the cell is run again, and only then."""

import subprocess
import sys
import types
from collections.abc import Callable, Iterator

import pytest
from helpers import echoes

import muxlab
from muxlab.servers import epoll_server


@pytest.fixture
def run_cell(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, int], None]]:
    """A stand-in for IPython: `run_cell(cell, time)` says which cell is being run, for which time."""
    shell = types.SimpleNamespace(get_parent=dict)
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))

    def run(cell: str, time: int) -> None:
        shell.get_parent = lambda: {"metadata": {"cellId": cell}, "header": {"msg_id": f"{cell}-{time}"}}

    yield run
    muxlab.stop_all()


def test_running_a_cell_again_replaces_what_it_had_started(run_cell) -> None:
    run_cell("a", 1)
    first, second = muxlab.serve(epoll_server), muxlab.serve(epoll_server)
    swarm = muxlab.Swarm(first, connections=3)
    assert first.alive and second.alive and swarm.alive  # one run may start several
    run_cell("b", 1)
    other = muxlab.serve(epoll_server)
    assert first.alive and second.alive and swarm.alive
    run_cell("a", 2)
    again = muxlab.serve(epoll_server)
    assert not (first.alive or second.alive or swarm.alive)
    assert again.alive and other.alive


def test_a_fixed_port_is_free_again_when_the_cell_is_run_again(run_cell) -> None:
    run_cell("a", 1)
    port = muxlab.serve(epoll_server).address[1]
    run_cell("a", 2)
    assert echoes(muxlab.serve(epoll_server, port=port).address)


def test_a_refusal_leaves_the_earlier_one_running(run_cell) -> None:
    run_cell("a", 1)
    server = muxlab.serve(epoll_server)
    run_cell("a", 2)
    with pytest.raises(ValueError, match="port"):
        muxlab.serve(epoll_server, port=-1)
    with pytest.raises(TypeError):
        muxlab.serve(None)
    assert server.alive


def test_a_server_that_had_crashed_is_replaced_quietly(run_cell) -> None:
    def crashes(listener, stop):
        raise ValueError

    run_cell("a", 1)
    crashed = muxlab.serve(crashes)
    crashed.wait()
    run_cell("a", 2)
    assert muxlab.serve(epoll_server).alive


def test_outside_a_notebook_nothing_is_replaced() -> None:
    with muxlab.serve(epoll_server) as first, muxlab.serve(epoll_server) as second:
        assert first.alive and second.alive


IN_A_KERNEL = """
from jupyter_client.manager import start_new_kernel

def run(code, cell):
    message = client.session.msg("execute_request", {"code": code, "silent": False}, metadata={"cellId": cell})
    client.shell_channel.send(message)
    while client.get_shell_msg(timeout=60)["parent_header"]["msg_id"] != message["header"]["msg_id"]:
        pass

manager, client = start_new_kernel(extra_arguments=["--log-level=40"])
try:
    start = "server = muxlab.serve(muxlab.SERVERS['epoll']); servers.append(server)"
    run("import muxlab; servers = []", "setup")
    run(start, "a")
    run(start, "b")
    run(start, "a")
    client.execute_interactive("print([server.alive for server in servers])", timeout=60)
finally:
    client.stop_channels()
    manager.shutdown_kernel(now=True)
"""


@pytest.mark.slow
def test_a_real_kernel_tells_which_cell_it_runs() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IN_A_KERNEL], capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL
    )
    assert done.stdout == "[False, True, True]\n", done.stderr
