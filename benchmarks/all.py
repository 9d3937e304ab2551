"""The whole suite: every benchmark of this folder, one after the other, with its own defaults. Prints Markdown.

The last table is the first one of book/speed.md, out of those before it.
"""

import subprocess
import sys
from pathlib import Path

from speed_rows import rows

FOLDER = Path(__file__).parent


def run(path: Path) -> tuple[str, bool]:
    """Run one; pass on what it prints, line by line, and return all of it, and whether it ran to its end."""
    lines = []
    with subprocess.Popen([sys.executable, path], stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            print(line, end="", flush=True)
            lines.append(line)
    return "".join(lines), process.returncode == 0


def main() -> int:
    """Run all of them; return 1 when one has failed, after the others."""
    own = Path(__file__).name
    scripts = [path for path in sorted(FOLDER.glob("*.py")) if path.name != own and "__main__" in path.read_text()]
    printed, failed = "", []
    for path in scripts:
        print(f"\n### {path.name}\n", flush=True)
        text, complete = run(path)
        printed += text + "\n"
        if not complete:
            failed.append(path.name)
    print(f"\n### The table of figures\n\n{rows(printed)}", flush=True)
    if failed:
        print(f"\nThese did not run to the end: {', '.join(failed)}.", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
