"""The kernel's own tables about a server: who waits in which queue, who is ready, who is watched.

All of it is asked for from outside, while the server sleeps or runs. Nothing here reads a byte of what the clients
sent, changes anything, or needs root. Linux answers all questions; elsewhere some of the answers are missing.
"""

import contextlib
import fcntl
import functools
import os
import re
import select
import socket
import struct
import sys
import termios
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .. import interrupt

FLAGS = {1: "IN", 2: "PRI", 4: "OUT", 8: "ERR", 16: "HUP", 1 << 13: "RDHUP"} | {
    1 << 28: "EXCLUSIVE", 1 << 29: "WAKEUP", 1 << 30: "ONESHOT", 1 << 31: "ET"
}  # fmt: skip
"""What the bits of an event mask are called, the same for poll and epoll: poll(2), epoll_ctl(2)."""

ALWAYS = 8 | 16
"""ERR and HUP are on every interest list, asked for or not: epoll_ctl(2)."""

SLEEPS = {
    "x86_64": {7: "poll", 271: "poll", 23: "select", 270: "select", 232: "epoll_wait", 281: "epoll_wait",
               441: "epoll_wait", 43: "accept", 288: "accept", 0: "read", 45: "recv", 47: "recv", 44: "send",
               46: "send", 42: "connect", 35: "sleep", 230: "sleep"},
    "aarch64": {73: "poll", 72: "select", 22: "epoll_wait", 441: "epoll_wait", 202: "accept", 242: "accept",
                63: "read", 207: "recv", 212: "recv", 206: "send", 211: "send", 203: "connect", 101: "sleep",
                115: "sleep"},
}  # fmt: skip
"""System calls in which a server sleeps, by number; variants such as pselect6 under one name: syscalls(2)."""

SHOWN = 20
"""Connections that a printed x-ray lists one by one; the rest is counted."""

LOOKS, LOOK_AGAIN = 20, 0.001
"""How often, and after how many seconds, to look again whether a thread that is on a core goes to sleep."""


@dataclass(frozen=True)
class SocketRow:
    """What the kernel says about one socket of a server.

    Attributes:
        name: "listener", or "client 3" for the third that was accepted.
        fd: the server's descriptor; None while the server has none for it.
        where: "listening", "accepted", "in the accept queue" or "closed by the server".
        receive: receive queue, bytes that arrived and were not read; for a listener its accept queue, connections.
        send: send queue, bytes that the other side has not acknowledged yet.
        ready: what it is ready for now, as poll names it: "IN|OUT".
        interest: what an epoll watches it for, "IN|ET"; "nothing" for a mask of 0, "" when it is on no interest list.
        limit: for a listener, how long its accept queue may become.
        reply: with a stepper's client, bytes that wait at the client's own side to be read.
    """

    name: str
    fd: int | None
    where: str
    receive: int = 0
    send: int = 0
    ready: str = ""
    interest: str = ""
    limit: int | None = None
    reply: int = 0

    @property
    def cells(self) -> tuple[str, str, str, str, str]:
        """The row as texts: name, what waits to be taken, what waits to leave, ready, watched for."""
        if self.limit is not None:
            waiting = f"{self.receive:,} of {self.limit:,} connections", ""
        else:
            waiting = f"{self.receive:,} bytes", f"{self.send:,} bytes"
        return self.name, *waiting, self.ready or "-", self.interest or "-"


HEADINGS = "", "receive or accept queue", "send queue", "ready for", "epoll watches for"


