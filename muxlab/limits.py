"""What this machine allows a process: descriptors and ports, and whether so many connections fit.

Not handled here: memory, of which a silent connection takes a few kilobytes, and limits of a container or of the whole
system (/proc/sys/fs/file-max).
"""

import contextlib
import errno
import os
import resource
import sys
from collections.abc import Iterator

CLIENT_FLOOR = 1024
"""Swarm clients take descriptors from here up, so that a select server in this process may have those below."""

SPARE = 64
"""Descriptors left free for whatever else the process opens: files, pipes, the notebook's own sockets."""


CLIENT_ADDRESSES = 250
"""Client addresses, 127.0.0.1 and upwards: on Linux the loopback has all of 127.0.0.0/8."""


def most_connections(server_here: bool, already: int = 0, clients_here: bool = True) -> int:
    """Return how many connections to one server fit on this machine, as things stand.

    Each takes a descriptor for either end that this process holds, and a port of the client's address, of which there
    is one here. (Clients in processes of their own have several: see `Swarm`, `processes`.)

    Args:
        server_here: True when this process holds the server's ends, as with `muxlab.serve`.
        already: how many of the connections are open by now.
        clients_here: True when it holds the clients' ends too, as with `muxlab.Swarm` without `isolate`.

    Returns:
        Connections, those that are open included.

    Source: getrlimit(2), RLIMIT_NOFILE; ip(7), ip_local_port_range.
    """
    ends = server_here + clients_here
    free = max(0, descriptor_limits()[1] - SPARE - len(open_descriptors()))
    return min(already + free // ends, ephemeral_ports()) if ends else ephemeral_ports()


def raise_descriptor_limit(wanted: int) -> None:
    """Raise this process's soft limit to `wanted` descriptors if it is lower, as far as the hard limit allows.

    The limit is one above the highest number that a descriptor may have. To go beyond the hard limit takes a privilege;
    `muxlab.doctor()` tells both.

    Args:
        wanted: descriptors in all.

    Raises:
        ValueError: `wanted` is not a whole number of 1 or more.

    Source: getrlimit(2), RLIMIT_NOFILE.
    """
    if isinstance(wanted, bool) or not isinstance(wanted, int) or wanted < 1:
        raise ValueError(f"wanted={wanted!r}: give a number of descriptors, a whole number of 1 or more")
    soft, hard = descriptor_limits()
    wanted = min(wanted, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))


@contextlib.contextmanager
def enough_descriptors(what: str) -> Iterator[None]:
    """Where too few descriptors are left, let the error say what was to be started, and what to do."""
    try:
        yield
    except OSError as error:
        if error.errno != errno.EMFILE:
            raise
        raise OSError(
            errno.EMFILE,
            f"too few descriptors are left to start {what}: close what you no longer need, as with muxlab.stop_all(), "
            f"or raise the limit, which is {descriptor_limits()[0]:,} now: muxlab.raise_descriptor_limit(...)",
        ) from None


def descriptor_limits() -> tuple[int, int]:
    """Return how many descriptors this process may have: (soft limit now, hard limit that it may be raised to).

    Source: getrlimit(2), RLIMIT_NOFILE.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    (ceiling,) = proc_numbers("/proc/sys/fs/nr_open", [2**20])
    unlimited = resource.RLIM_INFINITY
    return ceiling if soft == unlimited else soft, ceiling if hard == unlimited else hard


def open_descriptors() -> list[int]:
    """Return the descriptors that this process has open. Source: /proc/self/fd, proc(5)."""
    folder = "/proc/self/fd" if os.path.isdir("/proc/self/fd") else "/dev/fd"
    return [int(name) for name in os.listdir(folder)]


def descriptors_needed(
    connections: int, server_here: bool, already: int = 0, clients_here: bool = True
) -> tuple[int, int]:
    """Return what a swarm takes: (the descriptor limit it needs, the lowest descriptor number for its clients).

    Args:
        connections: clients in all.
        server_here, already, clients_here: as for `most_connections`.
    """
    fds = open_descriptors()
    new = max(0, connections - already)
    in_all = len(fds) + new * (server_here + clients_here) + SPARE
    above_floor = CLIENT_FLOOR + sum(fd >= CLIENT_FLOOR for fd in fds) + new + SPARE if clients_here else 0
    if max(in_all, above_floor) <= descriptor_limits()[1]:
        return max(in_all, above_floor), CLIENT_FLOOR
    return in_all, 0  # no room above the floor: better low numbers than no swarm


def make_room(
    connections: int, server_here: bool, already: int = 0, clients_here: bool = True, ports: int | None = None
) -> int:
    """Make room for a swarm, raising the soft descriptor limit if need be, or refuse it; arguments as above.

    Args:
        ports: how many the clients have; None for those of one address.

    Returns:
        The lowest descriptor number for its clients.

    Raises:
        ValueError: the machine does not allow so many; names the limit, and how to raise it.
    """
    ports = ports or ephemeral_ports()
    if connections > ports:
        addresses = ports // ephemeral_ports()
        have = "one client address has" if addresses == 1 else f"{addresses} client addresses have"
        raise ValueError(
            f"{connections:,} connections are too many: {have} {ports:,} ports "
            "(net.ipv4.ip_local_port_range), and each connection takes one. "
            'Widen it with: sudo sysctl net.ipv4.ip_local_port_range="1024 65535"'
        )
    if not (server_here or clients_here):
        return 0
    needed, floor = descriptors_needed(connections, server_here, already, clients_here)
    hard = descriptor_limits()[1]
    if needed > hard:
        both = " (both ends of each are in this process)" if server_here and clients_here else ""
        apart = "With isolate=True the clients are in a process of their own. " if clients_here else ""
        raise ValueError(
            f"{connections:,} connections are too many: they take {needed:,} descriptors{both}, "
            f"and this process may have {hard:,} (RLIMIT_NOFILE, the hard limit). "
            f"{most_connections(server_here, already, clients_here):,} would fit now. {apart}"
            f"To raise it, start JupyterLab from a shell after: sudo prlimit --pid $$ --nofile={needed}:{needed}"
        )
    raise_descriptor_limit(needed + already)  # the server may not have accepted all of those yet
    return floor


def clients_per_process() -> int:
    """Return how many clients a process may hold that does nothing else."""
    return max(1, descriptor_limits()[1] - SPARE)


def ephemeral_ports() -> int:
    """Return how many connections may go from one address here to one server.

    Source: /proc/sys/net/ipv4/ip_local_port_range, ip(7).
    """
    low, high = proc_numbers("/proc/sys/net/ipv4/ip_local_port_range", [49152, 65535])  # otherwise IANA's: RFC 6335
    return high - low + 1


def client_ports(host: str) -> int:
    """Return how many connections may go from here to one server on `host`: from many addresses over the loopback."""
    many = sys.platform == "linux" and (host.startswith("127.") or host == "localhost")
    return ephemeral_ports() * (CLIENT_ADDRESSES if many else 1)


def proc_numbers(path: str, otherwise: list[int]) -> list[int]:
    """Return the numbers in a file of /proc/sys, or `otherwise` where there is none."""
    try:
        with open(path) as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return otherwise
