"""How many echoes each server answers, and what CPU time each costs it: the reference servers, their peers, and C.

Prints Markdown. See the README beside this file for how to read it.
"""

import argparse
import contextlib
import ctypes
import os
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from dataclasses import dataclass

from compiler import compiled
from machine import machine
from peers import BACKLOG, PEERS, uvloop

import muxlab

IN_PYTHON = {**muxlab.SERVERS, **PEERS}
IN_C = "C epoll"
ALL = (*IN_PYTHON, IN_C)
RIVALS = (IN_C, "uvloop Protocol", "asyncio streams")
CONNECTIONS = (100, 1000)
"""The same talk, with a short and with a long list of silent clients around it: one table each."""

WARM_UP = 20
"""Replies for each talking client before the measurement: enough for every buffer and cache to have been used."""

ATTEMPTS = 3
"""Measurements of which one has to see replies: a virtual machine may stand still for the whole of one."""

PATIENCE = 5.0
"""Seconds in which all clients have to be connected and warm; it usually takes a tenth of that."""


class Unfit(Exception):
    """The reason why a server cannot bear this load."""


@dataclass
class Sample:
    """One server, measured once."""

    seconds: float
    cpu: float
    replies: int

    @property
    def cost(self) -> float:
        """Microseconds of the server's CPU time for each reply."""
        return self.cpu / self.replies * 1e6

    @property
    def rate(self) -> float:
        """Replies a second."""
        return self.replies / self.seconds

    @property
    def busy(self) -> float:
        """Share of the time in which the server was on a core."""
        return self.cpu / self.seconds


def serve(name: str) -> None:
    """Serve in a process of its own: print the port, and return when stdin ends, so also when the parent dies."""
    with muxlab.serve(IN_PYTHON[name], backlog=BACKLOG) as server:
        print(server.address[1], flush=True)
        sys.stdin.read()


@contextlib.contextmanager
def child(name: str, program: str = ""):
    """Start a server in a process of its own, the one in C from `program`; yield its process id and its address."""
    command = [program] if name == IN_C else [sys.executable, __file__, "--serve", name]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        yield process.pid, ("127.0.0.1", int(process.stdout.readline()))
    finally:
        process.stdin.close()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
    if process.returncode:
        raise RuntimeError(f"the {name} server ended with status {process.returncode}")


def cpu_clock(pid: int) -> int:
    """Return the clock of another process's CPU time, all its threads together.

    Source: clock_getcpuclockid(3), which the `time` module does not have. Unlike the figures in /proc, which are of the
    last tick, this clock is exact; and to read it, the busy server need not be asked.
    """
    clock = ctypes.c_int()
    code = ctypes.CDLL(None).clock_getcpuclockid(pid, ctypes.byref(clock))
    if code:
        raise OSError(code, os.strerror(code))
    return clock.value


def measure(name: str, connections: int, options: argparse.Namespace) -> Sample:
    """Put one load on one server, once."""
    active = min(options.active, connections)
    with (
        child(name, options.program) as (pid, address),
        muxlab.Swarm(address, connections, active=0, payload=options.payload) as swarm,
    ):
        clock = cpu_clock(pid)

        def now() -> tuple[float, float, int]:
            return time.perf_counter(), time.clock_gettime(clock), swarm.snapshot().replies

        try:
            swarm.wait_connected(timeout=PATIENCE)
            swarm.active = active
            swarm.wait_replies(WARM_UP * active, timeout=PATIENCE)
        except (TimeoutError, ConnectionError) as error:
            raise Unfit(str(error)) from None
        answered = sum(0 < replies <= 250 for replies in swarm.activity())
        if answered < active:
            raise Unfit(f"it answered {answered} of {active} talking clients")
        for _ in range(ATTEMPTS):
            before = now()
            time.sleep(options.seconds)
            sample = Sample(*(late - early for early, late in zip(before, now(), strict=True)))
            if sample.replies and sample.cpu:
                break
        else:
            raise Unfit("it stopped answering")
        figures = swarm.snapshot()
    if figures.mismatches or figures.errors:
        raise RuntimeError(f"{name}: {figures.mismatches} wrong replies, {figures.errors} connections lost")
    return sample


