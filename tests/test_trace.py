"""strace on running programs: what it shows, why it may not begin, and that nothing of it stays behind."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import types
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import eventually
from programs import need, need_strangers

import muxlab
from muxlab.programs import MissingProgram
from muxlab.watch import tracing
from muxlab.watch.target import descendants

ECHO = """
import select, socket, sys
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
while True:
    conn, address = listener.accept()
    with conn:
        while data := conn.recv(65536):
            conn.sendall(data)
"""


@pytest.fixture
def echo() -> Iterator[tuple[subprocess.Popen, tuple[str, int]]]:
    """An echo server in a process of its own that serves one client after the other, and its address."""
    need_strangers()
    with subprocess.Popen([sys.executable, "-c", ECHO], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process, ("127.0.0.1", int(process.stdout.readline()))
        process.kill()


def talk(address: tuple[str, int]) -> bytes:
    with socket.create_connection(address, timeout=20) as client:
        client.sendall(b"hello")
        return client.recv(64)


MARK = f"MUXLAB_TEST_{os.getpid()}"
"""A variable in the environment of whatever this file starts, also of what loses its parent."""


def straces() -> set[int]:
    """The straces that these tests have started, and no other tests at the same time."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            is_strace = process.joinpath("comm").read_text() == "strace\n"
            if is_strace and MARK.encode() in process.joinpath("environ").read_bytes():
                found.add(int(process.name))
    return found


