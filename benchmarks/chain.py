"""The chain of libevent's bench: `chain_cost` in Python against C programs over bare poll and epoll, and libevent.

Prints Markdown. See the README beside this file for how to read it.
"""

import argparse
import statistics
import subprocess
from collections.abc import Callable

from compiler import compiled
from machine import machine

from muxlab import limits
from muxlab.measure import chain_cost

WAYS = ("poll", "epoll")
FEW, MANY = 10, 9000
"""Pairs between which epoll's cost of an event is compared: nearly all of them idle."""

SECONDS = 0.05
"""Length of one measurement: at least three runs, and 25 if a run is short."""

RUNS = {"poll": 3, "epoll": 25}
"""Runs of a C program in one round: about as many as Python makes in its time."""

Measure = Callable[[str, int], float]


def python(options: argparse.Namespace) -> Measure:
    """Return a function of way and pairs that measures one run in Python, in microseconds: the package's experiment."""
    return lambda way, pairs: chain_cost(way, pairs, options.active, options.writes, SECONDS)[0].least


def in_c(program: str, options: argparse.Namespace, prefix: str = "") -> Measure:
    """Return a function that measures the same in a C program."""

    def measure(way: str, pairs: int) -> float:
        numbers = (pairs, options.active, options.writes, RUNS[way])
        done = subprocess.run([program, prefix + way, *map(str, numbers)], capture_output=True, text=True, check=True)
        return min(map(float, done.stdout.split()))

    return measure


def run(rivals: dict[str, Measure], options: argparse.Namespace) -> dict[tuple[str, str, int], list[float]]:
    """Measure all in turn, again and again, so that whatever else the machine does hits all of them alike.

    Returns:
        For each (rival, way, pairs) the microseconds of the cheapest run of each round.
    """
    found: dict[tuple[str, str, int], list[float]] = {}
    turns = [(name, way, pairs) for way in WAYS for pairs in options.pairs for name in rivals]
    for turn in range(options.rounds):
        for name, way, pairs in turns[:: -1 if turn % 2 else 1]:  # there and back: a slow drift cancels out
            found.setdefault((name, way, pairs), []).append(rivals[name](way, pairs))
    return found


def ratio(own: list[float], others: list[float]) -> str:
    """Return how many times as much one costs as the other: the median over the rounds, and its range."""
    ratios = [one / other for one, other in zip(own, others, strict=True)]
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f}..{max(ratios):.2f})"


def table(heads: list[str], rows: list[list[str]]) -> str:
    """Return cells as a Markdown table, with the first column aligned left."""
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def parse() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, nargs="+", default=[FEW, 100, 1000, MANY], help="%(default)s")
    parser.add_argument("--active", type=int, default=1, help="messages under way at once: %(default)s")
    parser.add_argument("--writes", type=int, default=100, help="messages passed on in a run: %(default)s")
    parser.add_argument("--rounds", type=int, default=7, help="measurements of each: %(default)s")
    options = parser.parse_args()
    if min(*options.pairs, options.active, options.rounds) < 1 or options.writes < 0:
        parser.error("pairs, active and rounds have to be 1 or more, writes 0 or more")
    if options.active > min(options.pairs):
        parser.error("there have to be as many pairs as are active")
    limits.raise_descriptor_limit(2 * max(options.pairs) + limits.SPARE)  # the C programs inherit it
    return options


def main() -> None:
    """Print one table of the chain, and one of epoll with few and with many idle pairs."""
    options = parse()
    print(machine(), flush=True)
    rivals = {"Python": python(options)}
    with compiled("chain.c") as (bare, reason), compiled("chain.c", "-DLIBEVENT", "-levent_core") as (whole, missing):
        if bare:
            rivals["C"] = in_c(bare, options)
        else:
            print(f"\nThe C programs are left out: {reason}.", flush=True)
        if bare and whole:
            rivals["libevent"] = in_c(whole, options, "libevent-")
        elif bare:
            print(f"\nlibevent is left out: {missing} (Debian: apt install libevent-dev).", flush=True)
        found = run(rivals, options)

    print(f"\n**Chain, {options.active} active, {options.writes} writes; median of {options.rounds} rounds**\n")
    others = list(rivals)[1:]
    heads = ["way", "pairs", *(f"{name}, µs/run" for name in rivals), *(f"Python / {name}" for name in others)]
    rows = [
        [way, f"{pairs:,}"]
        + [f"{statistics.median(found[name, way, pairs]):,.0f}" for name in rivals]
        + [ratio(found["Python", way, pairs], found[name, way, pairs]) for name in others]
        for way in WAYS
        for pairs in options.pairs
    ]
    print(table(heads, rows))

    few, many = min(options.pairs), max(options.pairs)
    print(f"\n**An event by epoll with {many:,} pairs, against one with {few:,}**\n")
    growth = [[name, ratio(found[name, "epoll", many], found[name, "epoll", few])] for name in rivals]
    print(table(["by", f"{many:,} / {few:,}"], growth), flush=True)


if __name__ == "__main__":
    main()
