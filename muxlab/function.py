"""What a server function is: one of ours or the learner's, of `(listener, stop)` or `(listener)`."""

import errno
import inspect
import select
from collections.abc import Callable

from .servers import SERVERS


def name_of(fn: Callable) -> str:
    """The name under which `fn` is shown; OSError when it is a reference server that needs epoll, and there is none."""
    for name, reference in SERVERS.items():
        if fn is reference:
            require_epoll(name)
            return name
    return getattr(fn, "__name__", type(fn).__name__)


def require_epoll(name: str) -> None:
    """Refuse a reference server that needs epoll where there is none, with an OSError that says what to do."""
    if name.startswith("epoll") and not hasattr(select, "epoll"):
        raise OSError(
            errno.ENOSYS,
            f"the {name!r} server needs Linux: this system has no epoll. Work through the course in a Linux "
            'container, a virtual machine or on Binder; SERVERS["select"], "poll" and "nonblocking" run here too',
        )


def stop_arguments(fn: Callable, name: str) -> str:
    """How `fn` takes `stop`: "positional", "keyword", or "" for not at all; TypeError when it is no server function."""
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
