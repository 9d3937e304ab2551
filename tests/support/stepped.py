"""The servers that are stepped in tests, by name, and what has to be true of a stepper that was stopped."""

import inspect
import time
from collections.abc import Callable

import watch_servers
from watch_servers import LEARNERS, NASTY

import muxlab
from muxlab.stepper.state import State
from muxlab.stepper.stepper import Stepper

SOON = 1.0
"""Seconds in which a stepper has to be stopped, whatever it is doing."""

ALL = [*muxlab.SERVERS, *LEARNERS]
"""Servers that work; those in `NASTY` do what they can so as not to be stopped."""


def make(name: str) -> Callable:
    """Return a server function by its name, of whatever kind."""
    found = {**vars(watch_servers), **muxlab.SERVERS, **LEARNERS, **NASTY}[name]
    return found().serve if inspect.isclass(found) else found


def stop_in_time(stepper: Stepper) -> State:
    """Stop a stepper, check what has to be true after that, and return its last state."""
    start = time.monotonic()
    stepper.stop()
    assert time.monotonic() - start < SOON
    assert not stepper.thread.is_alive()
    return stepper.state()
