"""Compile a C program of this folder, where there is a compiler."""

import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def compiled(source: str, *options: str) -> Iterator[tuple[str, str]]:
    """Compile `source` with cc into a temporary folder.

    Yields:
        The path of the program and ""; or, where it cannot be compiled, "" and the reason.
    """
    cc = shutil.which("cc")
    if cc is None:
        yield "", "there is no C compiler `cc` (Debian: apt install gcc libc6-dev)"
        return
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / Path(source).stem
        command = [cc, "-O2", "-Wall", "-Wextra", "-o", program, Path(__file__).parent / source, *options]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            lines = done.stderr.splitlines()
            error = next((line for line in lines if "error" in line), lines[0] if lines else "cc failed")
            yield "", error.split("error: ")[-1]
        else:
            yield str(program), ""
