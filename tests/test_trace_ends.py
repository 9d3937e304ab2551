"""A trace's end at bad moments: an interrupt, a fork, a killed parent, too few descriptors. Nothing stays behind."""

import contextlib
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from helpers import eventually, no_descriptors_left
from programs import need

import muxlab
from muxlab import running
from muxlab.measure import watched
from muxlab.programs import Program
from muxlab.watch import tracing
from muxlab.watch.strace_calls import TracedCalls

MARK = f"MUXLAB_TEST_ENDS_{os.getpid()}"
"""A variable in the environment of whatever this file starts, also of what loses its parent."""


def started() -> set[str]:
    """What these tests have started and has not ended, by the names of the programs."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if MARK.encode() in process.joinpath("environ").read_bytes():
                found.add(process.joinpath("comm").read_text().strip())
    return found


@pytest.fixture(autouse=True)
def nothing_stays(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Fail a test that leaves a process, an entry among all that is running, or a temporary folder."""
    need("strace")
    monkeypatch.setenv(MARK, "1")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    yield
    assert not running._running
    assert eventually(lambda: not started()), started()
    assert eventually(lambda: not list(tmp_path.glob("muxlab-*"))), list(tmp_path.iterdir())


class Ring(Exception):
    """What the timer raises."""


@pytest.fixture
def timer() -> Iterator[Callable[[float], None]]:
    """Call it with seconds to have `Ring` raised then in the main thread."""

    def ring(*_: object) -> None:
        raise Ring

    before = signal.signal(signal.SIGALRM, ring)
    yield lambda seconds: signal.setitimer(signal.ITIMER_REAL, seconds)
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def test_an_interrupt_while_a_trace_ends_closes_each_descriptor_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The number of a descriptor that is closed already may be somebody else's by the second time."""
    trace = muxlab.trace(["sleep", "100"])
    close = os.close

    def interrupted(fd: int) -> None:
        close(fd)
        if fd == number:
            monkeypatch.undo()
            signal.raise_signal(signal.SIGINT)

    number = trace._file
    monkeypatch.setattr(os, "close", interrupted)
    with contextlib.suppress(KeyboardInterrupt):
        trace.stop()
        time.sleep(0)  # the signal may be delivered here
    with (tmp_path / "mine").open("wb", buffering=0) as file:
        assert file.fileno() <= number
        trace.stop()
        muxlab.stop_all()
        file.write(b"it is still open")


def test_an_interrupt_before_the_end_begins_does_not_lose_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    trace = muxlab.trace(["sleep", "100"])

    def interrupted(*_: object) -> None:
        monkeypatch.undo()
        raise KeyboardInterrupt

    monkeypatch.setattr("_thread.start_new_thread", interrupted)
    with pytest.raises(KeyboardInterrupt):
        trace.stop()
    assert not Path(f"/proc/{trace.pid}").exists()


@pytest.mark.slow
def test_an_interrupt_at_any_moment_of_a_trace_leaves_nothing(timer: Callable) -> None:
    """At some moments `stop_all` has to finish what was begun; it has to be able to."""
    for moment in range(12):
        with contextlib.suppress(Ring):
            timer(0.001 + 0.01 * moment)
            with muxlab.trace(["sleep", "100"]):
                pass
            timer(0)
        timer(0)
        muxlab.stop_all()
        assert not running._running


