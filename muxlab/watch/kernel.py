"""The kernel's own tables about a server (the x-ray): what waits in each queue, what is ready, what epoll watches.

All of it is read from outside, while the server sleeps or runs. Nothing here takes a byte from a socket, changes
anything or needs root.

Not handled here: systems other than Linux have only some of these tables; what they lack is left empty.
"""

import contextlib
import os
import select
import socket
import struct
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .. import interrupt
from ..sockets import accept_queue, interest_list, mask_names, unsent_bytes, waiting_bytes

SLEEPS = {
    "x86_64": {7: "poll", 271: "poll", 23: "select", 270: "select", 232: "epoll_wait", 281: "epoll_wait",
               441: "epoll_wait", 43: "accept", 288: "accept", 0: "read", 45: "recv", 47: "recv", 44: "send",
               46: "send", 42: "connect", 35: "sleep", 230: "sleep", 426: "io_uring_enter"},
    "aarch64": {73: "poll", 72: "select", 22: "epoll_wait", 441: "epoll_wait", 202: "accept", 242: "accept",
                63: "read", 207: "recv", 212: "recv", 206: "send", 211: "send", 203: "connect", 101: "sleep",
                115: "sleep", 426: "io_uring_enter"},
}  # fmt: skip
"""Names of the system calls in which a server sleeps, by number; variants such as pselect6 share one: syscalls(2)."""

SHOWN = 20
"""Connections that a printed x-ray lists one by one; the others are counted."""

LOOKS, LOOK_AGAIN = 20, 0.001
"""Number of looks at a thread, and seconds between them, before one that is never asleep counts as running."""


@dataclass(frozen=True)
class SocketRow:
    """One socket of a server, as the kernel sees it.

    Attributes:
        name: "listener", or "client 3" for the third connection that was accepted.
        fd: the server's descriptor; None while the server has none for this connection.
        where: "listening", "accepted", "in the accept queue" or "closed by the server".
        receive: length of the receive queue, in unread bytes; for a listener, of the accept queue, in connections.
        send: length of the send queue, in bytes that the peer has not acknowledged yet.
        ready: what it is ready for now, in the names of poll: "IN|OUT".
        interest: what epoll watches it for, "IN|ET"; "nothing" for a mask of 0, "" when it is on no interest list.
        limit: for a listener, the limit of its accept queue.
        reply: with a stepper's client, length of the client's own receive queue, in bytes.
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
        """The row as text, one for each of `HEADINGS`."""
        if self.limit is not None:
            waiting = f"{self.receive:,} of {self.limit:,} connections", ""
        else:
            waiting = f"{self.receive:,} bytes", f"{self.send:,} bytes"
        return self.name, *waiting, self.ready or "-", self.interest or "-"


HEADINGS = "", "receive or accept queue", "send queue", "ready for", "epoll watches for"
"""Headings of the columns of a printed x-ray."""


@dataclass(frozen=True)
class XRay:
    """The kernel's tables about a server at one moment, as text and as HTML.

    Attributes:
        listener: the row of the listening socket.
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

        rows = "".join(line("td", cells) for cells in self._cells())  # our own names and numbers: nothing to escape
        notes = "<br>".join(self._notes())
        return f"<table><thead>{line('th', HEADINGS)}</thead><tbody>{rows}</tbody></table><p>{notes}</p>"

    def _cells(self) -> Iterator[tuple[str, ...]]:
        for row in (self.listener, *self.connections[:SHOWN]):
            yield row.cells

    def _notes(self) -> Iterator[str]:
        hidden = self.connections[SHOWN:]
        if hidden:
            waiting = sum(row.receive > 0 for row in hidden)
            yield f"and {len(hidden):,} more connections, {waiting:,} of them with unread bytes"
        yield f"the server is asleep in {self.asleep_in}" if self.asleep_in else "the server is running"


def xray(listener: socket.socket, connections: Mapping[str, int], thread: threading.Thread) -> XRay:
    """Return the kernel's tables about a server.

    Args:
        listener: the listening socket.
        connections: the open connections: {name: descriptor}.
        thread: the thread that the server runs in.
    """
    masks = watched({listener.fileno(), *connections.values()})
    rows = []
    for name, fd in connections.items():
        with contextlib.suppress(OSError):  # the server has just closed it
            rows.append(connection_row(name, fd, masks))
    return XRay(listener_row(listener, masks), tuple(rows), asleep_in(thread))


