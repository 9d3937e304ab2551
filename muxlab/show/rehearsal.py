"""A telling moment of a server, for the stored picture of its panel.

A panel begins where nothing has happened yet, and that is what a page without a kernel would show. So the picture is
taken of a rehearsal: the same function once more, with clients of its own, up to where a client's bytes wait for it.

Only where chapters are stored: for a learner, a function runs when it was asked to, and not again behind the scenes.
"""

from __future__ import annotations

import contextlib
import io
import os
import time
from collections.abc import Callable, Iterator

from muxlab.show.stepping import prepare
from muxlab.stepper import Stepper

CALLS = 60  # to get there at most: a server that polls makes one call for each client in each round
PATIENCE = 1.5  # seconds
GREETING = b"hello"


def wanted() -> bool:
    """Return whether the pictures made here are to be stored: `make notebooks` sets MUXLAB_FULL."""
    return "MUXLAB_FULL" in os.environ


@contextlib.contextmanager
def at_recv(fn: Callable, backlog: int, clients: int) -> Iterator[Stepper]:
    """Rehearse until the server is about to receive what the second client has said, or cannot come so far.

    A server that serves one client at a time never comes so far: it sleeps in `recv` on the first client, while the
    bytes of the second wait. That tells as much.
    """
    with _quiet(), contextlib.ExitStack() as undo:
        stepper = prepare(fn, backlog, max(2, clients))
        undo.callback(stepper.end)
        speaker = stepper.clients[1]
        speaker.send(GREETING)
        ended = time.monotonic() + PATIENCE
        for _ in range(CALLS):
            state = stepper.next_call()
            here = state.status == "paused" and state.call.startswith(f"recv({speaker.name},")
            if here or state.status != "paused" or time.monotonic() > ended:
                break
        yield stepper


@contextlib.contextmanager
def after_message(fns: tuple[Callable, Callable], backlog: int, clients: int, data: bytes) -> Iterator[list[Stepper]]:
    """Rehearse two servers until each sleeps again, after the first client has sent `data` to both."""
    with _quiet(), contextlib.ExitStack() as undo:
        steppers = []
        for fn in fns:
            stepper = prepare(fn, backlog, max(1, clients))
            undo.callback(stepper.end)
            stepper.run_until_blocked()
            stepper.clients[0].send(data)
            stepper.run_until_blocked()
            steppers.append(stepper)
        yield steppers


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep to ourselves what the function prints: nobody has asked it to run."""
    with contextlib.redirect_stdout(io.StringIO()):
        yield