def test_an_interrupt_half_way_through_a_look_counts_no_line_twice_or_never(
    monkeypatch: pytest.MonkeyPatch, timer: Callable
) -> None:
    feed, feeds = TracedCalls.feed, []

    def slowly(self: TracedCalls, text: str) -> None:
        half = text.index("\n", len(text) // 2) + 1
        feed(self, text[:half])
        feeds.append(text)
        if len(feeds) == 1:
            timer(0.001)
            threading.Event().wait(0.05)  # time for the timer to ring
        feed(self, text[half:])

    with muxlab.trace([sys.executable, "-c", "pass"]) as trace:
        assert eventually(lambda: not trace.alive)
        text = trace.text()
        monkeypatch.setattr(TracedCalls, "feed", slowly)
        with pytest.raises(Ring):
            trace.calls  # noqa: B018
        counted = trace.others.total() + trace.calls.total()
    expected = TracedCalls()
    feed(expected, text)
    assert counted == expected.others.total() + expected.calls.total()


def test_two_threads_that_look_at_once_count_each_line_once(monkeypatch: pytest.MonkeyPatch) -> None:
    pread, together = os.pread, threading.Barrier(2)

    def slowly(*args: int) -> bytes:
        read = pread(*args)
        with contextlib.suppress(threading.BrokenBarrierError):
            together.wait(0.2)  # for the other one, if it gets as far
        return read

    with muxlab.trace(["true"]) as trace:
        assert eventually(lambda: not trace.alive)
        monkeypatch.setattr(os, "pread", slowly)
        threads = [threading.Thread(target=lambda: trace.calls) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        monkeypatch.undo()
        assert trace.others["execve"] == 1


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # of Python 3.12: there are threads
def test_what_a_fork_ends_is_not_its_parents() -> None:
    """Neither at its exit, where `stop_all` is called, nor at the end of a `with` that it was forked in."""
    with muxlab.trace(["sleep", "100"]) as trace, muxlab.Swarm(muxlab.serve(muxlab.SERVERS["epoll"]), 2) as swarm:
        program = Program("test", lambda folder: ["sleep", "100"])
        for end in (muxlab.stop_all, trace.stop, program.end):
            if (child := os.fork()) == 0:
                status = 1
                try:
                    end()
                    status = 0
                finally:
                    os._exit(status)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, end
            assert trace.alive and program.alive, end
            assert Path(program.folder).exists(), end
        assert swarm.alive and swarm.error is None
        program.end()
    muxlab.stop_all()


SEVERAL = ["sh", "-c", "sleep 100 & sleep 100 & exec sleep 100"]
DAEMON = ["sh", "-c", "(setsid sleep 100 &); exit 0"]
STUBBORN = ["sh", "-c", "trap '' TERM; while :; do sleep 1; done"]


@pytest.mark.parametrize("command", [SEVERAL, DAEMON])
def test_all_that_a_traced_command_has_started_ends_with_the_trace(command: list[str]) -> None:
    with muxlab.trace(command) as trace:
        assert eventually(lambda: "sleep" in started())
        killed = []
        trace._program.wait, wait = lambda: killed.append(wait()) or killed[-1], trace._program.wait
    assert killed == [True, True], "they were asked to end, and did: there was nothing left to wait for"
    assert not started()


HELD = """
import sys, time
import muxlab
from muxlab.measure import watched

with watched.nginx() if sys.argv[1:] == ["nginx"] else muxlab.trace(sys.argv[1:]):
    print("begun", flush=True)
    time.sleep(100)
"""


@pytest.mark.slow
@pytest.mark.parametrize("what", [SEVERAL, STUBBORN, ["nginx"]])
def test_a_killed_parent_leaves_neither_processes_nor_folders(what: list[str], tmp_path: Path) -> None:
    """Looked at by the fixture."""
    need("nginx")
    with subprocess.Popen([sys.executable, "-c", HELD, *what], stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "begun\n"
        assert list(tmp_path.glob("muxlab-trace-*"))
        assert what == ["nginx"] or eventually(lambda: "sleep" in started())
        owner.kill()


def test_a_trace_that_does_not_begin_leaves_no_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with no_descriptors_left():
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        for free in range(8):
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft + free, hard))
            with contextlib.suppress(OSError), muxlab.trace(["true"]):
                break
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft + 100, hard))
            assert not list(tmp_path.glob("muxlab-*")), free
    assert free > 4

    def refuses(*args: object, **more: object) -> None:
        raise OSError("there are no processes left")

    monkeypatch.setattr("subprocess.Popen", refuses)
    with pytest.raises(OSError, match="no processes left"):
        muxlab.trace(["true"])
    with pytest.raises(OSError, match="no processes left"):
        Program("test", lambda folder: ["true"])


def test_too_few_descriptors_are_not_a_process_that_is_gone() -> None:
    with no_descriptors_left(), pytest.raises(OSError, match="Too many open files"):
        muxlab.trace(os.getpid())


def test_a_trace_begins_also_in_a_folder_that_has_been_deleted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with muxlab.trace(["true"]) as trace:
        assert eventually(lambda: not trace.alive)
    os.chdir(tmp_path)
    assert trace.others["execve"] == 1


@pytest.mark.slow
def test_what_a_chatty_program_prints_does_not_fill_the_disk() -> None:
    with muxlab.trace(["sh", "-c", "head -c 30000000 /dev/zero"]) as trace:
        assert eventually(lambda: not trace.alive)
        assert 0 < len(trace.said()) <= 4 * 2**20


def test_a_look_ends_in_time_though_there_is_more_to_read(monkeypatch: pytest.MonkeyPatch) -> None:
    read = []
    monkeypatch.setattr(tracing, "PIECE", 2000)
    with muxlab.trace([sys.executable, "-c", "pass"]) as trace:
        assert eventually(lambda: not trace.alive)
        monkeypatch.setattr(TracedCalls, "feed", lambda self, text: read.append(text))
        assert not trace.wait_for(lambda calls: False, timeout=0)
        assert len(read) <= 1
        text = trace.text()
    assert "".join(read) == text, "the end reads the rest"
    assert len(read) > 5


def test_an_end_that_fails_does_not_keep_the_others_from_being_ended() -> None:
    ended = []

    class Thing(running.Running):
        def __init__(self, fails: bool) -> None:
            self.fails = fails

        def end(self) -> None:
            running.remove(self)
            if self.fails:
                raise OSError("it fails")
            ended.append(self)

    things = [Thing(False), Thing(True), Thing(False)]
    for thing in things:
        running.add(thing)
    with pytest.raises(OSError, match="it fails"):
        muxlab.stop_all()
    assert ended == [things[2], things[0]]


def test_work_is_done_also_where_no_thread_is_to_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    """As at the interpreter's exit, where `stop_all` ends a trace."""

    def refuses(*_: object) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr("_thread.start_new_thread", refuses)
    assert running.undisturbed(lambda: 42) == 42


def test_nginx_and_redis_have_their_files_in_the_folder_of_their_trace(tmp_path: Path) -> None:
    need("nginx", "redis-server")
    for run in (watched.nginx, watched.redis):
        with run():
            assert [path.name[:13] for path in tmp_path.glob("muxlab-*")] == ["muxlab-trace-"]
