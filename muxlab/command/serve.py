"""`muxlab serve`: one of the servers, at a terminal, until Ctrl-C."""

import argparse
import contextlib
import os
import sys
import time
from collections.abc import Iterator

from .. import SERVERS
from ..arguments import require_epoll
from ..listener import listen
from ..resp import redis_server
from ..stop import Keyboard, Stop

NAMED = {**SERVERS, "redis": redis_server}
"""The servers that `serve` runs."""


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command to the command line."""
    command = commands.add_parser(
        "serve",
        help="run one of the servers until Ctrl-C",
        description="Run one of the course's servers on 127.0.0.1, until Ctrl-C.",
    )
    command.add_argument("name", choices=sorted(NAMED), metavar="NAME", help=" or ".join(sorted(NAMED)))
    command.add_argument("--port", type=int, default=7788, help="TCP port on 127.0.0.1 (7788; 0 takes a free one)")
    command.add_argument("--backlog", type=int, default=128, help="length of the accept queue (128)")
    command.add_argument(
        "--processes", type=int, metavar="N", help="serve from N processes that share the port, to use all cores"
    )
    command.set_defaults(command=serve)


def serve(options: argparse.Namespace) -> None:
    """Serve in this thread, so that Ctrl-C reaches the server itself."""
    require_epoll(options.name)
    if options.processes is not None:
        _serve_on_all_cores(options)
        return
    with listen(options.port, options.backlog) as listener, _stop_for(options.name) as stop:
        host, port = listener.getsockname()
        print(f"{options.name} server on {host}:{port}, process {os.getpid()}. {_how_to_stop(stop)}", flush=True)
        NAMED[options.name](listener, stop)
    print("stopped")


def _serve_on_all_cores(options: argparse.Namespace) -> None:
    """Serve in several processes, until Ctrl-C."""
    from ..server_processes import ServerProcesses  # here, because no other command needs it

    if options.name not in SERVERS:
        raise ValueError(
            f"--processes: {options.name} keeps its data in one process; the others are {', '.join(SERVERS)}"
        )
    with ServerProcesses(options.name, options.processes, options.port, options.backlog) as servers:
        host, port = servers.address
        pids = " ".join(map(str, servers.pids))
        print(f"{options.name} server on {host}:{port}, processes {pids}. Ctrl-C stops them.", flush=True)
        while True:
            servers.check_alive()
            time.sleep(1)


@contextlib.contextmanager
def _stop_for(name: str) -> Iterator[Keyboard | Stop]:
    """Give the server its `stop`: the select server watches the keyboard in its select, the others wait for Ctrl-C."""
    if name == "select" and (keyboard := _keyboard()):
        with contextlib.closing(keyboard):
            yield keyboard
    else:
        with contextlib.closing(Stop()) as stop, stop.woken_by_signals():
            yield stop


def _keyboard() -> Keyboard | None:
    """Return the keyboard as a `stop`, or None when standard input is closed."""
    try:
        return Keyboard(sys.stdin.fileno()) if sys.stdin is not None else None
    except OSError:
        return None


def _how_to_stop(stop: Keyboard | Stop) -> str:
    return "Enter or Ctrl-C stops it." if isinstance(stop, Keyboard) else "Ctrl-C stops it."
