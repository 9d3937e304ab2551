"""Build the book: python -m book [--into FOLDER] [--record [NN ...]]."""

import argparse
import sys
from pathlib import Path

from . import site
from .record import NotRecorded


def main() -> int:
    """Run the command line, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m book", description="Build the course as a website.")
    parser.add_argument("--into", type=Path, default=site.BUILD, metavar="FOLDER", help="where (%(default)s)")
    parser.add_argument(
        "--record",
        nargs="*",
        metavar="NN",
        help="chapters whose panels are recorded; the others show a picture, which is quick (default: all chapters)",
    )
    options = parser.parse_args()
    try:
        return site.build(options.into, options.record)
    except NotRecorded as error:
        print(f"A panel could not be recorded. {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
