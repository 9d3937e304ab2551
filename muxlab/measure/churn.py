"""Whole servers, clocked by their CPU time: what a client costs that comes, says one thing and goes.

The crowd that stays is a `Swarm`, as in servers.py; those that come and go are plain sockets, one after the other.
"""

import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import ClassVar

from ..arguments import check_count, check_duration
from ..server import Server, serve
from ..servers import name_of
from ..swarm.swarm import Swarm
from .protocol import each, repeat, summary
from .rows import Form, Row, Rows, settings
from .servers import PATIENCE, ROUNDS, check_crowd

BATCH = 20
"""Clients of one repetition of `churn_cost`: so that what the server still does for the last one hardly counts."""

BATCHES = 10
"""Repetitions of a round at most: each client leaves a port behind that is taken for a minute (TIME_WAIT), of some
28,000."""


@dataclass(frozen=True)
class ChurnCost(Row):
    """What clients cost that came and went.

    Attributes:
        server: its name.
        connections: clients that stayed, and were silent.
        payload: bytes of the one message that each of the others sent.
        clients: how many came and went.
        cpu_us_per_client: CPU time of the server's threads for each of them, in microseconds; the median.
    """

    form: ClassVar[Form] = Form(
        *("server", "connections", "cpu_us_per_client"),
        title="What a client costs that comes and goes",
        sizes="silent connections beside it",
        costs="CPU microseconds per client",
        one="a client that comes and goes",
    )
    server: str
    connections: int
    payload: int
    clients: int
    cpu_us_per_client: float


def churn_cost(
    fn: Callable, connections: int | Iterable[int] = 1, seconds: float = 0.25, payload: int = 64, isolate: bool = False
) -> Rows:
    """Measure what a client costs the server that connects, says one thing, hears the reply and goes.

    Protocol: the server is started anew for each number; `connections` silent clients connect and stay. Then one client
    after the other connects, sends one message, reads the whole reply and closes. CPU time is that of the server's
    thread. All numbers are gone through five times, one after the other: on which processors a server and its clients
    come to lie makes a difference of up to two, and stays as it is while they run. Here epoll has the most to do beside
    waiting: for each client an EPOLL_CTL_ADD and an EPOLL_CTL_DEL.

    Source: short connections are one of the workloads of Gammo, Brecht, Shukla, Pariag, *Comparing and Evaluating
    epoll, select, and poll Event Mechanisms*, OLS 2004; see `published.profile` for what epoll_ctl cost them.

    Known weaknesses: a server with a thread for each client is charged too little, as what a thread has run since it
    was last looked at is not known once it has ended. One client at a time, so each wait has one event. To accept and
    close a TCP connection costs far more than to watch it, so ratios are small; client and server share the interpreter
    lock.

    Args:
        fn: a server function, as for `serve`.
        connections: silent clients that stay; a number, or several.
        seconds: how long each setting is measured, and 1,000 clients at most.
        payload: bytes of the message.
        isolate: True puts the silent clients into a process of their own, as in `Swarm`.

    Returns:
        One row for each number of connections.

    Raises:
        TypeError, ValueError: as for `echo_cost`.
        OSError: the server hangs up before it has answered, or does not answer.
        BaseException: what the server raised.
    """
    __tracebackhide__ = True
    check_duration(seconds)
    check_count("payload", payload)
    counts = settings("connections", connections)
    check_crowd(fn, max(counts) + 1)
    name = name_of(fn)
    costs: dict[int, list[float]] = {count: [] for count in counts}

    def measure(count: int) -> None:
        costs[count] += _churn(fn, count, seconds / ROUNDS, payload, isolate)

    each([*costs] * ROUNDS, f"clients, {name}", measure)
    medians = ((count, len(found), *summary(found)) for count, found in costs.items())
    return Rows(ChurnCost(name, count, payload, BATCH * made, cost, **rest) for count, made, cost, rest in medians)


def _churn(fn: Callable, connections: int, seconds: float, payload: int, isolate: bool) -> list[float]:
    __tracebackhide__ = True
    with serve(fn, backlog=max(128, connections)) as server, Swarm(server, connections, 0, isolate=isolate) as swarm:
        swarm.wait_connected(timeout=PATIENCE)
        return repeat(lambda: _batch(server, bytes(payload)), seconds, BATCHES)


def _batch(server: Server, message: bytes) -> float:
    """Return the microseconds of the server's CPU time for each of some clients that come and go."""
    start = server.cpu_seconds()
    for _ in range(BATCH):
        with socket.socket() as client:  # not create_connection, which leaves it open when it is interrupted
            client.settimeout(PATIENCE)
            client.connect(server.address)
            client.sendall(message)
            unheard = len(message)
            while unheard:
                data = client.recv(unheard)
                if not data:
                    raise ConnectionError(f"{server.name} hung up with {unheard} bytes of its reply missing")
                unheard -= len(data)
    return (server.cpu_seconds() - start) / BATCH * 1e6
