"""The battery: who passes it, what it says of broken servers, and what it leaves behind."""

import contextlib
import errno
import inspect
import json
import linecache
import os
import re
import resource
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import trial_servers
from batteries import battery_of

import muxlab
from muxlab.course.variant import variant
from muxlab.interrupt import Pulse
from muxlab.trials import Verdict, backpressure, bench, endings, parting, patience, server_on_trial
from muxlab.trials.bench import Bench
from muxlab.trials.clients import BenchClient
from muxlab.trials.leftovers import Leftovers, no_descriptors_left
from muxlab.trials.runner import ON_REQUEST, TRIALS

pytestmark = pytest.mark.battery

ECHOES = "echoes one message"
SLEEPS = [name for name in TRIALS if name.startswith("sleeps")]
LIMITS = {"nonblocking": SLEEPS, "select": ["holds more than 1,024 clients"]}
ONE_AT_A_TIME = [
    "echoes one message",
    "answers question after question",
    "takes a message that comes byte by byte",
    "takes messages that come glued together",
    "returns any bytes",
    "returns 4 MiB whole to a client that reads late",
]
"""The trials that need no second client; "blocking" passes them and no other."""

BROKEN = {
    "says_it_twice": ["echoes one message"],
    "repeats_the_tail": ["answers question after question"],
    "naps_at_the_door": ["does not nap while clients wait"],
    "naps_in_select": ["does not nap while clients wait"],
    "naps_on_a_lock": ["does not nap while clients wait"],
    "loses_descriptors": ["forgets clients that broke off"],
    "keeps_it_on_the_list": ["sleeps when clients have broken off"],
    "drops_a_byte": ["takes messages that come glued together"],
    "closes_its_listener": [
        "gives nobody what was meant for another",
        "survives a reset before any data",
        "survives a reset between messages",
        "survives a reset in the middle of a reply",
        "survives clients that connect and leave",
        "answers a client that half-closes after asking",
        "forgets clients that left",
        "forgets clients that broke off",
        "sleeps when nobody talks",
        "sleeps beside a client that half-closed",
        "sleeps while a client does not read",
    ],
}
"""The trials that a broken server fails; what is left of a battery when its first trial fails is not tried."""


# ---- whole batteries


def of_the_test(name: str, *trials: str) -> pytest.MarkDecorator:
    """Mark a test that asks for the battery of a server in trial_servers.py."""
    return battery_of(f"trial_servers:{name}", *trials)


def failed(trials: list[Verdict]) -> dict[str, str]:
    """What was seen in each trial that was failed."""
    return {trial.name: trial.detail for trial in trials if trial.passed is False}


WITHOUT_BLOCKING = [name for name in muxlab.SERVERS if name != "blocking"]


@pytest.mark.parametrize("name", [pytest.param(name, marks=battery_of(name)) for name in WITHOUT_BLOCKING])
def test_a_reference_server_passes_all_that_its_way_of_waiting_allows(verdicts: list[Verdict], name: str) -> None:
    assert failed(verdicts) == {}
    assert [trial.name for trial in verdicts if trial.passed is None] == LIMITS.get(name, [])
    assert {trial.verdict for trial in verdicts} <= {"passed", "limit of the model"}
    assert [trial.name for trial in verdicts] == list(TRIALS)


@battery_of("blocking")
def test_blocking_passes_all_that_needs_no_second_client_and_the_report_says_why_no_more(verdicts) -> None:
    assert [trial.name for trial in verdicts if trial.passed] == ONE_AT_A_TIME
    assert failed(verdicts) == {
        "is not held up by a silent client": "with 5 silent clients connected, the next one got no answer; "
        "the server sleeps in recv, for one of them alone: it serves one client at a time"
    }
    assert {trial.detail for trial in verdicts if trial.passed is None} == {
        "not tried: until 'is not held up by a silent client' is passed"
    }


RIGHT = ["asyncio_echo", "with_nothing_wrong"]


@pytest.mark.parametrize("name", [pytest.param(name, marks=of_the_test(name)) for name in RIGHT])
def test_a_right_server_of_another_kind_passes_all(verdicts: list[Verdict], name: str) -> None:
    assert [trial for trial in verdicts if trial.passed is not True] == []


@of_the_test("answers_lines")
def test_a_server_that_waits_for_the_end_of_a_line_is_not_blamed_for_it(verdicts: list[Verdict]) -> None:
    ((name, detail),) = failed(verdicts).items()
    assert name == "lives through a lack of descriptors" and detail.startswith("the server ended: ")  # so it does


