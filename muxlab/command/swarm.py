"""`muxlab swarm`: many clients against a server, at a terminal, until Ctrl-C."""

import argparse
import time

from .. import Swarm
from ..arguments import check_timeout
from ..swarm.swarm import Snapshot


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command to the command line."""
    command = commands.add_parser(
        "swarm",
        help="run many clients against a server until Ctrl-C",
        description="Connect many clients to a server, let some of them talk, and print every second what they see.",
    )
    command.add_argument(
        "--host", default="127.0.0.1", help="address of the server; use only machines of your own (127.0.0.1)"
    )
    command.add_argument("--port", type=int, default=7788, help="its TCP port (7788)")
    command.add_argument("--connections", type=int, default=100, metavar="N", help="clients (100)")
    command.add_argument("--active", type=int, default=10, metavar="A", help="clients that talk (10)")
    command.add_argument("--payload", type=int, default=64, metavar="BYTES", help="size of a message (64)")
    command.add_argument("--rate", type=float, metavar="R", help="messages a second, of all clients together")
    command.add_argument("--protocol", default="echo", help="what the clients speak: echo or redis (echo)")
    command.add_argument("--processes", type=int, metavar="N", help="divide the clients among N processes")
    command.add_argument("--seconds", type=float, help="seconds after which to end (without it, at Ctrl-C)")
    command.set_defaults(command=swarm)


def swarm(options: argparse.Namespace) -> None:
    """Run the clients, and print a line every second."""
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
