"""A bar for whoever waits for a long experiment."""

import sys
from collections.abc import Iterable, Sequence
from typing import TypeVar

from . import registry

Setting = TypeVar("Setting")

PATIENCE = 1.0
"""Seconds before a bar appears: what is over sooner needs none."""


def progress(settings: Sequence[Setting], what: str) -> Iterable[Setting]:
    """Go through `settings`, with a bar while somebody looks on; it is gone at the end, and leaves nothing behind.

    Somebody looks on in a terminal, and in a notebook that a person runs: a program that runs one (nbval, nbconvert)
    says that nobody is there to answer a question, and its notebook is to stay clean.
    """
    if len(settings) < 2 or not _watched():
        return settings
    from tqdm.auto import tqdm  # only now: it loads a widget library in a notebook

    class Bar(tqdm):
        monitor_interval = 0  # no thread of its own, which would stay

    return Bar(settings, desc=what, leave=False, delay=PATIENCE)


def _watched() -> bool:
    request = registry.request()
    if request:
        return bool(request.get("content", {}).get("allow_stdin"))
    return sys.stderr is not None and sys.stderr.isatty()
