"""How much of the real Redis a server is: redis-benchmark drives both, and what counts is requests per CPU second."""

import contextlib
import ctypes
import os
import socket
import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, NamedTuple, Protocol

from ..arguments import check_count
from ..programs import MissingProgram, missing
from ..server import Server, serve
from ..servers import name_of
from .protocol import LEAST, each, summary
from .real_redis import PATIENCE, BenchmarkRow, RealRedis, redis_benchmark
from .rows import Form, Row, Rows, settings

REAL = "redis-server"
"""The name of the real one."""

CLIENTS = 50
"""Connections: what redis-benchmark itself takes by default."""

MORE = 5
"""How many times as many requests are sent where they come in a pipeline: each costs far less then."""

COUNTED = 2000
"""Requests of the run in which the calls of a server are counted: through a tap it is slower."""

ROUNDS = 5
"""How often all settings are gone through by default."""


@dataclass(frozen=True)
class RedisShare(Row):
    """How one server answered redis-benchmark.

    Attributes:
        server: its name; "redis-server" is the real one.
        pipeline: requests that a client sent before it read the replies.
        requests: how many were answered while the clock ran, in all rounds.
        requests_per_second: as redis-benchmark saw it; the median.
        requests_per_cpu_second: of the server's CPU time; the median.
        cpu_us_per_request: the inverse: CPU microseconds for each request.
        share: its requests per CPU second as a part of those of the real Redis in the same round; the median.
        in_kernel: the part of its CPU time that it spent in system calls; None where the clock was too coarse to tell.
        reads, writes: calls that read from a client, or wrote to one, for each request; there are somewhat more reads,
            as the end of each client is read as well. Calls that wait are left out: for the real one, the kernel counts
            reads and writes only (proc(5), io).
    """

    form: ClassVar[Form] = Form(
        "server",
        "pipeline",
        "cpu_us_per_request",
        title="What one request costs the server",
        sizes="requests in a pipeline",
        costs="CPU microseconds per request",
        one="a request",
    )
    server: str
    pipeline: int
    requests: int
    requests_per_second: float
    requests_per_cpu_second: float
    cpu_us_per_request: float
    share: float
    in_kernel: float | None
    reads: float
    writes: float


class Target(Protocol):
    """A server that is being measured."""

    address: tuple[str, int]

    def cpu_seconds(self) -> float:
        """Return its CPU time so far."""

    def ticks(self) -> tuple[int, int]:
        """Return its CPU time so far in user code and in the kernel, both in ticks of the kernel's clock."""


class Sample(NamedTuple):
    """One server with one pipeline in one round."""

    requests: int
    per_second: float
    cpu: float
    user: int
    kernel: int


def redis_share(
    servers: Callable | Mapping[str, Callable],
    pipelines: int | Iterable[int] = (1, 16),
    requests: int = 10_000,
    rounds: int = ROUNDS,
    test: str = "get",
) -> Rows:
    """Measure how many requests for each second of CPU time a server answers, and what part of the real Redis that is.

    Protocol: redis-server runs in a process of its own, each server in a thread of this process, all of them
    throughout. redis-benchmark, in its own process, makes `requests` of one after the other, over 50 connections. All
    settings are gone through in turn, `rounds` times, so that whatever else the machine does hits all of them alike; a
    share is that of one round. Then the calls of each server are counted in a short run, ours through a tap.

    Source: the course's own. redis-benchmark is the tool that Redis is usually measured with.

    Known weaknesses: clients and servers share the machine. CPU time suffers less from that than requests per second:
    redis-benchmark, and not Redis, is often what keeps a core busy. All clients ask for the same key.

    Args:
        servers: a server function, ours or yours, or several by name; "redis-server" is the name of the real one.
        pipelines: requests that a client sends before it reads the replies; a number, or several.
        requests: how many for each setting and round; five times as many with a pipeline of more than one.
        rounds: how often all settings are gone through.
        test: which one command redis-benchmark asks for: "get", "set", "ping", "incr".

    Returns:
        One row for each server and pipeline, the real one's first.

    Raises:
        MissingProgram: redis-server or redis-benchmark is not installed; says what to install.
        ValueError: a number is out of range, a server has the name of the real one, or `test` is not one command.
        ConnectionError, TimeoutError: a server does not answer.
        BaseException: what a server raised.
    """
    __tracebackhide__ = True
    counts = settings("pipelines", pipelines)
    check_count("requests", requests)
    check_count("rounds", rounds)
    named = dict(servers) if isinstance(servers, Mapping) else {name_of(servers): servers}
    if REAL in named:
        raise ValueError(f"servers: {REAL!r} is the name of the real Redis, which is measured anyway: choose another")
    if said := missing("redis-server", "redis-benchmark"):
        raise MissingProgram(said)
    samples: dict[tuple[str, int], list[Sample]] = {(name, p): [] for name in (REAL, *named) for p in counts}
    with contextlib.ExitStack() as running:
        real = running.enter_context(RealRedis())
        targets: dict[str, Target] = {REAL: _Real(real)}
        for name, fn in named.items():
            targets[name] = _Ours(running.enter_context(serve(fn, backlog=4 * CLIENTS)))

        def measure(setting: tuple[str, int]) -> None:
            name, pipeline = setting
            samples[setting].append(_sample(targets[name], pipeline, requests, test))

        each([*samples] * rounds, "requests", measure)
        counted = {(REAL, pipeline): _calls_of_redis(real, pipeline, test) for pipeline in counts}
    counted |= {(name, pipeline): _calls(named[name], pipeline, test) for name, pipeline in samples if name != REAL}
    return Rows(
        _row(name, pipeline, found, samples[REAL, pipeline], *counted[name, pipeline])
        for (name, pipeline), found in samples.items()
    )