@pytest.mark.parametrize("name", [pytest.param(name, marks=of_the_test(name)) for name in BROKEN])
def test_a_broken_server_fails_these_trials_and_no_other(verdicts: list[Verdict], name: str) -> None:
    seen = failed(verdicts)
    assert list(seen) == BROKEN[name], seen


def test_every_broken_server_says_in_one_line_what_one_sees() -> None:
    for name in [*BROKEN, "forks_and_forgets"]:
        symptom = getattr(trial_servers, name).__doc__
        assert symptom.endswith(".") and "\n" not in symptom, name


@of_the_test("forks_and_forgets", "forgets clients that left")
def test_child_processes_that_nobody_waits_for_are_seen_and_ended(verdicts: list[Verdict]) -> None:
    (trial,) = verdicts
    assert re.fullmatch("60 clients had left, and 6[01] child processes were still there", trial.detail)


# ---- one cause stands once


def seen(fn, *trials: str) -> list[tuple[str, str]]:
    """The verdicts and details of a few trials."""
    return [(trial.verdict, trial.detail) for trial in muxlab.check(fn, trials or None).trials]


def line_in(fn, text: str) -> int:
    """The line of a function in which a text stands first."""
    lines, first = inspect.getsourcelines(fn)
    return next(number for number, line in enumerate(lines, first) if text in line)


def test_when_the_simplest_trial_fails_nothing_else_is_tried() -> None:
    report = muxlab.check(trial_servers.misspelt)
    first, *others = report.trials
    line = line_in(trial_servers.misspelt, "lisener")
    assert first.detail == (
        f"the server ended: NameError: name 'lisener' is not defined, in line {line}: "
        "conn, _ = lisener.accept()  # noqa: F821"
    )
    assert first.lesson == "Is that name spelt here as it is where it gets its value?"
    assert {trial.verdict for trial in others} == {"not tried"} and len(report.trials) == len(TRIALS)
    assert {trial.detail for trial in others} == {"not tried: until 'echoes one message' is passed"}
    assert str(report).count("NameError") == 1 and not report.passed


@pytest.mark.skipif(
    sys.version_info[:2] == (3, 12), reason="on CPython 3.12 a bare except in a loop catches what would end the loop"
)
def test_a_server_that_swallows_everything_is_told_what_it_does() -> None:
    (verdict, detail), *others = seen(trial_servers.swallows_everything)
    assert verdict == "failed"
    assert detail.startswith("0 of 6 bytes came back; the server was running in line ")
    assert {verdict for verdict, _ in others} == {"not tried"}


def test_a_server_that_nothing_can_end_costs_one_trial() -> None:
    release = threading.Event()

    def mine(listener, stop):
        release.wait()

    first, second = muxlab.check(mine, trials=[ECHOES, "accepts a burst of 300"]).trials
    release.set()
    muxlab.stop_all()
    line = line_in(mine, "release.wait()")
    assert first.detail == f"it could not be ended: it is still in line {line}: release.wait()"
    assert second[1:3] == (None, "not tried: after 'echoes one message' the server could not be ended")


def test_one_that_ends_late_has_all_other_trials_run_and_its_cause_told_once() -> None:
    def mine(listener, stop):
        socks = [stop, listener]
        while not stop.is_set():
            for sock in select.select(socks, [], [])[0]:
                if sock is listener:
                    socks.append(sock.accept()[0])
                elif sock is not stop:
                    if data := sock.recv(65536):
                        sock.sendall(data)
                    else:
                        socks.remove(sock)
                        sock.close()

    trials = [
        ECHOES,
        "survives a reset before any data",
        "survives a reset between messages",
        "forgets clients that left",
    ]
    report = muxlab.check(mine, trials)
    line = line_in(mine, "sock.recv")
    assert [trial.verdict for trial in report.trials] == ["passed", "failed", "failed", "passed"]
    _, first, second, _ = report.trials
    assert first.detail.endswith(f"Connection reset by peer, in line {line}: if data := sock.recv(65536):")
    assert second.detail == f"again ConnectionResetError in line {line}"
    assert first.lesson == second.lesson == "Which calls on a client's socket can raise, and what catches it?"
    assert str(report).count(first.lesson) == 1


