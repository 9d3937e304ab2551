"""The checks of what a caller passes: refused before anything starts, with what was given and what is allowed."""

import errno
import inspect
import select
from typing import Any

A_YEAR = 365 * 86_400.0
"""Seconds. Longer than anybody waits, and short enough for the clocks of a lock: threading.TIMEOUT_MAX is 292 years."""


def check_count(name: str, value: Any, least: int = 1, most: int | None = None) -> None:
    """Refuse what is not a whole number of `least` to `most`, with a TypeError or a ValueError."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name}={value!r}: it has to be a whole number")
    if value < least or (most is not None and value > most):
        raise ValueError(f"{name}={value}: it has to be {least} or more" + (f", and {most:,} at most" if most else ""))


def check_timeout(timeout: Any) -> float:
    """Refuse what is no number of seconds, 0 or more, with a ValueError; return it, an endless one as a year."""
    if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not timeout >= 0:  # as NaN is not
        raise ValueError(f"timeout={timeout!r}: give a number of seconds, 0 or more")
    return min(timeout, A_YEAR)


def check_duration(seconds: Any) -> None:
    """Refuse a time in which nothing can be measured, with a ValueError."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds < float("inf"):
        raise ValueError(f"seconds={seconds!r}: give a number of seconds to measure for, more than 0 and not endless")


def check_port(port: Any, backlog: Any) -> None:
    """Refuse what is not a TCP port or the length of an accept queue, with a ValueError."""
    if isinstance(port, bool) or not isinstance(port, int) or not 0 <= port <= 65535:
        raise ValueError(f"port={port!r}: a port is a whole number from 0 (take a free one) to 65535")
    if isinstance(backlog, bool) or not isinstance(backlog, int) or not 0 <= backlog < 2**31:
        raise ValueError(f"backlog={backlog!r}: the length of the accept queue is a whole number, 0 or more")


def require_epoll(name: str) -> None:
    """Refuse a reference server that needs epoll where there is none, with an OSError that says what to do."""
    if name.startswith("epoll") and not hasattr(select, "epoll"):
        raise OSError(
            errno.ENOSYS,
            f"the {name!r} server needs Linux: this system has no epoll. Work through the course in a Linux "
            'container, a virtual machine or on Binder; SERVERS["select"], "poll" and "nonblocking" run here too',
        )


def stop_argument(fn: Any, name: str) -> str:
    """Tell how `fn` takes `stop`: "positional", "keyword", or "" for not at all.

    Args:
        fn: what is to be served.
        name: of it, for the message.

    Raises:
        TypeError: it is not a function of `(listener, stop)` or `(listener)`.
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
    except ValueError:  # some that are written in C
        raise TypeError(f"{form} does not say what it takes. Write a `def`") from None
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    required = [p for p in positional if p.default is p.empty]
    keywords = [p for p in parameters if p.kind is p.KEYWORD_ONLY and (p.default is p.empty or p.name == "stop")]
    if not positional or len(required) > 2 or any(p.name != "stop" for p in keywords):
        raise TypeError(f"{form} takes {inspect.signature(fn)}")
    if keywords:
        return "keyword"
    takes_stop = len(required) == 2 or (len(positional) > 1 and positional[1].name == "stop")
    return "positional" if takes_stop else ""
