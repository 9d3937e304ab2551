"""The tap and the stepper on functions that were defined in the cells of a notebook."""

import pytest

import muxlab
from muxlab import running
from muxlab.server import serve
from muxlab.stepper.stepper import step

pytest.importorskip("IPython")
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

HELPER = """
def answer(client):
    data = client.recv(100)
    if data:
        client.send(data)
    return data
"""
SERVER = """
import select

def server(listener):
    clients = [listener]
    while True:
        readable, _, _ = select.select(clients, [], [])
        for sock in readable:
            if sock is listener:
                clients.append(sock.accept()[0])
            elif not answer(sock):
                clients.remove(sock)
                sock.close()
"""


@pytest.fixture
def shell(tmp_path, monkeypatch):
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    config = Config()
    config.HistoryManager.enabled = False
    shell = InteractiveShell(config=config)
    for cell in (HELPER, SERVER):
        shell.run_cell(cell).raise_error()
    return shell


@pytest.fixture
def cell(monkeypatch):
    """Pretend that a cell is being run: call it with the cell's id and the number of the run."""
    return lambda name, run: monkeypatch.setattr(running, "current_cell", lambda: (name, f"run {run}"))


def test_lines_of_all_cells_are_stepped(shell):
    with step(shell.user_ns["server"]) as stepper:
        client = stepper.client()
        assert (stepper.state().line, stepper.state().text) == (2, "clients = [listener]")
        stepper.run_until_blocked()
        client.send("hello")
        while not (state := stepper.next()).helper:
            assert state.status == "paused"
        assert (state.function, state.line, state.text) == ("answer", 2, "data = client.recv(100)")
        assert state.locals == {"client": "client 1"}
        stepper.run_until_blocked()
        assert client.read() == b"hello"
        assert [listing.name for listing in stepper.listings] == ["server", "answer"]
        assert stepper.listings[0].lines[0] == "def server(listener):"


def test_the_tap_sees_all_cells(shell):
    with serve(shell.user_ns["server"], tap=True) as server, muxlab.Swarm(server, 3, 3) as swarm:
        swarm.wait_replies(10)
        calls = server.calls
    assert calls["accept", "done"] == 3
    assert calls["recv", "data"] >= 10
    assert calls["select.select", "ready"] > 0


def test_a_helper_that_is_defined_anew_is_used(shell):
    with step(shell.user_ns["server"]) as stepper:
        client = stepper.client()
        stepper.run_until_blocked()
        shell.run_cell(HELPER.replace("client.send(data)", "client.send(data.upper())")).raise_error()
        client.send("hello")
        stepper.run_until_blocked()
        assert client.read() == b"HELLO"


def test_a_second_stepper_of_the_same_cell_stops_the_first(cell):
    cell("a", 1)
    first = step(muxlab.SERVERS["epoll"])
    first.run_until_blocked()
    cell("b", 1)
    other = step(muxlab.SERVERS["epoll"])
    cell("a", 2)
    second = step(muxlab.SERVERS["epoll"])
    assert first.state().status == "stopped"
    assert other.state().status == second.state().status == "paused"
    cell("a", 3)
    step(muxlab.SERVERS["select"])
    assert second.state().status == "stopped"
    muxlab.stop_all()
    assert other.state().status == "stopped"


def test_several_steppers_of_one_cell_live_together(cell):
    cell("a", 1)
    with step(muxlab.SERVERS["epoll"]) as level, step(muxlab.SERVERS["epoll-edge"]) as edge:
        clients = level.client(), edge.client()
        assert level.run_until_blocked().status == edge.run_until_blocked().status == "blocked"
        assert level.state().connections[0].interest == "IN"
        assert edge.state().connections[0].interest == "IN|OUT|RDHUP|ET"
        clients[0].close()
        assert (level.state().status, edge.state().status) == ("paused", "blocked")
