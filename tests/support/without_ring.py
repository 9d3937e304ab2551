"""Run a command on a kernel that refuses io_uring: python without_ring.py EPERM COMMAND ...

With EPERM+ptrace in the place of EPERM, it refuses tracing as well.

It is what a container does: a seccomp filter answers the system call with an error of its own. The command and all that
it starts inherit the filter, and nothing can take it off again. Source: seccomp(2), linux/filter.h.
"""

import ctypes
import errno
import os
import platform
import struct
import sys

SETUP = 425
"""Number of io_uring_setup, the same on every processor."""

PTRACE = {"x86_64": 101, "aarch64": 117}
"""Number of ptrace on each processor."""

NO_NEW_PRIVILEGES, SECCOMP, FILTER = 38, 22, 2
LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, ERROR = 0x7FFF0000, 0x00050000


def refuse(number: int, call: int = SETUP) -> None:
    """Let a system call fail with this error number from now on, in this process and in all that it starts."""
    steps = [(LOAD, 0, 0, 0), (JUMP_IF_EQUAL, 0, 1, call), (RETURN, 0, 0, ERROR | number), (RETURN, 0, 0, ALLOW)]
    program = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
    described = ctypes.create_string_buffer(struct.pack("@HP", len(steps), ctypes.addressof(program)))
    libc = ctypes.CDLL(None, use_errno=True)
    for arguments in ((NO_NEW_PRIVILEGES, 1, 0, 0, 0), (SECCOMP, FILTER, ctypes.addressof(described), 0, 0)):
        if libc.prctl(*map(ctypes.c_ulong, arguments)):
            raise OSError(ctypes.get_errno(), "no seccomp filter can be set here")


if __name__ == "__main__":
    name, _, tracing = sys.argv[1].partition("+")
    refuse(getattr(errno, name))
    if tracing:
        refuse(getattr(errno, name), PTRACE[platform.machine()])
    os.execvp(sys.argv[2], sys.argv[2:])
