"""Write the pictures of the chapters into notebooks/pictures, one SVG file each.

python -m tools.pictures          write all
python -m tools.pictures check    write nothing; exit with 1 and a line for each file that is stale
"""

import sys
from pathlib import Path

from . import PICTURES

FOLDER = Path(__file__).resolve().parents[2] / "notebooks/pictures"


def stale(folder: Path = FOLDER) -> list[str]:
    """Return what differs between the files of a folder and what would be drawn, one line for each."""
    drawn = {f"{chapter}.svg": draw().svg() for chapter, draw in PICTURES.items()}
    there = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*")}
    differ = [f"{name} is missing" for name in drawn.keys() - there.keys()]
    differ += [f"{name} is not one of the pictures" for name in there.keys() - drawn.keys()]
    return sorted(differ + [f"{name} is stale" for name in drawn.keys() & there.keys() if drawn[name] != there[name]])


def main(arguments: list[str]) -> int:
    """Run the command line, and return the exit status."""
    if arguments == ["check"]:
        found = stale()
        print(*(f"notebooks/pictures: {line}; run `make pictures`" for line in found), sep="\n", file=sys.stderr)
        return 1 if found else 0
    if arguments:
        print(__doc__, file=sys.stderr)
        return 2
    FOLDER.mkdir(exist_ok=True)
    for chapter, draw in PICTURES.items():
        (FOLDER / f"{chapter}.svg").write_text(draw().svg(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
