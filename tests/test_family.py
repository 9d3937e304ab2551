"""The CPU time of a thread and of those that it starts, and of no other."""

import os
import threading
import time
from collections.abc import Callable

from helpers import eventually

from muxlab.family import Family

WORK = 0.05  # CPU seconds


def work(seconds: float = WORK) -> None:
    """Take so much CPU time in the calling thread."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        continue


def run(*functions: Callable) -> list[threading.Thread]:
    """Start a thread for each function."""
    threads = [threading.Thread(target=function) for function in functions]
    for thread in threads:
        thread.start()
    return threads


def test_it_counts_the_threads_that_were_started_and_what_they_started() -> None:
    families: list[Family] = []
    made, over = threading.Event(), threading.Event()

    def first() -> None:
        families.append(Family())
        made.set()
        for thread in run(second):
            thread.join()

    def second() -> None:
        run(third)
        work()
        over.wait()

    def third() -> None:
        work()
        over.wait()

    (thread,) = run(first)
    made.wait()
    before = threading.Event()
    strangers = run(work, before.wait)  # started by another thread
    try:
        assert eventually(lambda: families[0].cpu_seconds() >= 2 * WORK)
        strangers[0].join()
        assert families[0].cpu_seconds() < 3 * WORK
    finally:
        over.set()
        before.set()
        for other in (thread, *strangers):
            other.join()
    assert 2 * WORK <= families[0].cpu_seconds() < 3 * WORK  # of those that have ended, what was seen last


def test_the_names_in_threading_stay_as_they_are() -> None:
    names: list[str] = []

    def first() -> None:
        Family()
        for thread in run(lambda: names.append(threading.current_thread().name)):
            thread.join()

    (thread,) = run(first)
    thread.join()
    assert thread.name.endswith("(first)") and names[0].endswith("(<lambda>)")


def test_a_thread_that_begins_as_another_ends_is_seen() -> None:
    """There are as many threads as before, then, and one of them is new."""
    families: list[Family] = []
    made, go, stay, over = (threading.Event() for _ in range(4))

    def first() -> None:
        families.append(Family())
        made.set()
        go.wait()
        run(over.wait)
        over.wait()

    first_thread, stranger = run(first, stay.wait)
    try:
        made.wait()
        tasks = len(os.listdir("/proc/self/task"))
        families[0].cpu_seconds()
        stay.set()
        stranger.join()
        assert eventually(lambda: len(os.listdir("/proc/self/task")) == tasks - 1)
        go.set()
        assert eventually(lambda: len(os.listdir("/proc/self/task")) == tasks)
        families[0].cpu_seconds()
        assert len(families[0].members) == 2
    finally:
        for event in (go, stay, over):
            event.set()
        first_thread.join()
