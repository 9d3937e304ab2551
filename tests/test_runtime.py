"""The runtime: tasks take turns, timers ring in order, threads wake the loop, and the end closes all that is left."""

import ast
import contextlib
import errno
import json
import math
import os
import select
import socket
import threading
import time
import weakref
from array import array
from pathlib import Path

import pytest

import muxlab
from muxlab.course import EXERCISES
from muxlab.course.variant import source
from muxlab.runtime import (
    Cancelled,
    Loop,
    accept,
    connect,
    in_thread,
    readable,
    recv,
    sendall,
    sleep,
    timeout,
    writable,
)
from muxlab.runtime.loop import FINISHED_TIMERS
from muxlab.watch.kernel import asleep_in

CHAPTER = Path(__file__).resolve().parent.parent / "notebooks/11_write_your_own_loop.ipynb"
pytestmark = pytest.mark.timeout(100)  # a loop may sleep without end

DEFINITIONS = (ast.Import, ast.ImportFrom, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


@pytest.fixture
def pair():
    """Two connected sockets, as `accept` and `connect` make them."""
    with contextlib.ExitStack() as closing:
        ends = socket.socketpair()
        for end in ends:
            closing.enter_context(end)
            end.setblocking(False)
        yield ends


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as made:
        yield made


def run(coroutine_function, *args):
    """Run a coroutine in a loop of its own; `args` come after the loop."""
    loop = Loop()
    return loop.run(coroutine_function(loop, *args))


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


# ---- descriptors


def test_bytes_go_through_in_order_and_whole(pair):
    """More than the kernel takes at once: the sender waits for room, the reader for bytes."""
    data = bytes(range(256)) * 8192

    async def read_all(sock, size):
        got = bytearray()
        while len(got) < size:
            got += await recv(sock, 65536)
        return bytes(got)

    async def main(loop):
        reader = loop.spawn(read_all(pair[1], len(data)))
        await sendall(pair[0], data)
        pair[0].shutdown(socket.SHUT_WR)
        end = await recv(pair[1], 1) if reader.done else None
        while not reader.done:
            await sleep(0)
        return reader.result, end

    got, _ = run(main)
    assert got == data


def test_items_of_more_than_a_byte_are_sent_whole(pair):
    numbers = array("i", range(500_000))
    size = numbers.itemsize * len(numbers)

    async def main(loop):
        sender = loop.spawn(sendall(pair[0], memoryview(numbers)))
        got = bytearray()
        while len(got) < size:
            got += await timeout(30, recv(pair[1], 65536))
        await sleep(0)
        return got, sender.done

    got, done = run(main)
    assert done and got == numbers.tobytes()


def test_one_task_reads_while_another_one_writes_to_the_same_socket(pair):
    near, far = pair
    data = b"x" * 2_000_000

    async def reads():
        return await recv(near, 100)

    async def writes():
        await sendall(near, data)

    async def main(loop):
        reader, writer = loop.spawn(reads()), loop.spawn(writes())
        await sleep(0)
        assert not reader.done and not writer.done
        await sendall(far, b"hello")
        while not reader.done:
            await sleep(0)
        assert reader.result == b"hello" and not writer.done
        left = len(data)
        while left:
            left -= len(await recv(far, 65536))
        while not writer.done:
            await sleep(0)

    run(main)


def test_two_tasks_that_wait_for_the_same_are_told(pair):
    async def reads():
        await readable(pair[0])

    async def main(loop):
        loop.spawn(reads())
        await sleep(0)
        await readable(pair[0])

    with pytest.raises(RuntimeError, match="two tasks wait"):
        run(main)


def test_a_number_that_is_used_again_is_watched_again():
    """The descriptor of a closed socket goes to the next one: what was known of the first is not true of it."""

    async def main(loop):
        numbers = []
        for _ in range(3):
            near, far = socket.socketpair()
            with near, far:
                numbers.append(near.fileno())
                far.send(b"hello")
                assert await timeout(5, recv(near, 100)) == b"hello"
        return numbers

    assert len(set(run(main))) == 1


def told_that_it_is_closed(sock, told):
    """Return a coroutine that reads, and notes the number of the error that it gets instead."""

    async def reads():
        try:
            await recv(sock, 100)
        except OSError as error:
            told.append(error.errno)

    return reads()


def test_a_task_that_waits_for_a_closed_socket_is_told_when_the_number_is_used_again():
    """And the task that waits for the new one gets its bytes."""
    told = []

    async def main(loop):
        near, far = socket.socketpair()
        with far:
            number = near.fileno()
            loop.spawn(told_that_it_is_closed(near, told))
            await sleep(0)
            near.close()
            next_near, next_far = socket.socketpair()
            with next_near, next_far:
                assert next_near.fileno() == number
                next_far.send(b"hello")
                assert await timeout(30, recv(next_near, 100)) == b"hello"
        await sleep(0)

    run(main)
    assert told == [errno.EBADF]


def test_a_task_that_waits_for_a_socket_closed_but_for_a_copy_is_told(pair):
    """Its other task has had its news: the loop wants to watch less, and finds that the number is closed."""
    near, _ = pair
    told = []

    async def main(loop):
        loop.spawn(told_that_it_is_closed(near, told))
        await sleep(0)
        await writable(near)
        with near.dup():
            near.close()
            for _ in range(3):  # epoll reports the room that the copy has
                await sleep(0)

    run(main)
    assert told == [errno.EBADF]


def test_two_things_with_one_descriptor_are_told_apart(pair):
    class Connection:
        def fileno(self):
            return pair[0].fileno()

        def __repr__(self):
            return "<the connection>"

    async def main(loop):
        pair[1].send(b"hello")
        await readable(Connection())
        with pytest.raises(RuntimeError, match="watched already, as <the connection>: wait for that object"):
            await recv(pair[0], 100)
        return "it goes on"

    assert run(main) == "it goes on"


def test_a_closed_socket_that_a_fork_still_has_is_reported_and_hurts_nobody(pair):
    near, far = pair

    async def read_and_close(loop):
        far.send(b"x")
        assert await recv(near, 1) == b"x"
        copy = near.dup()  # what a child process has between fork and exec
        with copy:
            near.close()
            far.send(b"y")
            for _ in range(5):
                await sleep(0)  # epoll reports the number that is closed here, each time
        return "still here"

    assert run(read_and_close) == "still here"


def test_a_client_that_talks_again_costs_no_call_of_epoll(pair):
    near, far = pair

    async def main(loop):
        for _ in range(10):
            far.send(b"hello")
            await recv(near, 100)
            before = muxlab.interest_list(loop._epoll)
            assert before[near.fileno()] & select.EPOLLIN
        return "done"

    assert run(main) == "done"


def test_what_no_task_waits_for_does_not_wake_the_loop_again_and_again(pair):
    near, far = pair

    async def main(loop):
        far.send(b"hello")
        await readable(near)
        began = time.thread_time()
        await sleep(0.3)  # the bytes are still there
        used = time.thread_time() - began
        assert near.fileno() not in muxlab.interest_list(loop._epoll)
        assert await recv(near, 100) == b"hello"
        far.close()
        await readable(near)
        await sleep(0.05)
        return used

    assert run(main) < 0.1


def test_a_descriptor_is_watched_only_for_what_a_task_waits_for(pair):
    near, _ = pair

    async def main(loop):
        reader, writer = loop.spawn(recv(near, 1)), loop.spawn(writes())
        while not writer.done:
            await sleep(0)
        await sleep(0)  # epoll has reported the room once more
        events = muxlab.interest_list(loop._epoll)[near.fileno()]
        assert not reader.done and events & select.EPOLLIN and not events & select.EPOLLOUT

    async def writes():
        await writable(near)

    run(main)


# ---- threads


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


# ---- the end of waiting


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


# ---- connections


def test_a_loop_is_server_and_client(listener):
    async def echo(conn):
        with conn:
            while data := await recv(conn, 65536):
                await sendall(conn, data)

    async def serve(loop):
        while True:
            loop.spawn(echo(await accept(listener)))

    async def main(loop):
        loop.spawn(serve(loop))
        answers = []
        for number in range(5):
            with await connect(listener.getsockname()) as sock:
                await sendall(sock, b"%d" % number)
                answers.append(await recv(sock, 100))
        return answers

    assert run(main) == [b"0", b"1", b"2", b"3", b"4"]


def test_a_connect_that_is_refused_raises_and_leaves_no_socket():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # and it does not listen

        async def main(loop):
            await connect(bound.getsockname())

        with pytest.raises(ConnectionRefusedError) as found:
            run(main)
    assert found.value.errno == errno.ECONNREFUSED


def test_a_connect_that_is_never_answered_can_be_given_up():
    """The accept queue is full: the kernel says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, contextlib.ExitStack() as closing:

        async def main(loop):
            for _ in range(10):
                closing.enter_context(await timeout(0.05, connect(listener.getsockname())))

        with pytest.raises(TimeoutError):
            run(main)


def test_a_name_is_not_looked_up_in_the_loop():
    async def main(loop):
        with pytest.raises(ValueError, match="gethostbyname"):
            await connect(("localhost", 80))
        with pytest.raises(ValueError, match="'::1' is not a numeric IPv4 address"):
            await connect(("::1", 80))
        with pytest.raises(TypeError, match="give a pair of host and port"):
            await connect("127.0.0.1:80")

    run(main)


# ---- the loop of the chapter


def definitions_of_the_chapter() -> dict:
    """Run the imports and the definitions of chapter 11, and nothing else; the latest version of each stays."""
    names: dict = {}
    for cell in json.loads(CHAPTER.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            tree = ast.parse("".join(cell["source"]))
            tree.body = [statement for statement in tree.body if isinstance(statement, DEFINITIONS)]
            exec(compile(tree, str(CHAPTER), "exec"), names)
    return names


def test_the_loop_of_the_chapter_survives_a_cancel_from_a_thread_while_the_socket_has_news(pair):
    names = definitions_of_the_chapter()
    near, far = pair

    async def reads():
        with near:
            await names["recv"](near, 1)

    async def main(loop):
        task = loop.spawn(reads())
        await names["sleep"](0)
        loop.call_from_thread(task.cancel)
        far.send(b"!")  # after the bell, so that epoll names the bell first
        while not task.done:
            await names["sleep"](0)

    loop = names["Loop"]()
    loop.run(main(loop))
    assert near.fileno() == -1


def test_the_connect_of_the_chapter_leaves_no_socket_when_it_is_given_up():
    """The accept queue is full: the kernel says nothing."""
    names = definitions_of_the_chapter()
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, contextlib.ExitStack() as closing:

        async def main(loop):
            for _ in range(10):
                connecting = names["connect"](listener.getsockname())
                closing.enter_context(await names["timeout"](loop, 0.05, connecting))

        loop = names["Loop"]()
        with pytest.raises(TimeoutError):
            loop.run(main(loop))


@pytest.mark.battery
def test_the_echo_server_passes_the_battery_on_the_loop_of_the_chapter_too():
    """On this package's loop it is tried as the solution of the exercise."""
    names = definitions_of_the_chapter()
    exec(source(*EXERCISES["async-echo"].functions), names)
    report = muxlab.check(names["async_echo"])
    assert report.passed, str(report)
