"""`muxlab progress`: how far you have come in your copy of the course."""

import argparse
import json
from pathlib import Path

from ..journal.place import USUAL, usual_copy


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command to the command line."""
    command = commands.add_parser(
        "progress",
        help="show how far you have come in the course",
        description="Show for each chapter how much of it you have run, predicted right and solved.",
    )
    usual = " or ".join(USUAL)
    command.add_argument(
        "folder", nargs="?", type=Path, help=f"your copy (by default the one you are in, or else {usual})"
    )
    command.add_argument("--json", action="store_true", help="as JSON, for a program to read")
    command.set_defaults(command=print_progress)


def print_progress(options: argparse.Namespace) -> None:
    """Print the map of the course."""
    from ..course.progress import progress  # here, because no other command needs all exercises

    found = progress(options.folder or usual_copy())
    print(json.dumps(found.to_dict(), indent=1, ensure_ascii=False) if options.json else found)
