"""Build the book: python -m book [--into FOLDER] [--without-recordings]."""

import argparse
import sys
from pathlib import Path

from . import site


def main() -> int:
    """Run the command line, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m book", description="Build the course as a website.")
    parser.add_argument(
        "--into", type=Path, default=site.BUILD, metavar="FOLDER", help="where to build it (%(default)s)"
    )
    parser.add_argument(
        "--without-recordings", action="store_true", help="show pictures of the panels: quick, to look at a text"
    )
    options = parser.parse_args()
    return site.build(options.into, with_recordings=not options.without_recordings)


if __name__ == "__main__":
    sys.exit(main())
