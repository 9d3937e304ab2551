"""Published measurements, as rows like your own; the data are beside this file, with their sources.

Another machine, another year, another language: microseconds cannot be compared. The shape can (`slope`), and so can
how many times one way of waiting costs as much as another on the same machine.
"""

import csv
from pathlib import Path

from ..chain import ChainCost
from ..redis_share import RedisShare
from ..rows import Rows, read_csv
from ..waits import WaitCost

WAITS = 100_000
"""Kerrisk's table gives the seconds that this many waits took."""

SOURCES = {
    "lca2006": "M. Kerrisk, linux.conf.au 2006",
    "tlpi2010": "M. Kerrisk, The Linux Programming Interface, 2010, table 63-9",
}


def waits(source: str = "tlpi2010") -> Rows:
    """Return what one wait costs with one random descriptor ready, by M. Kerrisk: select, poll, epoll at 10 to 10,000.

    Args:
        source: "tlpi2010", his book, or "lca2006", his talk.

    Returns:
        Rows as of `wait_cost`. Their `machine` is the source.

    Raises:
        ValueError: there is no such source.
    """
    lines = _lines("kerrisk_waits.csv", "source", source)
    return Rows(
        WaitCost(model, int(line["watched"]), 1, float(line[model]) / WAITS * 1e6, machine=SOURCES[source])
        for model in ("select", "poll", "epoll")
        for line in lines
    )


def chain(active: int = 1, machine: str = "12800H") -> Rows:
    """Return what one run of libevent's bench costs with select, poll and epoll, as published in resetius/coroio.

    libevent's select is not stopped at 1,024: it hands the system call a longer row of bits than the C library's own.

    Args:
        active: 1 active pair, with an unknown number of writes; or 100, apparently with 1,000 writes.
        machine: "12800H" or "11400F", the processor.

    Returns:
        Rows as of `chain_cost`; with 100 active only those with as many pairs.

    Raises:
        ValueError: there is no such measurement.
    """
    lines = _lines("libevent_bench_coroio.csv", "machine", machine)
    writes = {1: None, 100: 1000}
    if active not in writes:
        raise ValueError(f"active={active!r}: published are 1 and 100")
    source = f"github.com/resetius/coroio, Intel Core {machine}"
    return Rows(
        ChainCost(line["model"], int(line["pairs"]), active, writes[active],
                  float(line["microseconds"]), machine=source)
        for line in lines
        if int(line["active"]) == active and int(line["pairs"]) >= active
    )  # fmt: skip


def profile() -> dict[str, dict[str, float]]:
    """Return which share of a web server's CPU time went into each event call: {server: {call: per cent}}.

    Source: Gammo, Brecht, Shukla, Pariag, *Comparing and Evaluating epoll, select, and poll Event Mechanisms*, Ottawa
    Linux Symposium 2004, table 1: one-byte replies, 22,000 requests a second.
    """
    lines = _lines("ols2004_profile.csv")
    servers = [column for column in lines[0] if column != "call"]
    return {server: {line["call"]: float(line[server]) for line in lines if line[server]} for server in servers}


def redis_share() -> Rows:
    """Return what a request cost the servers of chapter 12, and what part of the real Redis that is, on our machine.

    Returns:
        Rows as of `redis_share`. Their `machine` says what they were measured on.
    """
    return read_csv(Path(__file__).parent / "redis_share.csv", RedisShare)


def _lines(file: str, column: str = "", wanted: str = "") -> list[dict[str, str]]:
    """Return the lines of a data file that have `wanted` in a column. Its first lines, the sources, begin with #."""
    with (Path(__file__).parent / file).open(encoding="utf-8", newline="") as text:
        lines = list(csv.DictReader(line for line in text if not line.startswith("#")))
    if column:
        there = sorted({line[column] for line in lines})
        if wanted not in there:
            raise ValueError(f"{column}={wanted!r}: published are {' and '.join(there)}")
        lines = [line for line in lines if line[column] == wanted]
    return lines
