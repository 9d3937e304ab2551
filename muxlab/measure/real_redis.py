"""The real Redis beside ours: a redis-server for a moment, and redis-benchmark to drive any server that speaks RESP.

Both are programs that a machine may not have; `missing` says in one line what to install, and so does the error of
whoever needs them (see muxlab/programs.py). The server listens on a free port of 127.0.0.1, works in an empty folder
and saves nothing.
"""

import contextlib
import csv
import io
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass

from .. import running
from ..arguments import check_count
from ..programs import Program, require

PATIENCE = 20.0
"""Seconds in which a redis-server answers its first PING; it takes some hundredths of one."""

ATTEMPTS = 5
"""Ports to try: a free one may be taken by somebody else before redis-server gets to it."""

LONGEST = 120.0
"""Seconds that a redis-benchmark may take: it tries to connect until it is ended, where nobody listens."""


@dataclass(frozen=True)
class BenchmarkRow:
    """One line of redis-benchmark.

    Attributes:
        test: the command that was asked, "GET".
        pipeline: requests that a client sent before it read the replies.
        requests: how many were asked in all.
        requests_per_second: as it says.
        p50, p99: latency in seconds, also as it says.
    """

    test: str
    pipeline: int
    requests: int
    requests_per_second: float
    p50: float
    p99: float


class RealRedis(running.Running):
    """A redis-server in a process of its own, and a context manager; it starts at once.

    Attributes:
        address: (host, port).
        pid: its process number.

    Raises:
        MissingProgram: redis-server is not installed.
        RuntimeError: it did not start; says what it printed.
    """

    def __init__(self) -> None:
        self._path = require("redis-server")
        self._program: Program | None = None
        running.replace_earlier()
        running.start(self, self._begin)

    @property
    def pid(self) -> int:
        """The process number."""
        assert self._program is not None
        return self._program.pid

    def _begin(self) -> None:
        said = ""
        for _ in range(ATTEMPTS):
            self.address = "127.0.0.1", free_port()
            self._program = self._start()
            if self._answers(self._program):
                return
            said = self._program.end()
        raise RuntimeError(f"redis-server does not start: {said.strip() or 'it said nothing'}")

    def _start(self) -> Program:
        host, port = self.address
        options = ["--bind", host, "--port", str(port), "--save", "", "--appendonly", "no"]
        quiet = ["--daemonize", "no", "--loglevel", "warning"]
        return Program("redis", lambda folder: [self._path, *options, "--dir", folder, *quiet])

    def _answers(self, program: Program) -> bool:
        """Wait for its first answer; False when it ends before."""
        deadline = time.monotonic() + PATIENCE
        while program.alive and time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(self.address, timeout=PATIENCE) as client:
                client.sendall(b"PING\r\n")
                if client.recv(64).startswith(b"+PONG"):
                    return True
            time.sleep(0.01)
        return False

    def end(self) -> None:
        """End the process, and remove its folder; a second call does nothing."""
        program, self._program = self._program, None
        if program is not None:
            program.end()
        running.remove(self)

    def __enter__(self) -> "RealRedis":
        return self

    def __exit__(self, *_: object) -> None:
        self.end()


@contextlib.contextmanager
def real_redis() -> Iterator[tuple[str, int]]:
    """Run a redis-server, and yield its address; errors as of `RealRedis`.

    with real_redis() as address:
        client = socket.create_connection(address)
    """
    with RealRedis() as redis:
        yield redis.address


def free_port() -> int:
    """Return a port of 127.0.0.1 that is free at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def redis_benchmark(
    address: tuple[str, int], pipeline: int = 1, requests: int = 20_000, clients: int = 50, tests: str = "get"
) -> list[BenchmarkRow]:
    """Drive a server with the real redis-benchmark.

    Args:
        address: (host, port) of a server that speaks RESP: Redis, ours, or yours.
        pipeline: requests that a client sends before it reads the replies.
        requests: how many to ask in all, for each test.
        clients: connections.
        tests: commands, separated by commas: "ping", "set", "get", "incr".

    Returns:
        One row for each test.

    Raises:
        MissingProgram: redis-benchmark is not installed.
        ValueError: a number is out of range, or redis-benchmark knows none of the tests.
        ConnectionError: nobody listens there, or the server hung up.
        TimeoutError: it did not come to an end.
    """
    program = require("redis-benchmark")
    for name, count in (("pipeline", pipeline), ("requests", requests), ("clients", clients)):
        check_count(name, count)
    host, port = address
    socket.create_connection((host, port), timeout=PATIENCE).close()  # redis-benchmark itself would try on and on
    command = [program, "-h", host, "-p", str(port), "-n", str(requests), "-P", str(pipeline), "-c", str(clients)]
    try:
        done = subprocess.run(
            [*command, "-t", tests, "--csv"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LONGEST,
        )
    except subprocess.TimeoutExpired:
        raise TimeoutError(f"redis-benchmark had not finished after {LONGEST:g} s: does the server answer?") from None
    lines = [line for line in done.stdout.splitlines() if line.startswith('"')]
    if done.returncode == 0 and len(lines) == 1:  # the heads of the columns
        raise ValueError(f'tests={tests!r}: redis-benchmark has no such test; it has "ping", "set", "get", "incr", ...')
    if done.returncode or not lines:
        said = (done.stderr + done.stdout).strip() or f"exit status {done.returncode}"
        raise ConnectionError(f"redis-benchmark gave up: {said}")
    return [
        BenchmarkRow(
            test=line["test"],
            pipeline=pipeline,
            requests=requests,
            requests_per_second=float(line["rps"]),
            p50=float(line["p50_latency_ms"]) / 1000,
            p99=float(line["p99_latency_ms"]) / 1000,
        )
        for line in csv.DictReader(io.StringIO("\n".join(lines)))
    ]
