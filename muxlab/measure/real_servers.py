"""Real servers under one lens: nginx, Redis, an asyncio server and yours answer the same clients, and strace looks on.

Each server is traced from its start. It is held while the clients connect, so that all of them wait at its door when
it looks out for the first time: nginx and Redis are stopped by a signal, a function begins when they are there. Then
each client asks for something, and leaves. The next step begins when the trace shows that the last one is done.

Where strace, a program or the permission to trace is missing, the calls are those of a recording, which lies in
`traces/`; `tools/record_traces.py` makes them.
"""

import contextlib
import functools
import itertools
import select
import socket
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..arguments import stop_argument
from ..programs import MissingProgram
from ..servers import SERVERS, name_of
from ..watch.calls import Calls
from ..watch.strace_calls import TracedCalls
from . import watched
from .watched import MUCH, Watched

CLIENTS = 10
"""Clients that come: enough to see a pattern, and few enough to see each."""

PATIENCE = 20.0
"""Seconds in which a server answers; it takes some hundredths of one."""

ALONE = 0.25
"""Seconds for which the servers are left alone in the end: a timer that goes off ten times a second shows itself."""

ROOM = 65536
"""Bytes that the client who asks for much has room for, at most about: what it does not read stays with the server."""

TRACES = Path(__file__).parent / "traces"
RECORDED = ("nginx", "redis-server", "asyncio", "epoll")


@dataclass(frozen=True)
class Glimpse:
    """What was seen of one server; `muxlab.show.compare` draws several.

    Attributes:
        name: "nginx", "redis-server", "asyncio", or the name of yours.
        calls: its calls about sockets, and its waits, from the one on by which epoll watches the listener.
        others: counts of its other system calls, by name.
        recorded: why this is a recording, in a sentence; "" if it was seen just now.
        text: what strace has printed.
    """

    name: str
    calls: Calls
    others: Counter[str] = field(default_factory=Counter)
    recorded: str = ""
    text: str = field(default="", repr=False)


@dataclass(frozen=True)
class Talk:
    """What the clients and a server say to each other.

    Attributes:
        request: what each client asks.
        reply_ends: the end of the reply.
        much: what a client asks that wants a long reply; b"" where it has to send as much itself.
        before, after: what stands right before the 8 MiB of that reply, and how many bytes come after them.
    """

    request: bytes
    reply_ends: bytes
    much: bytes = b""
    before: bytes = b""
    after: int = 0


HTTP = b"GET %s HTTP/1.1\r\nHost: muxlab\r\n\r\n"
ECHO = Talk(b"hello\n", b"hello\n")
TALKS = {
    "nginx": Talk(HTTP % b"/", b"hello\n", HTTP % b"/much", b"\r\n\r\n"),
    "redis-server": Talk(
        b"PING\r\n", b"+PONG\r\n", b"SETRANGE much %d x\r\nGET much\r\n" % (MUCH - 1), b"$%d\r\n" % MUCH, 2
    ),
}


def real_servers(yours: Callable | Mapping[str, Callable] | None = None, much: bool = False) -> dict[str, Glimpse]:
    """Let nginx, Redis, an asyncio server and yours answer the same ten clients, and look at the calls they make.

    All ten connect before the server looks. Then each of them asks for something small, one after the other; they
    leave, one after the other; and for a quarter of a second nobody is there. An echo server is asked for an echo,
    Redis for a PONG, nginx for a page of six bytes.

    Args:
        yours: your echo server's function, or {name: function}; without it, the course's epoll server.
        much: let a single client come instead, who asks for 8 MiB and reads only when the server wants room to write.

    Returns:
        For each server, by name, a `Glimpse`. Where a program or strace is missing, or the system does not allow it,
        it is a recording, and says why.

    Raises:
        TypeError, ValueError: yours is no server function, or has the name of another.
        TimeoutError: a server gives no answer.
        BaseException: what your server raised.
    """
    __tracebackhide__ = True
    given = SERVERS["epoll"] if yours is None else yours
    own = dict(given) if isinstance(given, Mapping) else {name_of(given): given}
    for name, fn in own.items():
        if not isinstance(name, str):
            raise TypeError(f"{name!r}: a server's name is a text")
        stop_argument(fn, name)
        if name in ("asyncio", *TALKS):
            raise ValueError(f"{name!r} is the name of another of the servers: choose a name for yours")
    found = {"nginx": _look("nginx", watched.nginx, much), "redis-server": _look("redis-server", watched.redis, much)}
    for name, fn in {"asyncio": SERVERS["asyncio"], **own}.items():
        found[name] = _look(name, functools.partial(watched.function, fn, name), much)
    return found


