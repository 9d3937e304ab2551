"""The command line: `muxlab COMMAND`, or `python -m muxlab COMMAND`."""

import argparse
import io
import os
import select
import signal
import sys

from . import __version__
from .command import check, doctor, grade, lab, progress, serve, swarm

COMMANDS = [lab, progress, doctor, serve, swarm, check, grade]  # in the order in which --help lists them
NOBODY_READS = 128 + signal.SIGPIPE  # the status that a shell gives to a program that has written to a closed pipe


def main(arguments: list[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: as on the command line; by default what is there.

    Without a command, the commands are listed.

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
        status = options.command(options) or 0
        print(end="", flush=True)  # so that a pipe that nobody reads is noticed here
        return status
    except KeyboardInterrupt:
        print("\nstopped")
    except (OSError, ValueError) as error:
        if isinstance(error, BrokenPipeError) and _nobody_reads():
            return NOBODY_READS
        print(f"muxlab: {_what_is_wrong(error)}", file=sys.stderr)
        return 1
    return 0


def _nobody_reads() -> bool:
    """Return whether standard output is a pipe whose reader has gone, as in `muxlab doctor | head -1`.

    The kernel reports an error for such a pipe without being asked to. (An error may also come from the socket of a
    server.) What is still to be written goes nowhere then: Python would try once more at its end, and complain.
    """
    out = sys.stdout.fileno()
    pipe = select.poll()
    pipe.register(out, 0)
    if not any(event & select.POLLERR for _, event in pipe.poll(0)):
        return False
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, out)
    os.close(nowhere)
    return True


def _what_is_wrong(error: OSError | ValueError) -> str:
    """Return the sentence of an error: without its number, and with the file that it is about."""
    if not isinstance(error, OSError) or not error.strerror:
        return str(error)
    return f"{error.filename}: {error.strerror}" if error.filename is not None else error.strerror


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="muxlab", description="The muxlab course: open it, check your servers, see how far you are."
    )
    parser.add_argument(
        "--version", action="version", version=f"muxlab {__version__}", help="show the version and exit"
    )
    parser.set_defaults(command=lambda _: parser.print_help())
    commands = parser.add_subparsers(metavar="COMMAND")
    for module in COMMANDS:
        module.add(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
