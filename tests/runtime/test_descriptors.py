"""The loop watches what its tasks wait for, and nothing else; a number that is used again is a new descriptor."""

import errno
import select
import socket
import time
from array import array

import pytest
from loops import run

import muxlab
from muxlab.runtime import readable, recv, sendall, sleep, timeout, writable

pytestmark = pytest.mark.timeout(100)  # a loop may sleep without end


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
