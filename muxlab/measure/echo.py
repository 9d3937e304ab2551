"""What one reply costs a server, end to end."""

import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from ..figures import Figures
from ..lab import Server, serve
from ..limits import check_count
from ..progress import progress
from ..servers import SERVERS
from ..swarm import Swarm
from .clock import check_seconds, summary
from .pairs import check_wall
from .rows import ECHO, Form, Row, Rows, settings

WARM_UP = 20
"""Replies before the clock starts: the first ones pay for accepting and for cold caches."""

TURNS = 5
"""Replies for each talking client while the clock runs, at least: one of them may have been paid for before."""

MOMENT, LOOKS = 0.0005, 20
"""CPU seconds of the server that are one moment, and how often one is looked for: on a busy machine other threads come
between two looks."""

ROUNDS = 5
"""How often all settings are gone through: what else the machine does for a second then hits no setting alone."""

PATIENCE = 30.0
"""Seconds for the connections, and for the first replies: a polling server with thousands of clients is slow."""


@dataclass(frozen=True)
class EchoCost(Row):
    """How one server served one crowd.

    Attributes:
        server: its name.
        connections: clients connected.
        active: clients that talked.
        payload: bytes of a message.
        replies: verified replies while the clock ran.
        replies_per_second: of them, a second.
        cpu_us_per_reply: CPU time of the server's thread for each reply, in microseconds.
        p50, p99: latency in seconds; of each the median of the rounds.
    """

    form: ClassVar[Form] = ECHO
    server: str
    connections: int
    active: int
    payload: int
    replies: int
    replies_per_second: float
    cpu_us_per_reply: float
    p50: float
    p99: float


def echo_cost(
    fn: Callable,
    connections: int | Iterable[int],
    active: int = 1,
    seconds: float = 0.25,
    payload: int = 64,
    isolate: bool = False,
) -> Rows:
    """Measure what a reply costs, for each number of connections.

    Protocol: the server is started anew for each number. All clients connect; then `active` of them send, wait for the
    whole reply, verify it and send again (a closed loop), while the others stay connected and silent. After the first
    replies the clock runs, until there were some for each that talks. All numbers are gone through five times, one
    after the other.

    Source: the course's own; silent connections around few busy ones are the load of D. Kegel's C10K page (1999) and
    of Gammo, Brecht, Shukla, Pariag, OLS 2004.

    Known weaknesses: clients and server share the machine, and without `isolate` the interpreter lock too. CPU time,
    which is of the server's thread alone, suffers little from that; replies a second and latencies suffer more. In a
    closed loop a slow server is asked less often, so latencies are those of a polite crowd.

    Args:
        fn: a server function, as for `serve`.
        connections: clients in all; a number, or several.
        active: clients that talk.
        seconds: how long the clock runs for each number of connections, in all; longer where replies are rare.
        payload: bytes of a message.
        isolate: the clients get a process of their own, as in `Swarm`.

    Returns:
        One row for each number of connections.

    Raises:
        ValueError: a number is out of range, the machine does not allow so many connections, or the reference select
            server would have to watch more than select can.
        TimeoutError: the server does not answer.
    """
    check_seconds(seconds)
    check_count("active", active)
    check_count("payload", payload)
    counts = settings("connections", connections)
    check_select_server(fn, max(counts))
    name = getattr(fn, "__name__", "server")
    runs: dict[int, list[_Run]] = {count: [] for count in counts}
    for count in progress([*runs] * ROUNDS, f"replies, {name}"):
        runs[count].append(_run(fn, count, active, seconds / ROUNDS, payload, isolate))
    return Rows(_row(count, active, payload, runs[count]) for count in counts)


def check_select_server(fn: Callable, connections: int) -> None:
    """Refuse with a ValueError what the reference select server would turn away."""
    if fn is SERVERS["select"]:
        check_wall("select", connections)


class _Run(NamedTuple):
    """One setting in one round; cpu and took in seconds."""

    server: str
    replies: int
    cpu: float
    took: float
    latency: Figures


def _run(fn: Callable, connections: int, active: int, seconds: float, payload: int, isolate: bool) -> _Run:
    with (
        serve(fn, backlog=max(128, connections)) as server,
        Swarm(server, connections, active=0, payload=payload, isolate=isolate) as swarm,
    ):
        swarm.wait_connected(timeout=PATIENCE)
        swarm.active = active
        swarm.wait_replies(WARM_UP, timeout=PATIENCE)
        start, cpu, replies = time.perf_counter(), *_look(server, swarm)
        time.sleep(seconds)
        missing = max(WARM_UP, TURNS * active) - (swarm.snapshot().replies - replies)
        if missing > 0:
            swarm.wait_replies(missing, timeout=PATIENCE)
        end, cpu_end, replies_end = time.perf_counter(), *_look(server, swarm)
        return _Run(server.name, replies_end - replies, cpu_end - cpu, end - start, swarm.snapshot().total)


def _look(server: Server, swarm: Swarm) -> tuple[float, int]:
    """The server's CPU seconds and the replies at one moment; looked for again if the server did much meanwhile."""
    for _ in range(LOOKS):
        before, replies, cpu = server.cpu_seconds(), swarm.snapshot().replies, server.cpu_seconds()
        if cpu - before < MOMENT:
            break
    return cpu, replies


def _row(connections: int, active: int, payload: int, runs: list[_Run]) -> EchoCost:
    replies = sum(run.replies for run in runs)
    cost, rest = summary([run.cpu / run.replies * 1e6 for run in runs])
    return EchoCost(
        server=runs[0].server,
        connections=connections,
        active=active,
        payload=payload,
        replies=replies,
        replies_per_second=replies / sum(run.took for run in runs),
        cpu_us_per_reply=cost,
        p50=statistics.median(run.latency.p50 or 0.0 for run in runs),
        p99=statistics.median(run.latency.p99 or 0.0 for run in runs),
        **rest,
    )
