"""A crowd on all cores: a hundred thousand connections to one server in several processes, step by step.

Prints Markdown; the README beside this file says how to read it.
"""

import argparse
import statistics
from collections.abc import Callable

from machine import machine

from muxlab.measure import AllCores, all_cores, crowd_plan

COLUMNS: dict[str, Callable[[AllCores], float]] = {
    "seconds to open": lambda row: row.seconds_to_open,
    "round trip, µs": lambda row: row.least,
    "p99, µs": lambda row: row.p99 * 1e6,
    "KiB each, kernel": lambda row: row.kernel_kib,
    "Python": lambda row: row.python_kib,
    "server's CPU µs/reply": lambda row: row.cpu_us_per_reply,
    "least share": lambda row: row.least_share,
    "most": lambda row: row.most_share,
}
"""What each column shows of a row."""


def main() -> None:
    """Print the table, and what it says of the aims."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--crowd", type=int, default=100_000, help="the largest crowd: %(default)s")
    parser.add_argument("--rounds", type=int, default=3, help="ascents: %(default)s")
    options = parser.parse_args()
    if options.rounds < 1 or options.crowd < 1:
        parser.error("rounds and crowd have to be more than 0")
    print(machine(), flush=True)
    plan = crowd_plan(options.crowd)
    print(f"\n{plan}", flush=True)
    steps = sorted({max(1, plan.connections // part) for part in (100, 10, 1)})
    rounds = [all_cores(steps, plan=plan) for _ in range(options.rounds)]
    lost = sum(row.lost + row.connections - row.answered for rows in rounds for row in rows)
    if lost:
        raise SystemExit(f"{lost} clients were lost, or not answered")
    print(f"\n**All cores, {plan.servers} and {plan.swarms} processes; median of {options.rounds} rounds**\n")
    print(f"| connections | {' | '.join(COLUMNS)} |")
    print("| ---: |" + " ---: |" * len(COLUMNS))
    for rows in zip(*rounds, strict=True):
        figures = (statistics.median(map(show, rows)) for show in COLUMNS.values())
        cells = [f"{figure:,.0f}" if figure >= 100 else f"{figure:.2f}" for figure in figures]
        print(f"| {rows[0].connections:,} | {' | '.join(cells)} |", flush=True)
    ratios = [rows[-1].least / rows[0].least for rows in rounds]
    print(f"\n**The largest crowd; {options.rounds} rounds**\n\n| | median | min..max |\n| --- | ---: | ---: |")
    line("round trip, over that with the smallest crowd", ratios)
    line("seconds to open it", [rows[-1].seconds_to_open for rows in rounds])
    line("KiB for each connection, both ends", [rows[-1].kib for rows in rounds])


def line(what: str, values: list[float]) -> None:
    """Print one line of the last table."""
    print(f"| {what} | {statistics.median(values):.2f} | {min(values):.2f}..{max(values):.2f} |", flush=True)


if __name__ == "__main__":
    main()
