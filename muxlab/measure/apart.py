"""An experiment in a process of its own: a file of this folder that is run as a program, and prints what it found.

Such a program may fork, or have threads that sleep wherever they like: what it does is out of the notebook's way, and
ends with it. It imports nothing of the package, so it starts in a moment. It has a group of processes to itself, which
is killed when the learner interrupts it; and should this process be killed, the program's own alarm ends it: alarm(2).
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from .. import limits, running

LONGEST = 60
"""Seconds after which the alarm of such a program rings; it takes some tenths of one."""


class Apart(running.Running):
    """One run of such a program.

    Args:
        file: its name, "herd_workers.py".
        arguments: what it finds in sys.argv.
    """

    def __init__(self, file: str, *arguments: object) -> None:
        path = Path(__file__).with_name(file)
        self._command = [sys.executable, "-I", str(path), *map(str, arguments)]  # -I: it sees no file of the learner's
        self._process: subprocess.Popen[str] | None = None

    def begin(self) -> None:
        """Start the program."""
        with limits.enough_descriptors("the experiment's process"):
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                process_group=0,  # Ctrl-C goes to the parent's group
            )

    def answer(self) -> Any:
        """Wait for the program to end, and return what it printed as JSON.

        Raises:
            RuntimeError: it failed; says how.
        """
        assert self._process is not None
        try:
            printed, complaint = self._process.communicate(timeout=LONGEST + 10)
        except subprocess.TimeoutExpired:
            raise RuntimeError(f"the experiment had not ended after {LONGEST + 10} s") from None
        status = self._process.returncode
        if status == -signal.SIGALRM:
            raise RuntimeError(f"the experiment had not ended after {LONGEST} s: is the machine very busy?")
        if status:
            last = complaint.strip().rpartition("\n")[2] or f"it ended with status {status}"
            error = RuntimeError(f"the experiment failed in its process: {last}")
            error.add_note(f"In that process:\n{complaint}")
            raise error
        return json.loads(printed)

    def end(self) -> None:
        """End the program and all processes that it has started; a second call does nothing."""
        process, self._process = self._process, None
        if process is not None:
            if process.returncode is None:  # nobody has waited for it: its number is still its own
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            for pipe in (process.stdout, process.stderr):
                if pipe is not None:
                    pipe.close()
        running.remove(self)


def ask_apart(file: str, *arguments: object) -> Any:
    """Run a file of this folder as a program, and return what it prints; arguments and errors as of `Apart`."""
    program = Apart(file, *arguments)
    try:
        running.start(program, program.begin)
        return program.answer()
    finally:
        program.end()
