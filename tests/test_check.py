"""The battery: who passes it, what its report says, and what it leaves behind."""

import contextlib
import logging
import resource
import select
import socket
import subprocess
import sys
import threading
import time

import pytest
from batteries import hold_all

import muxlab
from muxlab import limits
from muxlab.trials import Report, Verdict
from muxlab.trials.runner import TRIALS
from muxlab.trials.scarcity import no_descriptors_left

SLEEPS = [name for name in TRIALS if name.startswith("sleeps")]
LIMITS = {"nonblocking": SLEEPS, "select": ["holds more than 1,024 clients"]}
ECHOES = "echoes one message"


@pytest.fixture(scope="module")
def found() -> dict[str, list[Verdict]]:
    return hold_all(list(muxlab.SERVERS))


@pytest.mark.parametrize("name", list(muxlab.SERVERS))
def test_a_reference_server_passes_all_that_its_way_of_waiting_allows(
    found: dict[str, list[Verdict]], name: str
) -> None:
    assert [trial for trial in found[name] if trial.passed is False] == []
    assert [trial.name for trial in found[name] if trial.passed is None] == LIMITS.get(name, [])
    assert [trial.name for trial in found[name]] == list(TRIALS)


def asyncio_echo(listener, stop):
    """What asyncio's streams make of an echo server."""
    import asyncio

    async def serve(reader, writer):
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except (ConnectionError, asyncio.CancelledError):
            return
        finally:
            writer.close()

    async def main():
        told = asyncio.Event()
        asyncio.get_running_loop().add_reader(stop, told.set)
        server = await asyncio.start_server(serve, sock=listener)
        await told.wait()
        server.close()

    listener.setblocking(False)
    asyncio.run(main())


@pytest.mark.filterwarnings("ignore:unclosed transport:ResourceWarning")  # those who were connected at the end
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_asyncio_passes_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger("asyncio"), "disabled", True)  # it logs that it has no descriptors
    report = muxlab.check(asyncio_echo)
    assert [trial for trial in report.trials if trial.passed is not True] == []


def answers_lines(listener, stop):
    """Sound, and unlike the others: it waits for the end of a line, and reads into a buffer of its own."""
    listener.setblocking(False)
    space = bytearray(65536)
    clients = {}  # what was read of an unfinished line, and what is to be sent
    while not stop.is_set():
        owed = [conn for conn in clients if clients[conn][1]]
        readable, writable, _ = select.select([stop, listener, *clients.keys() - owed], owed, [])
        for conn in readable + writable:
            try:
                if conn is listener:
                    new, _ = listener.accept()
                    new.setblocking(False)
                    clients[new] = [b"", b""]
                elif conn is not stop:
                    begun, unsent = clients[conn]
                    if not unsent:
                        size = conn.recv_into(space)
                        if not size:
                            raise ConnectionError
                        lines, end, begun = (begun + space[:size]).rpartition(b"\n")
                        unsent = lines + end
                        clients[conn] = [begun, unsent]
                    clients[conn][1] = unsent[conn.send(unsent) :]
            except BlockingIOError:
                pass
            except OSError:
                del clients[conn]
                conn.close()
    for conn in clients:
        conn.close()


def test_a_server_that_waits_for_the_end_of_a_line_is_not_blamed_for_it() -> None:
    talking = [name for name in TRIALS if "message" in name or "bytes" in name or "reads" in name or "room" in name]
    report = muxlab.check(answers_lines, trials=[*talking, "is fair while one client floods"])
    assert [trial for trial in report.trials if trial.passed is not True] == []


# ---- the report


def two_faced(listener, stop):
    """Answers one message, and then raises something nasty."""
    conn, _ = listener.accept()
    with conn:
        conn.sendall(conn.recv(100))
        raise ValueError("<script>alert(1)</script>")


def test_the_report_of_a_sound_server_is_the_same_again() -> None:
    quick = [name for name in TRIALS if "reset" in name or "message" in name]
    first, second = (muxlab.check(muxlab.SERVERS["epoll"], trials=quick) for _ in range(2))
    assert first == second and str(first) == str(second) and first._repr_html_() == second._repr_html_()
    assert first.passed and str(first).startswith(f"epoll_server: {len(quick)} of {len(quick)} trials passed\n")


def test_a_failure_is_told_with_the_line_and_a_lesson() -> None:
    report = muxlab.check(two_faced, trials=[ECHOES])
    (trial,) = report.trials
    name, passed, detail, lesson = trial
    line = two_faced.__code__.co_firstlineno + 5
    assert (name, passed, trial.verdict, report.passed) == (ECHOES, False, "failed", False)
    assert detail.endswith(f"""in line {line}: raise ValueError("<script>alert(1)</script>")""")
    assert lesson in str(report) and "two_faced: 0 of 1 trials passed, 1 failed" in str(report)


def test_the_html_is_escaped_and_says_the_verdict_in_words() -> None:
    html = muxlab.check(two_faced, trials=[ECHOES])._repr_html_()
    assert "<script>" not in html and "&lt;script&gt;" in html and "failed" in html


