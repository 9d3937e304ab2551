"""A file that others may read or write at the same time: locked by one of them, and replaced as a whole."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO


def take_lock(descriptor: int) -> bool:
    """Lock an open file for this process alone; return False if another one has it. Source: flock(2).

    The kernel releases the lock at the latest when the process ends, however it ends.
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextlib.contextmanager
def replaced(path: Path, unfinished: Path) -> Iterator[BinaryIO]:
    """Write a file anew; whoever reads it meanwhile, or after a crash, finds the old one or the new one, never a part.

    What is written goes into `unfinished`, reaches the disk, and takes the name of the file in one step: rename(2).

    Args:
        path: the file. It need not exist.
        unfinished: where it is until it is whole, on the same disk. If writing fails, this is removed.

    Yields:
        A file to write into. At the end of the block the new file is in its place.

    Raises:
        OSError: it cannot be written, and the old file stays as it is.
    """
    file = unfinished.open("wb")
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())  # or the new name could reach the disk before the content does
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
