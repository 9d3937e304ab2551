"""Tasks take turns, timers ring in order, and the end of the loop closes all that is left."""

import errno
import math
import os
import socket
import threading
import time

import pytest
from loops import run

from muxlab.runtime import Loop, in_thread, readable, recv, sleep, timeout
from muxlab.runtime.loop import FINISHED_TIMERS

pytestmark = pytest.mark.timeout(100)  # a loop may sleep without end


# ---- tasks


def test_run_returns_the_result():
    async def twice(loop, number):
        await sleep(0)
        return 2 * number

    assert run(twice, 21) == 42


def test_tasks_take_turns():
    said = []

    async def say(name):
        for number in range(3):
            said.append(f"{name}{number}")
            await sleep(0)

    async def main(loop):
        tasks = [loop.spawn(say("a")), loop.spawn(say("b"))]
        while not all(task.done for task in tasks):
            await sleep(0)

    run(main)
    assert said == ["a0", "b0", "a1", "b1", "a2", "b2"]


def test_what_a_task_raises_ends_the_loop_and_is_raised_by_run():
    closed = []

    async def fails():
        await sleep(0)
        raise ValueError("oh")

    async def main(loop):
        loop.spawn(fails())
        try:
            await sleep(60)
        finally:
            closed.append("main")

    with pytest.raises(ValueError, match="oh"):
        run(main)
    assert closed == ["main"]


def test_what_is_left_is_closed_where_it_waits(pair):
    closed = []

    async def waits(name, thing):
        try:
            await thing
        finally:
            closed.append(name)

    async def never_starts():
        raise AssertionError("it has taken a turn")

    async def main(loop):
        tasks = [loop.spawn(waits("a sleeper", sleep(60))), loop.spawn(waits("a reader", readable(pair[0])))]
        await sleep(0)
        loop.spawn(never_starts())
        return tasks

    tasks = run(main)
    assert sorted(closed) == ["a reader", "a sleeper"]
    assert all(task.done for task in tasks)


def test_each_of_those_left_is_closed_whatever_another_one_raises():
    closed = []

    async def waits(name):
        try:
            await sleep(60)
        finally:
            closed.append(name)
            raise ValueError(name)

    async def main(loop):
        for name in "abc":
            loop.spawn(waits(name))
        await sleep(0)

    with pytest.raises(ValueError):
        run(main)
    assert sorted(closed) == ["a", "b", "c"]


def test_a_loop_runs_once():
    async def nothing():
        pass

    loop = Loop()
    loop.run(nothing())
    with pytest.raises(RuntimeError, match="make a new Loop"):
        loop.run(nothing())


def test_a_running_loop_is_not_run_again_and_goes_on():
    async def inner():
        return "it goes on"

    async def main(loop):
        coroutine = inner()
        with pytest.raises(RuntimeError, match="this loop is running"):
            loop.run(coroutine)
        return await coroutine

    assert run(main) == "it goes on"


def test_a_loop_that_could_not_begin_keeps_no_descriptor():
    before = len(os.listdir("/proc/self/fd"))
    loop = Loop()
    with pytest.raises(TypeError, match="a task is made of a coroutine"):
        loop.run(3)
    assert len(os.listdir("/proc/self/fd")) == before


def test_only_coroutines_become_tasks():
    async def talk(conn):
        pass

    async def main(loop):
        with pytest.raises(TypeError, match="talk"):
            loop.spawn(talk)

    run(main)


def test_what_this_loop_cannot_wait_for_is_refused_at_the_await():
    class Future:
        def __await__(self):
            yield self

    async def main(loop):
        with pytest.raises(TypeError, match=r"await the functions of muxlab\.runtime"):
            await Future()
        with pytest.raises(ValueError, match="seconds=-1: give a number of seconds"):
            await sleep(-1)
        with pytest.raises(ValueError, match="seconds=nan"):
            await timeout(math.nan, sleep(0))
        with pytest.raises(TypeError, match="timeout awaits a coroutine"):
            await timeout(-1, 5)
        with pytest.raises(OSError, match="closed") as found:
            await recv(closed, 100)
        assert found.value.errno == errno.EBADF
        return "it goes on"

    closed = socket.socket()
    closed.setblocking(False)
    closed.close()

    assert run(main) == "it goes on"


def test_two_loops_run_in_two_threads():
    async def main(loop):
        await sleep(0.01)
        return threading.get_ident()

    found = []
    thread = threading.Thread(target=lambda: found.append(run(main)))
    thread.start()
    found.append(run(main))
    thread.join(10)
    assert len(set(found)) == 2


# ---- time


def test_timers_ring_in_order():
    woken = []

    async def wake_after(seconds):
        await sleep(seconds)
        woken.append(seconds)

    async def main(loop):
        tasks = [loop.spawn(wake_after(seconds)) for seconds in (0.03, 0.01, 0.02, 0.01)]
        while not all(task.done for task in tasks):
            await sleep(0.01)

    run(main)
    assert woken == [0.01, 0.01, 0.02, 0.03]


def test_a_sleeping_loop_uses_no_processor():
    async def main(loop):
        began = time.thread_time()
        await sleep(0.3)
        return time.thread_time() - began

    assert run(main) < 0.1


def test_a_loop_sleeps_although_the_next_timer_is_farther_away_than_epoll_can_count():
    async def sleeps():
        await sleep(math.inf)

    async def main(loop):
        loop.spawn(sleeps())
        await sleep(0)
        return await in_thread(divmod, 7, 2)  # nothing else is left to do: epoll is asked to wait for the timer

    assert run(main) == (3, 1)


def test_finished_timers_are_thrown_away():
    async def main(loop):
        for _ in range(10 * FINISHED_TIMERS):
            await timeout(60, sleep(0))
        return len(loop._timers), len(loop._alarms)

    timers, alarms = run(main)
    assert timers <= FINISHED_TIMERS + 5 and alarms == 0
