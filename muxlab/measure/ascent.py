"""`all_cores`: a crowd that grows step by step, on a server in several processes, up to a hundred thousand connections.

Everything is in processes of its own (`ServerProcesses`, `Swarm(processes=)`), so that no process runs out of
descriptors and all cores have work. Counted are the clients that are answered, and which process holds how many;
clocked are the opening and the round trip of a client more; and weighed is what a connection takes of the memory.
"""

import contextlib
import itertools
import socket
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import ClassVar

from ..errors import Interrupted
from ..notebook import counter
from ..running import Running
from ..server_processes import ServerProcesses
from ..swarm.swarm import Swarm
from .plans import CrowdPlan, crowd_plan, meminfo
from .protocol import summary
from .rows import Form, Row, Rows, settings

SERVERS = ("epoll", "epoll-edge", "selectors")
"""Those whose wait costs the same however many there are."""

PATIENCE = 120.0
"""Seconds for what a step does, at most: to connect a hundred thousand clients takes some ten, to answer them fewer."""

LOOK = 0.25
"""Seconds between two looks at how far it is: a look asks every client process."""

LEAST_KIB = 1.0
"""Memory of a connection in the kernel, in KiB, below which a figure cannot be right: each end's socket takes more."""

TALKERS, ROUNDS, MESSAGES, PAYLOAD = 50, 10, 500, 64
"""Clients that come besides, one of whom at a time says something; rounds, messages of a round, bytes of a message."""


@dataclass(frozen=True)
class AllCores(Row):
    """A crowd of one size, on a server in several processes.

    Attributes:
        server: its name.
        connections: clients that were connected at once.
        servers, swarms: processes of the server, and of the clients.
        answered: clients that got their reply when all of them said something.
        lost: clients that were lost by now: refused, reset or closed by the server.
        held: connections that the server processes hold, all together.
        least_share, most_share: those of the process that holds fewest, and of the one that holds most.
        seconds_to_open: how long it took to connect them, all in all.
        p50, p99: the round trip of other clients, of which one at a time says something, in seconds; of ten rounds all
            together. (`least` is the median of the quietest round, in microseconds; `low` and `high` are quartiles of
            the rounds' medians.)
        kernel_kib, python_kib: memory for each connection, both ends, in KiB: the kernel's own objects, and what all
            the processes together take more than before.
        cpu_us_per_reply: CPU time of the server processes for each reply when all clients talk, in microseconds.
    """

    form: ClassVar[Form] = Form(
        *("server", "connections", "p50_us"),
        title="How long a reply takes while the crowd grows, on all cores",
        sizes="connections",
        costs="microseconds of a round trip, median",
        one="a round trip",
        verb="takes",
        much="long",
    )
    server: str
    connections: int
    servers: int
    swarms: int
    answered: int
    lost: int
    held: int
    least_share: int
    most_share: int
    seconds_to_open: float
    p50: float
    p99: float
    kernel_kib: float
    python_kib: float
    cpu_us_per_reply: float

    @property
    def p50_us(self) -> float:
        """The median of the round trips, in microseconds."""
        return self.p50 * 1e6

    @property
    def kib(self) -> float:
        """Memory for each connection, in KiB: the kernel's and Python's."""
        return self.kernel_kib + self.python_kib