def test_a_limit_is_no_failure() -> None:
    report = Report("mine", [Verdict("a", True, "", ""), Verdict("b", None, "it polls", "why?")])
    assert report.passed
    assert [trial.verdict for trial in report.trials] == ["passed", "limit of the model"]
    assert str(report).startswith("mine: 1 of 2 trials passed, 1 limit of the model\n") and "why?" not in str(report)


def test_a_line_of_a_notebook_cell_is_shown() -> None:
    import linecache

    source = "def mine(listener, stop):\n    conn, _ = listener.accept()\n    missing.append(1)\n"
    linecache.cache["<cell 7>"] = len(source), None, source.splitlines(True), "<cell 7>"  # as IPython does
    scope: dict = {}
    exec(compile(source, "<cell 7>", "exec"), scope)
    (trial,) = muxlab.check(scope["mine"], trials=[ECHOES]).trials
    assert trial.detail.endswith("NameError: name 'missing' is not defined, in line 3: missing.append(1)")


# ---- servers that are no servers, hang, or cannot be stopped


def test_an_unknown_trial_is_refused_with_the_names_that_there_are() -> None:
    with pytest.raises(ValueError, match=r"no trial is called 'sings'; there are: echoes one message, serves 64"):
        muxlab.check(muxlab.SERVERS["epoll"], trials=["sings"])


def test_what_is_no_server_function_is_refused() -> None:
    async def coroutine(listener, stop):
        pass

    for wrong in ("epoll", 3, coroutine, lambda: None):
        with pytest.raises(TypeError, match=r"a server is a function of|serve takes the function itself"):
            muxlab.check(wrong)


def test_a_server_that_takes_no_stop_is_not_asked_to_return() -> None:
    def mine(listener):
        muxlab.SERVERS["select"](listener, listener_only)

    listener_only = type("Never", (), {"is_set": lambda self: False, "fileno": lambda self: never[0].fileno()})()
    never = socket.socketpair()
    report = muxlab.check(mine, trials=[ECHOES, "returns when told to stop"])
    assert [trial.passed for trial in report.trials] == [True, None]
    for sock in never:
        sock.close()


def test_a_server_that_returns_at_once_is_told_so() -> None:
    report = muxlab.check(lambda listener, stop: None, trials=[ECHOES, "sleeps when nobody talks"])
    assert {trial.detail for trial in report.trials} == {"the server function returned, and nobody had told it to"}


def test_a_server_that_nothing_can_end_costs_one_trial() -> None:
    release = threading.Event()
    report = muxlab.check(lambda listener, stop: release.wait(), trials=[ECHOES, "accepts a burst of 300"])
    release.set()
    muxlab.stop_all()
    first, second = report.trials
    assert first.detail == "0 of 6 bytes came back"
    assert second.passed is False and second.detail.startswith("not tried: after 'echoes one message' the server")


# ---- the process that it runs in


def test_nothing_can_be_opened_during_the_lack_and_everything_after_it() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    with pytest.raises(KeyboardInterrupt), no_descriptors_left():
        with pytest.raises(OSError, match="Too many open files"):
            socket.socket()
        raise KeyboardInterrupt
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == before
    socket.socket().close()


def test_a_poll_of_another_thread_goes_on_during_the_lack() -> None:
    pairs = [socket.socketpair() for _ in range(20)]
    low = pairs.pop(0)
    poll = select.poll()
    for pair in pairs:
        poll.register(pair[0])
    for sock in low:
        sock.close()  # a hole below those that are watched
    with no_descriptors_left():
        assert poll.poll(0)
    for pair in pairs:
        for sock in pair:
            sock.close()


def test_what_the_machine_does_not_allow_is_said_and_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    real = limits.make_room

    def make_room(connections: int, server_here: bool) -> int:
        if connections > 1000:
            raise ValueError("this process may have 900 descriptors")
        return real(connections, server_here)

    monkeypatch.setattr(limits, "make_room", make_room)
    (trial,) = muxlab.check(muxlab.SERVERS["epoll"], trials=["holds more than 1,024 clients"]).trials
    assert trial[1:3] == (None, "not tried: this process may have 900 descriptors")


def test_importing_muxlab_does_not_import_the_battery() -> None:
    code = "import sys, muxlab; assert 'muxlab.trials' not in sys.modules; print(muxlab.check.__module__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "muxlab.trials.runner\n"


def test_to_nap_is_a_fault_for_who_could_wait_and_a_limit_for_who_polls() -> None:
    def naps(listener, stop):
        listener.setblocking(False)
        conns = []
        while not stop.is_set():
            with contextlib.suppress(BlockingIOError):
                conns.append(listener.accept()[0])
                conns[-1].setblocking(False)
            for conn in conns:
                with contextlib.suppress(OSError):
                    conn.send(conn.recv(65536))
            time.sleep(0.001)
        for conn in conns:
            conn.close()

    (trial,) = muxlab.check(naps, trials=["does not nap while clients wait"]).trials
    assert trial.passed is None and "server that polls" in trial.detail
    exhibit = muxlab.museum.EXHIBITS["rests_after_each_event"].fn
    (trial,) = muxlab.check(exhibit, trials=["does not nap while clients wait"]).trials
    assert trial.passed is False and "it called time.sleep" in trial.detail
