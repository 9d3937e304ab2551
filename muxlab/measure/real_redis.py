"""The real Redis beside ours: a redis-server for a moment, and redis-benchmark to drive any server that speaks RESP.

Both are programs that a machine may not have; `missing` says in one line what to install, and so does the error of
whoever needs them. The server listens on a free port of 127.0.0.1, works in an empty folder, saves nothing, and is
ended by its process number.
"""

import contextlib
import csv
import io
import os
import shutil
import socket
import subprocess
import tempfile
import time
import weakref
from collections.abc import Iterator
from dataclasses import dataclass

from .. import running
from ..arguments import check_count

PATIENCE = 20.0
"""Seconds in which a redis-server answers its first PING; it takes some hundredths of one."""

ATTEMPTS = 5
"""Ports to try: a free one may be taken by somebody else before redis-server gets to it."""

LONGEST = 120.0
"""Seconds that a redis-benchmark may take: it tries to connect until it is ended, where nobody listens."""

UNTIL_INPUT_ENDS = """
folder=$1; shift
exec 3<&0                   # keep the input as descriptor 3: what runs in the background loses descriptor 0
(                           # in the background:
    read -r nothing <&3     # wait for the end of the input
    kill $$                 # end the program: the shell has become it, and has kept its process number
    rm -rf "$folder"
) >/dev/null 2>&1 &
exec "$@" </dev/null 3<&-   # become the program, which does not see that input
"""
"""A shell script: run a program, and when the script's input ends, end the program and remove its folder.

Arguments: the folder, the program, and the program's own. The input ends when it is closed, and also when the process
that holds the other end is killed.
"""

PACKAGES = {"redis-server": "redis-server", "redis-benchmark": "redis-tools", "redis-cli": "redis-tools"}
"""The Debian package of each program."""


class MissingProgram(OSError):
    """A program that is not installed on this machine; the message says how to install it."""


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


def missing(*programs: str) -> str:
    """Return "", or one sentence that says which of these programs are not installed, and how to install them.

    Args:
        programs: names; without any, all three: redis-server, redis-benchmark and redis-cli.
    """
    names = [name for name in programs or PACKAGES if shutil.which(name) is None]
    if not names:
        return ""
    packages = " ".join(sorted({PACKAGES.get(name, name) for name in names}))
    *others, last = names
    listed = f"{', '.join(others)} and {last} are" if others else f"{last} is"
    return f"{listed} not installed here: on Debian or Ubuntu, `apt install {packages}`"


def require(program: str) -> str:
    """Return the path of a program; raise MissingProgram, with what to install, where there is none."""
    path = shutil.which(program)
    if path is None:
        raise MissingProgram(missing(program))
    return path


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
        self._program = require("redis-server")
        self._folder = ""
        self._process: subprocess.Popen[bytes] | None = None
        _inputs_held.add(self)
        running.replace_earlier()
        running.start(self, self._begin)

    @property
    def pid(self) -> int:
        """The process number."""
        assert self._process is not None
        return self._process.pid

    def _begin(self) -> None:
        said = ""
        for _ in range(ATTEMPTS):
            self.address = "127.0.0.1", free_port()
            self._process = self._start()
            if self._answers():
                return
            said = self._end_process()
        raise RuntimeError(f"redis-server does not start: {said.strip() or 'it said nothing'}")

    def _start(self) -> subprocess.Popen[bytes]:
        host, port = self.address
        folder = self._folder = tempfile.mkdtemp(prefix="muxlab-redis-")
        options = ["--bind", host, "--port", str(port), "--save", "", "--appendonly", "no", "--dir", folder]
        options += ["--daemonize", "no", "--loglevel", "warning"]
        return subprocess.Popen(
            ["sh", "-c", UNTIL_INPUT_ENDS, "sh", folder, self._program, *options],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            process_group=0,  # Ctrl-C goes to the group of this process
        )

    def _answers(self) -> bool:
        """Wait for its first answer; False when it ends before."""
        assert self._process is not None
        deadline = time.monotonic() + PATIENCE
        while self._process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(self.address, timeout=PATIENCE) as client:
                client.sendall(b"PING\r\n")
                if client.recv(64).startswith(b"+PONG"):
                    return True
            time.sleep(0.01)
        return False

    def _end_process(self) -> str:
        """End the process, remove its folder, and return what it printed."""
        process, self._process = self._process, None
        said = b""
        if process is not None:
            try:
                said, _ = process.communicate(timeout=PATIENCE)  # closes its input
            except subprocess.TimeoutExpired:
                process.kill()
                said, _ = process.communicate()
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)  # the script may be doing the same
        return said.decode(errors="replace")

    def end(self) -> None:
        """End the process, and remove its folder; a second call does nothing."""
        self._end_process()
        running.remove(self)

    def close_input(self) -> None:
        """Close this process's end of the input. In a fork, this leaves the input to the process that forked."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()

    def __enter__(self) -> "RealRedis":
        return self

    def __exit__(self, *_: object) -> None:
        self.end()


_inputs_held: weakref.WeakSet[RealRedis] = weakref.WeakSet()


def _close_inputs() -> None:
    for redis in list(_inputs_held):
        redis.close_input()


os.register_at_fork(after_in_child=_close_inputs)  # else a fork would keep redis-server going after its owner is killed


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
