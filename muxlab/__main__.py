"""python -m muxlab: the doctor; a server and a swarm for two terminals, as in the article; the trials of a server."""

import argparse
import contextlib
import importlib.util
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

from . import SERVERS, Swarm, doctor
from .arguments import check_timeout, require_epoll
from .errors import where
from .listener import listen
from .resp import redis_server
from .stop import Keyboard, Stop
from .swarm.swarm import Snapshot

NAMED = {**SERVERS, "redis": redis_server}
"""The servers that `serve` runs."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: as on the command line; by default what is there.

    Returns:
        The exit status: 0, or 1 with a sentence on standard error. Of `check`: 0 when the server passed, 1 when a trial
        failed, 2 when there is no verdict, with the reason.
    """
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # `kill` ends as Ctrl-C does
    try:
        return options.command(options) or 0
    except KeyboardInterrupt:
        print("\nstopped")
    except (OSError, ValueError) as error:
        print(f"muxlab: {error.strerror if isinstance(error, OSError) and error.strerror else error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m muxlab", description="Servers and clients of the muxlab course.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("doctor", help="tell what this machine allows")
    command.set_defaults(command=lambda options: print(doctor()))

    command = commands.add_parser("serve", help="run one of the servers until Ctrl-C")
    command.add_argument("name", choices=sorted(NAMED), metavar="NAME", help=" or ".join(sorted(NAMED)))
    command.add_argument("--port", type=int, default=7788, help="TCP port on 127.0.0.1 (7788; 0 takes a free one)")
    command.add_argument("--backlog", type=int, default=128, help="length of the accept queue (128)")
    command.add_argument("--processes", type=int, metavar="N", help="so many processes on that port, for all cores")
    command.set_defaults(command=_serve)

    command = commands.add_parser("swarm", help="run many clients against a server until Ctrl-C")
    command.add_argument("--host", default="127.0.0.1", help="where the server is, on a machine of yours (127.0.0.1)")
    command.add_argument("--port", type=int, default=7788, help="its TCP port (7788)")
    command.add_argument("--connections", type=int, default=100, metavar="N", help="clients (100)")
    command.add_argument("--active", type=int, default=10, metavar="A", help="clients that talk (10)")
    command.add_argument("--payload", type=int, default=64, metavar="BYTES", help="size of a message (64)")
    command.add_argument(
        "--rate",
        type=float,
        metavar="R",
        help="messages a second, of all clients",
    )
    command.add_argument("--protocol", default="echo", help="what the clients speak: echo or redis (echo)")
    command.add_argument("--processes", type=int, metavar="N", help="the clients in so many processes of their own")
    command.add_argument("--seconds", type=float, help="seconds after which to end (without it, at Ctrl-C)")
    command.set_defaults(command=_swarm)

    command = commands.add_parser("check", help="try your own server with hostile clients")
    command.add_argument("place", metavar="FILE:FUNCTION", help="a server function, as path/to/server.py:function")
    command.add_argument(
        "--trial",
        action="append",
        metavar="NAME",
        help="run only this trial (or several, each with --trial); redis stands for all those of a Redis-like server",
    )
    command.add_argument(
        "--search", type=float, metavar="SECONDS", help="then look for a conversation that breaks it, for so long"
    )
    command.set_defaults(command=_check)
    return parser


def _check(options: argparse.Namespace) -> int:
    """Run the trials, and print the report."""
    from .trials import check  # here, because no other command needs it

    try:
        report = check(function_at(options.place), options.trial, options.search)
    except (TypeError, ValueError) as error:
        print(f"muxlab: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nstopped, without a verdict", file=sys.stderr)
        return 2
    print(report)
    if any(trial.passed is False for trial in report.trials):
        return 1
    return 0 if report.passed else 2


def function_at(place: str) -> Callable:
    """Return the function that `path/to/server.py:function` names; the file is run as an import would run it.

    Raises:
        ValueError: there is no such file or function, or the file cannot be run; says what there is.
    """
    file, _, name = place.rpartition(":")
    if not file or not name:
        raise ValueError(f"{place!r}: name a file and a function in it, as in path/to/server.py:function")
    path = Path(file)
    if not path.is_file():
        raise ValueError(f"there is no file {file}")
    found = vars(_module_of(path))
    if name not in found:
        own = [key for key, value in found.items() if callable(value) and value.__module__ == path.stem]
        raise ValueError(f"{file} has no {name!r}; it has {', '.join(own) if own else 'no function at all'}")
    fn = found[name]
    if not callable(fn):
        raise ValueError(f"{name} in {file} is no function: {fn!r}")
    return fn


def _module_of(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ValueError(f"{path} is no Python file: its name does not end in .py")
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.parent.resolve()))  # so that it can import its neighbours, as a script can
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        raise ValueError(f"{path} cannot be run: {error}") from None
    except SystemExit as error:
        raise ValueError(f"{path} ends the program while it is imported: {where(error, str(path))}") from None
    except Exception as error:
        raise ValueError(f"{path} cannot be run: {where(error, str(path))}") from None
    finally:
        sys.path.remove(str(path.parent.resolve()))
    return module


def _serve(options: argparse.Namespace) -> None:
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
    from .server_processes import ServerProcesses  # here, because no other command needs it

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


def _swarm(options: argparse.Namespace) -> None:
    address = (options.host, options.port)
    load = options.connections, options.active, options.payload, options.rate
    seconds = float("inf") if options.seconds is None else check_timeout(options.seconds, "--seconds")
    with Swarm(address, *load, protocol=options.protocol, processes=options.processes) as swarm:
        print(f"{options.connections} clients of {options.host}:{options.port}. Ctrl-C stops them.", flush=True)
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(1.0, left))
            now = swarm.snapshot()
            print(_line(now), flush=True)
            if not now.connected:
                raise ConnectionError(f"no client is connected any more: {swarm!r}")


def _line(now: Snapshot) -> str:
    times = [f"{name} {seconds * 1e3:8.3f} ms" for name, seconds in (("p50", now.p50), ("p99", now.p99)) if seconds]
    trouble = f"  {now.mismatches} wrong, {now.errors} lost" if now.mismatches or now.errors else ""
    return f"{now.connected:6} connected {now.replies_per_second:9,.0f} replies/s  {'  '.join(times)}{trouble}"


if __name__ == "__main__":
    sys.exit(main())
