"""The echo servers to compare with, each a function of `(listener, stop)` like the reference ones.

But for the bare loop, they keep the promises of the reference servers' `Connection`: at most 64 KiB a read, and no
reading from a client that does not take its replies. Both libraries set TCP_NODELAY themselves.
"""

import asyncio
import contextlib
import functools
import select
import socket
from collections.abc import Callable

try:
    import uvloop
except ImportError:
    uvloop = None

BACKLOG = 4096
"""Length of every server's accept queue, so that no connect has to be tried again: Linux's own default limit."""

READ_SIZE = 65536
"""Bytes asked of one read: what the reference servers ask for."""


class EchoProtocol(asyncio.Protocol):
    """One client, by asyncio's callbacks: the loop reads, and calls."""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)

    def pause_writing(self):
        self.transport.pause_reading()

    def resume_writing(self):
        self.transport.resume_reading()


async def _echo_stream(reader, writer):
    with contextlib.closing(writer), contextlib.suppress(ConnectionError):  # a reset is this client's end alone
        while data := await reader.read(READ_SIZE):
            writer.write(data)
            await writer.drain()


async def _serve(start, stop):
    loop = asyncio.get_running_loop()
    told = asyncio.Event()
    loop.add_reader(stop.fileno(), told.set)
    async with await start(loop):
        await told.wait()
        loop.remove_reader(stop.fileno())
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


def streams(listener, stop, new_loop=asyncio.new_event_loop):
    """Echo by streams: one coroutine for each client."""

    def start(_):
        return asyncio.start_server(_echo_stream, sock=listener, limit=READ_SIZE, backlog=BACKLOG)

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(_serve(start, stop))


def protocol(listener, stop, new_loop):
    """Echo by a Protocol, on a loop other than asyncio's: callbacks, the shortest way through it."""

    def start(loop):
        return loop.create_server(EchoProtocol, sock=listener, backlog=BACKLOG)

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(_serve(start, stop))


def bare_loop(listener, stop):
    """Echo by the least that a loop in Python can do: receive and send, and take it for granted that both succeed.

    It keeps none of the promises: it forgets what a send has not taken, and a client that is reset ends it. What it
    costs is the price of Python's calls themselves; whatever a server does besides comes on top.
    """
    socks = {}
    listener.setblocking(False)
    with select.epoll() as epoll, contextlib.ExitStack() as opened:
        epoll.register(stop, select.EPOLLIN)
        epoll.register(listener, select.EPOLLIN)
        while not stop.is_set():
            for fd, _ in epoll.poll():
                if fd in socks:
                    sock = socks[fd]
                    data = sock.recv(READ_SIZE)
                    if data:
                        sock.send(data)
                    else:
                        epoll.unregister(fd)
                        del socks[fd]
                        sock.close()
                elif fd == listener.fileno():
                    sock = opened.enter_context(listener.accept()[0])
                    sock.setblocking(False)
                    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    socks[sock.fileno()] = sock
                    epoll.register(sock, select.EPOLLIN)


PEERS: dict[str, Callable] = {"bare loop": bare_loop, "asyncio streams": streams}
"""By callbacks, asyncio is one of the reference servers."""

if uvloop:
    PEERS["uvloop streams"] = functools.partial(streams, new_loop=uvloop.new_event_loop)
    PEERS["uvloop Protocol"] = functools.partial(protocol, new_loop=uvloop.new_event_loop)