def _sample(target: Target, pipeline: int, requests: int, test: str) -> Sample:
    count = requests * (MORE if pipeline > 1 else 1)
    cpu, (user, kernel) = target.cpu_seconds(), target.ticks()
    row = _drive(target.address, pipeline, count, test)
    cpu_end, (user_end, kernel_end) = target.cpu_seconds(), target.ticks()
    return Sample(count, row.requests_per_second, cpu_end - cpu, user_end - user, kernel_end - kernel)


def _drive(address: tuple[str, int], pipeline: int, count: int, test: str) -> BenchmarkRow:
    """Have redis-benchmark ask for one command, `count` times.

    Raises:
        ValueError: it asked for several. Then the calls and the CPU time would be those of all of them together.
    """
    asked = "ping_mbulk" if test == "ping" else test  # its "ping" is two tests: PING as a line, and as an array
    rows = redis_benchmark(address, pipeline, count, CLIENTS, asked)
    if len(rows) != 1:
        names = " and ".join(row.test for row in rows)
        raise ValueError(f"test={test!r}: give one command; redis-benchmark took it for {names}")
    return rows[0]


def _row(name: str, pipeline: int, own: list[Sample], real: list[Sample], reads: float, writes: float) -> RedisShare:
    cost, rest = summary([sample.cpu / sample.requests * 1e6 for sample in own])
    user, kernel = (sum(getattr(sample, part) for sample in own) for part in ("user", "kernel"))
    shares = [(mine.requests / mine.cpu) / (its.requests / its.cpu) for mine, its in zip(own, real, strict=True)]
    return RedisShare(
        server=name,
        pipeline=pipeline,
        requests=sum(sample.requests for sample in own),
        requests_per_second=statistics.median(sample.per_second for sample in own),
        requests_per_cpu_second=1e6 / cost,
        cpu_us_per_request=cost,
        share=statistics.median(shares),
        in_kernel=kernel / (user + kernel) if user + kernel >= 10 * LEAST else None,
        reads=reads,
        writes=writes,
        **rest,
    )


# ---- calls


def _calls_of_redis(real: RealRedis, pipeline: int, test: str) -> tuple[float, float]:
    """Return how often the real Redis reads and writes for each request."""
    _wait_for_ends(real.address)  # those of earlier clients
    before = _reads_and_writes(real.pid)
    _drive(real.address, pipeline, COUNTED, test)
    _wait_for_ends(real.address)
    after = _reads_and_writes(real.pid)
    return (after[0] - before[0]) / COUNTED, (after[1] - before[1]) / COUNTED


def _calls(fn: Callable, pipeline: int, test: str) -> tuple[float, float]:
    """Return how often a server of ours, or yours, reads and writes for each request."""
    with serve(fn, backlog=4 * CLIENTS, tap=True) as server:
        _drive(server.address, pipeline, COUNTED, test)
        _wait_for_ends(server.address)
        found = server.calls
        reads = sum(count for (name, _), count in found.items() if name.startswith("recv"))
        writes = sum(count for (name, _), count in found.items() if name.startswith("send"))
    return reads / COUNTED, writes / COUNTED


def _wait_for_ends(address: tuple[str, int]) -> None:
    """Wait until a server has read that its clients are gone: a client that connects later is answered later."""
    with socket.create_connection(address, timeout=PATIENCE) as client:
        client.sendall(b"*1\r\n$4\r\nPING\r\n")  # a server under construction may not know inline requests
        client.recv(64)


def _reads_and_writes(pid: int) -> tuple[int, int]:
    """Return how often a process has called read and write so far. Source: syscr and syscw, /proc/PID/io in proc(5)."""
    found = dict(line.split(": ") for line in Path(f"/proc/{pid}/io").read_text().splitlines())
    return int(found["syscr"]), int(found["syscw"])


# ---- clocks


class _Ours:
    """A server in a thread of this process."""

    def __init__(self, server: Server) -> None:
        self.server, self.address = server, server.address

    def cpu_seconds(self) -> float:
        return self.server.cpu_seconds()

    def ticks(self) -> tuple[int, int]:
        return _ticks(f"/proc/self/task/{self.server.thread.native_id}/stat")


class _Real:
    """The real Redis, in a process of its own."""

    def __init__(self, real: RealRedis) -> None:
        self.address, self._pid = real.address, real.pid
        self._clock = process_clock(real.pid)

    def cpu_seconds(self) -> float:
        return time.clock_gettime(self._clock)

    def ticks(self) -> tuple[int, int]:
        return _ticks(f"/proc/{self._pid}/stat")


def process_clock(pid: int) -> int:
    """Return the clock of another process's CPU time, all its threads together. Source: clock_getcpuclockid(3)."""
    clock = ctypes.c_int()
    code = ctypes.CDLL(None).clock_getcpuclockid(pid, ctypes.byref(clock))
    if code:
        raise OSError(code, os.strerror(code))
    return clock.value


def _ticks(path: str) -> tuple[int, int]:
    """Return the CPU time in user code and in the kernel, in ticks. Source: utime and stime in proc(5), stat."""
    fields = Path(path).read_text().rpartition(")")[2].split()
    return int(fields[11]), int(fields[12])
