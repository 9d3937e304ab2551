"""A task that is cancelled, or runs out of time, closes what it holds; nothing is interrupted twice, or too late."""

import contextlib

import pytest
from loops import run

from muxlab.runtime import Cancelled, recv, sendall, sleep, timeout

pytestmark = pytest.mark.timeout(100)  # a loop may sleep without end


def test_a_cancelled_task_closes_what_it_holds(pair):
    async def holds(sock):
        with sock:
            await recv(sock, 100)

    async def main(loop):
        task = loop.spawn(holds(pair[0]))
        await sleep(0)
        task.cancel()
        await sleep(0)
        task.cancel()  # once more does nothing
        return task.done, pair[0].fileno()

    assert run(main) == (True, -1)


def test_a_task_that_is_cancelled_twice_before_its_turn_can_still_await_in_its_finally():
    log = []

    async def cleans_up():
        try:
            await sleep(60)
        finally:
            log.append("begins")
            await sleep(0)
            log.append("ends")

    async def main(loop):
        task = loop.spawn(cleans_up())
        await sleep(0)
        task.cancel()
        task.cancel()
        for _ in range(3):
            await sleep(0)
        return task.done

    assert run(main)
    assert log == ["begins", "ends"]


def test_a_cancel_in_the_finally_after_the_first_one_is_delivered():
    log = []

    async def cleans_up():
        try:
            await sleep(60)
        finally:
            log.append("begins")
            await sleep(60)
            log.append("ends")

    async def main(loop):
        task = loop.spawn(cleans_up())
        for _ in range(2):
            await sleep(0)
            task.cancel()
        await sleep(0)
        return task.done

    assert run(main)
    assert log == ["begins"]


def test_a_task_can_be_cancelled_before_its_first_turn_and_by_itself():
    async def never():
        raise AssertionError("it has taken a turn")

    async def cancels(tasks):
        tasks[0].cancel()
        await sleep(60)

    async def main(loop):
        first = loop.spawn(never())
        first.cancel()
        tasks = []
        tasks.append(loop.spawn(cancels(tasks)))
        await sleep(0)
        await sleep(0)
        return first.done, tasks[0].done

    assert run(main) == (True, True)


def test_a_task_may_go_on_after_it_was_cancelled(pair):
    async def stubborn():
        with contextlib.suppress(Cancelled):
            await recv(pair[0], 100)
        return await recv(pair[0], 100)

    async def main(loop):
        task = loop.spawn(stubborn())
        await sleep(0)
        task.cancel()
        await sleep(0)
        await sendall(pair[1], b"hello")
        while not task.done:
            await sleep(0)
        return task.result

    assert run(main) == b"hello"


def test_a_timeout_closes_what_it_interrupts_and_says_so(pair):
    async def holds(sock):
        with sock:
            await recv(sock, 100)

    async def main(loop):
        with pytest.raises(TimeoutError, match=r"not done after 0\.01 s"):
            await timeout(0.01, holds(pair[0]))
        return pair[0].fileno()

    assert run(main) == -1


def test_in_time_a_timeout_changes_nothing(pair):
    async def main(loop):
        await sendall(pair[1], b"hello")
        got = await timeout(60, recv(pair[0], 100))
        return got, len(loop._alarms)

    assert run(main) == (b"hello", 0)


def test_of_two_timeouts_each_gets_its_own():
    async def inner():
        with pytest.raises(TimeoutError):
            await timeout(0.01, sleep(60))
        await sleep(60)

    async def main(loop):
        with pytest.raises(TimeoutError, match=r"0\.03"):
            await timeout(0.03, inner())
        with pytest.raises(TimeoutError, match=r"0\.01"):
            await timeout(0.01, timeout(60, sleep(60)))
        with pytest.raises(TimeoutError):
            await timeout(0, timeout(0, sleep(60)))
        await sleep(0.01)  # nothing is left that would interrupt this
        return "still here"

    assert run(main) == "still here"


def test_an_error_of_the_system_inside_a_timeout_comes_out_as_it_is():
    """A handler for OSError takes no timeout for a broken connection while it still is on its way."""
    seen = []

    async def client():
        try:
            await sleep(60)
        except OSError:
            seen.append("taken for an OSError")

    async def main(loop):
        with pytest.raises(TimeoutError):
            await timeout(0.01, client())
        with pytest.raises(ValueError):
            await timeout(-1, client())

    run(main)
    assert seen == []