def test_what_a_server_raises_decides_about_the_lesson() -> None:
    def lesson(error: BaseException) -> str:
        def mine(listener, stop):
            raise error

        (trial,) = muxlab.check(mine, ECHOES).trials
        return trial.lesson

    assert "spelt" in lesson(NameError("x")) and "spelt" in lesson(UnboundLocalError("x"))
    assert "order" in lesson(OSError(errno.EBADF, "x")) and "order" in lesson(OSError(errno.ENOENT, "x"))
    assert "raise" in lesson(BrokenPipeError(errno.EPIPE, "x")) and "nothing" in lesson(
        BlockingIOError(errno.EAGAIN, "x")
    )
    assert lesson(KeyError(3)) == lesson(SystemExit(2)) == TRIALS[ECHOES].lesson


def test_what_fails_for_its_own_reason_has_a_lesson_of_its_own() -> None:
    def keeps_sockets(listener, stop):
        conns = []
        while not stop.is_set():
            for sock in select.select([stop, listener, *conns], [], [])[0]:
                if sock is listener:
                    conns.append(sock.accept()[0])
                elif sock is not stop and not (data := sock.recv(65536)):
                    conns.remove(sock)
                    kept.append(sock)
                elif sock is not stop:
                    sock.sendall(data)

    kept: list = []
    (trial,) = muxlab.check(keeps_sockets, "survives clients that connect and leave").trials
    assert trial.detail == "after 9 clients connected and left, 9 of their sockets were still open"
    assert trial.lesson.startswith("Who closes the socket")


# ---- always a verdict


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise RuntimeError


def test_an_error_that_cannot_be_shown_is_a_verdict() -> None:
    def mine(listener, stop):
        raise Unspeakable

    ((verdict, detail),) = seen(mine, ECHOES)
    assert (
        verdict == "failed" and "Unspeakable: (its message cannot be shown" in detail and "raise Unspeakable" in detail
    )


@pytest.mark.parametrize("close", [socket.socket.close, lambda sock: os.close(sock.detach()), socket.socket.detach])
def test_a_closed_listener_is_a_verdict(close) -> None:
    def mine(listener, stop):
        with listener.accept()[0] as conn:
            close(listener)
            conn.sendall(conn.recv(100))
            select.select([stop], [], [])

    assert seen(mine, ECHOES) == [("failed", "your function closed its listener: nobody can connect any more")]


