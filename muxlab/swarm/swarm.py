"""`Swarm`: many clients in one thread or in a process of their own, and the figures of how they are served."""

import threading
import time
from typing import TYPE_CHECKING

from .. import arguments, limits, running
from ..server import Server
from .loop import Crowd
from .stats import Histogram, Snapshot, SwarmState, figures

if TYPE_CHECKING:
    from . import processes

LOOK_UP = 0.01
"""Seconds between two looks at how far the swarm is, while one waits for it: a hundred a second are no load."""

LAST_WORDS = 0.5
"""Seconds that a server which closed its connections is given to say why: what it raised tells more than they do."""

MOST_PAYLOAD = 2**24
"""Bytes of one message: 16 MiB are more than any send and receive buffer takes at once (tcp(7), tcp_wmem)."""


class Swarm(running.Running):
    """Many TCP clients of one echo server, all in one background thread or in another process; it starts at once.

    The first `active` clients talk: each sends a message, waits for the whole reply, verifies every byte and sends
    the next (a closed loop). The others stay connected and silent. With `rate`, messages fall due at fixed times
    instead, and latency counts from when a message was *due*, so that a slow server cannot slow its own examination
    (no coordinated omission).

    Args:
        server: what `serve` returned, or an address (host, port).
        connections: clients; may be assigned while the swarm runs.
        active: clients that talk, at most as many as there are; may be assigned.
        payload: bytes of each message; may be assigned.
        rate: messages a second, of all clients together; None for a closed loop; may be assigned.
        isolate: True puts the clients into a process of their own (several, where one may not hold so many), which
            shares neither this one's interpreter lock nor its descriptors, and ends with it.

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
    ) -> None:
        self._server = server if isinstance(server, Server) else None
        address = _address_of(server)
        arguments.check_count("connections", connections, 1)
        arguments.check_count("active", active, 0)
        arguments.check_count("payload", payload, 1, MOST_PAYLOAD)
        _check_rate(rate)
        running.replace_earlier()
        self._ends = {"server_here": self._server is not None, "clients_here": not isolate}
        floor = limits.make_room(connections, **self._ends)
        self._closing = threading.RLock()
        self._crowd: Crowd | processes.IsolatedCrowd
        if isolate:
            from .processes import IsolatedCrowd  # here, because it imports what few need

            self._crowd = IsolatedCrowd(address, connections, active, payload, rate)
        else:
            self._crowd = Crowd(address, connections, active, payload, rate, floor)
        running.add(self)

    @property
    def connections(self) -> int:
        """Clients wanted; assign to open or close some. Raises ValueError and changes nothing when they do not fit."""
        return self._crowd.wanted

    @connections.setter
    def connections(self, count: int) -> None:
        arguments.check_count("connections", count, 1)
        floor = limits.make_room(count, already=self._crowd.state().clients, **self._ends)
        self._crowd.change(wanted=count, floor=floor)

    @property
    def active(self) -> int:
        """Clients wanted to talk."""
        return self._crowd.active

    @active.setter
    def active(self, count: int) -> None:
        arguments.check_count("active", count, 0)
        self._crowd.change(active=count)

    @property
    def payload(self) -> int:
        """Bytes of each message."""
        return self._crowd.payload

    @payload.setter
    def payload(self, size: int) -> None:
        arguments.check_count("payload", size, 1, MOST_PAYLOAD)
        self._crowd.change(payload=size)

    @property
    def rate(self) -> float | None:
        """Messages a second of all clients together; None for a closed loop."""
        return self._crowd.rate

    @rate.setter
    def rate(self, rate: float | None) -> None:
        _check_rate(rate)
        self._crowd.change(rate=rate)

    @property
    def alive(self) -> bool:
        """True until the swarm is stopped."""
        return self._crowd.state().alive

    @property
    def error(self) -> BaseException | None:
        """What ended the swarm, if anything but `stop` did."""
        return self._crowd.state().error

    def snapshot(self) -> Snapshot:
        """The figures as they are now."""
        state = self._crowd.state()
        latencies = self._crowd.latencies()
        total = figures(latencies.total, latencies.seconds)
        now = figures(latencies.latest, latencies.latest_seconds) if latencies.latest_seconds else total
        return Snapshot(
            **vars(now),
            connected=state.connected,
            sent=state.sent,
            replies=state.replies,
            mismatches=state.mismatches,
            errors=state.errors,
            total=total,
        )

    def latencies(self) -> Histogram:
        """All latencies since the start, as a histogram."""
        return self._crowd.latencies().total

    def activity(self) -> bytes:
        """One byte for each client, for a live picture.

        0 to 250 are its replies since the last call (250: or more), 251 says that it waits for a reply, since more than
        a quarter of a second, 252 that it is being connected, and 253 that it was lost: refused, reset, closed.
        """
        return self._crowd.activity()

    def wait_connected(self, timeout: float = 10.0) -> None:
        """Wait until all clients are connected.

        Raises:
            TimeoutError: they are not, after `timeout` seconds.
            ConnectionError: some were refused, or closed by the server.
        """
        deadline = time.monotonic() + timeout
        while True:
            state = self._crowd.state()
            if state.settled and state.connected >= self._crowd.wanted:
                return
            self._check_alive(state)
            if state.settled:
                self._give_up("not all could be connected")
            if time.monotonic() > deadline:
                raise TimeoutError(f"not all were connected within {timeout:g} s: {self._state()}")
            time.sleep(LOOK_UP)

    def wait_replies(self, count: int, timeout: float = 10.0) -> None:
        """Wait for `count` more replies, from now on.

        Raises:
            TimeoutError: fewer came within `timeout` seconds.
            ConnectionError: no client is connected any more.
            BaseException: what the server raised, if it died meanwhile.
        """
        deadline = time.monotonic() + timeout
        state = self._crowd.state()
        goal = state.replies + count
        while state.replies < goal:
            self._check_alive(state)
            if state.settled and not state.connected:
                self._give_up("no client is connected any more")
            if time.monotonic() > deadline:
                missing = goal - state.replies
                raise TimeoutError(f"{missing} of {count} replies are missing after {timeout:g} s: {self._state()}")
            time.sleep(LOOK_UP)
            state = self._crowd.state()

    def stop(self) -> None:
        """Let the replies that are under way arrive, close all clients, end the thread or the processes.

        A second time does nothing.

        Raises:
            BaseException: what ended the swarm, if anything but this did.
        """
        self.end()
        if (error := self.error) is not None:
            raise error

    def end(self) -> None:
        """Stop quietly; an error stays in `error`."""
        with self._closing:
            self._crowd.end()
            running.remove(self)

    def __enter__(self) -> "Swarm":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.stop()
        else:
            self.end()

    def __repr__(self) -> str:
        return f"<muxlab swarm: {self._state()}>"

    def _state(self) -> str:
        now = self._crowd.state()
        found = f", {now.mismatches} with wrong bytes ({now.first_mismatch})" if now.mismatches else ""
        lost = f", {now.errors} lost ({now.first_error})" if now.errors else ""
        there = f"{now.connected} of {self.connections} connected"
        return f"{there}, {now.replies} replies of {now.sent} messages{found}{lost}"

    def _give_up(self, why: str) -> None:
        """Raise why nothing more will come."""
        if self._server is not None:
            self._server.wait(LAST_WORDS)
        self._check_alive(self._crowd.state())
        raise ConnectionError(f"{why}: {self._state()}")

    def _check_alive(self, state: SwarmState) -> None:
        if state.error is not None:
            raise state.error
        if not state.alive:
            raise RuntimeError("the swarm was stopped: make a new one")
        if self._server is not None and self._server.error is not None:
            self._server.stop()  # raises what the server raised, with the learner's own line
            raise ConnectionError(f"the server died: {self._server.error!r}") from self._server.error


def _address_of(server: Server | tuple[str, int]) -> tuple[str, int]:
    address = server.address if isinstance(server, Server) else server
    match address:
        case (str(host), int(port)) if 0 < port < 65536:
            return host, port
    raise TypeError(f"a swarm connects to what muxlab.serve returned, or to an address (host, port); not to {server!r}")


def _check_rate(rate: float | None) -> None:
    if rate is not None and not (isinstance(rate, (int, float)) and 0 < rate < float("inf")):
        raise ValueError(f"rate={rate!r}: messages a second, more than 0; None for a closed loop")
