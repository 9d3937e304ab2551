"""What io_uring takes beyond Python: three system calls that Python has no functions for, and addresses of memory.

Here it is also found out whether this system allows io_uring, and if not, why. The ring itself is in ring.py.

Not handled here: kernels older than 5.19, where an accept is good for one client only.
"""

import errno
import functools
import os
import struct
import sys
from typing import Any

from ..sockets import HasFileno

SETUP, ENTER, REGISTER = 425, 426, 427
"""Numbers of the three system calls, the same on every processor: asm-generic/unistd.h."""

PARAMETERS = struct.Struct("=7I12x8IQ8IQ")
"""Layout of what `SETUP` fills in: the sizes, and where in the shared memory the parts of either queue are."""

REQUEST, COMPLETION = struct.Struct("=BBHiQQIIQ24x"), struct.Struct("=QiI")
"""Layout of an entry of the submission queue: operation, flags, priority, descriptor, offset, address, length, flags of
the operation, number of the request; the rest is 0. And of an entry of the completion queue: number, result, flags."""

PROBE, NEWEST = 8, 45
"""Question to the kernel: which operations do you know? And one that came with Linux 5.19, as MULTISHOT did."""


@functools.cache
def _libc() -> Any:
    import ctypes  # imported here: few servers need it, and it would slow down `import muxlab`

    return ctypes.CDLL(None, use_errno=True)


def system_call(number: int, *arguments: int | None) -> int:
    """Make a system call that Python has no function for; other threads run meanwhile. Raises its OSError."""
    import ctypes

    given = [ctypes.c_void_p(value) for value in arguments]  # as wide as a register, whatever it is
    result = _libc().syscall(ctypes.c_long(number), *given)
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return int(result)


def lend(buffer: bytearray) -> Any:
    """Return a hold on a buffer: while it exists, Python neither moves nor frees its bytes, nor adds any."""
    import ctypes

    if not isinstance(buffer, bytearray) or not buffer:
        raise TypeError(f"lend a bytearray that is not empty, of bytes that may be written to, not {buffer!r:.40}")
    return (ctypes.c_char * len(buffer)).from_buffer(buffer)


def address(memory: Any) -> int:
    """Return where in memory a bytearray, or what `lend` returned, begins; keep it as long as the address is used."""
    import ctypes

    return ctypes.addressof(lend(memory) if isinstance(memory, bytearray) else memory)


def descriptor(thing: HasFileno | None) -> int:
    """Return the descriptor of a socket, or of something else that has one; refuse anything else with a TypeError."""
    if thing is None or not hasattr(thing, "fileno"):
        raise TypeError(f"give a socket, or something else that has a fileno(), not {thing!r:.40}")
    return thing.fileno()


# ---- whether it is allowed


def require_ring() -> None:
    """Refuse to go on where io_uring is not allowed, with an OSError that says why and what to do."""
    reason = refusal()
    if reason:
        raise OSError(errno.ENOSYS, reason)


@functools.cache
def refusal() -> str:
    """Say why io_uring cannot be used here, and what to do about it; "" where it can."""
    if not sys.platform.startswith("linux"):
        return "io_uring is a part of Linux, and this is another system"
    parameters = bytearray(PARAMETERS.size)
    try:
        ring = system_call(SETUP, 1, address(parameters))
    except OSError as error:
        return _why(error.errno or 0)
    try:
        return "" if _newest_operation(ring) >= NEWEST else "io_uring is too old here: it takes Linux 5.19 or newer"
    finally:
        os.close(ring)


def _why(number: int) -> str:
    if number == errno.ENOSYS:
        return "this kernel has no io_uring: it takes Linux 5.19 or newer, and some kernels are built without it"
    if number in (errno.EMFILE, errno.ENFILE, errno.ENOMEM):
        return ""  # a limit of the moment: the kernel looks at that only when it allows a ring
    if number != errno.EPERM:
        return f"io_uring cannot be set up here: {os.strerror(number)}"
    if _switch() in ("1", "2"):
        return "io_uring is switched off here. To switch it on: sudo sysctl kernel.io_uring_disabled=0"
    return "io_uring is not allowed here. Most containers forbid it: Docker does, unless its seccomp profile is changed"


def _switch() -> str:
    try:
        with open("/proc/sys/kernel/io_uring_disabled") as file:
            return file.read().strip()
    except OSError:  # Linux 6.6 or newer has it
        return ""


def _newest_operation(ring: int) -> int:
    answer = bytearray(16 + 256 * 8)  # struct io_uring_probe: its first byte is the number of the newest operation
    try:
        system_call(REGISTER, ring, PROBE, address(answer), 256)
    except OSError:  # older than the question
        return 0
    return answer[0]