def recorded(name: str, much: bool = False, why: str = "") -> Glimpse:
    """Return the recording of one server.

    Args:
        name: "nginx", "redis-server", "asyncio" or "epoll".
        much: that of the client who asks for much.
        why: the reason for not looking at the server itself.

    Raises:
        ValueError: there is none of this name.
    """
    if name not in RECORDED:
        raise ValueError(f"there is no recording of {name!r}: {', '.join(RECORDED)}")
    text = (TRACES / f"{name}{'-much' if much else ''}.strace").read_text()
    seen = TracedCalls(name)
    seen.feed(text)
    return Glimpse(name, from_the_listener_on(seen.calls, name), seen.others, why, text)


def from_the_listener_on(calls: Calls, name: str) -> Calls:
    """Return the calls from the one on by which a server has its listener watched; what came before is its start-up."""
    events = list(
        itertools.dropwhile(lambda call: (call.name, call.who) != ("epoll.register", "listener"), calls.events)
    )
    events = [call._replace(number=number) for number, call in enumerate(events or calls.events, start=1)]
    kept = Calls((call.name, call.outcome) for call in events)
    kept.events, kept.server = events, name
    return kept


def _look(name: str, run: Callable[[], contextlib.AbstractContextManager[Watched]], much: bool) -> Glimpse:
    """Run one server, let the clients come, and return what was seen."""
    talk = TALKS.get(name, ECHO)
    try:
        with run() as server:
            _one_asks_for_much(server, talk) if much else _ten_ask_for_little(server, talk)
            calls, others, text = server.trace.calls, server.trace.others, server.trace.text()
        return Glimpse(name, from_the_listener_on(calls, name), others, text=text)
    except OSError as reason:
        if name in TALKS:  # whatever it is that keeps them from running here
            return recorded(name, much, f"{reason}. This is a recording")
        if not isinstance(reason, MissingProgram | PermissionError):
            raise
        if name == "asyncio":
            return recorded(name, much, f"{reason}. This is a recording")
        return recorded("epoll", much, f"{reason}. This is a recording, of the course's epoll server")


# ---- the clients


def _ten_ask_for_little(server: Watched, talk: Talk) -> None:
    seen = server.trace
    with contextlib.ExitStack() as open_sockets:
        clients = [open_sockets.enter_context(_connect(server)) for _ in range(CLIENTS)]
        server.let_go()
        seen.wait_for(lambda calls: calls["accept", "done"] == CLIENTS, PATIENCE)
        for number, client in enumerate(clients, start=1):
            client.sendall(talk.request)
            _read_reply(client, talk.reply_ends, number, seen.name)
        for gone, client in enumerate(clients, start=1):
            client.close()
            seen.wait_for(functools.partial(_closed, gone), PATIENCE)
        seen.wait_for(_never, ALONE)


def _one_asks_for_much(server: Watched, talk: Talk) -> None:
    """Let one client ask for much, and read only when the server has asked for room, or has been given time to."""
    with _connect(server, room=ROOM) as client:
        client.setblocking(False)
        server.let_go()
        rest = _send_some(client, memoryview(talk.much or bytes(MUCH)))
        deadline = time.monotonic() + PATIENCE
        while not asks_for_room(server.trace.calls) and time.monotonic() < deadline and server.trace.alive:
            rest = _send_some(client, rest)
            time.sleep(0.005)
        head, missing = b"", MUCH + talk.after
        while missing:
            readable, _, _ = select.select([client], [client] if rest else [], [], PATIENCE)
            rest = _send_some(client, rest)
            if not readable:
                if time.monotonic() > deadline + PATIENCE:
                    raise TimeoutError(f"{server.trace.name} has {missing:,} bytes left to send, and sends nothing")
                continue
            data = client.recv(65536)
            if not data:
                raise ConnectionError(f"{server.trace.name} hung up when it had {missing:,} bytes left to send")
            if missing == MUCH + talk.after and talk.before:
                head += data
                data = head.partition(talk.before)[2]
            missing -= len(data)
    server.trace.wait_for(functools.partial(_closed, 1), PATIENCE)


def _send_some(client: socket.socket, rest: memoryview) -> memoryview:
    """Send as much of the rest as there is room for, and return what is left."""
    with contextlib.suppress(BlockingIOError):
        while rest:
            rest = rest[client.send(rest) :]
    return rest


def _never(calls: Calls) -> bool:
    return False


def _closed(count: int, calls: Calls) -> bool:
    return calls["close", "done"] >= count


def asks_for_room(calls: Calls) -> bool:
    """Tell whether a server has asked a wait to tell it when a client has room."""
    return any("OUT" in call.args for call in calls.events if call.name in ("epoll.register", "epoll.modify"))


def _connect(server: Watched, room: int = 0) -> socket.socket:
    client = socket.socket()
    client.settimeout(PATIENCE)
    if room:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
    client.connect(server.address)
    return client


def _read_reply(client: socket.socket, end: bytes, number: int, name: str) -> None:
    reply = b""
    while not reply.endswith(end):
        try:
            data = client.recv(65536)
        except TimeoutError:
            raise TimeoutError(f"{name} gives client {number} no answer within {PATIENCE:g} s") from None
        if not data:
            raise ConnectionError(f"{name} hung up on client {number} instead of an answer")
        reply += data
