"""Other threads call into the loop and wake it, and work that is done in a thread holds nobody up."""

import socket
import threading
import time
import weakref

import pytest
from loops import run

from muxlab.runtime import Loop, in_thread, recv, sleep, timeout
from muxlab.watch.kernel import asleep_in

pytestmark = pytest.mark.timeout(100)  # a loop may sleep without end


def test_a_call_from_another_thread_is_made_in_the_loops_own():
    async def main(loop):
        called = []
        thread = threading.Thread(target=loop.call_from_thread, args=[lambda: called.append(threading.get_ident())])
        thread.start()
        while not called:
            await timeout(30, sleep(0.001))
        thread.join(10)
        return called

    assert run(main) == [threading.get_ident()]


def test_a_loop_that_waits_for_nothing_else_is_woken():
    """No timer would wake it: the call has to."""
    loop = Loop()
    a, b = socket.socketpair()

    async def main():
        with a, b:
            b.setblocking(False)
            return await recv(b, 100)

    def asleep():
        return asleep_in(main_thread) == "epoll_wait"

    def ring():
        end = time.monotonic() + 10
        while not asleep() and time.monotonic() < end:
            time.sleep(0.001)
        loop.call_from_thread(a.send, b"woken")

    main_thread = threading.current_thread()
    thread = threading.Thread(target=ring)
    thread.start()
    assert loop.run(main()) == b"woken"
    thread.join(10)


def test_a_thousand_calls_from_four_threads_all_arrive():
    async def main(loop):
        seen = []

        def call():
            for number in range(250):
                loop.call_from_thread(seen.append, number)

        threads = [threading.Thread(target=call) for _ in range(4)]
        for thread in threads:
            thread.start()
        while len(seen) < 1000:
            await timeout(30, sleep(0.001))
        for thread in threads:
            thread.join()
        return sorted(seen)

    assert run(main) == sorted(list(range(250)) * 4)


def test_a_call_may_close_a_socket_that_has_news_at_the_same_time(pair):
    near, far = pair

    async def main(loop):
        far.send(b"!")
        await recv(near, 1)  # epoll goes on watching it
        await sleep(0)  # epoll has seen that there is no more, so that the bell will be the first in its list
        loop.call_from_thread(near.close)
        far.send(b"!")
        await sleep(0)
        await sleep(0)

    run(main)
    assert near.fileno() == -1


def test_a_call_that_asks_for_itself_again_lets_the_tasks_take_their_turns():
    calls, rounds = 0, 3

    async def main(loop):
        def again():
            nonlocal calls
            calls += 1
            if calls < 1000:
                loop.call_from_thread(again)

        again()
        for _ in range(rounds):
            await sleep(0)

    run(main)
    assert calls == 1 + rounds


def test_a_call_after_the_end_is_ignored():
    async def main(loop):
        return loop

    def too_late():
        raise AssertionError("it was called")

    loop = run(main)
    loop.call_from_thread(too_late)
    kept = weakref.ref(too_late)
    del too_late
    assert kept() is None, "the loop keeps what it will never call"


def test_work_in_a_thread_returns_and_raises():
    async def main(loop):
        assert await in_thread(threading.get_ident) != threading.get_ident()
        assert await in_thread(divmod, 7, 2) == (3, 1)
        with pytest.raises(ZeroDivisionError):
            await in_thread(divmod, 7, 0)

    run(main)


def test_the_loop_goes_on_while_a_thread_works():
    """The work waits for what another task does: in the loop's own thread it would wait for nothing."""
    done = threading.Event()

    async def helps():
        await sleep(0.01)
        done.set()

    async def main(loop):
        loop.spawn(helps())
        return await in_thread(done.wait, 30)

    assert run(main) is True


def test_work_whose_result_nobody_wants_any_more_hurts_nobody():
    go_on = threading.Event()

    async def main(loop):
        with pytest.raises(TimeoutError):
            await timeout(0.01, in_thread(go_on.wait, 30))
        loop.spawn(in_thread_again())
        await sleep(0)

    async def in_thread_again():
        await in_thread(go_on.wait, 30)

    run(main)
    go_on.set()
