"""Whole servers, clocked by their CPU time: what a reply costs.

Server and clients are real: `serve` and `Swarm`, over TCP. Not handled here: what clients cost that come and go, which
is in churn.py; and servers in other processes or other languages: `benchmarks/echo.py` compares with those.
"""

import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from ..arguments import check_count, check_duration
from ..server import Server, serve
from ..servers import SERVERS, name_of
from ..swarm.stats import Figures
from ..swarm.swarm import Swarm
from .protocol import LEAST, each, summary
from .rows import ECHO, Form, Row, Rows, settings
from .waits import check_wall

WARM_UP = 5
"""Replies before the clock starts, and one for each talking client: the first pay for accepting and for cold caches."""

TURNS = 5
"""Replies for each talking client while the clock runs, at least: one of them may have been paid for before."""

MOMENT, LOOKS = 0.0005, 20
"""CPU seconds of the server that are one moment, and how often one is looked for: on a busy machine other threads come
between two looks."""

ROUNDS, MOST_ROUNDS = 5, 15
"""How often all settings are gone through: whatever else the machine does for a second then hits no setting alone. And
how often at most, where undisturbed rounds are rare."""

UNDISTURBED = 3
"""Undisturbed rounds of a setting, at least, before it is done."""

EXTRA, ENOUGH = 0.5, 3.0
"""Seconds of a setting's further rounds, and of all its rounds but three, after which no more begins: a machine that is
busy throughout disturbs all of them, and with hundreds of connections they would take minutes."""

IDLE, TALK = 0.001, 20e-6
"""Seconds of a turn in which the server does not work, at most: the first for the turn, the second for each client that
talks. In a turn each of them gets one reply. A machine with other things to do keeps a thread waiting for a processor,
some milliseconds in each turn, and Linux 6.18 was seen to charge it for a part of what the other thread did until then.
"""

SETTLED, LOOK = 0.2, 0.002
"""Seconds without an accept after which a server is taken to accept no more; and seconds between two looks at that."""

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
        cpu_us_per_reply: CPU time of the server's threads for each reply, in microseconds.
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

    Protocol: the server is started anew for each number. All clients connect and are accepted; then `active` of them
    send, wait for the whole reply, verify it and send again (a closed loop), while the others stay connected and
    silent. After the first replies the clock runs, until there were some for each that talks. All numbers are gone
    through five times, one after the other; or three times, where that takes three seconds. A round in which the
    machine kept the server's thread waiting for a processor does not count; where too few are left, up to ten more are
    made for each number, as long as they took less than half a second so far, and if there still is none that was
    undisturbed, all count.

    Source: the course's own; silent connections around few busy ones are the load of D. Kegel's C10K page (1999) and
    of Gammo, Brecht, Shukla, Pariag, OLS 2004.

    Known weaknesses: clients and server share the machine, and without `isolate` the interpreter lock too. CPU time,
    which is of the server's threads alone, suffers little from that; replies a second and latencies suffer more. A
    server that naps between two looks is always taken for a disturbed one, and measured in up to fifteen rounds.
    In a closed loop a slow server is asked less often, so latencies are those of a polite crowd.

    Args:
        fn: a server function, as for `serve`.
        connections: clients in all; a number, or several.
        active: clients that talk; more than there are means all of them.
        seconds: how long the clock runs for each number of connections, in all; longer where replies are rare.
        payload: bytes of a message.
        isolate: True puts the clients into a process of their own, as in `Swarm`.

    Returns:
        One row for each number of connections.

    Raises:
        TypeError: a count is not a whole number, or `fn` is not a server function.
        ValueError: a number is out of range, the machine does not allow so many connections, or the reference server
            "select" would have to watch more than select can, or "blocking" to serve more than one client.
        TimeoutError: the server does not answer.
        BaseException: what the server raised.
    """
    __tracebackhide__ = True
    check_duration(seconds)
    check_count("active", active)
    check_count("payload", payload)
    counts = settings("connections", connections)
    check_crowd(fn, max(counts))
    what = f"replies, {name_of(fn)}"
    runs: dict[int, list[_Run]] = {count: [] for count in counts}
    spent = dict.fromkeys(runs, 0.0)

    def measure(count: int) -> None:
        __tracebackhide__ = True
        if len(runs[count]) >= LEAST and spent[count] >= ENOUGH:
            return
        start = time.perf_counter()
        runs[count].append(_run(fn, count, active, seconds / ROUNDS, payload, isolate))
        spent[count] += time.perf_counter() - start

    each([*runs] * ROUNDS, what, measure)
    until = {count: min(took + EXTRA, ENOUGH) for count, took in spent.items()}
    for _ in range(MOST_ROUNDS - ROUNDS):
        left = [count for count in runs if len(_undisturbed(runs[count])) < UNDISTURBED]
        each([count for count in left if spent[count] < until[count]], what, measure)
    return Rows(_row(count, active, payload, _undisturbed(found) or found) for count, found in runs.items())


def check_crowd(fn: Callable, connections: int) -> None:
    """Refuse with a ValueError a crowd that one of two reference servers cannot serve: "select" and "blocking"."""
    if fn is SERVERS["blocking"] and connections > 1:
        raise ValueError(
            f'"blocking" serves one client at a time, and {connections:,} were to be connected at once: '
            "the others would wait until the first has left"
        )
    if fn is SERVERS["select"]:
        check_wall("select", connections)


class _Run(NamedTuple):
    """One setting in one round; cpu and took in seconds."""

    server: str
    talking: int
    replies: int
    cpu: float
    took: float
    latency: Figures


def _undisturbed(runs: list[_Run]) -> list[_Run]:
    """Return those in which nothing else kept the server's thread from its processor."""
    return [run for run in runs if (run.took - run.cpu) * run.talking < (IDLE + TALK * run.talking) * run.replies]


def _run(fn: Callable, connections: int, active: int, seconds: float, payload: int, isolate: bool) -> _Run:
    __tracebackhide__ = True
    with (
        serve(fn, backlog=max(128, connections)) as server,
        Swarm(server, connections, active=0, payload=payload, isolate=isolate) as swarm,
    ):
        swarm.wait_connected(timeout=PATIENCE)
        _wait_accepted(server)
        swarm.active = active
        talking = min(active, connections)
        swarm.wait_replies(max(WARM_UP, talking), timeout=PATIENCE)
        start, cpu, replies = time.perf_counter(), *_look(server, swarm)
        time.sleep(seconds)
        missing = TURNS * talking - (swarm.snapshot().replies - replies)
        if missing > 0:
            swarm.wait_replies(missing, timeout=PATIENCE)
        end, cpu_end, replies_end = time.perf_counter(), *_look(server, swarm)
        return _Run(server.name, talking, replies_end - replies, cpu_end - cpu, end - start, swarm.snapshot().total)


def _wait_accepted(server: Server) -> None:
    """Wait until the server has accepted all clients that are connected, or accepts no more of them."""
    left, since = server.accept_queue()[0], time.monotonic()
    while left and time.monotonic() - since < SETTLED:
        time.sleep(LOOK)
        before, left = left, server.accept_queue()[0]
        since = since if left == before else time.monotonic()


def _look(server: Server, swarm: Swarm) -> tuple[float, int]:
    """Return the server's CPU seconds and the replies at one moment; look again if the server did much meanwhile."""
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
