"""Who wakes up where several wait: counts of the kernel, the same on a quiet machine and on a busy one."""

import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import no_descriptors_left

from muxlab.errors import Interrupted
from muxlab.measure import apart, herd, one_epoll
from muxlab.measure.herd import WAYS, Herd

IN, ET, ONESHOT = select.EPOLLIN, select.EPOLLET, select.EPOLLONESHOT


# ---- several processes at one door


def test_plain_epolls_are_a_herd() -> None:
    few, many = herd("epoll", [1, 3], 5)
    assert (few.wake_ups, few.for_nothing, few.shares) == (5, 0, (5,))
    assert (many.wake_ups, many.for_nothing, sum(many.shares)) == (15, 10, 5)
    assert many.woken_by_each == 3


@pytest.mark.parametrize("way", [way for way in WAYS if way != "epoll"])
def test_all_other_ways_wake_one(way: str) -> None:
    (row,) = herd(way, 3, 6)
    assert (row.way, row.workers, row.connections) == (way, 3, 6)
    assert (row.wake_ups, row.for_nothing, sum(row.shares)) == (6, 0, 6)
    assert row.woken_by_each == 1


@pytest.mark.parametrize(
    ("way", "shares"),
    [("accept", (2, 2, 2)), ("exclusive", (6, 0, 0)), ("in turn", (2, 2, 2)), ("one epoll", (0, 0, 6))],
)
def test_the_kernel_has_its_order(way: str, shares: tuple[int, ...]) -> None:
    """Those in accept take turns, epolls are asked from the first one on, and one epoll wakes the last sleeper."""
    (row,) = herd(way, 3, 6)
    assert row.shares == shares


@pytest.mark.parametrize(
    ("way", "shares"),
    [("accept", (0, 3, 3)), ("exclusive", (0, 6, 0)), ("in turn", (0, 3, 3)), ("one epoll", (0, 0, 6))],
)
def test_a_busy_worker_is_passed_over(way: str, shares: tuple[int, ...]) -> None:
    (row,) = herd(way, 3, 6, busy=1)
    assert (row.busy, row.wake_ups, row.for_nothing, row.shares) == (1, 6, 0, shares)


def test_a_herd_is_smaller_by_those_that_are_busy() -> None:
    (row,) = herd("epoll", 3, 6, busy=1)
    assert (row.wake_ups, row.for_nothing, row.shares[0]) == (12, 6, 0)


def test_reuseport_gives_some_to_each() -> None:
    """By a hash of the addresses: that one of three gets none of 100 happens less than once in 10**17 runs."""
    (row,) = herd("reuseport", 3, 100)
    assert sum(row.shares) == 100 and min(row.shares) > 0


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        (("select",), ValueError, "'accept', 'epoll', 'exclusive', 'in turn', 'one epoll', 'reuseport'"),
        (([],), ValueError, r"way=\[\]: what workers can do is 'accept'"),
        (("epoll", 0), ValueError, "workers=0"),
        (("epoll", [2, 65]), ValueError, "workers=65.* 64 at most"),
        (("epoll", []), ValueError, r"workers=\[\]"),
        (("epoll", 1.5), TypeError, "workers=1.5"),
        (("epoll", 2, 0), ValueError, "connections=0"),
        (("epoll", 2, 1001), ValueError, "1,000 at most"),
        (("epoll", 2, 1, -1), ValueError, "busy=-1"),
        (("epoll", [3, 2], 1, 2), ValueError, "busy=2: one worker at least has to wait .* there are 2"),
        (("reuseport", 2, 1, 1), ValueError, "would wait for it"),
    ],
)
def test_a_herd_of_something_else_is_refused(arguments: tuple, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        herd(*arguments)


def test_workers_are_waited_for_where_the_signal_of_their_end_is_ignored() -> None:
    """What is ignored stays so in child processes: signal(7)."""
    command = [sys.executable, "-I", apart.__file__.replace("apart.py", "herd_workers.py"), "epoll", "3", "3", "0"]
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    finally:
        signal.signal(signal.SIGCHLD, before)
    printed, complaint = process.communicate()
    assert (process.returncode, complaint) == (0, b"")
    assert sum(json.loads(printed)["shares"]) == 3


def test_too_few_descriptors_are_explained() -> None:
    with no_descriptors_left(), pytest.raises(OSError, match="too few descriptors are left to start the experiment"):
        herd("epoll", 2, 2)


def test_without_epoll_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(select, "EPOLLEXCLUSIVE")
    with pytest.raises(OSError, match=r"herd\(\) needs Linux: .* container"):
        herd("epoll")
    with pytest.raises(OSError, match=r"one_epoll\(\) needs Linux"):
        one_epoll(IN)


# ---- several threads in one epoll


@pytest.mark.parametrize(
    ("mask", "at_once", "for_nothing", "replies"),
    [
        (IN, 3, 1, ("two", "one")),  # all three; one reads "one", one reads "two"
        (IN | ET, 2, 0, ("two", "one")),
        (IN | ONESHOT, 1, 0, ("one", "two")),
    ],
)
def test_only_oneshot_keeps_a_connection_in_one_hand(
    mask: int, at_once: int, for_nothing: int, replies: tuple[str, ...]
) -> None:
    row = one_epoll(mask, threads=3)
    assert (row.at_once, row.for_nothing, row.replies, row.unread) == (at_once, for_nothing, replies, 0)


def test_a_connection_that_is_not_armed_again_is_silent() -> None:
    row = one_epoll(IN | ONESHOT, threads=3, rearm=False)
    assert (row.watched_for, row.at_once, row.replies, row.unread) == ("IN|ONESHOT", 1, ("one",), 4)


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ((select.EPOLLOUT,), ValueError, r"this experiment knows IN, IN\|ONESHOT, IN\|ET"),
        ((float(IN),), ValueError, r"mask=1\.0: this experiment knows"),
        ((True,), ValueError, "mask=True: this experiment knows"),
        (([],), ValueError, r"mask=\[\]: this experiment knows"),
        ((IN, 2, "x"), TypeError, "rearm='x': it has to be True or False"),
        ((IN, 2, None), TypeError, "rearm=None"),
        ((IN, 1), ValueError, "threads=1.* 2 or more"),
        ((IN, 65), ValueError, "64 at most"),
        ((IN, "four"), TypeError, "threads='four'"),
    ],
)
def test_another_experiment_with_threads_is_refused(arguments: tuple, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        one_epoll(*arguments)


def test_an_unknown_processor_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["muxlab.measure.one_epoll"], "MACHINE", "abacus")
    with pytest.raises(OSError, match="of this abacus"):
        one_epoll(IN)