@pytest.fixture(autouse=True)
def no_strace_stays(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv(MARK, "1")
    yield
    assert eventually(lambda: not straces())


def test_a_running_program_is_watched_and_goes_on(echo) -> None:
    process, address = echo
    with muxlab.trace(process.pid) as trace:
        assert talk(address) == b"hello"
        assert trace.wait_for(lambda calls: calls["close", "done"] == 1)
    assert [str(call) for call in trace.calls.events] == [
        "accept(listener) = client 1",
        "recv(client 1, 65536) = b'hello'",
        "send(client 1, b'hello') = 5",
        "recv(client 1, 65536) = b''",
        "close(client 1)",
    ]
    assert process.poll() is None
    assert talk(address) == b"hello", "it is as it was before"
    assert trace.calls.of("accept") == 1, "and is not watched any more"
    assert not trace.alive
    trace.stop()


def test_a_trace_counts_as_the_tap_does() -> None:
    need("strace")
    with muxlab.serve(muxlab.SERVERS["epoll"], tap=True) as server:
        with muxlab.trace(server) as trace:
            for _ in range(3):
                assert talk(server.address) == b"hello"
            assert trace.wait_for(lambda calls: calls["close", "done"] == 3)
            assert eventually(lambda: server.calls["close", "done"] == 3)
        for name in ("recv", "send", "close", "epoll.unregister"):
            assert trace.calls.of(name) == server.calls.of(name), name
        assert [str(call) for call in trace.calls.events if call.who == "client 2"] == [
            str(call) for call in server.calls.events if call.who == "client 2"
        ]
        assert list(trace.processes) == ["epoll"]


def test_those_who_were_there_before_have_names_too() -> None:
    need("strace")
    with muxlab.serve(muxlab.SERVERS["epoll"]) as server:
        with socket.create_connection(server.address, timeout=20) as early:
            early.sendall(b"one")
            assert early.recv(64) == b"one"
            with muxlab.trace(server) as trace:
                early.sendall(b"two")
                assert early.recv(64) == b"two"
                assert talk(server.address) == b"hello"
                assert trace.wait_for(lambda calls: calls["close", "done"] == 1)
    assert [str(call) for call in trace.calls.events][:5] == [
        "epoll.poll() = [client 1 IN]",
        "recv(client 1, 65536) = b'two'",
        "send(client 1, b'two') = 3",
        "epoll.poll() = [listener IN]",
        "accept(listener) = client 2",
    ]


def test_a_trace_is_drawn_as_calls_are() -> None:
    need("strace")
    with muxlab.serve(muxlab.SERVERS["select"]) as server, muxlab.trace(server) as trace:
        assert talk(server.address) == b"hello"
        assert trace.wait_for(lambda calls: calls["close", "done"] == 1)
        axes = muxlab.show.compare([trace, trace])
        assert axes[0].get_title("left").strip() == "select"
        assert muxlab.show.timeline(trace, times=True)


def test_a_command_is_started_and_ended_with_the_trace() -> None:
    need("strace")
    with muxlab.trace([sys.executable, "-c", ECHO]) as trace:
        assert trace.wait_for(lambda calls: True)
        assert Path(f"/proc/{trace.pid}").exists()
        assert trace.alive
    assert not Path(f"/proc/{trace.pid}").exists()
    assert trace.name == os.path.basename(sys.executable)
    assert trace.others["execve"] == 1


def test_a_command_that_ignores_the_request_to_end_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    need("strace")
    monkeypatch.setattr("muxlab.programs.PATIENCE", 0.5)
    script = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
    with muxlab.trace([sys.executable, "-c", script]) as trace:
        assert trace.wait_for(lambda calls: trace.others["rt_sigaction"] > 0 and "SIG_IGN" in trace.text())
    assert eventually(lambda: not Path(f"/proc/{trace.pid}").exists())


def test_a_command_that_ends_at_once_is_a_short_trace() -> None:
    need("strace")
    with muxlab.trace(["true"]) as trace:
        assert eventually(lambda: not trace.alive)
    assert trace.calls.total() == 0
    assert trace.others["execve"] == 1


def test_the_threads_of_a_program_are_watched_too() -> None:
    need_strangers()
    threaded = ECHO.replace("while True:", "import threading\ndef serve():").replace(
        "            conn.sendall(data)", "            conn.sendall(data)\nthreading.Thread(target=serve).start()"
    )
    with subprocess.Popen([sys.executable, "-c", threaded], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        address = "127.0.0.1", int(process.stdout.readline())
        with muxlab.trace(process.pid) as trace:
            assert talk(address) == b"hello"
            assert trace.wait_for(lambda calls: calls["close", "done"] >= 1)
        assert trace.pids != [process.pid], "it was another thread's call"
        process.kill()


def test_the_children_that_a_program_has_are_watched_too() -> None:
    need_strangers()
    forked = ECHO.replace("while True:", "import os\nif os.fork():\n    os.wait()\nwhile True:")
    with subprocess.Popen([sys.executable, "-c", forked], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        address = "127.0.0.1", int(process.stdout.readline())
        assert eventually(lambda: descendants(process.pid))
        (child,) = descendants(process.pid)
        with muxlab.trace(process.pid) as trace:
            assert talk(address) == b"hello"
            assert trace.wait_for(lambda calls: calls["close", "done"] >= 1)
        assert trace.pids == [child]
        assert talk(address) == b"hello"
        os.kill(child, signal.SIGKILL)
        process.kill()


def test_whoever_is_gone_cannot_be_traced() -> None:
    need("strace")
    process = subprocess.Popen(["true"])
    process.wait()
    with pytest.raises(ProcessLookupError, match=f"there is no process {process.pid}"):
        muxlab.trace(process.pid)
    with muxlab.serve(muxlab.SERVERS["select"]) as server:
        pass
    with pytest.raises(ProcessLookupError, match="the server select has ended: start it again"):
        muxlab.trace(server)
    with pytest.raises(FileNotFoundError, match="there is no program /nowhere/at/all"):
        muxlab.trace(["/nowhere/at/all"])
    with pytest.raises(MissingProgram, match="no-such-program is not installed"):
        muxlab.trace(["no-such-program"])


def test_what_has_ended_and_nobody_has_waited_for_is_told_from_what_is_forbidden() -> None:
    need("strace")
    with subprocess.Popen(["true"]) as process:
        assert eventually(lambda: _has_ended(process.pid))
        with pytest.raises(ProcessLookupError, match=f"the process {process.pid}, true, has ended"):
            muxlab.trace(process.pid)


def test_a_program_may_have_any_name() -> None:
    need_strangers()
    odd = "import ctypes, time; ctypes.CDLL(None).prctl(15, b'\\xff\\xfe'); print(flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", odd], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with muxlab.trace(process.pid) as trace:
            assert trace.name == "\ufffd\ufffd"
        process.kill()


@pytest.mark.parametrize(
    ("command", "error", "says"),
    [
        ([""], ValueError, "the first word is a program"),
        (["true", "a\0b"], ValueError, "no word has a zero byte in it"),
        (["/tmp"], FileNotFoundError, "/tmp is a folder"),
        (["/etc/passwd"], PermissionError, "/etc/passwd is a file that may not be run"),
        (["-h"], FileNotFoundError, "there is no program -h"),
    ],
)
def test_a_command_that_cannot_be_one_is_refused(command: list[str], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        muxlab.trace(command)


def test_a_wait_takes_a_function_and_a_number_of_seconds() -> None:
    need("strace")
    with muxlab.trace(["true"]) as trace:
        with pytest.raises(TypeError, match=r"wait_for\(5\): give a function of the calls"):
            trace.wait_for(5)
        with pytest.raises(ValueError, match="timeout=None: give a number of seconds"):
            trace.wait_for(lambda calls: True, timeout=None)


@pytest.mark.parametrize(
    "bad", ["nginx", True, [], ["nginx", 80], None, 1.5, types.SimpleNamespace(thread=threading.main_thread())]
)
def test_what_is_neither_a_process_nor_a_command_is_refused(bad: object) -> None:
    with pytest.raises(TypeError, match="give a process number, a command as a list of words"):
        muxlab.trace(bad)


def test_a_program_can_be_traced_by_one_only(echo) -> None:
    process, address = echo
    with muxlab.trace(process.pid):
        with pytest.raises(PermissionError, match=r"is being traced already, by process \d+"):
            muxlab.trace(process.pid)
        assert talk(address) == b"hello"
    assert talk(address) == b"hello"


REFUSING = """#!/bin/sh
echo "strace: attach: ptrace(PTRACE_SEIZE, $$): Operation not permitted" >&2
exit 1
"""


def test_where_tracing_is_not_allowed_it_says_what_to_do(tmp_path, monkeypatch, echo) -> None:
    fake = tmp_path / "strace"
    fake.write_text(REFUSING)
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(
        PermissionError, match=r"--cap-add=SYS_PTRACE; elsewhere, `sudo sysctl kernel.yama.ptrace_scope=0`"
    ):
        muxlab.trace(echo[0].pid)
    with pytest.raises(PermissionError, match="does not let strace look at true"):
        muxlab.trace(["true"])
    fake.write_text("#!/bin/sh\necho 'strace: unrecognized option' >&2; exit 1\n")
    with pytest.raises(OSError, match="strace cannot begin with true: unrecognized option"):
        muxlab.trace(["true"])


def test_without_strace_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("muxlab.programs.find", lambda program: None)
    with pytest.raises(MissingProgram, match="strace is not installed here: on Debian or Ubuntu, `apt install strace`"):
        muxlab.trace(os.getpid())


def test_an_interrupt_while_it_begins_leaves_no_strace(monkeypatch: pytest.MonkeyPatch, echo) -> None:
    process, address = echo
    waits = tracing.Trace._wait_until_attached

    def interrupted(self: tracing.Trace, program: object) -> None:
        waits(self, program)
        raise KeyboardInterrupt

    monkeypatch.setattr(tracing.Trace, "_wait_until_attached", interrupted)
    with pytest.raises(KeyboardInterrupt):
        muxlab.trace(process.pid)
    with pytest.raises(KeyboardInterrupt):
        muxlab.trace([sys.executable, "-c", ECHO])
    monkeypatch.undo()
    assert talk(address) == b"hello"


@pytest.mark.parametrize("when", [0.0, 0.005, 0.02, 0.05])
def test_ctrl_c_at_any_moment_leaves_no_strace(when: float, echo) -> None:
    process, address = echo
    timer = threading.Timer(when, os.kill, (os.getpid(), signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        timer.start()
        with muxlab.trace(process.pid) as trace:
            trace.wait_for(lambda calls: False)
    timer.join()
    muxlab.stop_all()
    assert talk(address) == b"hello"


HELD = """
import sys, time, muxlab
trace = muxlab.trace(int(sys.argv[1]) if sys.argv[1].isdigit() else sys.argv[1:])
print(trace.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.slow
@pytest.mark.parametrize("starts", [False, True])
def test_strace_ends_with_the_process_that_started_it_and_its_program_with_it(starts: bool, echo) -> None:
    process, address = echo
    what = [sys.executable, "-c", ECHO] if starts else [str(process.pid)]
    with subprocess.Popen([sys.executable, "-c", HELD, *what], stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        pid = int(owner.stdout.readline())
        before = straces()
        assert before
        owner.kill()
    assert eventually(lambda: not straces() & before)
    if starts:
        assert eventually(lambda: _has_ended(pid)), "it was started for the trace"
    assert talk(address) == b"hello"


def _has_ended(pid: int) -> bool:
    """Tell whether a process has ended; nobody may have asked for its exit status yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True
