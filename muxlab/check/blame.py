"""Which line of the learner's it was."""

import inspect
import linecache
import traceback
from collections.abc import Callable


def blame(fn: Callable, error: BaseException) -> str:
    """Say what a server function raised, and in which line: "the server ended: OSError: ..., in line 7: ...".

    Args:
        fn: the function; a line of its file is named before any other.
        error: what it raised.
    """
    code = getattr(inspect.unwrap(fn), "__code__", None)
    return f"the server ended: {where(error, code.co_filename if code else '')}"


def where(error: BaseException, home: str) -> str:
    """Say what an error is, and in which line: the last in the file `home` that it came through, or its very last."""
    said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    frames = traceback.extract_tb(error.__traceback__)
    last = next((frame for frame in reversed(frames) if frame.filename == home), frames[-1] if frames else None)
    if last is None:
        return said
    source = linecache.getline(last.filename, last.lineno or 0).strip()
    return f"{said}, in line {last.lineno}{': ' * bool(source)}{source}"
