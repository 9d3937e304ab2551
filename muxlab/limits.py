"""What this machine allows: descriptors and ports, and whether a swarm fits; and what is no count at all."""

import os
import resource

CLIENT_FLOOR = 1024
"""Swarm clients take descriptors from here up, so that a select server in this process may have those below."""

SPARE = 64
"""Descriptors left free for whatever else the process opens: files, pipes, the notebook's own sockets."""


def descriptor_limits() -> tuple[int, int]:
    """How many descriptors this process may have: (soft limit now, hard limit that the soft one may be raised to).

    Source: getrlimit(2), RLIMIT_NOFILE.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    (ceiling,) = proc_numbers("/proc/sys/fs/nr_open", [2**20])
    unlimited = resource.RLIM_INFINITY
    return ceiling if soft == unlimited else soft, ceiling if hard == unlimited else hard


def raise_descriptor_limit(wanted: int) -> None:
    """Raise the soft limit to `wanted` descriptors if it is lower; the hard limit is never passed."""
    soft, hard = descriptor_limits()
    if soft < wanted <= hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))


def open_descriptors() -> list[int]:
    """The descriptors that this process has open. Source: /proc/self/fd, proc(5)."""
    folder = "/proc/self/fd" if os.path.isdir("/proc/self/fd") else "/dev/fd"
    return [int(name) for name in os.listdir(folder)]


def descriptors_needed(
    connections: int, server_here: bool, already: int = 0, clients_here: bool = True
) -> tuple[int, int]:
    """What a swarm takes: (the descriptor limit it needs, the lowest descriptor number for its clients).

    Args:
        connections: clients in all.
        server_here, clients_here: which ends of each connection are in this process.
        already: how many of these clients are open by now.
    """
    fds = open_descriptors()
    new = max(0, connections - already)
    in_all = len(fds) + new * (server_here + clients_here) + SPARE
    above_floor = CLIENT_FLOOR + sum(fd >= CLIENT_FLOOR for fd in fds) + new + SPARE if clients_here else 0
    if max(in_all, above_floor) <= descriptor_limits()[1]:
        return max(in_all, above_floor), CLIENT_FLOOR
    return in_all, 0  # no room above the floor: better low numbers than no swarm


def ephemeral_ports() -> int:
    """How many connections may go from one address here to one server.

    Source: /proc/sys/net/ipv4/ip_local_port_range, ip(7).
    """
    low, high = proc_numbers("/proc/sys/net/ipv4/ip_local_port_range", [49152, 65535])  # otherwise IANA's: RFC 6335
    return high - low + 1


def clients_per_process() -> int:
    """How many clients a process may hold that does nothing else."""
    return max(1, descriptor_limits()[1] - SPARE)


def most_connections(server_here: bool, already: int = 0, clients_here: bool = True) -> int:
    """How many clients one swarm may have on this machine, as things stand; arguments as for `descriptors_needed`."""
    ends = server_here + clients_here
    free = max(0, descriptor_limits()[1] - SPARE - len(open_descriptors()))
    return min(already + free // ends, ephemeral_ports()) if ends else ephemeral_ports()


def make_room(connections: int, server_here: bool, already: int = 0, clients_here: bool = True) -> int:
    """Make room for a swarm, raising the soft descriptor limit if need be, or refuse it.

    Returns:
        The lowest descriptor number for its clients.

    Raises:
        ValueError: the machine does not allow so many; names the limit, and how to raise it.
    """
    ports = ephemeral_ports()
    if connections > ports:
        raise ValueError(
            f"{connections:,} connections are too many: one client address has {ports:,} ports "
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
    raise_descriptor_limit(min(hard, needed + already))  # the server may not have accepted all of those yet
    return floor


def proc_numbers(path: str, otherwise: list[int]) -> list[int]:
    """The numbers in a file of /proc/sys, or `otherwise` where there is none."""
    try:
        with open(path) as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return otherwise
