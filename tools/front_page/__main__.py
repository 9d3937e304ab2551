"""Make the pictures of the README anew, in book/pictures, each for a light page and for a dark one.

python -m tools.front_page            all of them
python -m tools.front_page charts     the wall of EAGAIN, and one wait beside the published figures: two SVG files each
python -m tools.front_page panel      the stepper: two PNG files, from JupyterLab in a headless Chromium

Do this on a quiet machine: one of the charts is of times. Without a Chromium the stepper's pictures stay as they are.
"""

import sys
from pathlib import Path

from tests.support.harness import BROWSERS, find_browser

from . import charts, panel

FOLDER = Path(__file__).resolve().parents[2] / "book/pictures"
PARTS = {"charts": charts.draw, "panel": panel.draw}


def main(arguments: list[str]) -> int:
    """Run the command line, and return the exit status."""
    if not set(arguments) <= PARTS.keys():
        print(__doc__, file=sys.stderr)
        return 2
    FOLDER.mkdir(parents=True, exist_ok=True)
    for part in arguments or PARTS:
        if part == "panel" and find_browser() is None:
            print(
                f"The stepper's pictures stay as they are: no {' or '.join(BROWSERS)} on PATH, nor in MUXLAB_BROWSER."
            )
            continue
        for path in PARTS[part](FOLDER):
            print(f"{path.relative_to(FOLDER.parents[1])}: {path.stat().st_size / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