def run(connections: int, options: argparse.Namespace) -> tuple[dict[str, list[Sample]], dict[str, str]]:
    """Measure all servers in turn, again and again, so that whatever else the machine does hits all of them alike.

    Returns:
        The samples of each server, one for each round; and for the servers that cannot bear this load, the reason.
    """
    samples: dict[str, list[Sample]] = defaultdict(list)
    unfit: dict[str, str] = {}
    for turn in range(options.rounds):
        for name in options.servers[:: -1 if turn % 2 else 1]:  # there and back: a slow drift cancels out
            if name not in unfit:
                try:
                    samples[name].append(measure(name, connections, options))
                except Unfit as reason:
                    unfit[name] = str(reason)
    return {name: samples[name] for name in options.servers if name not in unfit}, unfit


def table(samples: dict[str, list[Sample]], whose: str = "server", rivals: tuple[str, ...] = RIVALS) -> str:
    """Return the samples as a Markdown table: medians, the range of the costs, and median ratios to the rivals."""
    rivals = tuple(rival for rival in rivals if rival in samples)
    heads = [whose, "replies/s", "busy", "CPU µs/reply", "min..max", *(f"× {rival}" for rival in rivals)]
    rows = [heads, ["---", *["---:"] * (len(heads) - 1)]]
    for name, own in samples.items():
        costs = [sample.cost for sample in own]
        rows.append(
            [
                name,
                f"{statistics.median(sample.rate for sample in own):,.0f}",
                f"{statistics.median(sample.busy for sample in own):.0%}",
                f"{statistics.median(costs):.1f}",
                f"{min(costs):.1f}..{max(costs):.1f}",
                *(_advantage(own, samples[rival]) for rival in rivals),
            ]
        )
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _advantage(own: list[Sample], rival: list[Sample]) -> str:
    """Return replies per CPU second as a multiple of the rival's: the median over the rounds."""
    return f"{statistics.median(r.cost / o.cost for o, r in zip(own, rival, strict=True)):.2f}"


def parse() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("servers", nargs="*", metavar="SERVER", help=f"all when none is named: {', '.join(ALL)}")
    parser.add_argument("--connections", type=int, nargs="+", default=CONNECTIONS, help="one table each: %(default)s")
    parser.add_argument("--active", type=int, default=10, help="clients that talk: %(default)s")
    parser.add_argument("--payload", type=int, default=64, help="bytes of each message: %(default)s")
    parser.add_argument("--seconds", type=float, default=0.2, help="length of one measurement: %(default)s")
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each server: %(default)s")
    parser.add_argument("--serve", metavar="SERVER", help=argparse.SUPPRESS)
    options = parser.parse_args()
    unknown = {*options.servers, options.serve or "epoll"} - {*ALL}
    if unknown:
        parser.error(f"no server is called {', '.join(sorted(unknown))}; there are: {', '.join(ALL)}")
    if options.rounds < 1 or options.seconds <= 0 or options.active < 1 or options.payload < 1:
        parser.error("rounds, seconds, active and payload have to be more than 0")
    if min(options.connections) < 1:
        parser.error("connections has to be 1 or more")
    options.servers = options.servers or list(ALL)
    return options


def main() -> None:
    """Serve, or tell what this is measured on and print the tables."""
    options = parse()
    if options.serve:
        serve(options.serve)
        return
    print(machine() + (f"; uvloop {uvloop.__version__}" if uvloop else ""), flush=True)
    if not uvloop:
        print("\nuvloop is not installed: its rows and ratios are left out (`pip install uvloop`).", flush=True)
    with compiled("echo.c") as (options.program, reason):
        if not options.program and IN_C in options.servers:
            options.servers.remove(IN_C)
            print(f"\nThe server in C is left out: {reason}.", flush=True)
        compare(options)


def compare(options: argparse.Namespace) -> None:
    """Print one table for each number of connections."""
    for connections in options.connections:
        samples, unfit = run(connections, options)
        talk = f"{min(options.active, connections)} talking, {options.payload} bytes a message"
        print(f"\n**{connections} connections, {talk}; median of {options.rounds} rounds of {options.seconds:g} s**\n")
        print(table(samples))
        for name, reason in unfit.items():
            print(f"\n{name} is left out: {reason}.", flush=True)


if __name__ == "__main__":
    main()
