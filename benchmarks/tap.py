"""The cost of the tap: each reference server with its calls recorded, against the same server without.

Prints Markdown; see the README beside this file for how to read it. Each server runs in a process of its own, with more
talking clients than it can satisfy. Servers and ways of serving take turns, round after round and there and back, so
that whatever else the machine does hits all of them alike; a ratio is the median of the ratios within one round.
"""

import argparse
import functools
import statistics
import subprocess
import sys
import time

from machine import machine

import muxlab

WAYS = {
    "serve": muxlab.serve,
    "serve, tapped": functools.partial(muxlab.serve, tap=True),
}
WARM_UP = 200
"""Replies before the clock starts."""


NAMES = [name for name in muxlab.SERVERS if name != "blocking"]  # that one would answer one client alone

Sample = tuple[float, float]
"""Replies a second, and microseconds of the server's CPU time for each."""

HEADS = ("replies/s", "tapped", "CPU µs/reply", "tapped",
         "tapped keeps", "per CPU second")  # fmt: skip


def share(some: list[Sample], bare: list[Sample]) -> float:
    """Return which share of the bare server's replies is left: the median over the rounds."""
    return statistics.median(one[0] / other[0] for one, other in zip(some, bare, strict=True))


def share_of_cpu(some: list[Sample], bare: list[Sample]) -> float:
    """Return which share of its replies per CPU second is left: the median over the rounds."""
    return statistics.median(other[1] / one[1] for one, other in zip(some, bare, strict=True))


def serve(name: str, way: str) -> None:
    """Serve in a process of its own: print the port, then for each line that comes in the CPU time of the thread."""
    with WAYS[way](muxlab.SERVERS[name]) as server:
        print(server.address[1], flush=True)
        for _ in sys.stdin:
            print(server.cpu_seconds(), flush=True)


def measure(name: str, way: str, options: argparse.Namespace) -> Sample:
    """Measure one server, once."""
    command = [sys.executable, __file__, "--serve", name, way]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:

        def cpu() -> float:
            print(file=child.stdin, flush=True)
            return float(child.stdout.readline())

        address = "127.0.0.1", int(child.stdout.readline())
        with muxlab.Swarm(address, options.connections, options.active) as swarm:
            swarm.wait_replies(WARM_UP, timeout=10)
            before = time.perf_counter(), cpu(), swarm.snapshot().replies
            swarm.wait_replies(WARM_UP, timeout=10)  # a machine that stands still for the whole time gives no figure
            time.sleep(options.seconds)
            after = time.perf_counter(), cpu(), swarm.snapshot().replies
        child.stdin.close()
    seconds, used, replies = (late - early for early, late in zip(before, after, strict=True))
    return replies / seconds, used / replies * 1e6


def main() -> None:
    """Print one row for each server."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--connections", type=int, default=20, help="clients in all: %(default)s")
    parser.add_argument("--active", type=int, default=10, help="clients that talk: %(default)s")
    parser.add_argument("--seconds", type=float, default=0.3, help="length of one measurement: %(default)s")
    parser.add_argument("--rounds", type=int, default=11, help="measurements of each: %(default)s")
    parser.add_argument("--serve", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if min(options.connections, options.active, options.rounds) < 1 or options.seconds <= 0:
        parser.error("connections, active, rounds and seconds have to be more than 0")
    if options.serve:
        serve(*options.serve)
        return
    print(machine(), flush=True)
    pairs = [(name, way) for name in NAMES for way in WAYS]
    samples: dict[tuple[str, str], list[Sample]] = {pair: [] for pair in pairs}
    for turn in range(options.rounds):
        for pair in pairs[:: -1 if turn % 2 else 1]:
            samples[pair].append(measure(*pair, options))
    clients = f"{options.connections} connections, {options.active} talking"
    print(f"\n**{clients}; median of {options.rounds} rounds of {options.seconds:g} s**\n")
    print("| server | " + " | ".join(HEADS) + " |\n| --- |" + " ---: |" * len(HEADS))
    for name in NAMES:
        bare, tapped = (samples[name, way] for way in WAYS)
        cells = [f"{statistics.median(rate for rate, _ in ways):,.0f}" for ways in (bare, tapped)]
        cells += [f"{statistics.median(cost for _, cost in ways):.1f}" for ways in (bare, tapped)]
        cells += [f"{share(tapped, bare):.2f}", f"{share_of_cpu(tapped, bare):.2f}"]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