@dataclass(frozen=True)
class XRay:
    """A server's tables in the kernel at one moment; print it, or let a notebook show it.

    Attributes:
        listener: its accept queue and the limit, readiness and interest.
        connections: one row for each accepted connection, in the order of their numbers.
        asleep_in: the system call that the server's thread sleeps in, such as "epoll_wait"; "" while it runs.
    """

    listener: SocketRow
    connections: tuple[SocketRow, ...]
    asleep_in: str

    def __str__(self) -> str:
        table = [HEADINGS, *self._cells()]
        widths = [max(len(row[column]) for row in table) for column in range(len(HEADINGS))]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in table]
        return "\n".join([*lines, *self._notes()])

    def _repr_html_(self) -> str:
        def line(tag: str, cells: tuple[str, ...]) -> str:
            return "<tr>" + "".join(f'<{tag} style="text-align:left">{cell}</{tag}>' for cell in cells) + "</tr>"

        rows = "".join(line("td", cells) for cells in self._cells())  # names and numbers of ours: nothing to escape
        notes = "<br>".join(self._notes())
        return f"<table><thead>{line('th', HEADINGS)}</thead><tbody>{rows}</tbody></table><p>{notes}</p>"

    def _cells(self) -> Iterator[tuple[str, ...]]:
        for row in (self.listener, *self.connections[:SHOWN]):
            yield row.cells

    def _notes(self) -> Iterator[str]:
        hidden = self.connections[SHOWN:]
        if hidden:
            waiting = sum(row.receive > 0 for row in hidden)
            yield f"and {len(hidden):,} connections more, {waiting:,} of them with bytes to be read"
        yield f"the server is asleep in {self.asleep_in}" if self.asleep_in else "the server is running"


@functools.cache
def flags(mask: int) -> str:
    """An event mask in words, "IN|ET"; "nothing" for 0. Source: epoll_ctl(2)."""
    return "|".join(name for bit, name in FLAGS.items() if mask & bit) or "nothing"


def receive_queue(fd: int) -> int:
    """Bytes that have arrived at a socket and were not read. Source: FIONREAD, tcp(7)."""
    return _ask(fd, termios.FIONREAD)


def send_queue(fd: int) -> int:
    """Bytes sent that the other side has not acknowledged. Source: SIOCOUTQ (the same number as TIOCOUTQ), tcp(7)."""
    return _ask(fd, termios.TIOCOUTQ)


def ready_now(fd: int, events: int = select.POLLIN | select.POLLOUT | getattr(select, "POLLRDHUP", 0)) -> int:
    """Which of `events` a descriptor is ready for at this moment, as a mask, without waiting. Source: poll(2)."""
    asked = select.poll()
    asked.register(fd, events)
    return next((mask for _, mask in asked.poll(0)), 0)


def accept_queue(listener: socket.socket) -> tuple[int, int]:
    """Connections that wait to be accepted, and how many may: (now, limit).

    Source: TCP_INFO, tcp(7): for a listener the kernel keeps the two in tcpi_unacked and tcpi_sacked.
    """
    info = listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 32)
    now, limit = struct.unpack_from("II", info, 24)
    return now, limit


def interest_list(epoll_fd: int) -> dict[int, int]:
    """Whom an epoll watches, and for what: {descriptor: mask}. Source: /proc/self/fdinfo, proc(5)."""
    with open(f"/proc/self/fdinfo/{epoll_fd}") as file:
        found = re.findall(r"tfd:\s*(\d+) events:\s*([0-9a-f]+)", file.read())
    return {int(fd): int(mask, 16) & ~ALWAYS for fd, mask in found}


def watched(fds: set[int]) -> dict[int, int]:
    """What the epolls of this process watch the descriptors `fds` for: {descriptor: mask}."""
    masks: dict[int, int] = {}
    for name in os.listdir("/proc/self/fd") if os.path.isdir("/proc/self/fdinfo") else ():
        with contextlib.suppress(OSError):  # closed meanwhile
            if os.readlink(f"/proc/self/fd/{name}") == "anon_inode:[eventpoll]":
                for fd, mask in interest_list(int(name)).items():
                    masks[fd] = masks.get(fd, 0) | mask
    return {fd: mask for fd, mask in masks.items() if fd in fds}


