"""How many echoes each server answers, and what CPU time each costs it: the reference servers, their peers, and C.

Prints Markdown. See the README beside this file for how to read it.
"""

import argparse
import contextlib
import ctypes
import functools
import os
import signal
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from compiler import compiled
from crowds import Unfit, by_swarm, in_c
from machine import machine
from peers import BACKLOG, PEERS, uvloop

import muxlab

IN_PYTHON = {**muxlab.SERVERS, **PEERS}
IN_C = "C epoll"
ALL = (*IN_PYTHON, IN_C)
USUAL = tuple(name for name in ALL if name != "blocking")  # that one answers one client alone
RIVALS = (IN_C, "uvloop Protocol", "asyncio streams")
CONNECTIONS = (100, 1000)
"""The same talk, with a short and with a long list of silent clients around it: one table each."""

ATTEMPTS = 50
"""Lengths of a turn in which a reply has to come: on a busy machine, a server may get no processor for some of them."""

SETTLE = 0.005
"""Seconds from when a server goes on to when it is measured."""

TICK = 1 / os.sysconf("SC_CLK_TCK")
"""Seconds in which the kernel counts the time that a process spends inside it and outside of it."""


@dataclass
class Sample:
    """One server, measured once.

    Attributes:
        seconds: how long it was measured.
        cpu: the CPU time that it used, in seconds.
        replies: what the clients got meanwhile, verified.
        inside, outside: CPU time in the kernel and outside of it, in seconds; both are less exact than `cpu`.
    """

    seconds: float
    cpu: float
    replies: int
    inside: float
    outside: float

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


def inside_and_outside(pid: int) -> tuple[float, float]:
    """Return the CPU seconds that another process has spent in the kernel and outside of it. Source: proc(5), stat."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[12]) * TICK, int(fields[11]) * TICK


@contextlib.contextmanager
def under_load(name: str, connections: int, options: argparse.Namespace) -> Iterator[Callable[[], Sample]]:
    """Start a server and its clients, and yield a function that gives them a turn; between turns they stand still."""
    make = functools.partial(in_c, options.clients) if options.clients else by_swarm
    active = min(options.active, connections)
    with child(name, options.program) as (pid, address), make(address, connections, active, options.payload) as crowd:
        clock = cpu_clock(pid)

        def now() -> tuple[float, float, int, float, float]:
            return time.perf_counter(), time.clock_gettime(clock), crowd.count(), *inside_and_outside(pid)

        def turn() -> Sample:
            os.kill(pid, signal.SIGCONT)
            crowd.go()
            time.sleep(SETTLE)
            before = now()
            for _ in range(ATTEMPTS):
                time.sleep(options.seconds)
                sample = Sample(*(late - early for early, late in zip(before, now(), strict=True)))
                if sample.replies and sample.cpu:
                    break
            else:
                raise RuntimeError(f"the {name} server has stopped answering")
            hold()
            return sample

        def hold() -> None:
            crowd.hold()
            time.sleep(SETTLE)  # in which it answers what is under way
            os.kill(pid, signal.SIGSTOP)

        hold()
        try:
            yield turn
        finally:
            os.kill(pid, signal.SIGCONT)


def run(connections: int, options: argparse.Namespace) -> tuple[dict[str, list[Sample]], dict[str, str]]:
    """Measure all servers in turn, again and again, so that whatever else the machine does hits all of them alike.

    All of them are there at once, and take many short turns. In each round they are started anew, as two processes of
    the same program may differ by some per cent, with the places in memory that they happen to get.

    Returns:
        The samples of each server, one for each turn; and for the servers that cannot bear this load, the reason.
    """
    samples: dict[str, list[Sample]] = defaultdict(list)
    unfit: dict[str, str] = {}
    for _ in range(options.rounds):
        with contextlib.ExitStack() as started:
            turns = {}
            for name in options.servers:
                try:
                    turns[name] = started.enter_context(under_load(name, connections, options))
                except Unfit as reason:
                    unfit[name] = str(reason)
            for number in range(options.turns):
                for name in list(turns)[:: -1 if number % 2 else 1]:  # there and back: a slow drift cancels out
                    samples[name].append(turns[name]())
    return {name: samples[name] for name in options.servers if name not in unfit}, unfit


def table(samples: dict[str, list[Sample]], whose: str = "server", rivals: tuple[str, ...] = RIVALS) -> str:
    """Return the samples as a Markdown table: medians, the middle half of the costs, and the ratios to the rivals."""
    rivals = tuple(rival for rival in rivals if rival in samples)
    heads = [whose, "replies/s", "busy", "CPU µs/reply", "middle half", "in the kernel"]
    heads += [f"× {rival}" for rival in rivals]
    rows = [heads, ["---", *["---:"] * (len(heads) - 1)]]
    for name, own in samples.items():
        costs = [sample.cost for sample in own]
        rows.append(
            [
                name,
                f"{statistics.median(sample.rate for sample in own):,.0f}",
                f"{statistics.median(sample.busy for sample in own):.0%}",
                f"{statistics.median(costs):.1f}",
                _middle_half(costs),
                _in_the_kernel(own),
                *(_advantage(own, samples[rival]) for rival in rivals),
            ]
        )
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _middle_half(costs: list[float]) -> str:
    """Return between which values half of the costs are."""
    least, _, most = statistics.quantiles(costs, n=4, method="inclusive") if len(costs) > 1 else costs * 3
    return f"{least:.1f}..{most:.1f}"


def _in_the_kernel(samples: list[Sample]) -> str:
    """Return the share of all CPU time that was spent in the kernel: of one sample it would be too coarse."""
    inside, outside = (sum(times) for times in zip(*((s.inside, s.outside) for s in samples), strict=True))
    return f"{inside / (inside + outside):.0%}" if inside + outside else "-"


def _advantage(own: list[Sample], rival: list[Sample]) -> str:
    """Return replies per CPU second as a multiple of the rival's in the same turn: the median."""
    return f"{statistics.median(r.cost / o.cost for o, r in zip(own, rival, strict=True)):.2f}"


