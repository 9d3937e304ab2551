"""What takes a while and mostly waits is run ahead of the tests that ask for it, beside all others.

A test says what it asks for with the marker `ahead`: a function of a module in this folder, and strings to call it
with. When the first test of a run begins, another process is started. It makes all the calls, a few at a time, each in
a fork of its own, and each once, however many tests and workers ask for it. What came of its call a test finds in the
fixture `outcome`.

Every call has a bound; what it writes to stderr is an error, and so is what it leaves behind. Nothing goes on when the
run of the tests has ended: this process ends as soon as its standard input does.
"""

import contextlib
import fcntl
import gc
import hashlib
import importlib
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from multiprocessing import connection
from pathlib import Path
from typing import Any

import leaks
import pytest

AT_ONCE = 3  # processes: each takes a quarter of a core, and there are two cores for them and for two workers
LONGEST = 240.0  # seconds that one call may take; the longest takes about 15

Job = tuple[str, ...]
"""What to call: "module:function", and the arguments."""


def jobs_of(items: Iterable[pytest.Item]) -> list[Job]:
    """Return what these tests ask for, each once, in the order of the tests."""
    return list(dict.fromkeys(mark.args for item in items for mark in item.iter_markers("ahead")))


# ---- the side of the tests


class Ahead:
    """What is run ahead, and what came of it.

    Args:
        folder: where that is kept; all workers of one run share it.
        longest: seconds that one call may take.
    """

    def __init__(self, folder: Path, longest: float = LONGEST) -> None:
        self.folder, self.longest = folder, longest
        folder.mkdir(exist_ok=True)
        self._process: subprocess.Popen[str] | None = None

    def begin(self, jobs: list[Job]) -> None:
        """Start the process that runs them all, unless another worker has."""
        with self._lock() as lock:
            if not jobs or not _locked(lock):
                return
            self._process = subprocess.Popen(
                [sys.executable, __file__, str(self.folder), str(self.longest)],
                stdin=subprocess.PIPE,
                text=True,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                pass_fds=[lock.fileno()],  # the lock is held until the process has ended
                process_group=0,  # Ctrl-C is for the tests
            )
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(jobs) + "\n")
        self._process.stdin.flush()

    def want(self, job: Job) -> None:
        """Let a job be the next to be run, if nobody has run it yet: a test is about to wait for it."""
        file_of(self.folder, job).with_suffix(".wanted").touch()

    def outcome(self, job: Job) -> Any:
        """Wait for what came of a job, and return it."""
        self.want(job)
        file = file_of(self.folder, job)
        look_again = threading.Event()  # never set: to wait for it is to pause
        while not file.exists():
            with self._lock() as lock:
                if _locked(lock) and not file.exists():
                    pytest.fail(f"{' '.join(job)}: the process that runs such things ahead has ended without it")
            look_again.wait(0.02)
        came, trouble = json.loads(file.read_text())
        assert not trouble, f"{' '.join(job)}: {trouble}"
        return came

    def end(self) -> None:
        """End the process if it was started here, whatever is left to do: at the end of a run, all has been asked for.

        Another worker may still have to ask: then everything is waited for.
        """
        if self._process is None:
            return
        if "PYTEST_XDIST_WORKER" in os.environ:
            self._process.wait()
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def _lock(self) -> Any:
        return open(self.folder / "running.lock", "w")


def file_of(folder: Path, job: Job) -> Path:
    """Return the file that has what came of a job, as soon as it is there."""
    return folder / f"{hashlib.sha256(json.dumps(job).encode()).hexdigest()[:24]}.json"


def _locked(lock: Any) -> bool:
    """Lock an open file, until it is closed everywhere; return False if somebody else has locked it."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@pytest.fixture(scope="session", autouse=True)
def ahead(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ahead]:
    """Begin with all that the tests of this run ask for."""
    base = tmp_path_factory.getbasetemp()
    running = Ahead((base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "ahead")
    running.begin(jobs_of(request.session.items))
    yield running
    running.end()


@pytest.fixture
def outcome(request: pytest.FixtureRequest, ahead: Ahead) -> Any:
    """What came of that which the test's marker `ahead` names."""
    mark = request.node.get_closest_marker("ahead")
    assert mark is not None, "say with the marker `ahead` what is to be run"
    return ahead.outcome(mark.args)


# ---- the side of the process that runs it


def run(jobs: list[Job], folder: Path, longest: float) -> None:
    """Run all jobs that nobody has run yet, each in a fork; end them all when the standard input ends.

    Args:
        jobs: what to run, in this order, but first of all what a test is waiting for.
        folder, longest: as for `Ahead`.
    """
    for job in jobs:
        importlib.import_module(job[0].partition(":")[0])  # once, for all forks
    gc.freeze()  # what is there by now need not be looked through, and so copied, in each of them
    waiting = [job for job in jobs if not file_of(folder, job).exists()]
    running: list[Fork] = []
    try:
        while waiting or running:
            while waiting and len(running) < AT_ONCE:
                wanted = (job for job in waiting if file_of(folder, job).with_suffix(".wanted").exists())
                job = next(wanted, waiting[0])
                waiting.remove(job)
                running.append(Fork(job, folder, longest))
            if sys.stdin in connection.wait([sys.stdin, *(fork.process.sentinel for fork in running)], timeout=1):
                return
            for fork in [fork for fork in running if fork.over()]:
                running.remove(fork)
                fork.finish()
    finally:
        for fork in running:
            fork.kill()


class Fork:
    """A fork of this process that does one job; arguments as in `run`."""

    def __init__(self, job: Job, folder: Path, longest: float) -> None:
        self.longest = longest
        self.file = file_of(folder, job)
        self._came, self._errors = self.file.with_suffix(".came"), self.file.with_suffix(".errors")
        self._deadline = time.monotonic() + longest
        self.process = multiprocessing.get_context("fork").Process(target=self._do, args=(job,))
        self.process.start()

    def over(self) -> bool:
        """Tell whether it has ended, or has to be ended."""
        return not self.process.is_alive() or time.monotonic() > self._deadline

    def finish(self) -> None:
        """Tell the tests what came of it."""
        late = self.process.is_alive()
        self.kill()
        trouble = self._errors.read_text() if self._errors.exists() else ""
        if late:
            trouble += f"it took longer than {self.longest:g} s"
        elif self.process.exitcode or not self._came.exists():
            trouble += f"it ended with exit code {self.process.exitcode}"
        came = None if trouble else json.loads(self._came.read_text())
        whole = self.file.with_suffix(".whole")
        whole.write_text(json.dumps([came, trouble]))
        whole.rename(self.file)  # at once: nobody finds half of it

    def kill(self) -> None:
        """End it, and all that it has started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid or 0, signal.SIGKILL)
        self.process.join()

    def _do(self, job: Job) -> None:
        os.setpgid(0, 0)  # a group of its own, to be ended as a whole
        with open(self._errors, "w") as errors:
            os.dup2(errors.fileno(), 2)
        module, _, name = job[0].partition(":")
        before = leaks.snapshot()
        came = getattr(importlib.import_module(module), name)(*job[1:])
        if left := leaks.left_over(before):
            sys.exit(f"left behind: {', '.join(left)}")
        self._came.write_text(json.dumps(came))


if __name__ == "__main__":
    run([tuple(job) for job in json.loads(sys.stdin.readline())], Path(sys.argv[1]), float(sys.argv[2]))
