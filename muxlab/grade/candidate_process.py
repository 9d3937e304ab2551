"""A candidate's process, from the examiner's side: started with limits, listened to, and ended with all its children.

Not handled here: what it does. See candidate.py.
"""

import json
import os
import select
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

from .isolation import environment, python_command
from .process_tree import descendants, kill

MOMENT = 2.0
"""Seconds that a process is given to end by itself once it has hung up."""


class Candidate:
    """A process in which a learner's answer is run; see candidate.py.

    Args:
        todo: "check" or "serve".
        task: what it has to know, for its file.
        folder: the temporary folder that it works in.
        pass_fds: descriptors that it gets.
    """

    def __init__(self, todo: str, task: dict[str, Any], folder: str, pass_fds: tuple[int, ...] = ()) -> None:
        file = Path(folder, f"task-{time.monotonic_ns()}.json")
        file.write_text(json.dumps(task | {"parent": os.getpid()}), encoding="utf-8")
        self.channel, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with its:
            self.process = subprocess.Popen(
                python_command("muxlab.grade.candidate", todo, file, its.fileno()),
                cwd=folder,
                env=environment(folder),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(its.fileno(), *pass_fds),
                start_new_session=True,  # no terminal, and no Ctrl-C
            )
        self._its_end = os.pidfd_open(self.process.pid)  # becomes readable then: pidfd_open(2)

    def hear(self, seconds: float) -> dict[str, Any] | None:
        """Wait for a message, and return it; None if the process ends without one, or sends something else.

        Raises:
            TimeoutError: none came in that time.
        """
        poll = select.poll()
        poll.register(self.channel, select.POLLIN)
        poll.register(self._its_end, select.POLLIN)  # what it has forked may keep the other end of the channel open
        if not poll.poll(1000 * seconds):
            raise TimeoutError
        try:
            message = json.loads(self.channel.recv(2**20, socket.MSG_DONTWAIT))
        except (ValueError, OSError, RecursionError):
            return None
        return message if isinstance(message, dict) else None

    def status(self) -> str:
        """Say how the process has ended; one that has just hung up is given a moment."""
        try:
            status = self.process.wait(MOMENT)
        except subprocess.TimeoutExpired:
            return "it is still running"
        return f"exit status {status}" if status >= 0 else f"killed by {signal.Signals(-status).name}"

    def end(self) -> None:
        """Kill the process and all that it has started."""
        if self.process.poll() is None:
            kill([*descendants(self.process.pid), self.process.pid])
        self.process.wait()
        self.channel.close()
        os.close(self._its_end)
