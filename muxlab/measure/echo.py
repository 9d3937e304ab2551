"""What one reply costs a server, end to end."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ..lab import Server, serve
from ..swarm import Swarm

WARM_UP = 20
"""Replies before the clock starts: the first ones pay for accepting and for cold caches."""

SLICES = 3
"""Parts of the measured time; the cheapest counts, because whatever disturbs a server adds to its cost."""

PATIENCE = 30.0
"""Seconds for the connections, and for the first replies: a polling server with thousands of clients is slow."""


@dataclass(frozen=True)
class EchoCost:
    """How one server served one crowd.

    Attributes:
        server: its name.
        connections: clients connected.
        active: clients that talked.
        payload: bytes of a message.
        replies: verified replies while the clock ran.
        replies_per_second: of them, a second.
        cpu_us_per_reply: CPU time of the server's thread for each reply, in microseconds; of the cheapest third.
        p50, p99: latency in seconds.
    """

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
    fn: Callable, connections: int | Iterable[int], active: int = 1, seconds: float = 0.25, payload: int = 64
) -> list[EchoCost]:
    """Measure what a reply costs, for each number of connections.

    The server is started anew for each; `active` clients send, wait for the whole reply, and send again, while the
    others stay connected and silent. Server and clients share this process, and so its interpreter lock: CPU time,
    which is of the server's thread alone, suffers little from that; replies a second and latencies suffer more.

    Args:
        fn: a server function, as for `serve`.
        connections: clients in all; a number, or several.
        active: clients that talk.
        seconds: how long the clock runs for each number of connections.
        payload: bytes of a message.

    Returns:
        One row for each number of connections.

    Raises:
        ValueError: a number is out of range, or the machine does not allow so many connections.
    """
    if not seconds > 0:
        raise ValueError(f"seconds={seconds!r}: the clock has to run for more than 0 seconds")
    counts = [connections] if isinstance(connections, int) else list(connections)
    return [_measure(fn, count, active, seconds, payload) for count in counts]


def _slice(server: Server, swarm: Swarm, seconds: float) -> tuple[int, float]:
    """Let the clock run: (replies, CPU seconds of the server's thread)."""
    replies, cpu = swarm.snapshot().replies, server.cpu_seconds()
    time.sleep(seconds)
    return swarm.snapshot().replies - replies, server.cpu_seconds() - cpu


def _measure(fn: Callable, connections: int, active: int, seconds: float, payload: int) -> EchoCost:
    with serve(fn, backlog=max(128, connections)) as server, Swarm(server, connections, active, payload) as swarm:
        swarm.wait_connected(timeout=PATIENCE)
        swarm.wait_replies(WARM_UP, timeout=PATIENCE)
        slices = [_slice(server, swarm, seconds / SLICES) for _ in range(SLICES)]
        replies = sum(count for count, _ in slices)
        if not replies:
            raise TimeoutError(f"{server.name} gave no reply within {seconds:g} s to {active} of {connections} clients")
        now = swarm.snapshot()
        return EchoCost(
            server=server.name,
            connections=connections,
            active=active,
            payload=payload,
            replies=replies,
            replies_per_second=replies / seconds,
            cpu_us_per_reply=min(cpu / count * 1e6 for count, cpu in slices if count),
            p50=now.total.p50 or 0.0,
            p99=now.total.p99 or 0.0,
        )
