"""Measure the servers of chapter 12 beside the real Redis, and store the rows for machines where there is none.

Writes muxlab/measure/published/redis_share.csv. Run it on a machine that has nothing else to do.
"""

import dataclasses
import sys
from pathlib import Path

from muxlab.course import ch12, ch12_loop
from muxlab.course.variant import variant
from muxlab.measure import published, redis_share
from muxlab.measure.protocol import machine
from muxlab.measure.rows import Rows
from muxlab.programs import missing
from muxlab.resp import redis_on_streams, redis_server

SERVERS = {
    "your server": ch12.FINISHED[0],
    "yours on your loop": variant((ch12_loop.redis_on_loop, *ch12.FINISHED[1:]), "redis_on_loop", ""),
    "the finished one": redis_server,
    "asyncio streams": redis_on_streams,
}
"""The servers, by the names that the chapter gives them; the learner's are put together from solutions."""

SOURCE = "# What one GET costs redis-server and the servers of chapter 12, driven by redis-benchmark: our own.\n"
DIGITS = 4


def rounded(number: object) -> object:
    """Return a number with so many digits that mean something; anything else as it is."""
    return float(f"{number:.{DIGITS}g}") if isinstance(number, float) else number


def main() -> None:
    """Measure, store, and print what was stored."""
    if said := missing("redis-server", "redis-benchmark"):
        sys.exit(said)
    found = redis_share(SERVERS, requests=20_000, rounds=7)
    rows = Rows()
    for row in found:
        figures = {name: rounded(value) for name, value in dataclasses.asdict(row).items()}
        rows.append(type(row)(**figures | {"machine": machine()}))
    text = SOURCE + rows.to_csv()
    Path(published.__file__).with_name("redis_share.csv").write_text(text, encoding="utf-8")
    print(text, end="")


if __name__ == "__main__":
    main()