# ---- in a process of its own


def members_of(group: int) -> list[int]:
    """The processes of a group, those that have ended and that nobody has waited for left out."""
    found = []
    for page in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, its_group = page.read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(its_group) == group and state != "Z":
            found.append(int(page.parent.name))
    return found


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[apart.Apart]]:
    """The programs that were begun."""
    begun: list[apart.Apart] = []
    begin = apart.Apart.begin

    def noted(self: apart.Apart) -> None:
        begun.append(self)
        begin(self)

    monkeypatch.setattr(apart.Apart, "begin", noted)
    yield begun


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Have SIGUSR1 interrupt the main thread as Ctrl-C does."""

    def ctrl_c(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGUSR1, ctrl_c)
    yield
    signal.signal(signal.SIGUSR1, before)


def test_an_interrupt_ends_the_workers_too(programs: list[apart.Apart], interruptible: None) -> None:
    """It comes when a worker is there; the group is seen to have members before, and none after."""
    groups: list[int] = []
    seen: list[int] = []

    def interrupt_when_two_are_there() -> None:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if programs and programs[0]._process is not None:
                group = programs[0]._process.pid
                if len(members_of(group)) > 1:
                    groups.append(group)
                    seen.extend(members_of(group))
                    break
        os.kill(os.getpid(), signal.SIGUSR1)

    watcher = threading.Thread(target=interrupt_when_two_are_there)
    watcher.start()
    with pytest.raises(Interrupted, match=r"you stopped measuring \(herd, epoll\) after \d of 9 measurements"):
        herd("epoll", [40] * 9, 1000)
    watcher.join()
    assert len(seen) > 1
    deadline = time.monotonic() + 20
    while members_of(groups[0]) and time.monotonic() < deadline:  # init waits for the workers, soon
        time.sleep(0.01)
    assert members_of(groups[0]) == []


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A program to be written, beside which `apart` finds it."""
    monkeypatch.setattr(apart, "__file__", str(tmp_path / "apart.py"))
    yield tmp_path / "program.py"


def test_a_program_that_fails_is_quoted(program: Path) -> None:
    program.write_text("raise ValueError('not today')")
    with pytest.raises(RuntimeError, match="failed in its process: ValueError: not today") as found:
        apart.ask_apart("program.py")
    assert "line 1, in <module>" in found.value.__notes__[0]


def test_a_program_that_dies_without_a_word_is_told(program: Path) -> None:
    program.write_text("import os; os._exit(7)")
    with pytest.raises(RuntimeError, match="it ended with status 7"):
        apart.ask_apart("program.py")


def test_an_alarm_is_told(program: Path) -> None:
    program.write_text("import os, signal; os.kill(os.getpid(), signal.SIGALRM)")
    with pytest.raises(RuntimeError, match="had not ended after 60 s"):
        apart.ask_apart("program.py")


def test_one_that_does_not_end_is_ended(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "LONGEST", -9.5)
    program.write_text("import select; select.select([], [], [])")
    with pytest.raises(RuntimeError, match="had not ended"):
        apart.ask_apart("program.py")


@pytest.mark.parametrize("file", ["herd_workers.py", "one_epoll_threads.py"])
def test_the_programs_import_nothing_of_the_package(file: str) -> None:
    """They are run without a path to it."""
    text = Path(apart.__file__).with_name(file).read_text()
    assert "import muxlab" not in text and "from ." not in text and "from muxlab" not in text


def test_rows_can_be_written() -> None:
    (row,) = rows = herd("exclusive", 2, 3)
    assert isinstance(row, Herd)
    assert rows.to_csv().splitlines()[0] == "way,workers,connections,busy,wake_ups,for_nothing,shares"
