"""How a process that reads or runs what a learner wrote is started: it finds nothing of the learner's or the teacher's.

Not handled here: what it may use. See bounds.py.
"""

import os
import sys
from pathlib import Path


def python_command(module: str, *arguments: object) -> list[str]:
    """Return the command that runs a module of this package, and no file of a learner's by the name of another's.

    Python is started isolated (-I): neither the working folder nor PYTHONPATH, PYTHONSTARTUP or the user's own packages
    count, so a `select.py`, a `muxlab` folder or a `sitecustomize.py` of a learner's is not found.
    """
    home = str(Path(__file__).parents[2])
    start = f"import runpy, sys; sys.path.insert(0, {home!r}); runpy.run_module({module!r}, run_name='__main__')"
    return [sys.executable, "-I", "-c", start, *map(str, arguments)]


def environment(folder: str) -> dict[str, str]:
    """Return the environment of such a process: a home that is its temporary folder, and nothing of the teacher's."""
    return {
        "PATH": os.defpath,
        "HOME": folder,
        "TMPDIR": folder,
        "IPYTHONDIR": folder,
        "MPLCONFIGDIR": folder,
        "MPLBACKEND": "agg",
        "LC_ALL": "C.UTF-8",
        "MALLOC_ARENA_MAX": "2",  # glibc reserves 64 MiB for each thread up to eight a core: mallopt(3)
        "PYTHONDONTWRITEBYTECODE": "1",
    }
