"""What pyproject.toml and the files for conda ask for, in one form, so that they can be compared."""

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path

import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]


def ranges(lines: Iterable[str]) -> dict[str, str]:
    """Return requirements as {name: range}. One that pip could not read is an error."""
    return {one.name: str(one.specifier) for one in map(Requirement, lines)}


def of_the_project(*extras: str) -> dict[str, str]:
    """Return what pyproject.toml asks for, with some of its extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [*project["dependencies"], *(line for extra in extras for line in project["optional-dependencies"][extra])]
    return ranges(line for line in lines if not line.startswith(f"{project['name']}["))


def for_conda(path: Path) -> dict[str, str]:
    """Return what a file for conda asks for, also what pip installs then; the project itself is left out."""
    items = yaml.safe_load(path.read_text(encoding="utf-8"))["dependencies"]
    lines = [line for item in items for line in (item["pip"] if isinstance(item, dict) else [item])]
    by_name = [line for line in lines if not line.startswith("-e ")]
    return ranges(re.sub(r"(?<=\w)=(?=\d)", "==", line) for line in by_name)  # conda writes python=3.12
