"""`muxlab progress`: how far you have come in your copy of the course."""

import argparse
import json
from pathlib import Path

from ..journal import find_copy
from .lab import DEFAULT


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command to the command line."""
    command = commands.add_parser(
        "progress",
        help="show how far you have come in the course",
        description="Show for each chapter how much of it you have run, predicted right and solved.",
    )
    command.add_argument("folder", nargs="?", type=Path, help=f"your copy of the course (this folder, or {DEFAULT})")
    command.add_argument("--json", action="store_true", help="as JSON, for a program to read")
    command.set_defaults(command=show)


def show(options: argparse.Namespace) -> None:
    """Print the map of the course."""
    from ..course.progress import progress  # here, because no other command needs all exercises

    folder = options.folder or find_copy(Path()) or (Path(DEFAULT) if find_copy(DEFAULT) else None)
    found = progress(folder)
    print(json.dumps(found.to_dict(), indent=1, ensure_ascii=False) if options.json else found)
