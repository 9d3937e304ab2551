"""`muxlab.check(fn)`: a server against clients that behave as real ones do.

The module can be called: `muxlab.check(fn)` holds the trials, and `muxlab.check.museum` is in it.
"""

import sys
from collections.abc import Callable, Iterable
from types import ModuleType

from . import battery, museum
from .report import Report, Trial

__all__ = ["Report", "Trial", "museum"]


class _Check(ModuleType):
    """This module, which can be called."""

    def __call__(self, fn: Callable, *, trials: Iterable[str] | None = None) -> Report:
        """Hold a server function against clients that behave as real ones do, good and bad.

        Args:
            fn: `fn(listener, stop)` or `fn(listener)`, as for `muxlab.serve`.
            trials: names of trials; by default all.

        Returns:
            The report: print it, or let a notebook show it.

        Raises:
            TypeError: `fn` is not a server function.
            ValueError: there is no trial of that name.
        """
        return battery.check(fn, trials)


sys.modules[__name__].__class__ = _Check
