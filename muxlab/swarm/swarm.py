"""`Swarm`: many clients of one server, and the figures of how they are served.

The clients themselves are a crowd, in a thread of this process (loop.py) or in processes of their own (processes.py).
A swarm is how a learner drives it: it checks what is asked for, waits (waiting.py), and tells what went wrong.
"""

import threading
from typing import TYPE_CHECKING

from .. import errors, limits, running
from ..arguments import check_count, check_rate
from ..server import Server
from .clients import address_of
from .loop import Crowd
from .redis_messages import check_protocol
from .stats import Histogram, Snapshot, figures
from .waiting import Waiting

if TYPE_CHECKING:
    from . import processes as apart

MOST_PAYLOAD = 2**24
"""Bytes of one message: 16 MiB are more than any send and receive buffer takes at once (tcp(7), tcp_wmem)."""


class Swarm(running.Running):
    """Many TCP clients of one server, all in one background thread or in another process; it starts at once.

    The first `active` clients talk (or others, see `first`): each sends a message, waits for the whole reply, verifies
    every byte and sends the next (a closed loop). The others stay connected and silent. With `rate`, messages fall due
    at fixed times instead, and latency counts from when a message was *due*, so that a slow server cannot slow its own
    examination (no coordinated omission).

    Args:
        server: what `serve` returned, or an address (host, port).
        connections: clients; may be assigned while the swarm runs.
        active: clients that talk, at most as many as there are; may be assigned.
        payload: bytes of each message; may be assigned.
        rate: messages a second, of all clients together; None for a closed loop; may be assigned.
        isolate: True puts the clients into a process of their own (several, where one may not hold so many), which
            shares neither this one's interpreter lock nor its descriptors, and ends with it.
        processes: puts them into so many processes, evenly, each with client addresses of its own (127.0.0.1 and up),
            as one address has some 28,000 ports. None: as few as can hold them, if `isolate` is True.
        protocol: what the clients speak: "echo" sends bytes and expects the same ones; "redis" sends them in ECHO
            requests, and expects the replies of a server that speaks Redis's protocol.

    Raises:
        ValueError: a number is out of range, or this machine does not allow so many connections; nothing was opened.
        ConnectionError: nobody listens there.
    """

    def __init__(
        self,
        server: Server | tuple[str, int],
        connections: int = 100,
        active: int = 10,
        payload: int = 64,
        rate: float | None = None,
        isolate: bool = False,
        protocol: str = "echo",
        processes: int | None = None,
    ) -> None:
        address = address_of(server)
        check_count("connections", connections, 1)
        check_count("active", active, 0)
        check_count("payload", payload, 1, MOST_PAYLOAD)
        check_rate(rate)
        check_protocol(protocol)
        if processes is not None:
            check_count("processes", processes, 1)
        running.replace_earlier()
        self._processes, isolate = processes, isolate or processes is not None
        server_here = server if isinstance(server, Server) else None
        self._ends = {"server_here": server_here is not None, "clients_here": not isolate}
        self._ports = limits.client_ports(address[0]) if isolate else limits.ephemeral_ports()
        floor = self._make_room(connections)
        self._closing = threading.RLock()
        self._crowd: Crowd | apart.IsolatedCrowd
        if isolate:
            from .processes import IsolatedCrowd  # here, because it imports what few need

            self._crowd = IsolatedCrowd(address, connections, active, payload, rate, protocol, processes)
        else:
            self._crowd = Crowd(address, connections, active, payload, rate, floor, protocol=protocol)
        self._waiting = Waiting(self._crowd, server_here)
        running.start(self, self._crowd.start)

    # ---- what is wanted; may be assigned while it runs

    @property
    def connections(self) -> int:
        """Clients wanted; assign to open or close some. Raises ValueError and changes nothing when they do not fit."""
        return self._crowd.wanted

    @connections.setter
    def connections(self, count: int) -> None:
        check_count("connections", count, 1)
        floor = self._make_room(count, already=self._crowd.tally().clients)
        self._change(wanted=count, floor=floor)

    @property
    def active(self) -> int:
        """Clients wanted to talk; more than there are means all of them."""
        return self._crowd.active

    @active.setter
    def active(self, count: int) -> None:
        check_count("active", count, 0)
        self._change(active=count)

    @property
    def first(self) -> int:
        """The client that talks first, from 0; those after it follow, and after the last one comes the first again.

        Where the clients are in several processes, each process counts its own.

        Assign to let the turn pass round among the clients.
        """
        return self._crowd.first

    @first.setter
    def first(self, number: int) -> None:
        check_count("first", number, 0, self._ports)
        self._change(first=number)

    @property
    def payload(self) -> int:
        """Bytes of each message."""
        return self._crowd.payload

    @payload.setter
    def payload(self, size: int) -> None:
        check_count("payload", size, 1, MOST_PAYLOAD)
        self._change(payload=size)

    @property
    def rate(self) -> float | None:
        """Messages a second of all clients together; None for a closed loop."""
        return self._crowd.rate

    @rate.setter
    def rate(self, rate: float | None) -> None:
        check_rate(rate)
        self._change(rate=rate)

    def _make_room(self, count: int, already: int = 0) -> int:
        """Refuse more clients than fit with a ValueError; return the lowest descriptor for one."""
        if self._processes is not None:
            from .processes import check_fit

            check_fit(count, self._processes)
        return limits.make_room(count, already=already, ports=self._ports, **self._ends)

    def _change(self, **targets: float | None) -> None:
        if (error := self.error) is not None:  # nobody is there to follow
            raise error
        self._crowd.change(**targets)

    # ---- how it stands

    @property
    def alive(self) -> bool:
        """True until the swarm is stopped."""
        return self._crowd.tally().alive

    @property
    def error(self) -> BaseException | None:
        """What ended the swarm, if anything but `stop` did."""
        return self._crowd.tally().error

    @property
    def pids(self) -> list[int]:
        """The numbers of the processes that hold the clients; none when a thread of this one does."""
        return self._crowd.pids()

    def snapshot(self) -> Snapshot:
        """Return the figures as they are now.

        Raises:
            TimeoutError: the swarm has a process of its own, and it does not answer.
        """
        tally = self._crowd.tally()
        latencies = self._crowd.latencies()
        total = figures(latencies.total, latencies.seconds)
        now = figures(latencies.latest, latencies.latest_seconds) if latencies.latest_seconds else total
        return Snapshot(
            **vars(now),
            connected=tally.connected,
            sent=tally.sent,
            replies=tally.replies,
            mismatches=tally.mismatches,
            errors=tally.errors,
            total=total,
        )

    def latencies(self) -> Histogram:
        """Return all latencies since the start, as a histogram."""
        return self._crowd.latencies().total

    def activity(self) -> bytes:
        """Return one byte for each client, for a live picture.

        0 to 250 are its replies since the last call (250: or more); 251 says that it has waited for a reply for more
        than a quarter of a second, 252 that it is being connected, 253 that it was lost: refused, reset, or closed.
        """
        return self._crowd.activity()

    # ---- wait for it

    def wait_connected(self, timeout: float = 10.0) -> None:
        """Wait until all clients are connected.

        Args:
            timeout: seconds to wait at most.

        Raises:
            TimeoutError: they are not, after so long.
            ConnectionError: some were refused, or closed by the server.
            BaseException: what the server raised, if it died meanwhile.
        """
        __tracebackhide__ = True
        self._waiting.for_connections(timeout)

    def wait_replies(self, count: int, timeout: float = 10.0) -> None:
        """Wait for `count` more replies, from now on.

        Args:
            count: replies, 0 or more.
            timeout: seconds to wait at most.

        Raises:
            TimeoutError: fewer came in so long.
            ConnectionError: no client is connected any more.
            BaseException: what the server raised, if it died meanwhile.
        """
        __tracebackhide__ = True
        self._waiting.for_replies(count, timeout)

    # ---- end

    def stop(self) -> None:
        """Let the replies that are under way arrive, close all clients, end the thread or the processes.

        A second time does nothing. A process that does not answer is killed, with a RuntimeWarning.

        Raises:
            BaseException: what ended the swarm, if anything but this did.
        """
        trouble = self._end()
        if (error := self.error) is not None:
            raise error
        if trouble:
            errors.warn(trouble)

    def end(self) -> None:
        """Stop quietly; an error stays in `error`."""
        self._end()

    def _end(self) -> str:
        with self._closing:
            trouble = self._crowd.end()
            running.remove(self)
            return trouble

    def __enter__(self) -> "Swarm":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        __tracebackhide__ = True
        if kind is None:
            self.stop()
        else:
            self.end()

    def __repr__(self) -> str:
        return f"<muxlab swarm: {self._waiting.state()}>"
