"""What part of the real Redis our Redis-like server is, for each second of CPU time; and what the rest goes to.

redis-benchmark drives redis-server, our server on plain epoll, the same on the loop of chapter 11, and the same on
asyncio's streams. Prints Markdown.
"""

import argparse
import sys

from machine import machine

from muxlab.measure import redis_share
from muxlab.measure.rows import Rows
from muxlab.programs import missing
from muxlab.resp import redis_on_loop, redis_on_streams, redis_server

OURS = {"ours, on epoll": redis_server, "ours, on its own loop": redis_on_loop, "ours, on streams": redis_on_streams}
HEADS = (
    "server",
    "pipeline",
    "requests/s",
    "CPU µs/request",
    "× Redis",
    "× streams",
    "in the kernel",
    "reads",
    "writes",
)


def table(rows: Rows) -> str:
    """Return the rows as a Markdown table; ratios are of requests per CPU second."""
    streams = {row.pipeline: row for row in rows if row.server == "ours, on streams"}
    lines = [HEADS, ["---", *["---:"] * (len(HEADS) - 1)]]
    for row in sorted(rows, key=lambda row: row.pipeline):
        lines.append(
            [
                row.server,
                str(row.pipeline),
                f"{row.requests_per_second:,.0f}",
                f"{row.cpu_us_per_request:.2f}",
                f"{row.share:.2f}",
                f"{row.share / streams[row.pipeline].share:.2f}",
                "-" if row.in_kernel is None else f"{row.in_kernel:.0%}",
                f"{row.reads:.2f}",
                f"{row.writes:.2f}",
            ]
        )
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def parse() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pipelines", type=int, nargs="+", default=[1, 16], help="requests at once: %(default)s")
    parser.add_argument("--requests", type=int, default=20_000, help="requests of one measurement: %(default)s")
    parser.add_argument("--rounds", type=int, default=7, help="measurements of each server: %(default)s")
    parser.add_argument("--test", default="get", help="what redis-benchmark asks for: %(default)s")
    options = parser.parse_args()
    if min(options.rounds, options.requests, *options.pipelines) < 1:
        parser.error("rounds, requests and pipelines have to be 1 or more")
    return options


def main() -> int:
    """Tell what this is measured on, and print the table."""
    options = parse()
    print(machine(), flush=True)
    if said := missing("redis-server", "redis-benchmark"):
        print(f"\nNothing is compared: {said}.")
        return 0
    rows = redis_share(OURS, options.pipelines, options.requests, options.rounds, options.test)
    asked = (
        f"redis-benchmark -t {options.test}, 50 clients, {options.requests:,} requests, in pipelines 5 times as many"
    )
    print(f"\n**{asked}; median of {options.rounds} rounds**\n")
    print(table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