def test_a_server_that_closes_every_descriptor_is_a_verdict() -> None:
    code = """if True:
        import os, select, muxlab
        def mine(listener, stop):
            for fd in range(3, 1100):
                if fd not in (listener.fileno(), stop.fileno()):
                    try:
                        os.close(fd)
                    except OSError:
                        pass
            select.select([stop], [], [])
        print(muxlab.check(mine, "echoes one message").passed)
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "False\n"), done.stderr


def test_a_server_that_returns_at_once_is_told_so() -> None:
    found = seen(lambda listener, stop: None, ECHOES, "sleeps when nobody talks")
    assert found[0] == ("failed", "the server function returned, and nobody had told it to")
    assert found[1][0] == "not tried" or found[1] == found[0]


def test_a_server_that_the_machine_keeps_waiting_is_not_ended_by_force(monkeypatch: pytest.MonkeyPatch) -> None:
    """asyncio cleans up on its way out, and on a busy machine that takes a while."""

    def cleans_up(listener: socket.socket, stop: Any) -> None:
        select.select([stop], [], [])
        threading.Event().wait(3 * server_on_trial.GRACE)

    monkeypatch.setattr(patience.Lookout, "_its_own", lambda self, pause: pause / 10)
    with Bench(cleans_up) as trial:
        server = trial.serve()
    assert server.error is None and not server.alive and not server.forced


def test_a_server_that_takes_no_stop_is_not_asked_to_return() -> None:
    def mine(listener):
        muxlab.SERVERS["select"](listener, listener_only)

    listener_only = type("Never", (), {"is_set": lambda self: False, "fileno": lambda self: never[0].fileno()})()
    never = socket.socketpair()
    report = muxlab.check(mine, trials=[ECHOES, "returns when told to stop"])
    assert [trial.passed for trial in report.trials] == [True, None]
    for sock in never:
        sock.close()


# ---- slow, and not wrong


def test_what_is_slow_but_right_is_told_how_slow_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "LIMIT", 0.5)
    monkeypatch.setattr(bench, "LIMIT", 0.5)
    ((verdict, detail),) = seen(trial_servers.naps_at_the_door, "serves 64 clients in turn")
    assert verdict == "failed" and re.fullmatch(
        r"too slow, though right so far: [\d,]+ ms for each client, and 64 of them would take \d+ s", detail
    )


@pytest.mark.parametrize("fn", [trial_servers.naps_in_select, trial_servers.naps_on_a_lock], ids=lambda fn: fn.__name__)
def test_a_nap_is_told_with_its_line(fn) -> None:
    ((verdict, detail),) = seen(fn, "does not nap while clients wait")
    line = line_in(fn, "serve(")
    assert verdict == "failed" and detail.startswith(f"while clients waited, it slept in line {line}: serve(")


def test_a_nap_is_seen_in_a_server_whose_wait_is_not() -> None:
    def mine(listener, stop):
        trial_servers.naps_in_select(listener, stop)  # of another module: no tap reaches there

    ((verdict, detail),) = seen(mine, "does not nap while clients wait")
    assert verdict == "failed" and "it slept in line" in detail


def test_to_nap_is_a_limit_for_a_server_that_polls() -> None:
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

    ((verdict, detail),) = seen(naps, "does not nap while clients wait")
    assert verdict == "limit of the model" and "server that polls" in detail


class Starved:
    """A server that is ready to run, on a machine that has no core for it."""

    def __init__(self) -> None:
        self.thread = threading.current_thread()
        self.cpu = 0.0

    def cpu_seconds(self) -> float:
        return self.cpu


def test_what_a_busy_machine_holds_up_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    server: Any = Starved()
    monkeypatch.setattr(Pulse, "call", lambda self: None)  # it runs, or would
    lookout = patience.Lookout(server, lambda: True)
    looks = iter(range(1000))
    assert lookout.eventually(lambda: next(looks) == 50, 0.05), (
        "50 looks are ten times as long, and it had no time at all"
    )

    def runs() -> None:
        server.cpu += 0.02

    assert not lookout.attend([], runs, 0.1)
    assert server.cpu > 0.1, "a tenth of a second was given up before the server had run for as long"
    monkeypatch.setattr(Pulse, "call", lambda self: 232)  # asleep in epoll_wait
    assert not lookout.eventually(lambda: False, 0.05)
    lookout.close()


@pytest.mark.parametrize("tap", [False, True])
def test_a_server_that_is_held_accepts_nobody_until_it_is_released(tap: bool) -> None:
    with Bench(muxlab.SERVERS["epoll"]) as held:
        held.serve(hold=True, tap=tap)
        client = held.client().say(b"hello\n")
        assert not held.wait([client], lambda: held.server.accept_queue()[0] == 0)
        held.release()
        assert held.answered(client)


def test_a_flood_that_begins_late_on_a_busy_machine_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """All questions of the polite client may be answered before the flood's thread has had a core."""
    begun, read = threading.Event(), backpressure.Flood._read

    def late(flood: backpressure.Flood) -> None:
        begun.wait(5)
        read(flood)

    def look(bench: Bench, condition: Callable[[], object]) -> bool:
        begun.set()
        return happens(bench, condition)

    happens = Bench.happens
    monkeypatch.setattr(backpressure.Flood, "_read", late)
    monkeypatch.setattr(Bench, "happens", look)
    assert muxlab.check(muxlab.SERVERS["epoll"], "is fair while one client floods").passed


def test_what_has_hung_once_is_waited_for_no_longer() -> None:
    waits = patience.Patience()
    before = waits.seconds
    with Bench(lambda listener, stop: select.select([stop], [], []), waits) as mine:
        assert not mine.answered(mine.client().say(b"hello"))
    assert waits.seconds < before


def test_a_reset_that_the_kernel_tells_late_is_no_fault_of_the_servers() -> None:
    """The kernel answers some resets with a question, and tells the server about the end only later."""
    waits = patience.Patience()
    waits.lose()
    with Bench(muxlab.SERVERS["epoll"], waits) as mine:
        _, late = mine.guests(2)
        later = threading.Timer(2 * waits.seconds, late.reset)
        later.start()
        endings.all_closed(mine, "one client had left")
        later.join()
        assert len(mine.server.connections()) == 1


# ---- the room that it needs


