"""The rows of the table of figures in book/speed.md, out of what the benchmarks have printed."""

import re
from functools import partial
from typing import NamedTuple

NUMBER = re.compile(r"[\d,]+(?:\.\d+)?")
ECHO = ("100 connections, 10 talking", "1000 connections, 10 talking")
SWARM = ("1 connections, 1 talking", "100 connections, 10 talking", "1000 connections, 1000 talking")
CHAIN = ("Chain",)
CROWD = "A large crowd"
LARGEST = "The largest crowd"
TAP = ("20 connections, 10 talking",)
REDIS = "redis-benchmark"
GROWTH = "An event by epoll"


class Table(NamedTuple):
    """One table that a benchmark has printed: the line in bold above it, its heads, and its rows by their heads."""

    title: str
    heads: list[str]
    rows: list[dict[str, str]]


def tables(text: str) -> list[Table]:
    """Return all Markdown tables in a text."""
    found: list[Table] = []
    title, inside = "", False
    for line in text.splitlines():
        if line.startswith("**"):
            title = line.strip("*")
        cells = [cell.strip() for cell in line.strip().removeprefix("|").removesuffix("|").split("|")]
        if not line.startswith("|"):
            inside = False
        elif not inside:
            inside = True
            found.append(Table(title, cells, []))
        elif not cells[0].startswith("---"):
            found[-1].rows.append(dict(zip(found[-1].heads, cells, strict=False)))
    return found


class Printed:
    """What the benchmarks have printed; asked for a cell that is not there, it raises a LookupError."""

    def __init__(self, text: str) -> None:
        self.tables = tables(text)

    def column(self, title: str, head: str, **where: str) -> list[str]:
        """Return a column of the first table whose title begins so: all of it, or the rows with these values."""
        for table in self.tables:
            if table.title.startswith(title) and head in table.heads and where.keys() <= {*table.heads}:
                return [row[head] for row in table.rows if where.items() <= row.items()]
        raise LookupError(f"no table {title!r} with a column {head!r}")

    def cells(self, titles: tuple[str, ...], head: str, **where: str) -> str:
        """Return one cell of each of some tables."""
        return " / ".join(self.column(title, head, **where)[0] for title in titles)

    def spread(self, titles: tuple[str, ...], head: str, **where: str) -> str:
        """Return the lowest and the highest of a column in some tables; of a cell, its first number."""
        cells = [cell.split()[0] for title in titles for cell in self.column(title, head, **where)]
        cells.sort(key=lambda cell: float(NUMBER.findall(cell)[0].replace(",", "")))
        return cells[0] if cells[0] == cells[-1] else f"{cells[0]} to {cells[-1]}"

    def firsts(self, title: str, head: str, **where: str) -> str:
        """Return the first number of each cell of a column."""
        return " / ".join(cell.split()[0] for cell in self.column(title, head, **where))


def rows(text: str) -> str:
    """Return the table of figures as Markdown: what was measured, the figures, and the aim of the course."""
    printed = Printed(text)
    epoll = partial(printed.cells, ECHO, server="epoll")
    swarm = partial(printed.spread, SWARM, client="muxlab swarm")
    chain = partial(printed.spread, CHAIN, "Python / C")
    redis = partial(printed.firsts, REDIS, server="ours, on epoll")
    trip, few = "the second over the first", "9,000 / 10"
    figures = [
        (
            "epoll server, replies per CPU second, 100 / 1,000 connections, clients in C: against our server in C",
            "",
            partial(epoll, "× C epoll"),
        ),
        ("... against uvloop's Protocol", "at least 1", partial(epoll, "× uvloop Protocol")),
        (
            "... a loop of nothing but `recv` and `send`, against uvloop's Protocol",
            "",
            partial(printed.cells, ECHO, "× uvloop Protocol", server="bare loop"),
        ),
        ("... against asyncio's streams", "at least 3", partial(epoll, "× asyncio streams")),
        ("... share of its CPU time that it spends in the kernel", "", partial(epoll, "in the kernel")),
        ("epoll server, replies a second, 100 / 1,000 connections", "", partial(epoll, "replies/s")),
        (
            "time for libevent's chain of messages, Python ÷ C: epoll, 10 to 9,000 pairs",
            "at most 1.5",
            partial(chain, way="epoll"),
        ),
        (
            "... poll, 10 / 100 / 1,000 / 9,000 pairs",
            "at most 1.5",
            partial(printed.firsts, *CHAIN, "Python / C", way="poll"),
        ),
        (
            "cost of one event by epoll: beside 9,000 idle pairs ÷ beside 10",
            "at most 1.1",
            partial(printed.firsts, GROWTH, few, by="Python"),
        ),
        (
            "round trip, median: beside 19,000 silent connections ÷ beside 100",
            "at most 1.1",
            partial(printed.firsts, CROWD, "median", **{"": trip}),
        ),
        ("seconds to open 19,000 connections", "at most 3", partial(opening, printed)),
        (
            "round trip, median: with 100,000 connections on all cores, against 1,000",
            "at most 1.2",
            partial(largest, printed, "round trip"),
        ),
        ("seconds to open 100,000 connections", "at most 30", partial(largest, printed, "seconds to open")),
        ("KiB of memory for each of them, both ends", "", partial(largest, printed, "KiB")),
        (
            "swarm, replies per CPU second: against a bare loop, 1 to 1,000 clients",
            "at least 0.9",
            partial(swarm, "× bare loop"),
        ),
        (
            "... share of the bare loop's CPU time that it spends in the kernel",
            "",
            partial(printed.spread, SWARM, "in the kernel", client="bare loop"),
        ),
        ("... against an asyncio Protocol swarm", "", partial(swarm, "× asyncio Protocol")),
        ("... against an asyncio streams swarm", "", partial(swarm, "× asyncio streams")),
        (
            "share of its replies per CPU second that a server keeps while its calls are recorded (tap)",
            "at least 0.5",
            partial(printed.spread, TAP, "per CPU second"),
        ),
        (
            "Redis-like server, requests per CPU second, no pipeline / 16: of redis-server's",
            "at least 0.70 / 0.25",
            partial(redis, "× Redis"),
        ),
        ("... against the same on asyncio's streams", "at least 1.5", partial(redis, "× streams")),
    ]
    lines = ["| what | measured | aim |", "|---|---:|---:|"]
    for what, aim, measured in figures:
        try:
            lines.append(f"| {what} | {measured()} | {aim} |")
        except LookupError:
            lines.append(f"| {what} | not measured | {aim} |")
    return "\n".join(lines)


def largest(printed: Printed, begins: str) -> str:
    """Return the median of what begins so, of the ascent on all cores."""
    (name,) = (name for name in printed.column(LARGEST, "") if name.startswith(begins))
    return printed.column(LARGEST, "median", **{"": name})[0]


def opening(printed: Printed) -> str:
    """Return the medians of the seconds that it took to open a large crowd, in a thread and in a process."""
    names = [name for name in printed.column(CROWD, "") if name.startswith("seconds to open")]
    return " / ".join(printed.column(CROWD, "median", **{"": name})[0] for name in names)