def asleep_in(thread: threading.Thread, looks: int = LOOKS) -> str:
    """The system call that a thread sleeps in, "epoll_wait" for example; "" while it runs. Source: proc(5), syscall."""
    pause = threading.Event()
    for _ in range(looks):
        call = interrupt.sleeping_in(thread)
        if call is not None:
            return SLEEPS.get(interrupt.MACHINE, {}).get(call[0], f"system call {call[0]}")
        if not thread.is_alive():
            break
        pause.wait(LOOK_AGAIN)
    return ""


def listener_row(listener: socket.socket, masks: Mapping[int, int]) -> SocketRow:
    """What the kernel says about a listening socket; `masks` as from `watched`."""
    fd = listener.fileno()
    try:
        now, limit = accept_queue(listener) if hasattr(socket, "TCP_INFO") else (0, 0)
    except OSError:  # closed, perhaps by its number
        return SocketRow("listener", None, "closed by the server", limit=0)
    return SocketRow("listener", fd, "listening", now, 0, _ready(fd), _interest(fd, masks), limit)


def connection_row(name: str, fd: int, masks: Mapping[int, int], reply: int = 0) -> SocketRow:
    """What the kernel says about an accepted connection.

    Raises:
        OSError: the descriptor has been closed.
    """
    queues = receive_queue(fd), send_queue(fd)
    return SocketRow(name, fd, "accepted", *queues, _ready(fd), _interest(fd, masks), None, reply)


def xray(listener: socket.socket, connections: Mapping[str, int], thread: threading.Thread) -> XRay:
    """Look at a server's sockets from outside.

    Args:
        listener: its listening socket.
        connections: names of its connections, and their descriptors.
        thread: the thread that it runs in.
    """
    masks = watched({listener.fileno(), *connections.values()})
    rows = []
    for name, fd in connections.items():
        with contextlib.suppress(OSError):  # the server has just closed it
            rows.append(connection_row(name, fd, masks))
    return XRay(listener_row(listener, masks), tuple(rows), asleep_in(thread))


def _ready(fd: int) -> str:
    mask = ready_now(fd)
    return flags(mask) if mask else ""


def _interest(fd: int, masks: Mapping[int, int]) -> str:
    return flags(masks[fd]) if fd in masks else ""


def _ask(fd: int, question: int) -> int:
    return int.from_bytes(fcntl.ioctl(fd, question, bytes(4)), sys.byteorder)


NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST = 4, 20, 1
"""How to ask about one socket: linux/netlink.h, linux/sock_diag.h."""

ESTABLISHED, CLOSE_WAIT = 1, 8
"""States of a connection whose client has not said its last byte yet, and has: linux/tcp_states.h."""


def unaccepted_queue(port: int, client_port: int) -> int | None:
    """Bytes that wait for a connection that nobody has accepted, and that has no descriptor to ask.

    Args:
        port: of the listener, on 127.0.0.1, and
        client_port: of the client, there too.

    Returns:
        The bytes; None when there is no such connection any more, or nobody to ask.

    Source: sock_diag(7), the request for one socket.
    """
    localhost = socket.inet_aton("127.0.0.1") + bytes(12)
    ends = struct.pack(">HH16s16s", port, client_port, localhost, localhost) + bytes(4) + b"\xff" * 8  # any interface
    request = struct.pack("=BBBxI", socket.AF_INET, socket.IPPROTO_TCP, 0, 0xFFFFFFFF) + ends  # in any state
    header = struct.pack("=IHHII", 16 + len(request), SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, 0, 0)
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, NETLINK_SOCK_DIAG) as diag:
            diag.sendto(header + request, (0, 0))
            reply = diag.recv(4096, socket.MSG_DONTWAIT)  # the answer was made while it was asked
    except (OSError, AttributeError):  # not allowed here, or not Linux
        return None
    answered, state = int.from_bytes(reply[4:6], sys.byteorder) == SOCK_DIAG_BY_FAMILY, reply[17]
    if not answered or state not in (ESTABLISHED, CLOSE_WAIT):  # the listener answers for a connection that is gone
        return None
    # The end of file takes a number in the sequence, and is no byte.
    return int.from_bytes(reply[72:76], sys.byteorder) - (state == CLOSE_WAIT)
