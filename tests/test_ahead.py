"""What is run ahead of the tests: each job once, whatever goes wrong with it, and nothing goes on afterwards."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import ahead as module
import pytest
from ahead import Ahead, Job

pytestmark = pytest.mark.slow

BOUND = 30.0  # seconds, for what takes a fraction of one

JOBS = """
import os, subprocess, sys, threading
from pathlib import Path

import leaks

def adds(*words):
    return [*words, os.getpid()]

def counts(file):
    with open(file, "a") as out:
        out.write("x")

def notes(file, word):
    with open(file, "a") as out:
        out.write(word)

def waits_for(file):
    Path(file + " begun").touch()
    while not os.path.exists(file):
        threading.Event().wait(0.01)

def raises():
    raise ValueError("such is life")

def complains():
    print("something is amiss", file=sys.stderr)

def dies():
    os._exit(3)

def leaves_something():
    leaks.left_over.__defaults__ = (0.0,)  # at once, as nothing is about to end
    kept.append(open("/dev/null"))

kept = []

def goes_on(file):
    child = subprocess.Popen(["sleep", "1000"])
    Path(file + ".part").write_text(f"{os.getpid()} {child.pid}")
    os.rename(file + ".part", file)
    threading.Event().wait(1000)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for what comes of jobs, and their module where it is found."""
    (tmp_path / "some_jobs.py").write_text(JOBS)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    return tmp_path / "ahead"


@pytest.fixture
def running(folder: Path) -> Iterator[Ahead]:
    made = Ahead(folder)
    yield made
    made.end()


def until(condition) -> None:
    deadline = time.monotonic() + BOUND
    while not condition():
        assert time.monotonic() < deadline
        threading.Event().wait(0.01)


def goes_on(pid: int) -> bool:
    """Tell whether a process is there, and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except FileNotFoundError:
        return False


def test_each_job_runs_in_a_fork_of_its_own(running: Ahead) -> None:
    jobs: list[Job] = [("some_jobs:adds", str(number)) for number in range(2 * module.AT_ONCE)]
    running.begin(jobs)
    found = [running.outcome(job) for job in jobs]
    assert [word for word, _ in found] == [word for _, word in jobs]
    assert len({pid for _, pid in found} | {os.getpid()}) == len(jobs) + 1


@pytest.mark.parametrize(
    ("job", "trouble"),
    [
        ("raises", "ValueError: such is life"),
        ("complains", "something is amiss"),
        ("dies", "exit code 3"),
        ("leaves_something", "left behind: descriptor"),
    ],
)
def test_what_goes_wrong_is_told_to_those_who_ask_for_it(running: Ahead, job: str, trouble: str) -> None:
    running.begin([(f"some_jobs:{job}",), ("some_jobs:adds", "one")])
    assert running.outcome(("some_jobs:adds", "one"))[0] == "one"
    with pytest.raises(AssertionError, match=f"some_jobs:{job}: (?s:.*){trouble}"):
        running.outcome((f"some_jobs:{job}",))


def test_what_a_test_waits_for_is_run_next(running: Ahead, tmp_path: Path) -> None:
    gates, log = [tmp_path / f"gate {number}" for number in range(module.AT_ONCE)], tmp_path / "log"
    blocked: list[Job] = [("some_jobs:waits_for", str(gate)) for gate in gates]
    others: list[Job] = [("some_jobs:notes", str(log), word) for word in "abc"]
    running.begin([*blocked, *others])
    until(lambda: all(Path(f"{gate} begun").exists() for gate in gates))
    running.want(others[2])
    gates[0].touch()  # from now on there is room for one at a time
    running.outcome(others[2])
    assert log.read_text().startswith("c")


def test_several_workers_run_a_job_once(folder: Path, tmp_path: Path) -> None:
    job, file = ("some_jobs:counts", str(tmp_path / "runs")), tmp_path / "runs"
    workers = [Ahead(folder) for _ in range(3)]
    for worker in workers:
        worker.begin([job])
    assert [worker.outcome(job) for worker in workers] == [None] * 3
    for worker in workers:
        worker.end()
    late = Ahead(folder)  # a worker that was started again
    late.begin([job])
    assert late.outcome(job) is None
    late.end()
    assert file.read_text() == "x"


def test_a_job_that_takes_too_long_is_ended_with_all_that_it_started(folder: Path, tmp_path: Path) -> None:
    job = ("some_jobs:goes_on", str(tmp_path / "pids"))
    running = Ahead(folder, longest=1.0)
    running.begin([job])
    with pytest.raises(AssertionError, match="it took longer than 1 s"):
        running.outcome(job)
    running.end()
    pids = (
        (tmp_path / "pids").read_text().split() if (tmp_path / "pids").exists() else []
    )  # it may not have come so far
    assert not any(goes_on(int(pid)) for pid in pids)


def test_what_is_left_to_do_at_the_end_is_ended(running: Ahead, tmp_path: Path) -> None:
    running.begin([("some_jobs:goes_on", str(tmp_path / "pids"))])
    until((tmp_path / "pids").exists)
    running.end()
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    assert not any(goes_on(pid) for pid in pids)


def test_it_ends_with_a_run_of_tests_that_is_killed(folder: Path, tmp_path: Path) -> None:
    code = "import sys, ahead, pathlib as p; a = ahead.Ahead(p.Path(sys.argv[1])); a.begin([sys.argv[2:]]); input()"
    path = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    run = subprocess.Popen(
        [sys.executable, "-c", code, str(folder), "some_jobs:goes_on", str(tmp_path / "pids")],
        stdin=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": path},
    )
    until((tmp_path / "pids").exists)
    run.send_signal(signal.SIGKILL)
    run.communicate()
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    until(lambda: not any(goes_on(pid) for pid in pids))


def test_nobody_waits_for_what_nobody_runs(running: Ahead) -> None:
    running.begin([])
    with pytest.raises(pytest.fail.Exception, match="some_jobs:adds one: the process that runs such things ahead has"):
        running.outcome(("some_jobs:adds", "one"))
