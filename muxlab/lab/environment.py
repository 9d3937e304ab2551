"""Whether this Python has all that the course needs, and how to install what it lacks."""

import importlib.metadata
import importlib.util
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from packaging.requirements import Requirement


def check_environment() -> None:
    """Raise ValueError when this Python lacks something that the course needs, and say how to install it."""
    lacking = [name for name in ("packaging", "jupyterlab", "ipykernel") if importlib.util.find_spec(name) is None]
    if "packaging" not in lacking:  # which reads the package's own list
        lacking += [str(needed) for needed in _requirements() if needed.name not in lacking and not _is_there(needed)]
    if lacking:
        names = " ".join(f"'{name}'" for name in lacking)
        raise ValueError(
            f"{sys.executable} lacks {', '.join(lacking)}, which the course needs. To install what is missing:\n"
            f"    {sys.executable} -m pip install {names}"
        )


def _requirements() -> "list[Requirement]":
    """Return what the package's own list names, the same as in pyproject.toml."""
    from packaging.requirements import Requirement

    try:
        lines = importlib.metadata.requires("muxlab") or []
    except importlib.metadata.PackageNotFoundError:  # run from its source, without being installed
        return []
    needed = map(Requirement, lines)
    return [one for one in needed if one.marker is None or one.marker.evaluate({"extra": ""})]


def _is_there(needed: "Requirement") -> bool:
    try:
        return needed.specifier.contains(importlib.metadata.version(needed.name), prereleases=True)
    except importlib.metadata.PackageNotFoundError:
        return False
