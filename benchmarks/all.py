"""The whole suite: every benchmark of this folder, one after the other, with its own defaults. Prints Markdown."""

import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent


def main() -> int:
    """Run all of them; return 1 when one has failed, after the others."""
    own = Path(__file__).name
    scripts = [path for path in sorted(FOLDER.glob("*.py")) if path.name != own and "__main__" in path.read_text()]
    failed = []
    for path in scripts:
        print(f"\n## {path.name}\n", flush=True)
        if subprocess.run([sys.executable, path]).returncode:
            failed.append(path.name)
    if failed:
        print(f"\nThese did not run to the end: {', '.join(failed)}.", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
