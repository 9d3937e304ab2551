"""A crowd in processes of its own: the face that `Crowd` has, in front of one child process (child.py) or several.

Either there are as few as can hold the crowd, each filled before the next; or as many as were asked for, and the crowd
is divided among them evenly.
"""

import contextlib
import errno
import math
import sys
import threading
from typing import Any

from .. import limits
from .child import MOST_CLIENTS, Child
from .clients import PER_ADDRESS
from .stats import Histogram, Latencies, Tally

Part = tuple[int, int, float | None]
"""What one process is told: how many clients are wanted, how many of them talk, and at which rate."""


class IsolatedCrowd:
    """A crowd in processes of its own; arguments as for `Crowd`.

    Args:
        processes: into how many the clients are divided evenly. None: as few as can hold them; the first is filled
            before the next gets a client, so all that talk are usually in the first.
    """

    def __init__(
        self,
        address: tuple[str, int],
        wanted: int,
        active: int,
        payload: int,
        rate: float | None,
        protocol: str,
        processes: int | None = None,
    ) -> None:
        if sys.platform != "linux":
            raise OSError(errno.ENOSYS, "isolate=True needs Linux; without it, the swarm is a thread and runs here too")
        self.address, self.protocol = address, protocol
        self.wanted, self.active, self.payload, self.rate = wanted, active, payload, rate
        self.first = 0
        self._processes, self._room = processes, most_in_one()
        self._children: list[Child] = []
        self._ended = False
        self._asking = threading.RLock()

    def start(self) -> None:
        """Start the processes and have each connect its first client; errors as of `Crowd.start`."""
        self._distribute()

    def change(self, **targets: float | None) -> None:
        """Set targets, as `Crowd.change` does."""
        with self._asking:
            for name, value in targets.items():
                setattr(self, name, value)
            if not self._ended:
                self._distribute()

    def tally(self) -> Tally:
        """Return the counts of all processes together."""
        tallies: list[Tally] = self._ask("tally")
        return Tally(
            alive=all(tally.alive for tally in tallies),
            error=next((tally.error for tally in tallies if tally.error), None),
            settled=all(tally.settled for tally in tallies),
            clients=sum(tally.clients for tally in tallies),
            connected=sum(tally.connected for tally in tallies),
            sent=sum(tally.sent for tally in tallies),
            replies=sum(tally.replies for tally in tallies),
            mismatches=sum(tally.mismatches for tally in tallies),
            errors=sum(tally.errors for tally in tallies),
            first_mismatch=next((tally.first_mismatch for tally in tallies if tally.first_mismatch), ""),
            first_error=next((tally.first_error for tally in tallies if tally.first_error), ""),
        )

    def latencies(self) -> Latencies:
        """Return the latencies of all processes together."""
        parts: list[Latencies] = self._ask("latencies")
        latest, total = Histogram(), Histogram()
        for part in parts:
            latest.merge(part.latest)
            total.merge(part.total)
        return Latencies(latest, max(p.latest_seconds for p in parts), total, max(p.seconds for p in parts))

    def pids(self) -> list[int]:
        """Return the numbers of the processes."""
        return [child.pid for child in self._children]

    def activity(self) -> bytes:
        """Return one byte for each client; see `Swarm.activity`."""
        return b"".join(self._ask("activity"))

    def end(self) -> str:
        """End the crowds as `Crowd.end` does, then the processes; one that does not answer is killed.

        Returns:
            Why one had to be killed, so that its last figures are missing; "" when none had to.
        """
        with self._asking:
            again = self._ended
            if not again:
                with contextlib.suppress(TimeoutError):  # then it is killed
                    for method in ("end", "tally", "latencies", "activity"):
                        self._ask(method)
            self._ended = True
            for child in self._children:  # again as well: the first time, an interrupt may have come before the last
                child.end()
            deaf = next((child.deaf for child in self._children if child.deaf), "")
            return (
                ""
                if again or not deaf
                else f"{deaf}, so it was killed: what it had counted since its last answer is lost"
            )

    def _ask(self, method: str) -> list[Any]:
        with self._asking:
            for child in self._children:
                child.send(method)
            return [child.receive() for child in self._children]

    def _distribute(self) -> None:
        """Tell each process its part, and start those that are needed and not there yet."""
        if self._processes is None:
            parts = parts_of(self.wanted, self.active, self.rate, self._room, least=len(self._children))
        else:
            parts = even_parts(self.wanted, self.active, self.rate, self._processes)
        apart = math.ceil(self._room / PER_ADDRESS) * PER_ADDRESS  # so that no two processes share a client address
        for place, (wanted, active, rate) in enumerate(parts):
            if place == len(self._children):
                if not wanted:  # fewer clients than processes
                    break
                self._children.append(Child())
            child = self._children[place]
            child.start()
            part = {"wanted": wanted, "active": active, "rate": rate, "payload": self.payload, "first": self.first}
            fixed = {"address": self.address, "begin": place * apart, "protocol": self.protocol}
            child.send("change", **fixed, **part)
        for child in self._children:
            child.receive()


def most_in_one() -> int:
    """Return how many clients one process may hold."""
    return min(limits.clients_per_process(), MOST_CLIENTS)


def check_fit(wanted: int, processes: int) -> None:
    """Refuse more clients than so many processes may hold, with a ValueError that says how many it takes."""
    room = most_in_one()
    if wanted > processes * room:
        raise ValueError(
            f"{wanted:,} connections are too many for processes={processes}: each may hold {room:,} here "
            f"(RLIMIT_NOFILE, the hard limit); give processes={math.ceil(wanted / room)} or more"
        )


def parts_of(wanted: int, active: int, rate: float | None, room: int, least: int = 0) -> list[Part]:
    """Divide `wanted`, `active` and `rate` among processes: each is filled up to `room` before the next.

    Args:
        wanted, active, rate: as for `Swarm`.
        room: clients that one process may hold.
        least: how many processes there are at least.

    Returns:
        For each process its (wanted, active, rate).
    """
    sizes = [
        (max(0, min(room, wanted - begin)), max(0, min(room, active - begin)))
        for begin in range(0, max(wanted, least * room), room)
    ]
    return _with_rates(sizes, wanted, active, rate)


def even_parts(wanted: int, active: int, rate: float | None, processes: int) -> list[Part]:
    """Divide them among so many processes evenly; the first ones get one more where it does not come out even."""
    clients, talkers = ([count // processes + (place < count % processes) for place in range(processes)]
                        for count in (wanted, active))  # fmt: skip
    return _with_rates(list(zip(clients, talkers, strict=True)), wanted, active, rate)


def _with_rates(sizes: list[tuple[int, int]], wanted: int, active: int, rate: float | None) -> list[Part]:
    """Give each process its part of the rate: as much for each client that talks."""
    talking = max(1, min(wanted, active))
    return [(clients, talkers, rate and rate * min(clients, talkers) / talking) for clients, talkers in sizes]