def under_limit(descriptors: int, *trials: str) -> subprocess.CompletedProcess:
    """Check a server in a process that may have so many descriptors."""
    command = f'ulimit -n {descriptors}; exec "$0" -m muxlab check "$@"'
    place = f"{trial_servers.__file__}:with_nothing_wrong"
    arguments = [argument for trial in trials for argument in ("--trial", trial)]
    return subprocess.run(
        ["bash", "-c", command, sys.executable, place, *arguments], capture_output=True, text=True, timeout=120
    )


def test_each_trial_asks_for_the_room_that_it_needs() -> None:
    done = under_limit(256, ECHOES, "serves 64 clients in turn", "accepts a burst of 300")
    assert done.returncode == 0, done.stderr
    assert "2 of 3 trials passed, 1 not tried" in done.stdout
    assert "not tried: accepts a burst of 300 (no room here for so many clients: 256 descriptors" in " ".join(
        done.stdout.split()
    )


def test_where_nothing_can_be_tried_nothing_is_passed() -> None:
    done = under_limit(64, ECHOES, "serves 64 clients in turn")
    assert done.returncode == 2, done.stdout
    assert "0 of 2 trials passed, 2 not tried" in done.stdout


# ---- what is asked for


def test_the_simplest_trial_is_run_first_whatever_the_order() -> None:
    report = muxlab.check(muxlab.SERVERS["epoll"], trials=["serves 64 clients in turn", ECHOES, ECHOES])
    assert [trial.name for trial in report.trials] == [ECHOES, "serves 64 clients in turn"]


def test_a_trial_is_run_after_all_that_it_needs() -> None:
    before: set[str] = set()
    for name, trial in TRIALS.items():
        assert {needed.name for needed in trial.needs} <= before, name
        before.add(name)
    assert [name for name, trial in TRIALS.items() if not trial.needs] == [ECHOES]


def test_an_unknown_trial_is_refused_with_the_names_that_there_are() -> None:
    with pytest.raises(ValueError, match=r"no trial is called 'sings'; there are: echoes one message, answers"):
        muxlab.check(muxlab.SERVERS["epoll"], trials=["sings"])


def test_a_trial_on_request_is_run_only_when_it_is_named() -> None:
    assert not set(TRIALS) & set(ON_REQUEST)
    name = "closes clients that are silent for too long"
    (trial,) = muxlab.check(muxlab.SERVERS["epoll"], name).trials
    assert (trial.name, trial.passed) == (name, False)
    assert trial.detail == "your function takes no `idle`: give it one more parameter of that name, with a default"


def test_a_slow_client_on_a_machine_that_is_too_busy_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """It could not keep time, so that a server which closed its connection may well have been right."""
    monkeypatch.setattr(parting, "EARLY", 0.0)
    fn = muxlab.museum.EXHIBITS["one_alarm_for_a_lifetime"].fn
    (trial,) = muxlab.check(fn, "keeps a client that is slow and alive").trials
    assert trial.verdict == "not tried" and "too busy" in trial.detail


def test_a_server_that_is_held_up_while_it_hangs_up_is_caught_all_the_same() -> None:
    """A client that read meanwhile would make room for the reply, which then went as a whole, by chance."""
    late = variant(
        muxlab.museum.EXHIBITS["hangs_up_at_the_end"].fn,
        "hangs_up_late",
        "",
        ("listener.close()  # newcomers are refused", "listener.close()\ntime.sleep(0.05)"),
    )
    (trial,) = muxlab.check(late, "loses no byte when it is stopped").trials
    assert trial.passed is False and "came back" in trial.detail


