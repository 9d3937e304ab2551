"""How large a crowd this machine can hold, over all its cores: what each limit allows, and how many processes it takes.

Nothing is opened or started here: a plan is arithmetic. `all_cores` (ascent.py) carries it out.
"""

import contextlib
import math
import os
from dataclasses import dataclass
from pathlib import Path

from .. import limits
from ..arguments import check_count, require_linux
from ..swarm.processes import most_in_one

KIB_EACH = 10
"""Memory of a silent connection, in KiB: both ends, what the kernel and what Python takes. Some 8 to 10 (seen)."""

UNEVEN = 10
"""One in so many of a server's descriptors is left to spare: the kernel spreads the connections by a hash, so that the
shares differ, by a few per cent with thousands each."""

MOST_PROCESSES = 32
"""Server processes at most, and as many for the clients: some 10 MiB of memory each, whatever they hold."""

ENDS = 2
"""Both ends of each connection are on this machine."""


@dataclass(frozen=True)
class CrowdPlan:
    """A crowd that this machine has room for; `print` it for the reasons.

    Attributes:
        wanted: connections that were asked for.
        connections: those that fit.
        servers, swarms: processes that listen on the one port, and processes that hold the clients.
        room: for each limit, how many connections it allows.
        cores: processors that all of them share.
    """

    wanted: int
    connections: int
    servers: int
    swarms: int
    room: dict[str, int]
    cores: int

    @property
    def memory(self) -> int:
        """MiB that it will take, roughly."""
        return self.connections * KIB_EACH // 1024

    @property
    def limit(self) -> str:
        """The limit that allows the fewest connections."""
        return min(self.room, key=self.room.__getitem__)

    def __str__(self) -> str:
        short = self.connections < self.wanted
        cut = f" ({self.wanted:,} are too many; first to run out: {self.limit})" if short else ""
        processes = f"{self.servers} server processes, {self.swarms} client processes"
        width = max(map(len, self.room))
        return "\n".join(
            [
                f"{self.connections:,} connections{cut}: {processes}, "
                f"on {self.cores} cores, in some {self.memory:,} MiB.",
                "What each limit of this machine allows:",
                *(f"  {name:{width}} {most:13,} connections" for name, most in sorted(self.room.items(), key=by_room)),
            ]
        )

    __repr__ = __str__


def by_room(item: tuple[str, int]) -> int:
    """Order limits by what they allow."""
    return item[1]


def crowd_plan(connections: int = 100_000, servers: int | None = None, swarms: int | None = None) -> CrowdPlan:
    """Plan a crowd: as many connections as were asked for, or as many as fit.

    Args:
        connections: how many are wanted.
        servers, swarms: processes on either side; None for as many as their descriptors ask for, at least half as many
            as there are cores, and at least two.

    Returns:
        The plan.

    Raises:
        TypeError, ValueError: a number is no whole number, or less than 1.
        OSError: this system is not Linux.

    Source: getrlimit(2), ip(7), proc(5), epoll(7).
    """
    require_linux("a crowd on all cores")
    check_count("connections", connections)
    for name, processes in (("servers", servers), ("swarms", swarms)):
        if processes is not None:
            check_count(name, processes)
    room = room_by_limit(servers or MOST_PROCESSES, swarms or MOST_PROCESSES)
    fitting = max(1, min(connections, *room.values()))
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    least = min(MOST_PROCESSES, max(2, cores // 2))
    return CrowdPlan(
        wanted=connections,
        connections=fitting,
        servers=servers or max(least, math.ceil(fitting / most_for_one_server())),
        swarms=swarms or max(least, math.ceil(fitting / most_in_one())),
        room=room,
        cores=cores,
    )


def room_by_limit(servers: int, swarms: int) -> dict[str, int]:
    """Return for each limit of this machine how many connections it allows to so many processes."""
    room = {
        "descriptors": min(servers * most_for_one_server(), swarms * most_in_one()),
        "ports": limits.client_ports("127.0.0.1"),
        "memory": free_memory() // 2 // (KIB_EACH * 1024),  # half of it: others want to live, too
    }
    if files := limits.proc_numbers("/proc/sys/fs/file-nr", []):  # open, free, and at most
        room["files of all processes"] = (files[2] - files[0]) // ENDS
    for most in limits.proc_numbers("/proc/sys/fs/epoll/max_user_watches", []):
        room["epoll watches"] = most // ENDS
    (tracked,) = limits.proc_numbers("/proc/sys/net/netfilter/nf_conntrack_count", [0])
    for most in limits.proc_numbers("/proc/sys/net/netfilter/nf_conntrack_max", []) if tracked else ():
        room["the firewall's list"] = max(0, most - tracked)  # where it keeps none, nothing is on it
    return room


def most_for_one_server() -> int:
    """Return how many connections to plan for one server process."""
    fitting = limits.clients_per_process()
    return max(1, fitting - fitting // UNEVEN)


def free_memory() -> int:
    """Return the bytes of memory that are available, to the machine or to the container that this is.

    Source: proc(5), meminfo; the kernel's Documentation/admin-guide/cgroup-v2.rst, memory.max.
    """
    free = meminfo("MemAvailable")
    for limit, used in (
        ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
        ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
    ):
        with contextlib.suppress(OSError, ValueError):  # there is none, or it says "max"
            free = min(free, int(Path(limit).read_text()) - int(Path(used).read_text()))
    return max(0, free)


def meminfo(name: str) -> int:
    """Return a figure of /proc/meminfo, in bytes; 0 where it is not told."""
    with contextlib.suppress(OSError), open("/proc/meminfo") as page:
        for line in page:
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) * 1024
    return 0
