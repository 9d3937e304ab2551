"""Checks of the arguments that callers pass: a bad one is refused before anything starts, with what is allowed."""

import errno
import inspect
import select
import sys
from typing import Any

A_YEAR = 365 * 86_400.0
"""Longest timeout, in seconds: in practice no limit, and far below threading.TIMEOUT_MAX, which is 292 years."""


def check_count(name: str, value: Any, least: int = 1, most: int | None = None) -> None:
    """Refuse anything but a whole number from `least` to `most`, with a TypeError or a ValueError."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name}={value!r}: it has to be a whole number")
    if value < least or (most is not None and value > most):
        raise ValueError(f"{name}={value}: it has to be {least} or more" + (f", and {most:,} at most" if most else ""))


def check_timeout(timeout: Any, name: str = "timeout") -> float:
    """Refuse anything but a number of seconds, 0 or more, with a ValueError; return it, or a year if it is longer."""
    if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not timeout >= 0:  # false for NaN, too
        raise ValueError(f"{name}={timeout!r}: give a number of seconds, 0 or more")
    return min(timeout, A_YEAR)


def check_duration(seconds: Any) -> None:
    """Refuse a length of measurement that is not a finite number of seconds above 0, with a ValueError."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds < float("inf"):
        raise ValueError(f"seconds={seconds!r}: give the seconds to measure for, a finite number above 0")


def check_search(seconds: Any) -> None:
    """Refuse a length of search that is neither None nor a finite number of seconds above 0, with a ValueError."""
    if seconds is None:
        return
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds < float("inf"):
        raise ValueError(f"search={seconds!r}: give the seconds to look for, a finite number above 0, or leave it out")


def check_rate(rate: Any) -> None:
    """Refuse anything but messages a second, more than 0, or None, with a ValueError."""
    number = isinstance(rate, int | float) and not isinstance(rate, bool)
    if rate is not None and not (number and 0 < rate <= sys.float_info.max):
        raise ValueError(f"rate={rate!r}: messages a second, more than 0; None for a closed loop")


def check_port(port: Any, backlog: Any) -> None:
    """Refuse anything but a TCP port and the length of an accept queue, with a ValueError."""
    if isinstance(port, bool) or not isinstance(port, int) or not 0 <= port <= 65535:
        raise ValueError(f"port={port!r}: a port is a whole number from 0 (take a free one) to 65535")
    if isinstance(backlog, bool) or not isinstance(backlog, int) or not 0 <= backlog < 2**31:
        raise ValueError(f"backlog={backlog!r}: the length of the accept queue is a whole number, 0 or more")


def require_epoll(name: str) -> None:
    """Refuse a reference server that needs epoll on a system without it, with an OSError that says what to do."""
    if name.startswith(("epoll", "redis")) and not hasattr(select, "epoll"):
        raise OSError(
            errno.ENOSYS,
            f"the {name!r} server needs Linux: this system has no epoll. Work through the course in a Linux "
            'container, a virtual machine or on Binder; SERVERS["select"], "poll" and "nonblocking" run here too',
        )


def require_linux(what: str) -> None:
    """Refuse on another system what needs Linux, with an OSError that says what to do."""
    if sys.platform != "linux":
        raise OSError(errno.ENOSYS, f"{what} needs Linux: work in a Linux container, in a virtual machine or on Binder")


def stop_argument(fn: Any, name: str) -> str:
    """Return how `fn` takes `stop`: "positional", "keyword", or "" if it does not.

    Args:
        fn: the server function.
        name: its name, for error messages.

    Raises:
        TypeError: `fn` is not a function of `(listener, stop)` or `(listener)`.
    """
    form = f"a server is a function of (listener, stop) or (listener), and {name}"
    if isinstance(fn, str):
        raise TypeError(f'serve takes the function itself: muxlab.serve(muxlab.SERVERS["{fn}"])')
    if not callable(fn):
        raise TypeError(f"a server is a function of (listener, stop) or (listener); {fn!r} cannot be called")
    if inspect.iscoroutinefunction(fn) or inspect.isgeneratorfunction(fn) or inspect.isasyncgenfunction(fn):
        raise TypeError(f"{form} is a coroutine or generator function: calling it runs nothing. Write a plain `def`")
    try:
        parameters = list(inspect.signature(fn).parameters.values())
    except ValueError:  # some functions written in C have no signature
        raise TypeError(f"{form} has no signature that Python can read. Wrap it in a `def`") from None
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    required = [p for p in positional if p.default is p.empty]
    keywords = [p for p in parameters if p.kind is p.KEYWORD_ONLY and (p.default is p.empty or p.name == "stop")]
    if not positional or len(required) > 2 or any(p.name != "stop" for p in keywords):
        raise TypeError(f"{form} takes {inspect.signature(fn)}")
    if keywords:
        return "keyword"
    takes_stop = len(required) == 2 or (len(positional) > 1 and positional[1].name == "stop")
    return "positional" if takes_stop else ""