def all_cores(connections: int | Iterable[int], server: str = "epoll", plan: CrowdPlan | None = None) -> Rows:
    """Let a crowd grow step by step, on a server in several processes, and tell how each step went.

    Protocol: the server's processes listen on one port (SO_REUSEPORT), the clients' processes connect, each from
    addresses of its own. At each step the crowd grows to so many connections. Then all of its clients say something
    until each has had a reply, and fall silent again, and the memory is looked at. Then 50 more clients come, one of
    whom at a time says something and waits for the reply, in ten rounds of 500 messages: the round trip is theirs.

    Source: the course's own. Kernel's memory: Slab in /proc/meminfo; Python's: Pss in /proc/PID/smaps_rollup, proc(5).

    Known weaknesses: all of it is on one machine, whose cores are shared by servers and clients; the kernel's memory is
    that of the whole machine, so whatever else runs moves it, and with few connections by more than they take.

    Args:
        connections: how large the crowd is, at each step; a number, or several.
        server: "epoll", "epoll-edge" or "selectors".
        plan: how many processes to use, from `crowd_plan`; None for a plan for the largest crowd.

    Returns:
        One row for each step, from the smallest crowd to the largest.

    Raises:
        TypeError: a count is no whole number, or `plan` no plan.
        ValueError: there is no such server, or this machine has no room for so many; nothing was opened.
        ConnectionError, TimeoutError: clients were lost, or not answered in time.
        Interrupted: it was interrupted; nothing is left.
    """
    __tracebackhide__ = True
    steps = sorted(set(settings("connections", connections)))
    if server not in SERVERS:
        raise ValueError(f"server={server!r}: it has to be one of {', '.join(SERVERS)}")
    if plan is None:
        plan = crowd_plan(steps[-1])
    elif not isinstance(plan, CrowdPlan):
        raise TypeError(f"plan={plan!r}: give what crowd_plan returns, or leave it out")
    if plan.connections < steps[-1]:
        raise ValueError(f"{steps[-1]:,} connections are more than there is room for. {plan}")
    rows, started = Rows(), list[Running]()
    try:
        with (
            ServerProcesses(server, plan.servers) as servers,
            Swarm(servers.address, connections=plan.swarms, active=0, processes=plan.swarms) as swarm,
            counter(steps[-1], "connections") as show,
        ):
            started += [swarm, servers]
            ascent = Ascent(servers, swarm, show)
            for step in steps:
                rows.append(ascent.climb(step, plan))
    except KeyboardInterrupt:
        for thing in started:  # again: the interrupt may have come while they ended
            thing.end()
        raise Interrupted(f"you stopped the ascent after {len(rows)} of {len(steps)} steps; nothing is left") from None
    return rows


def doubt_about_memory(rows: Iterable[AllCores]) -> str:
    """Say why the memory that these rows tell is worthless; "" if there is no such reason.

    The kernel's is that of the whole machine, so whatever else frees or takes some in the meantime is counted with it.

    Args:
        rows: what `all_cores` returned.
    """
    rows = sorted(rows, key=lambda row: row.connections)
    for one, other in itertools.pairwise(rows):
        less, more = (row.kib * row.connections / 1024 for row in (one, other))
        if more < less:
            return (
                f"{other.connections:,} connections seem to take {more:,.0f} MiB, and {one.connections:,} took "
                f"{less:,.0f}: something else on this machine moved its memory, so the figures are worthless."
            )
    if rows and rows[-1].kernel_kib < LEAST_KIB:
        return (
            f"A connection seems to take {rows[-1].kernel_kib:.1f} KiB of the kernel's memory, which is less than its "
            "two sockets need: something else on this machine gave memory back, so the figure is worthless."
        )
    return ""


