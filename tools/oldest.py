"""Write constraints for pip: of each requirement of the project, the oldest version that pyproject.toml allows.

    python tools/oldest.py > constraints.txt
    python -m pip install --constraint constraints.txt --editable '.[test]'

What those packages need in turn is left to pip, which takes the newest that they allow. It needs Python alone, as the
environment that it is for has yet to be made.
"""

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENT = re.compile(r"(?P<name>[A-Za-z][\w.-]*)(?P<extras>\[[^\]]*\])?(?P<range>[^;]*)(?:;.*)?$")


def requirements(pyproject: str) -> list[str]:
    """Return all requirements that a pyproject.toml states: the package's, and those of its extras.

    Args:
        pyproject: the text of the file.
    """
    project = tomllib.loads(pyproject)["project"]
    lists = [project["dependencies"], *project.get("optional-dependencies", {}).values()]
    return [
        line for lines in lists for line in lines if not line.startswith(f"{project['name']}[")
    ]  # an extra that names another


def oldest(requirement: str) -> str:
    """Return a requirement with its oldest version as the only one: "redis>=5.0.1,<6" becomes "redis==5.0.1".

    Raises:
        ValueError: the requirement names no oldest version.
    """
    found = REQUIREMENT.match(requirement.strip())
    lowest = re.search(r">=\s*([\d.]+)", found["range"]) if found else None
    if found is None or lowest is None:
        raise ValueError(f"{requirement!r} in pyproject.toml: say which version is the oldest, as in name>=1.2")
    return f"{found['name']}=={lowest[1]}"


def main() -> int:
    """Print the constraints, one a line, and return the exit status."""
    try:
        lines = [oldest(line) for line in requirements((ROOT / "pyproject.toml").read_text(encoding="utf-8"))]
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    print(*sorted(set(lines)), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
