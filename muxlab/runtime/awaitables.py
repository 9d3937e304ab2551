"""What a coroutine can await: clients, bytes, room, time, threads, connections.

Each comes down to one of the loop's requests, which is yielded. `types.coroutine` makes a generator something that can
be awaited, and all that it yields goes straight to the loop, through any number of `await`s.

Not handled here: host names in `connect` (look them up first, with `in_thread`), TLS.
"""

import inspect
import os
import socket
import types
from collections.abc import Callable, Coroutine, Generator
from concurrent.futures import Future
from typing import Any

from ..connection import GONE_BEFORE_ACCEPT, OUT_OF_RESOURCES, REST
from .loop import IN, OUT, Cancelled, Loop, Watchable


@types.coroutine
def readable(thing: Watchable) -> Generator:
    """Wait until `recv` or `accept` would not block.

    Cancel a task before you close what it waits for: epoll says nothing about a closed descriptor, so the task would
    wake only when the number is used again, with an OSError.
    """
    yield Loop._watch, thing, IN


@types.coroutine
def writable(thing: Watchable) -> Generator:
    """Wait until there is room in the send queue, or a `connect` has succeeded or failed."""
    yield Loop._watch, thing, OUT


@types.coroutine
def sleep(seconds: float) -> Generator:
    """Wait for some time; with 0, let the other tasks take a turn."""
    yield Loop._sleep, seconds


@types.coroutine
def in_thread(fn: Callable, *args: Any) -> Generator[Any, Any, Any]:
    """Call `fn(*args)` in another thread, as it may block; return what it returns, or raise what it raises.

    A thread cannot be stopped. A task that is cancelled, or whose loop ends, no longer waits for `fn`, but the process
    cannot end before `fn` returns.
    """
    work: Future = yield Loop._hand_over, fn, args
    return work.result()


async def accept(listener: socket.socket) -> socket.socket:
    """Return the next client's socket, nonblocking; with no descriptor left, try again after a rest."""
    _make_nonblocking(listener)
    while True:
        await readable(listener)
        try:
            sock = listener.accept()[0]
        except BlockingIOError:
            continue
        except OSError as error:
            if error.errno in OUT_OF_RESOURCES:
                await sleep(REST)
            elif error.errno not in GONE_BEFORE_ACCEPT:
                raise
        else:
            return _ready_for_use(sock)


async def recv(sock: socket.socket, size: int) -> bytes:
    """Return at most `size` bytes as soon as there are any; b"" when the other side has sent its last one."""
    _make_nonblocking(sock)
    while True:
        await readable(sock)
        try:
            return sock.recv(size)
        except BlockingIOError:  # seldom: select(2), BUGS
            pass


async def sendall(sock: socket.socket, data: bytes | bytearray | memoryview) -> None:
    """Send all of `data`; wait for room whenever the send queue is full."""
    _make_nonblocking(sock)
    rest = memoryview(data).cast("B")  # counted in bytes, and cut without copying
    while rest:
        try:
            rest = rest[sock.send(rest) :]
        except BlockingIOError:
            await writable(sock)


async def connect(address: tuple[str, int]) -> socket.socket:
    """Connect to a numeric IPv4 address and port, and return the socket, nonblocking.

    Raises:
        TypeError: the address is not a pair.
        ValueError: the host is not a numeric IPv4 address. Looking up a name may take seconds, so use
            `await in_thread(socket.gethostbyname, name)`.
        OSError: the connection was refused, or failed in another way.
    """
    if not isinstance(address, tuple):
        raise TypeError(f'address={address!r}: give a pair of host and port, as ("127.0.0.1", 80)')
    try:
        socket.inet_pton(socket.AF_INET, address[0])
    except OSError:
        raise ValueError(
            f"{address[0]!r} is not a numeric IPv4 address: if it is a host name, first await "
            "in_thread(socket.gethostbyname, name)"
        ) from None
    sock = socket.socket()
    try:
        _ready_for_use(sock)
        try:
            sock.connect(address)
        except BlockingIOError:  # EINPROGRESS: the answer is on its way
            await writable(sock)
            if error := sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                raise OSError(error, os.strerror(error)) from None
    except BaseException:
        sock.close()
        raise
    return sock


async def timeout(seconds: float, coroutine: Coroutine) -> Any:
    """Await a coroutine for at most so many seconds, and return its result; then cancel it and raise TimeoutError."""
    if not inspect.isawaitable(coroutine):
        raise TypeError(f"timeout awaits a coroutine, as `recv(sock, 100)`; not {coroutine!r}")
    late = Cancelled()
    try:
        stop_alarm = await _alarm(seconds, late)
    except BaseException:  # no number of seconds; or the task was cancelled
        coroutine.close()
        raise
    try:
        return await coroutine
    except Cancelled as cancelled:
        if cancelled is not late:
            raise
        raise TimeoutError(f"not done after {seconds:g} s") from None
    finally:
        stop_alarm()


@types.coroutine
def _alarm(seconds: float, error: Cancelled) -> Generator[Any, Any, Callable]:
    return (yield Loop._set_alarm, seconds, error)


def _make_nonblocking(sock: socket.socket) -> None:
    if sock.gettimeout() != 0:
        sock.setblocking(False)


def _ready_for_use(sock: socket.socket) -> socket.socket:
    sock.setblocking(False)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # send small replies at once: tcp(7)
    return sock
