"""A Python process of ours beside this one: it runs a module of the package, and a Ctrl-C here does not reach it."""

import os
import subprocess
import sys
from pathlib import Path


def start_python(module: str, *arguments: object, stdin: int, stdout: int) -> subprocess.Popen[bytes]:
    """Start `python -m module` with some arguments.

    Args:
        module: a module of this package, by its full name.
        arguments: what the module finds in sys.argv.
        stdin, stdout: as for `subprocess.Popen`. A module of ours ends when its input does: so none outlives this
            process, however it ends.
    """
    path = [str(Path(__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
    return subprocess.Popen(
        [sys.executable, "-P", "-m", module, *map(str, arguments)],  # -P: no file of the learner's passes for ours
        stdin=stdin,
        stdout=stdout,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(path)},
        process_group=0,  # Ctrl-C goes to the group of this process
    )