class Ascent:
    """A crowd on its way up.

    Args:
        servers, swarm: the processes of either side, the swarm with a client for each of its own.
        show: is told how many are connected.
    """

    def __init__(self, servers: ServerProcesses, swarm: Swarm, show: Callable[[float], None]) -> None:
        self._servers, self._swarm, self._show = servers, swarm, show
        swarm.wait_connected(PATIENCE)
        self._seconds = 0.0
        self._memory_before = self._memory()

    def climb(self, connections: int, plan: CrowdPlan) -> AllCores:
        """Let the crowd grow to so many, and return how that went."""
        self._open(connections)
        answered, cpu = self._let_all_speak()
        shares = self._servers.held()
        kernel, python = (
            (now - before) / connections / 1024 for now, before in zip(self._memory(), self._memory_before, strict=True)
        )
        rounds = round_trips(self._servers.address)
        hundredths = statistics.quantiles([seconds for one in rounds for seconds in one], n=100)
        _, figures = summary([statistics.median(one) * 1e6 for one in rounds])
        return AllCores(
            server=self._servers.name,
            connections=self._swarm.snapshot().connected,
            servers=plan.servers,
            swarms=plan.swarms,
            answered=answered,
            lost=self._swarm.snapshot().errors,
            held=sum(shares),
            least_share=min(shares),
            most_share=max(shares),
            seconds_to_open=self._seconds,
            p50=hundredths[49],
            p99=hundredths[98],
            kernel_kib=max(0.0, kernel),
            python_kib=max(0.0, python),
            cpu_us_per_reply=cpu * 1e6,
            **figures,
        )

    def _open(self, connections: int) -> None:
        began = time.perf_counter()
        self._swarm.connections = connections
        while True:
            try:
                self._swarm.wait_connected(timeout=LOOK)
                break
            except TimeoutError:
                self._show(self._swarm.snapshot().connected)
                self._check(began, "connected")
        self._seconds += time.perf_counter() - began
        self._show(connections)

    def _let_all_speak(self) -> tuple[int, float]:
        """Let every client of the crowd say something until all have had a reply.

        Returns:
            How many have had one; and the server's CPU time for each reply, in seconds.
        """
        self._swarm.activity()  # forget the replies so far
        replies, cpu = self._swarm.snapshot().replies, sum(self._servers.cpu_seconds())
        heard = bytearray(self._swarm.connections)
        began = time.perf_counter()
        self._swarm.active = self._swarm.connections
        while sum(heard) < self._swarm.snapshot().connected:  # those that are lost get no reply
            time.sleep(LOOK / 10)  # all of them are at it: this looks in from time to time
            for number, state in enumerate(self._swarm.activity()):
                if 0 < state <= 250:  # so many replies; above are other states
                    heard[number] = 1
            self._check(began, "answered")
        self._swarm.active = 0
        while (now := self._swarm.snapshot()).sent > now.replies + now.mismatches:  # some replies are still on the way
            time.sleep(LOOK / 10)
            self._check(began, "answered")
        replies, cpu = self._swarm.snapshot().replies - replies, sum(self._servers.cpu_seconds()) - cpu
        return sum(heard), cpu / replies

    def _check(self, began: float, what: str) -> None:
        """Raise an error when a process has died, or a step takes too long."""
        self._servers.check_alive()
        if self._swarm.error is not None:
            raise self._swarm.error
        if time.perf_counter() - began > PATIENCE:
            raise TimeoutError(f"not all were {what} within {PATIENCE:g} s: {self._swarm!r}")

    def _memory(self) -> tuple[int, int]:
        """Return what the kernel's own objects take, and what all the processes take, in bytes."""
        processes = [*self._servers.pids, *self._swarm.pids]
        return meminfo("Slab"), sum(proportional_size(pid) for pid in processes)


def round_trips(address: tuple[str, int]) -> list[list[float]]:
    """Let some more clients come and say something, one after the other; return each round's round trips, in seconds.

    Raises:
        ConnectionError: a reply was wrong.
    """
    with contextlib.ExitStack() as stack:
        talkers = [stack.enter_context(socket.create_connection(address, PATIENCE)) for _ in range(TALKERS)]
        return [[round_trip(talkers[number % TALKERS]) for number in range(MESSAGES)] for _ in range(ROUNDS)]


def round_trip(talker: socket.socket) -> float:
    """Let a client say something and wait for its reply; return the seconds. A wrong reply is a ConnectionError."""
    message = b"x" * PAYLOAD
    began = time.perf_counter()
    talker.sendall(message)
    reply = talker.recv(PAYLOAD, socket.MSG_WAITALL)
    seconds = time.perf_counter() - began
    if reply != message:
        raise ConnectionError(f"a client sent {message!r} and got {reply!r}")
    return seconds


def proportional_size(pid: int) -> int:
    """Return the memory of a process in bytes, of what it shares its part. Source: proc(5), smaps_rollup, Pss."""
    with open(f"/proc/{pid}/smaps_rollup") as page:
        return sum(int(line.split()[1]) for line in page if line.startswith("Pss:")) * 1024