def test_to_wait_for_a_thread_that_is_slow_to_start_is_no_nap(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server of threads starts one that watches for `stop`; on a busy machine that may have no core for a while."""
    bootstrap = threading.Thread._bootstrap  # type: ignore[attr-defined]

    def late(self):
        time.sleep(0.03)
        bootstrap(self)

    monkeypatch.setattr(threading.Thread, "_bootstrap", late)
    (trial,) = muxlab.check(muxlab.SERVERS["threaded"], "does not nap while clients wait").trials
    assert trial.passed, trial.detail


def test_to_ask_for_no_trial_is_refused() -> None:
    with pytest.raises(ValueError, match="name at least one trial, or leave the argument out"):
        muxlab.check(muxlab.SERVERS["epoll"], trials=[])


def test_what_is_no_server_function_is_refused() -> None:
    async def coroutine(listener, stop):
        pass

    for wrong in ("epoll", 3, coroutine, lambda: None):
        with pytest.raises(TypeError, match=r"a server is a function of|serve takes the function itself"):
            muxlab.check(wrong)


# ---- the report of a real server


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
    line = line_in(two_faced, "raise ValueError")
    assert (name, passed, trial.verdict, report.passed) == (ECHOES, False, "failed", False)
    assert detail.endswith(f"""in line {line}: raise ValueError("<script>alert(1)</script>")""")
    assert lesson in str(report) and "two_faced: 0 of 1 trials passed, 1 failed" in str(report)
    html = report._repr_html_()
    assert "<script>" not in html and "&lt;script&gt;" in html


def test_markup_that_is_echoed_stays_text() -> None:
    def mine(listener, stop):
        with listener.accept()[0] as conn:
            conn.recv(100)
            conn.sendall(b"<img src=x onerror=alert(1)>")
            select.select([stop], [], [])

    mine.__name__ = "<script>"
    report = muxlab.check(mine, ECHOES)
    (trial,) = report.trials
    assert trial.detail == "the answer is wrong from byte 0 on: b'<img src=x o' instead of b'hello\\n'"
    html = report._repr_html_()
    assert "<img" not in html and "<script" not in html and "&lt;img src=x" in html and "&lt;script&gt;" in html


def test_a_line_of_a_notebook_cell_is_shown() -> None:
    source = "def mine(listener, stop):\n    conn, _ = listener.accept()\n    missing.append(1)\n"
    linecache.cache["<cell 7>"] = len(source), None, source.splitlines(True), "<cell 7>"  # as IPython does
    scope: dict = {}
    exec(compile(source, "<cell 7>", "exec"), scope)
    (trial,) = muxlab.check(scope["mine"], trials=[ECHOES]).trials
    assert trial.detail.endswith("NameError: name 'missing' is not defined, in line 3: missing.append(1)")


CELL = """
import muxlab
from muxlab import notebook
notebook.PATIENCE = 0
muxlab.check(muxlab.SERVERS["epoll"], trials=["echoes one message", "serves 64 clients in turn"])
"""
RUN = """
import json, sys, nbclient, nbformat
notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(sys.argv[1])])
nbclient.NotebookClient(
    notebook, timeout=60, kernel_name="python3", extra_arguments=["--log-level=40"]
).execute()
print(json.dumps(notebook.cells[0].outputs))
"""


def test_a_notebook_that_a_program_runs_holds_the_report_and_nothing_else() -> None:
    pytest.importorskip("nbclient")
    done = subprocess.run([sys.executable, "-c", RUN, CELL], capture_output=True, text=True, timeout=120, check=True)
    (output,) = json.loads(done.stdout)
    assert set(output["data"]) == {"text/plain", "text/html"}
    assert output["data"]["text/plain"].startswith("epoll_server: 2 of 2 trials passed\n\n\u2713 2 passed: echoes")


# ---- clients


def test_a_wrong_answer_is_told_with_its_first_wrong_byte() -> None:
    ours, theirs = socket.socketpair()
    client = BenchClient(0)
    client.sock.close()
    client.sock = ours
    ours.setblocking(False)
    client.say(b"0123456789" * 3)
    theirs.sendall(b"0123456789" * 2 + b"012")
    assert client.read() and client.came_back == "23 of 30 bytes came back" and not client.answered
    theirs.sendall(b"34678")
    assert client.read() and client.wrong and client.got.startswith("a wrong answer; ")
    assert client.came_back == "the answer is wrong from byte 25 on: b'678' instead of b'56789'"
    ours.close()
    theirs.close()


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


def test_children_are_found_and_ended() -> None:
    before = Leftovers()
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert before.children() == {child.pid}
    before.clear(port=0)
    assert before.children() == set()
    child.stdin.close()
    child.wait()


def test_importing_muxlab_does_not_import_the_battery() -> None:
    code = "import sys, muxlab; assert 'muxlab.trials' not in sys.modules; print(muxlab.check.__module__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "muxlab.trials.runner\n"


def test_what_lies_between_two_trials_need_not_be_asked_for() -> None:
    """Most trials need the simplest one by way of others; an exercise asks for some of them only."""
    chosen = [ECHOES, "forgets clients that left", "holds more than 1,024 clients"]
    report = muxlab.check(trial_servers.misspelt, chosen)
    assert [trial.verdict for trial in report.trials] == ["failed", "not tried", "not tried"]
