"""The clients that a benchmark puts on a server: a program in C, or muxlab's own swarm where there is no compiler."""

import contextlib
import select
import signal
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import muxlab

WARM_UP = 20
"""Replies for each talking client before the measurement, also in clients.c: enough to have used every buffer."""

PATIENCE = 5.0
"""Seconds in which all clients have to be connected and warm; it usually takes a tenth of that."""

Address = tuple[str, int]


class Unfit(Exception):
    """The reason why a server cannot bear this load."""


class Crowd(NamedTuple):
    """Clients of a server.

    Attributes:
        count: returns how many replies there have been.
        hold, go: let nobody say anything more, and let those that talk go on.
    """

    count: Callable[[], int]
    hold: Callable[[], None]
    go: Callable[[], None]


@contextlib.contextmanager
def in_c(program: str, address: Address, connections: int, active: int, payload: int) -> Iterator[Crowd]:
    """Put the clients of clients.c on a server; yield them once all that talk are warm.

    Raises:
        Unfit: not all could be connected, or not all that talk were answered in time.
        RuntimeError: a reply was wrong, or a connection was lost.
    """
    command = [program, *map(str, (address[1], connections, active, payload))]
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with subprocess.Popen(command, text=True, **pipes) as process:

        def count() -> int:
            process.stdin.write("\n")
            process.stdin.flush()
            line = process.stdout.readline()
            if not line:
                raise RuntimeError(f"the clients ended: {process.stderr.read().strip()}")
            return int(line)

        try:
            ready, _, _ = select.select([process.stdout], [], [], PATIENCE)
            if not ready:
                raise Unfit(f"it did not answer all of {active} talking clients within {PATIENCE:g} s")
            if not process.stdout.readline():
                raise Unfit(process.stderr.read().strip())
            hold, go = (partial(process.send_signal, number) for number in (signal.SIGSTOP, signal.SIGCONT))
            yield Crowd(count, hold, go)
        finally:
            process.send_signal(signal.SIGCONT)
            process.stdin.close()
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()


@contextlib.contextmanager
def by_swarm(address: Address, connections: int, active: int, payload: int) -> Iterator[Crowd]:
    """Put muxlab's swarm on a server; the same otherwise."""
    with muxlab.Swarm(address, connections, active=0, payload=payload) as swarm:
        try:
            swarm.wait_connected(timeout=PATIENCE)
            swarm.active = active
            swarm.wait_replies(WARM_UP * active, timeout=PATIENCE)
        except (TimeoutError, ConnectionError) as error:
            raise Unfit(str(error)) from None
        answered = sum(0 < replies <= 250 for replies in swarm.activity())
        if answered < active:
            raise Unfit(f"it answered {answered} of {active} talking clients")

        def count() -> int:
            return swarm.snapshot().replies

        hold, go = (partial(setattr, swarm, "active", number) for number in (0, active))
        yield Crowd(count, hold, go)
        figures = swarm.snapshot()
    if figures.mismatches or figures.errors:
        raise RuntimeError(f"{figures.mismatches} wrong replies, {figures.errors} connections lost")
