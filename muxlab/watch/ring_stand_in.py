"""The stand-in for a ring: its one system call goes through the tap, and what completes is recorded beside it.

A completion is no call: the server made none to get it. It is kept all the same, as `ring.recv`, since it tells what
the kernel did for the server, and when the server came to know of it.

Not handled here: a ring that was made before the server started does not report.
"""

import select
import socket
from collections.abc import Callable
from typing import Any

from ..ring import Completion, Request, Ring
from .calls import PREVIEW, Summary
from .socket_stand_in import socket_class
from .stand_ins import NAMED
from .tap import WOULD_BLOCK, Tap, Wait, done_outcome


def ring_class(tap: Tap) -> type[Ring]:
    """Return a subclass of `Ring` that reports to the tap."""
    tapped_socket = socket_class(tap, socket.socket)

    class TappedRing(Ring):
        def __init__(self, *arguments: int) -> None:
            super().__init__(*arguments)
            tap.names[self.fd] = "ring"

        def enter(self, wait: int = 1) -> int:
            real, asked = super().enter, self.queued()
            texts = [_text(request, tap) for request in asked]
            summary = ", ".join(texts) if len(texts) <= NAMED else f"{len(texts)} requests"
            parts = _parts(self, real, wait) if tap.gate and wait else None
            return tap.call("ring.enter", self.fd, summary, _entered, parts, real, wait)

        def _accepted(self, listener: Any, fd: int) -> socket.socket:
            sock = super()._accepted(listener, fd)
            sock.__class__ = tapped_socket  # the same object and descriptor; from now on it reports
            tap.name_accepted(fd)
            return sock

        def _completed(self, request: Request, result: int, more: bool) -> Completion:
            done = super()._completed(request, result, more)
            outcome, amount, text = _outcome(request, done, tap)
            tap.note(f"ring.{request.name}", request.fd, outcome, amount, text)
            return done

        def close(self) -> None:
            if self.fd >= 0:  # a second close does nothing, and is not recorded
                tap.call("ring.close", self.fd, "", done_outcome, None, super().close)
                tap.names.pop(self.fd, None)

        __del__ = close

    return TappedRing


def _parts(ring: Ring, real: Callable[[int], int], wait: int) -> Wait:
    """Return the parts of an `enter` that waits. Nothing needs to wake it: `stop` does, or the end of its sockets."""

    def attempt() -> Any:
        come = real(0)
        return come if come >= wait else WOULD_BLOCK

    def ready() -> bool:
        poll = select.poll()
        poll.register(ring.fd, select.POLLIN)
        return bool(poll.poll(0))

    return Wait(attempt, lambda _: real(wait), lambda _: None, ready)


def _text(request: Request, tap: Tap) -> str:
    who = tap.names.get(request.fd, "")
    return f"{request.name} {who}" if who else request.name


def _entered(come: int) -> tuple[str, int, Summary]:
    return "ready" if come else "done", come, f"{come} completed"


def _outcome(request: Request, done: Completion, tap: Tap) -> tuple[str, int, Summary]:
    """Return the outcome of a completion, its amount, and its result in short, as `OutcomeOf` does for a call."""
    if done.result < 0 and done.error != "ETIME":  # which only says that the time has passed
        return done.error, 0, done.error
    if request.name == "recv":
        first = bytes(request.lent[: min(done.result, PREVIEW)])
        return "data" if done.result else "end", done.result, (first, done.result)
    if request.name == "send":
        return "data", done.result, done.result
    return "done", 0, tap.names.get(done.result, "") if request.name == "accept" else ""
