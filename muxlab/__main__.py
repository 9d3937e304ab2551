"""The command line: `muxlab COMMAND`, or `python -m muxlab COMMAND`."""

import argparse
import io
import signal
import sys

from .command import check, doctor, grade, lab, progress, serve, swarm

COMMANDS = [lab, progress, doctor, serve, swarm, check, grade]  # in the order in which --help lists them


def main(arguments: list[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: as on the command line; by default what is there.

    Returns:
        The exit status: 0, or 1 with a sentence on standard error. Of `check`: 0 when the server passed, 1 when a trial
        failed, 2 when there is no verdict, with the reason.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal that cannot show a folder's name is shown its codes
            stream.reconfigure(errors="backslashreplace")
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
    parser = argparse.ArgumentParser(prog="muxlab", description="Servers and clients of the muxlab course.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for module in COMMANDS:
        module.add(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
