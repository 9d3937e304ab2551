"""A crowd in processes of its own: the face that `Crowd` has, in front of one child or several."""

import contextlib
import errno
import sys
import threading
from typing import Any

from .. import limits
from ..histogram import Histogram
from .child import Child
from .counts import Latencies, State


class IsolatedCrowd:
    """A crowd in one process, or in several where one may not hold so many; arguments and errors as for `Crowd`.

    The first is filled before the next gets a client, so all that talk are usually in the first.
    """

    def __init__(self, address: tuple[str, int], wanted: int, active: int, payload: int, rate: float | None) -> None:
        if sys.platform != "linux":
            raise OSError(errno.ENOSYS, "isolate=True needs Linux; without it, the swarm is a thread and runs here too")
        self.address = address
        self.wanted, self.active, self.payload, self.rate = wanted, active, payload, rate
        self._room = limits.clients_per_process()
        self._children: list[Child] = []
        self._ended = False
        self._asking = threading.RLock()
        try:
            self._distribute()
        except BaseException:
            self._end_children()
            raise

    def change(self, **targets: float | None) -> None:
        """As `Crowd.change`."""
        with self._asking:
            for name, value in targets.items():
                setattr(self, name, value)
            if not self._ended:
                self._distribute()

    def state(self) -> State:
        """As `Crowd.state`, of all together."""
        states: list[State] = self._ask("state")
        return State(
            alive=all(state.alive for state in states),
            error=next((state.error for state in states if state.error), None),
            settled=all(state.settled for state in states),
            clients=sum(state.clients for state in states),
            connected=sum(state.connected for state in states),
            sent=sum(state.sent for state in states),
            replies=sum(state.replies for state in states),
            mismatches=sum(state.mismatches for state in states),
            errors=sum(state.errors for state in states),
            first_mismatch=next((state.first_mismatch for state in states if state.first_mismatch), ""),
            first_error=next((state.first_error for state in states if state.first_error), ""),
        )

    def latencies(self) -> Latencies:
        """As `Crowd.latencies`, of all together."""
        parts: list[Latencies] = self._ask("latencies")
        latest, total = Histogram(), Histogram()
        for part in parts:
            latest.merge(part.latest)
            total.merge(part.total)
        return Latencies(latest, max(p.latest_seconds for p in parts), total, max(p.seconds for p in parts))

    def activity(self) -> bytes:
        """As `Crowd.activity`."""
        return b"".join(self._ask("activity"))

    def end(self) -> None:
        """As `Crowd.end`."""
        with self._asking:
            with contextlib.suppress(TimeoutError):  # then it is killed
                for method in ("end", "state", "latencies", "activity"):
                    self._ask(method)
            self._ended = True
            self._end_children()

    def _ask(self, method: str) -> list[Any]:
        with self._asking:
            for child in self._children:
                child.send(method)
            return [child.receive() for child in self._children]

    def _distribute(self) -> None:
        """Tell each process its part; start more of them if they are needed."""
        parts = parts_of(self.wanted, self.active, self.rate, self._room, least=len(self._children))
        for place, (wanted, active, rate) in enumerate(parts):
            part = {"wanted": wanted, "active": active, "rate": rate, "payload": self.payload}
            if place < len(self._children):
                self._children[place].send("change", **part)
            else:
                self._children.append(Child())
                self._children[place].send("start", address=self.address, begin=place * self._room, **part)
        for child in self._children:
            child.receive()

    def _end_children(self) -> None:
        for child in self._children:
            child.end()


def parts_of(
    wanted: int, active: int, rate: float | None, room: int, least: int = 0
) -> list[tuple[int, int, float | None]]:
    """What each process gets of `wanted`, `active` and `rate`: each is filled up to `room` before the next.

    Args:
        room: clients that one may hold.
        least: how many processes there are at least.
    """
    sizes = [
        (max(0, min(room, wanted - begin)), max(0, min(room, active - begin)))
        for begin in range(0, max(wanted, least * room), room)
    ]
    talking = max(1, min(wanted, active))
    return [(clients, talkers, rate and rate * min(clients, talkers) / talking) for clients, talkers in sizes]
