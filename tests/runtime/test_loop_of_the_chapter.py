"""The loop that chapter 11 builds, taken from its cells: it survives what the package's own loop survives."""

import contextlib
import socket

import pytest
from chapter_loop import definitions_of_the_chapter

pytestmark = pytest.mark.timeout(100)  # a loop may sleep without end


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
@pytest.mark.ahead("chapter_loop:run_battery")
def test_the_echo_server_passes_the_battery_on_the_loop_of_the_chapter_too(verdicts):
    """On this package's loop it is tried as the solution of the exercise."""
    assert verdicts and [trial for trial in verdicts if not trial.passed] == []
