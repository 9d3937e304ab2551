"""What a trial is: something that is done to a server, and a lesson for who fails it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from .bench import Bench


class Failed(Exception):
    """The trial is not passed; says what was seen."""


class NotAllowed(Exception):
    """The trial cannot be passed, and it is not the server's fault; says why."""


class Ask(NamedTuple):
    """One trial of the battery.

    Attributes:
        name: what is asked of the server.
        lesson: what to look at when it fails, without giving the answer away.
        run: does it; returns what was seen, and raises `Failed` or `NotAllowed`.
    """

    name: str
    lesson: str
    run: Callable[[Bench], str]


def trial(name: str, lesson: str) -> Callable[[Callable[[Bench], str]], Ask]:
    """Make a trial of a function; arguments as in `Ask`."""
    return lambda run: Ask(name, lesson, run)
