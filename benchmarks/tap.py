"""What the tap costs: replies a second of each reference server, with its calls recorded, against without.

Prints Markdown. Each server runs in a process of its own, with more talking clients than it can satisfy. The three
ways of serving take turns, so that what else the machine does hits all of them alike; a ratio is the median over
the rounds. What has to hold: tapped at least 0.5; `muxlab.serve` without a tap as `muxlab.lab.serve`, which has none.
"""

import argparse
import statistics
import subprocess
import sys
import time

import muxlab
from muxlab import lab

WAYS = {
    "lab.serve": lambda fn: lab.serve(fn),
    "serve": lambda fn: muxlab.serve(fn),
    "serve, tapped": lambda fn: muxlab.serve(fn, tap=True),
}
WARM_UP = 200
"""Replies before the clock starts."""


def serve(name: str, way: str) -> None:
    """In the server's process: print the port, then the CPU time of the server's thread for each line that comes in."""
    with WAYS[way](muxlab.SERVERS[name]) as server:
        print(server.address[1], flush=True)
        for _ in sys.stdin:
            print(server.cpu_seconds(), flush=True)


def measure(name: str, way: str, options: argparse.Namespace) -> tuple[float, float]:
    """(replies a second, microseconds of CPU for each) of one server, once."""
    command = [sys.executable, __file__, "--serve", name, way]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:

        def cpu() -> float:
            print(file=child.stdin, flush=True)
            return float(child.stdout.readline())

        address = "127.0.0.1", int(child.stdout.readline())
        with muxlab.Swarm(address, options.connections, options.active) as swarm:
            swarm.wait_replies(WARM_UP, timeout=10)
            start, used, replies = time.perf_counter(), cpu(), swarm.snapshot().replies
            time.sleep(options.seconds)
            seconds, used, replies = time.perf_counter() - start, cpu() - used, swarm.snapshot().replies - replies
        child.stdin.close()
    return replies / seconds, used / replies * 1e6


def main() -> None:
    """Print one row for each server."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--connections", type=int, default=20, help="clients in all: %(default)s")
    parser.add_argument("--active", type=int, default=10, help="clients that talk: %(default)s")
    parser.add_argument("--seconds", type=float, default=0.5, help="length of one measurement: %(default)s")
    parser.add_argument("--rounds", type=int, default=7, help="measurements of each: %(default)s")
    parser.add_argument("--serve", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(*options.serve)
        return
    print(f"{options.connections} connections, {options.active} talking; median of {options.rounds} rounds\n")
    print("| server | " + " | ".join(f"{way}, replies/s | CPU µs/reply" for way in WAYS) + " | untapped | tapped |")
    print("|---|" + "---:|" * (2 * len(WAYS) + 2))
    for name in muxlab.SERVERS:
        rounds = [[measure(name, way, options) for way in WAYS] for _ in range(options.rounds)]
        cells = [f"{statistics.median(r[way][kind] for r in rounds):,.{kind}f}" for way in range(3) for kind in (0, 1)]
        ratios = [f"{statistics.median(r[way][0] / r[0][0] for r in rounds):.2f}" for way in (1, 2)]
        print(f"| {name} | {' | '.join([*cells, *ratios])} |", flush=True)


if __name__ == "__main__":
    main()
