"""Exercises of chapter 11, Write your own loop."""

import collections
import select
import types

from ..runtime import Loop, accept, readable, recv, sendall, sleep
from .exercises import Exercise
from .variant import variant


def async_echo(listener, stop):
    loop = Loop()

    async def echo(conn):
        with conn:
            try:
                while data := await recv(conn, 65536):
                    await sendall(conn, data)
            except OSError:
                pass  # a reset: the end of this client, and of no other

    async def welcome():
        while True:
            try:
                conn = await accept(listener)
            except OSError:
                await sleep(0.1)  # no descriptor is left: the client stays in the queue for a while
            else:
                loop.spawn(echo(conn))

    async def main():
        loop.spawn(welcome())
        await readable(stop)

    listener.setblocking(False)  # epoll may name a client that has gone again before it is accepted
    loop.run(main())


def start_of_async_echo(listener, stop):
    loop = Loop()

    async def echo(conn):
        while data := await recv(conn, 65536):
            await sendall(conn, data)
        conn.close()

    async def welcome():
        while True:
            conn = await accept(listener)
            loop.spawn(echo(conn))

    async def main():
        loop.spawn(welcome())
        await readable(stop)

    loop.run(main())


def lost_wakeup_server(listener, stop):
    listener.setblocking(False)
    ready = collections.deque()  # the coroutines that can go on
    waiting = {}  # for each descriptor, the coroutine that waits for it
    epoll = select.epoll()

    @types.coroutine
    def can_be_read(sock):
        yield sock

    async def echo(conn):
        with conn:
            try:
                await can_be_read(conn)
                while data := conn.recv(65536):
                    conn.sendall(data)
                    await can_be_read(conn)
            except OSError:
                pass

    async def welcome():
        while True:
            await can_be_read(listener)
            conn, address = listener.accept()
            ready.append(echo(conn))

    def turn(coroutine):
        try:
            sock = coroutine.send(None)
        except StopIteration:
            return
        epoll.register(sock, select.EPOLLIN)
        waiting[sock.fileno()] = coroutine

    with epoll:
        epoll.register(stop, select.EPOLLIN)
        ready.append(welcome())
        while not stop.is_set():
            for _ in range(len(ready)):
                turn(ready.popleft())
            for fd, mask in epoll.poll(0 if ready else None):
                if fd in waiting:
                    epoll.unregister(fd)
                    ready.append(waiting.pop(fd))
    for coroutine in [*ready, *waiting.values()]:
        coroutine.close()


EXERCISES = [
    Exercise(
        name="lost-wakeup",
        chapter="11",
        about="A loop of coroutines that loses a wake-up: a client that comes alone gets no answer until somebody else "
        "comes along. Repair the loop. When there is nothing to do it sleeps, and it should go on doing so.",
        trials=(
            "echoes one message",
            "serves 64 clients in turn",
            "is not held up by a silent client",
            "survives a reset between messages",
            "sleeps when nobody talks",
            "forgets clients that left",
            "returns when told to stop",
        ),
        hints=(
            "Step it with one client, from one call to the next. In which call does the server sleep once the client "
            "has been accepted, and which descriptors does epoll watch then?",
            "The client's socket is not among them: `echo` has not had its first turn. Where is that coroutine?",
            "The `for` gives a turn to as many coroutines as were ready when it began. `welcome` adds one during its "
            "own turn, and then the loop sleeps. For how long may a loop sleep while somebody is ready?",
        ),
        why="While a coroutine is on the list `ready`, epoll is asked with a timeout of 0; the loop sleeps only when "
        "the list is empty. (Here, it would do as well to go on with `while ready` until it is.)",
        functions=(lost_wakeup_server,),
        broken=variant(
            lost_wakeup_server,
            "lost_wakeup_server",
            "A client that comes alone gets no answer until somebody else comes along.",
            ("for fd, mask in epoll.poll(0 if ready else None):", "for fd, mask in epoll.poll():"),
        ),
    ),
    Exercise(
        name="async-echo",
        chapter="11",
        about="The echo server as `async def`, on a loop of your own. It is short, and trusts its clients too much. "
        "Extend it until it passes the whole battery.",
        trials=(),
        hints=(
            "Run the check, and read the first trial that fails. An exception in one task goes through `turn` and "
            "`run`, and ends them all. Which calls in `echo` can raise one that concerns one client alone?",
            "Whatever happens to a client, its socket has to be closed: when it has sent its last byte, when it "
            "resets, and when the loop closes a task that still waits. Which statement does that in all three cases?",
            "`accept` raises, too: when no descriptor is left, or when a client has gone again. The first leaves the "
            "client in the queue, and trying again at once would keep a core busy. Let `welcome` sleep for a moment.",
            "epoll may report the listener for a client that has gone again when you accept it. On a listener that "
            "blocks, `accept` then waits for the next client, and everybody waits with it.",
        ),
        why="Each coroutine takes care of what it holds: `with` closes the socket however the conversation ends, an "
        "error ends this client alone, and `welcome` rests when `accept` fails. There is not a word about unsent "
        "bytes, as a task that waits for room is not reading. (The first line imports the course's loop, which is "
        "yours, finished. Leave it out, and the server runs on your own.)",
        functions=(async_echo,),
        start=start_of_async_echo,
    ),
]
