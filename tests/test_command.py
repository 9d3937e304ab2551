"""python -m muxlab, and scripts that simply end: as a person at a terminal meets them."""

import contextlib
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
from helpers import connect, echoes, eventually

from muxlab import SERVERS
from muxlab.__main__ import main


@contextlib.contextmanager
def running(*arguments: str, stdin: int = subprocess.DEVNULL) -> Iterator[subprocess.Popen]:
    process = subprocess.Popen(
        [sys.executable, "-m", "muxlab", *arguments],
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def address_of(process: subprocess.Popen) -> tuple[str, int]:
    line = process.stdout.readline()
    found = re.search(r"on ([\d.]+):(\d+)", line)
    assert found, line
    return found[1], int(found[2])


@pytest.mark.parametrize("name", sorted(SERVERS))
@pytest.mark.parametrize("signal_", [signal.SIGINT, signal.SIGTERM])
def test_a_server_serves_until_it_is_interrupted(name: str, signal_: signal.Signals) -> None:
    with running("serve", name, "--port", "0") as process:
        address = address_of(process)
        with connect(address):  # stays connected to the end
            assert echoes(address)
            process.send_signal(signal_)
            assert process.wait(10) == 0
        assert process.stdout.read().strip() == "stopped"


def test_enter_stops_the_select_server_and_other_keys_do_not() -> None:
    keyboard, terminal = pty.openpty()
    try:
        with running("serve", "select", "--port", "0", stdin=terminal) as process:
            address = address_of(process)
            os.write(keyboard, b"not yet")
            assert echoes(address)
            os.write(keyboard, b"\n")
            assert process.wait(10) == 0
    finally:
        os.close(keyboard)
        os.close(terminal)


def test_the_end_of_standard_input_is_not_enter() -> None:
    reader, writer = os.pipe()
    try:
        with running("serve", "select", "--port", "0", stdin=reader) as process:
            address = address_of(process)
            os.close(writer)
            assert all(echoes(address) for _ in range(20)) and process.poll() is None
            used = cpu_ticks(process.pid)
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.5)
            assert cpu_ticks(process.pid) - used < 25, "it spins on the end of its input"
    finally:
        os.close(reader)


def cpu_ticks(pid: int) -> int:
    """CPU time of a process in hundredths of a second: proc(5), /proc/[pid]/stat."""
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(") ", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def test_a_swarm_reports_and_ends() -> None:
    with running("serve", "epoll", "--port", "0") as server:
        host, port = address_of(server)
        target = ["swarm", "--host", host, "--port", str(port), "--connections", "30", "--active", "3"]
        with running(*target, "--seconds", "1.2") as swarm:
            assert swarm.wait(20) == 0
            assert re.search(r"30 connected +[\d,]+ replies/s +p50", swarm.stdout.read())
        with running(*target) as swarm:
            assert "30 clients" in swarm.stdout.readline()
            swarm.send_signal(signal.SIGINT)
            assert swarm.wait(10) == 0
            assert swarm.stdout.read().rstrip().endswith("stopped")
        assert eventually(lambda: echoes((host, port)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["swarm", "--port", "1"], "nobody listens on 127.0.0.1:1"),
        (["swarm", "--port", "1", "--connections", "0"], "connections=0"),
        (["serve", "epoll", "--port", "70000"], "port=70000"),
    ],
)
def test_a_refusal_is_one_sentence(arguments: list[str], message: str, capfd: pytest.CaptureFixture[str]) -> None:
    before = signal.getsignal(signal.SIGTERM)
    try:
        assert main(arguments) == 1
    finally:
        signal.signal(signal.SIGTERM, before)
    error = capfd.readouterr().err
    assert message in error and error.count("\n") == 1


def test_the_doctor_reports(capsys: pytest.CaptureFixture[str]) -> None:
    before = signal.getsignal(signal.SIGTERM)
    try:
        assert main(["doctor"]) == 0
    finally:
        signal.signal(signal.SIGTERM, before)
    report = capsys.readouterr().out
    for word in ("Python", "descriptors, hard limit", "select's own limit", "ports for clients", "accept queue"):
        assert word in report


SCRIPT = """
import muxlab
for server in [muxlab.serve(fn) for fn in muxlab.SERVERS.values()]:
    muxlab.Swarm(server, connections=20, active=5).wait_replies(20)
def deaf(listener):
    while True:
        listener.accept()
muxlab.serve(deaf)
print("the end")
"""


@pytest.mark.parametrize("last", ["", "raise SystemExit(3)"])
def test_a_script_that_leaves_everything_running_ends_quietly(last: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT + last],
        capture_output=True,
        text=True,
        timeout=30,
        stdin=subprocess.DEVNULL,
    )
    assert (done.returncode, done.stdout, done.stderr) == (3 if last else 0, "the end\n", "")
