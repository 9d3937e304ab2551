"""A Python process of ours beside this one: it runs a module of the package, and a Ctrl-C here does not reach it.

The two are tied by a pair of sockets, of which the process has one as its standard input: they talk over it, and when
this end of it is closed, the process ends. So it does not outlive this one, however this one ends. A fork of this
process closes its copy of the socket at once: it neither ends what is not its own, nor keeps it going.
"""

import contextlib
import os
import socket
import subprocess
import sys
import weakref
from pathlib import Path

_ties: weakref.WeakSet[socket.socket] = weakref.WeakSet()


def start_python(module: str, *arguments: object) -> tuple[subprocess.Popen[bytes], socket.socket]:
    """Start `python -m module` with some arguments.

    Args:
        module: a module of this package, by its full name.
        arguments: what the module finds in sys.argv.

    Returns:
        The process, and this end of the sockets, which keep messages apart: SOCK_SEQPACKET, unix(7).
    """
    path = [str(Path(__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
    with contextlib.ExitStack() as undo:
        ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        _ties.add(ours)
        undo.callback(ours.close)
        with its:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", module, *map(str, arguments)],  # -P: no file of the learner's as ours
                stdin=its.fileno(),
                stdout=subprocess.DEVNULL,
                env=os.environ | {"PYTHONPATH": os.pathsep.join(path)},
                process_group=0,  # Ctrl-C goes to the group of this process
            )
        undo.pop_all()
    return process, ours


def cut(tie: socket.socket) -> None:
    """Let the process at the other end know that it has to end; in a fork, do nothing."""
    with contextlib.suppress(OSError):
        tie.shutdown(socket.SHUT_RDWR)  # also where another process has the socket too
    tie.close()


def _let_go() -> None:
    for tie in list(_ties):
        tie.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)
