"""The kernel's table of TCP sockets: what waits in the queues of a server's connections, seen from another process.

Not handled here: addresses other than 127.0.0.1's family (IPv4), and systems other than Linux.
"""

import socket
import struct
from collections.abc import Iterator
from typing import NamedTuple

NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY, DONE = 4, 20, 3
REQUEST_DUMP = 0x1 | 0x300
"""Numbers of a request for all sockets that match: linux/netlink.h, linux/sock_diag.h."""

HEADER, ROW = struct.Struct("=IHHII"), struct.Struct("=BBBB HH 16s 16s I 8s IIIII")
"""A message of netlink(7), and the row of a socket, `struct inet_diag_msg`; its two ports are in network order."""

ESTABLISHED, TIME_WAIT, LISTEN = 1, 6, 10
"""States of a connection: net/tcp_states.h. One that is established has not heard of its client's end."""

OPEN_STATES = 0xFFF & ~(1 << TIME_WAIT | 1 << LISTEN)
"""The states that are asked for. A connection that has ended for good is on its way out of the table."""


class SocketEntry(NamedTuple):
    """One end of a connection, as the kernel has it in its table.

    Attributes:
        established: neither side has ended the connection, as far as this end knows.
        unread: bytes that have arrived and were not read.
        unsent: bytes that the other end has not acknowledged.
    """

    established: bool
    unread: int
    unsent: int


def connections_on(port: int) -> dict[int, SocketEntry]:
    """Return the connections of a local port that some process has open: {inode: entry}.

    The inode is what /proc/[pid]/fd calls such a socket by: "socket:[inode]", proc(5). A connection that nobody has
    accepted yet has none, and is left out.

    Source: sock_diag(7).
    """
    ends = struct.pack(">HH", port, 0) + bytes(32 + 4) + b"\xff" * 8
    request = struct.pack("=BBBxI", socket.AF_INET, socket.IPPROTO_TCP, 0, OPEN_STATES) + ends
    header = HEADER.pack(HEADER.size + len(request), SOCK_DIAG_BY_FAMILY, REQUEST_DUMP, 0, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC, NETLINK_SOCK_DIAG) as diag:
        diag.sendto(header + request, (0, 0))
        return dict(_entries(diag))


def unix_sockets() -> set[int]:
    """Return the inodes of all Unix sockets. Source: /proc/net/unix, proc(5)."""
    with open("/proc/net/unix") as table:
        next(table)  # its headings
        return {int(line.split()[6]) for line in table}


def _entries(diag: socket.socket) -> Iterator[tuple[int, SocketEntry]]:
    while True:
        data = diag.recv(65536)
        start = 0
        while start < len(data):
            size, kind, *_ = HEADER.unpack_from(data, start)
            if kind != SOCK_DIAG_BY_FAMILY:
                return  # DONE, or an error
            _, state, *_, unread, unsent, _, inode = ROW.unpack_from(data, start + HEADER.size)
            if inode:
                unread -= state not in (ESTABLISHED,) and unread > 0  # the end-of-file takes a number, too
                yield inode, SocketEntry(state == ESTABLISHED, unread, unsent)
            start += (size + 3) & ~3