def parse() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("servers", nargs="*", metavar="SERVER", help=f"when none is named: {', '.join(USUAL)}")
    parser.add_argument("--connections", type=int, nargs="+", default=CONNECTIONS, help="one table each: %(default)s")
    parser.add_argument("--active", type=int, default=10, help="clients that talk: %(default)s")
    parser.add_argument("--payload", type=int, default=64, help="bytes of each message: %(default)s")
    parser.add_argument("--seconds", type=float, default=0.04, help="length of a turn: %(default)s")
    parser.add_argument("--turns", type=int, default=20, help="measurements of each server in a round: %(default)s")
    parser.add_argument("--rounds", type=int, default=5, help="starts of each server: %(default)s")
    parser.add_argument("--swarm", action="store_true", help="let muxlab's swarm be the clients, not the program in C")
    parser.add_argument("--serve", metavar="SERVER", help=argparse.SUPPRESS)
    options = parser.parse_args()
    unknown = {*options.servers, options.serve or "epoll"} - {*ALL}
    if unknown:
        parser.error(f"no server is called {', '.join(sorted(unknown))}; there are: {', '.join(ALL)}")
    if min(options.rounds, options.turns, options.active, options.payload) < 1 or options.seconds <= 0:
        parser.error("rounds, turns, seconds, active and payload have to be more than 0")
    if min(options.connections) < 1:
        parser.error("connections has to be 1 or more")
    options.servers = options.servers or list(USUAL)
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
    with compiled("echo.c") as (options.program, reason), compiled("clients.c") as (clients, _):
        if not options.program and IN_C in options.servers:
            options.servers.remove(IN_C)
            print(f"\nThe server in C is left out: {reason}.", flush=True)
        options.clients = "" if options.swarm else clients
        print("\nThe clients are " + ("in C." if options.clients else "muxlab's swarm."), flush=True)
        compare(options)


def compare(options: argparse.Namespace) -> None:
    """Print one table for each number of connections."""
    for connections in options.connections:
        samples, unfit = run(connections, options)
        talk = f"{min(options.active, connections)} talking, {options.payload} bytes a message"
        print(f"\n**{connections} connections, {talk}; median of {options.rounds} times {options.turns} turns**\n")
        print(table(samples))
        for name, reason in unfit.items():
            print(f"\n{name} is left out: {reason}.", flush=True)


if __name__ == "__main__":
    main()
