"""Errors and warnings as a learner needs them: with the learner's own line, and without the package's lines.

What a server function raises passes through the package on its way to the learner: through the code that called the
function, and through the tap if a call failed there. `trim` takes the package's frames out of a traceback, `last_line`
finds the line for a report to name, and `warn` makes a warning point to the learner's line. A function on that way that
the learner called sets `__tracebackhide__`, so that IPython and pytest leave its frame out.
"""

import linecache
import sys
import threading
import traceback
import warnings
from types import FrameType, TracebackType

PACKAGE = __name__.partition(".")[0]


class Interrupted(KeyboardInterrupt):
    """An interrupt of something long, which says what had been done by then.

    A notebook shows it in one line that names the learner's own, and leaves our frames out.
    """

    def _render_traceback_(self) -> list[str]:  # what IPython asks an exception for
        return [where(trim(self))]


def is_ours(module: str | None) -> bool:
    """Tell by its name whether a module is the package's own; servers and exhibits are not, as learners read them."""
    name = module or ""
    readable = (
        f"{PACKAGE}.servers",
        f"{PACKAGE}.resp",
        f"{PACKAGE}.connection",
        f"{PACKAGE}.blocking",
        f"{PACKAGE}.course.ch",
        f"{PACKAGE}.course.museum",
    )
    return name.split(".")[0] == PACKAGE and not name.startswith(readable)


def trim(error: BaseException) -> BaseException:
    """Take the package's frames out of an error's traceback, and of the errors chained to it; return the error.

    The traceback then begins and ends in the learner's code. One that has only frames of the package stays as it is.
    """
    seen: set[int] = set()
    chained: BaseException | None = error
    while chained is not None and id(chained) not in seen:
        seen.add(id(chained))
        _trim_one(chained)
        chained = chained.__cause__ or chained.__context__
    return error


def _trim_one(error: BaseException) -> None:
    first = error.__traceback__
    while first is not None and _is_our_frame(first):
        first = first.tb_next
    entry = first
    while entry is not None and entry.tb_next is not None:
        if _is_our_frame(entry.tb_next):
            entry.tb_next = None  # behind our frames is only the failed call, which that line shows already
        entry = entry.tb_next
    if first is not None:
        BaseException.with_traceback(error, first)  # not error.with_traceback: a learner's class may override that


def _is_our_frame(entry: TracebackType) -> bool:
    return is_ours(entry.tb_frame.f_globals.get("__name__"))


def text_of(error: BaseException) -> str:
    """Return an error's type and message, such as "NameError: name 'conn' is not defined"."""
    try:
        message = str(error)
    except Exception:  # the __str__ of a learner's class may fail
        message = "(its message cannot be shown: its __str__ raises)"
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def last_line(error: BaseException, file: str = "") -> tuple[int, str, str]:
    """Return where an error was raised: (line number, source line, function), or (0, "", "") if that is unknown.

    Args:
        error: the error.
        file: a file whose last line in the traceback is wanted; without it, the last line outside the package is taken.
    """
    return _last(list(traceback.walk_tb(error.__traceback__)), file)


def line_now(thread: threading.Thread, file: str = "") -> tuple[int, str, str]:
    """Return where a thread is at this moment; what is returned, and `file`, are as for `last_line`."""
    frame = sys._current_frames().get(thread.ident or 0)
    walked = list(traceback.walk_stack(frame)) if frame else []
    return _last([(frame, line) for frame, line in reversed(walked) if line], file)  # it has none between two lines


def _last(walked: list[tuple[FrameType, int]], file: str) -> tuple[int, str, str]:
    own = [step for step in walked if step[0].f_code.co_filename == file]
    others = [step for step in walked if not is_ours(step[0].f_globals.get("__name__"))]
    for frame, line in reversed(own or others or walked):
        source = linecache.getline(frame.f_code.co_filename, line, frame.f_globals).strip()
        return line, source, frame.f_code.co_name
    return 0, "", ""


def where(error: BaseException, file: str = "") -> str:
    """Return an error with its line, such as "NameError: ..., in line 7: ..."; arguments as for `last_line`."""
    line, source, _ = last_line(error, file)
    if not line:
        return text_of(error)
    return f"{text_of(error)}, in line {line}{': ' * bool(source)}{source}"


def warn(message: str) -> None:
    """Issue a RuntimeWarning that points to the line outside the package that led to it."""
    level, frame = 1, sys._getframe(0)
    while frame.f_back is not None and is_ours(frame.f_globals.get("__name__")):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, RuntimeWarning, stacklevel=level)
