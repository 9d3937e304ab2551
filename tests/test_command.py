"""python -m muxlab, and scripts that simply end: as a person at a terminal meets them."""

import contextlib
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import connect, echoes, eventually, read_exactly, slow

from muxlab import SERVERS
from muxlab.__main__ import main


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """Give back what `main` has done about SIGTERM."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


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


@pytest.mark.parametrize("name", ["select", *slow(*sorted(SERVERS.keys() - {"select"}))])
@pytest.mark.parametrize("signal_", [signal.SIGINT, signal.SIGTERM])
def test_a_server_serves_until_it_is_interrupted(name: str, signal_: signal.Signals) -> None:
    with running("serve", name, "--port", "0") as process:
        address = address_of(process)
        with connect(address) as client:  # stays connected to the end
            client.sendall(b"hello")
            assert read_exactly(client, 5) == b"hello"
            process.send_signal(signal_)
            assert process.wait(10) == 0
        assert process.stdout.read().strip() == "stopped"


@pytest.mark.slow
def test_the_redis_like_server_serves_until_it_is_interrupted() -> None:
    with running("serve", "redis", "--port", "0") as process:
        with connect(address_of(process)) as client:
            client.sendall(b"SET k v\r\nGET k\r\n")
            assert read_exactly(client, 12) == b"+OK\r\n$1\r\nv\r\n"
            host, port = client.getpeername()
            load = ["--host", host, "--port", str(port), "--connections", "5", "--protocol", "redis", "--seconds", "1"]
            with running("swarm", *load) as swarm:
                assert swarm.wait(20) == 0
                assert re.search(
                    r"5 connected +[\d,]+ replies/s +p50 +[\d.]+ ms +p99 +[\d.]+ ms\n", swarm.stdout.read()
                )
            process.send_signal(signal.SIGINT)
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


@pytest.mark.slow
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
        (["swarm", "--port", "1", "--seconds", "-1"], "--seconds=-1.0: give a number of seconds, 0 or more"),
        (["swarm", "--port", "1", "--seconds", "nan"], "--seconds=nan"),
        (["serve", "epoll", "--port", "70000"], "port=70000"),
    ],
)
def test_a_refusal_is_one_sentence(arguments: list[str], message: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 1
    error = capfd.readouterr().err
    assert message in error and error.count("\n") == 1


@pytest.mark.slow
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_pipe_that_nobody_reads_ends_a_command_quietly(unbuffered: str) -> None:
    """As in `muxlab doctor | head -1`, with a head that has gone before the first line."""
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "muxlab", "doctor"]
    environment = os.environ | {"PYTHONUNBUFFERED": unbuffered}
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, env=environment, timeout=60)
    os.close(writing)
    assert (done.returncode, done.stderr) == (128 + signal.SIGPIPE, b"")


def test_the_doctor_reports(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    report = capsys.readouterr().out
    for word in ("Python", "descriptors, hard limit", "select's own limit", "ports for clients", "accept queue"):
        assert word in report


# ---- check


MINE = """
import select, socket

limit = 3

def sound(listener, stop):
    from muxlab import SERVERS
    SERVERS["epoll"](listener, stop)

def deaf(listener, stop):
    raise RuntimeError("not today")
"""
ECHOES = ["--trial", "echoes one message"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of files that one may want to check."""
    files = {
        "mine.py": MINE,
        "broken.py": "def server(listener, stop):\n    pass\nserver(1)\n",
        "unfinished.py": "def server(listener, stop:\n",
        "notes.txt": "def server(listener, stop): pass\n",
        "program.py": "import sys\ndef server(listener, stop):\n    pass\nsys.exit()\n",
        "empty.py": "",
        "neighbour.py": "from mine import sound\nserver = sound\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def test_the_exit_status_is_the_verdict(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", f"{folder}/mine.py:sound", *ECHOES]) == 0
    assert "✓ 1 passed: echoes one message" in capsys.readouterr().out
    assert main(["check", f"{folder}/mine.py:deaf", *ECHOES]) == 1
    assert 'in line 11: raise RuntimeError("not today")' in capsys.readouterr().out


def test_a_file_may_import_its_neighbours(folder: Path) -> None:
    command = [sys.executable, "-m", "muxlab", "check", f"{folder}/neighbour.py:server", *ECHOES]
    assert subprocess.run(command, capture_output=True, timeout=60).returncode == 0


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("mine.py", "mine.py: say which of its functions you mean, as in .*/mine.py:mine$"),
        ("nowhere.py", "name a file and a function in it, as in path/to/server.py:function"),
        ("nowhere.py:server", "there is no file"),
        ("mine.py:nobody", "has no 'nobody'; it has sound, deaf"),
        ("empty.py:server", "has no 'server'; it has no function at all"),
        ("mine.py:limit", "limit in .*mine.py is not a function: 3"),
        ("notes.txt:server", "is not a Python file"),
        ("broken.py:server", r"cannot be run: TypeError: .* in line 3: server\(1\)"),
        ("unfinished.py:server", "cannot be run: .*line 1"),
        ("program.py:server", r"ends the program while it is imported: SystemExit, in line 4: sys.exit\(\)"),
        ("mine.py:select", "is not a function"),
    ],
)
def test_what_cannot_be_tried_is_told_in_one_sentence(
    folder: Path, place: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", str(folder / place)]) == 2
    error = capsys.readouterr().err
    assert re.search(message, error) and error.count("\n") == 1


def test_a_check_that_is_stopped_has_no_verdict(folder: Path) -> None:
    lines = (
        "import select",
        "def server(listener, stop):",
        "    print('begun', flush=True)",
        "    select.select([stop], [], [])",
    )
    (folder / "silent.py").write_text("\n".join(lines))
    with running("check", f"{folder}/silent.py:server") as process:
        assert process.stdout.readline() == "begun\n"  # and now it is waited for an answer
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 2
        assert process.stdout.read().strip() == "stopped, without a verdict"


def test_an_unknown_trial_is_told_too(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", f"{folder}/mine.py:sound", "--trial", "sings"]) == 2
    assert "no trial is called 'sings'" in capsys.readouterr().err


# ---- scripts


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


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_server_and_a_swarm_in_several_processes() -> None:
    with running("serve", "epoll", "--port", "0", "--processes", "3") as servers:
        line = servers.stdout.readline()
        found = re.fullmatch(
            r"epoll server on 127\.0\.0\.1:(\d+), processes (\d+) (\d+) (\d+)\. Ctrl-C stops them\.\n", line
        )
        assert found, line
        with running("swarm", "--port", found[1], "--connections", "60", "--processes", "2", "--seconds", "1") as swarm:
            assert swarm.wait(20) == 0
            assert re.search(r"60 connected +[\d,]+ replies/s ", swarm.stdout.read())
        servers.send_signal(signal.SIGINT)
        assert servers.wait(10) == 0
        assert servers.stdout.read().strip() == "stopped"
    assert not any(Path(f"/proc/{pid}/cmdline").exists() for pid in found.groups()[1:])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["serve", "redis", "--processes", "2"], "redis keeps its data in one process"),
        (["serve", "epoll", "--port", "0", "--processes", "0"], "processes=0: it has to be 1 or more"),
        (["swarm", "--port", "1", "--processes", "0"], "processes=0: it has to be 1 or more"),
    ],
)
def test_a_number_of_processes_that_cannot_be(arguments: list[str], says: str, capsys: pytest.CaptureFixture) -> None:
    assert main(arguments) == 1
    assert says in capsys.readouterr().err