def listener_row(listener: socket.socket, masks: Mapping[int, int]) -> SocketRow:
    """Return the row of a listening socket; `masks` is a result of `watched`."""
    fd = listener.fileno()
    try:
        now, limit = accept_queue(listener) if hasattr(socket, "TCP_INFO") else (0, 0)
    except OSError:  # the socket is closed, perhaps by its number
        return SocketRow("listener", None, "closed by the server", limit=0)
    return SocketRow("listener", fd, "listening", now, 0, _ready(fd), _interest(fd, masks), limit)


def connection_row(name: str, fd: int, masks: Mapping[int, int], reply: int = 0) -> SocketRow:
    """Return the row of an accepted connection.

    Args:
        name, fd, reply: fields of the row, see `SocketRow`.
        masks: a result of `watched`.

    Raises:
        OSError: the descriptor is closed.
    """
    queues = waiting_bytes(fd), unsent_bytes(fd)
    return SocketRow(name, fd, "accepted", *queues, _ready(fd), _interest(fd, masks), None, reply)


def _ready(fd: int) -> str:
    mask = ready_now(fd)
    return mask_names(mask) if mask else ""


def _interest(fd: int, masks: Mapping[int, int]) -> str:
    return mask_names(masks[fd]) if fd in masks else ""


def ready_now(fd: int, events: int = select.POLLIN | select.POLLOUT | getattr(select, "POLLRDHUP", 0)) -> int:
    """Return which of `events` a descriptor is ready for now, as a mask; never wait. Source: poll(2)."""
    poll = select.poll()
    poll.register(fd, events)
    return next((mask for _, mask in poll.poll(0)), 0)


def watched(fds: set[int]) -> dict[int, int]:
    """Return what all epolls of this process together watch the descriptors `fds` for: {descriptor: mask}."""
    masks: dict[int, int] = {}
    for name in os.listdir("/proc/self/fd") if os.path.isdir("/proc/self/fdinfo") else ():
        with contextlib.suppress(OSError):  # closed meanwhile
            if os.readlink(f"/proc/self/fd/{name}") == "anon_inode:[eventpoll]":
                for fd, mask in interest_list(int(name)).items():
                    masks[fd] = masks.get(fd, 0) | mask
    return {fd: mask for fd, mask in masks.items() if fd in fds}


def asleep_in(thread: threading.Thread, looks: int = LOOKS) -> str:
    """Return the system call that a thread sleeps in, such as "epoll_wait"; "" if it runs. Source: syscall, proc(5)."""
    pause = threading.Event()
    for _ in range(looks):
        call = interrupt.sleeping_in(thread)
        if call is not None:
            return SLEEPS.get(interrupt.MACHINE, {}).get(call[0], f"system call {call[0]}")
        if not thread.is_alive():
            break
        pause.wait(LOOK_AGAIN)
    return ""


NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST = 4, 20, 1
"""Constants of a request about one socket: linux/netlink.h, linux/sock_diag.h."""

ESTABLISHED, CLOSE_WAIT = 1, 8
"""States of a connection before and after the client's end-of-file has arrived: net/tcp_states.h."""


def unaccepted_queue(port: int, client_port: int) -> int | None:
    """Return the number of bytes that have arrived for a connection in the accept queue, which has no descriptor yet.

    Args:
        port: the port of the listener, on 127.0.0.1.
        client_port: the port of the client, on 127.0.0.1.

    Returns:
        The number; None when the connection is gone, or where the kernel does not tell.

    Source: sock_diag(7), the request for one socket.
    """
    localhost = socket.inet_aton("127.0.0.1") + bytes(12)
    ends = struct.pack(">HH16s16s", port, client_port, localhost, localhost) + bytes(4) + b"\xff" * 8  # any interface
    request = struct.pack("=BBBxI", socket.AF_INET, socket.IPPROTO_TCP, 0, 0xFFFFFFFF) + ends  # in any state
    header = struct.pack("=IHHII", 16 + len(request), SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, 0, 0)
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, NETLINK_SOCK_DIAG) as diag:
            diag.sendto(header + request, (0, 0))
            reply = diag.recv(4096, socket.MSG_DONTWAIT)  # the kernel answers during sendto
    except (OSError, AttributeError):  # not allowed, or not Linux
        return None
    answered, state = int.from_bytes(reply[4:6], sys.byteorder) == SOCK_DIAG_BY_FAMILY, reply[17]
    if not answered or state not in (ESTABLISHED, CLOSE_WAIT):  # if it is gone, the listener is reported
        return None
    # The kernel counts in sequence numbers, of which the end-of-file takes one.
    return int.from_bytes(reply[72:76], sys.byteorder) - (state == CLOSE_WAIT)
