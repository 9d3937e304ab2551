"""Plain names for what the kernel tells about a socket or does to it, and Python has only numbers for.

How many bytes wait in a queue, what an event mask says, whom an epoll watches; a reset, a higher descriptor. A file
object, a socket and a bare descriptor number are all welcome where `fd` is asked for.
"""

from __future__ import annotations

import fcntl
import functools
import re
import socket
import struct
import sys
import termios
from typing import Protocol


class HasFileno(Protocol):
    """A thing with a descriptor: a socket, an epoll, a file."""

    def fileno(self) -> int:
        """Return the descriptor's number."""


FLAGS = {1: "IN", 2: "PRI", 4: "OUT", 8: "ERR", 16: "HUP", 1 << 13: "RDHUP"} | {
    1 << 28: "EXCLUSIVE", 1 << 29: "WAKEUP", 1 << 30: "ONESHOT", 1 << 31: "ET"
}  # fmt: skip
"""Names of the bits of an event mask, the same for poll and epoll: poll(2), epoll_ctl(2)."""

ALWAYS = 8 | 16
"""Bits ERR and HUP, which epoll reports whether they were asked for or not: epoll_ctl(2)."""


SIOCOUTQNSD = 0x894B
"""The request for the bytes that a socket has not sent yet; Python has no name for it. Source: linux/sockios.h."""


@functools.cache
def mask_names(mask: int) -> str:
    """Return the names of the bits in an event mask, "IN|ET"; "nothing" for 0. Source: epoll_ctl(2)."""
    return "|".join(name for bit, name in FLAGS.items() if mask & bit) or "nothing"


def waiting_bytes(fd: int | HasFileno) -> int:
    """Return the length of a socket's receive queue: bytes that arrived and are unread. Source: FIONREAD, tcp(7)."""
    return _ioctl(fd, termios.FIONREAD)


def unsent_bytes(fd: int | HasFileno) -> int:
    """Return the length of a socket's send queue: bytes not acknowledged by the peer. Source: SIOCOUTQ, tcp(7)."""
    return _ioctl(fd, termios.TIOCOUTQ)


def unacknowledged_bytes(fd: int | HasFileno) -> int:
    """Return how many bytes of a send queue were sent and are not acknowledged yet: under way, or just arrived.

    Source: SIOCOUTQNSD, which counts those that were not sent (tcp_ioctl in net/ipv4/tcp.c of Linux).
    """
    return unsent_bytes(fd) - held_back_bytes(fd)


def held_back_bytes(fd: int | HasFileno) -> int:
    """Return how many bytes of a send queue were not sent yet: the peer had no room. Source: SIOCOUTQNSD."""
    return _ioctl(fd, SIOCOUTQNSD)


def accept_queue(listener: socket.socket) -> tuple[int, int]:
    """Return the length of a listener's accept queue, and its limit, in connections.

    Source: TCP_INFO, tcp(7): for a listener, the kernel reports the two as tcpi_unacked and tcpi_sacked.
    """
    info = listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 32)
    now, limit = struct.unpack_from("II", info, 24)
    return now, limit


def packets_sent_again(sock: socket.socket) -> int:
    """Return how many packets of a connection had to be sent again, its SYN included, because no answer came.

    Source: TCP_INFO, tcp(7): tcpi_total_retrans.
    """
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
    (count,) = struct.unpack_from("I", info, 100)
    return int(count)


def interest_list(epoll: int | HasFileno) -> dict[int, int]:
    """Return whom an epoll watches, and for what: {descriptor: mask}. Source: /proc/self/fdinfo, proc(5)."""
    with open(f"/proc/self/fdinfo/{_number(epoll)}") as page:
        found = re.findall(r"tfd:\s*(\d+) events:\s*([0-9a-f]+)", page.read())
    return {int(fd): int(mask, 16) & ~ALWAYS for fd, mask in found}


def reset(sock: socket.socket) -> None:
    """Close a socket with a reset (RST) instead of the polite end (FIN): the peer's next recv fails with ECONNRESET.

    To *linger* for 0 seconds means to drop the connection on the spot. Source: SO_LINGER, socket(7).
    """
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def duplicate(fd: int | HasFileno, at_least: int) -> int:
    """Open a second descriptor for the same file or socket, with the lowest free number that is high enough.

    Args:
        fd: what to duplicate; it stays open.
        at_least: the smallest number that will do, from 0.

    Returns:
        The new number; close it with `os.close`. A child process does not inherit it.

    Raises:
        OSError: that number is negative, or not below the limit on descriptors (EINVAL), or all are taken (EMFILE). See
            `muxlab.raise_descriptor_limit`. Source: F_DUPFD_CLOEXEC, fcntl(2).
    """
    return fcntl.fcntl(_number(fd), fcntl.F_DUPFD_CLOEXEC, at_least)


def _number(fd: int | HasFileno) -> int:
    return fd if isinstance(fd, int) else fd.fileno()


def _ioctl(fd: int | HasFileno, request: int) -> int:
    return int.from_bytes(fcntl.ioctl(_number(fd), request, bytes(4)), sys.byteorder)
