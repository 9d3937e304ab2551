"""One process with a crowd in it: how it is started, asked, and ended; and what runs in it.

A child runs this module (`python -m`), and in it a `Crowd`. Parent and child talk over a socket that keeps messages
apart: a question is the name of one of the crowd's methods with its arguments, an answer what the method returned. A
child ends when its parent does, because it then reads the end of that socket.

Not handled here: other systems than Linux, which have no such socket (SOCK_SEQPACKET, unix(7)).
"""

import contextlib
import pickle
import signal
import socket
import subprocess
import sys
import time
import traceback
from dataclasses import replace
from pathlib import Path
from typing import Any

from .. import limits, running
from ..python_process import cut, start_python
from .loop import Crowd
from .stats import Histogram, Latencies, Tally

PATIENCE = 10.0
"""Seconds that a process has to answer: it starts in a tenth of one, and closes 19,000 clients in some tenths."""

CLOSING = 6
"""Times as long for closing all clients: a dozen processes with 17,000 each took more than ten seconds on two cores
that had ten other things to do (seen)."""

LOOK_AGAIN = 0.25
"""Seconds without an answer after which the kernel is asked whether the process is stopped and cannot give one."""

LARGEST = 2**17
"""Bytes of the largest message: one byte of activity for each of `MOST_CLIENTS`, and as much again around it."""

MOST_CLIENTS = 60_000
"""Clients of one process at most, so that one byte for each of them fits into a message."""


class Child:
    """One process with a crowd. Before it is started and after it has ended, its latest answers stand.

    `send` asks, `receive` takes the answer; so several children can be asked at once.

    Attributes:
        deaf: why it did not answer the latest question, or "".
    """

    def __init__(self) -> None:
        nothing = Tally(True, None, False, 0, 0, 0, 0, 0, 0, "", "")
        unmeasured = Latencies(Histogram(), 0, Histogram(), 0)
        self._answers: dict[str, Any] = {"tally": nothing, "latencies": unmeasured, "activity": b""}
        self._number, self._method = 0, ""
        self._process: subprocess.Popen[bytes] | None = None
        self._over = True
        self.deaf = ""

    @property
    def pid(self) -> int:
        """The number of the process; 0 before it is started."""
        return self._process.pid if self._process else 0

    def start(self) -> None:
        """Start the process; a second time, do nothing."""
        if self._process is None:
            running.undisturbed(self._start)

    def _start(self) -> None:
        with limits.enough_descriptors("the swarm's process"):
            self._process, self._socket = start_python(__name__)
        self._socket.settimeout(LOOK_AGAIN)
        self._over = False

    def send(self, method: str, **arguments: object) -> None:
        """Ask for what a method of its crowd returns; the first "change" makes the crowd."""
        self._number += 1
        self._method = method
        if not self._over:
            with contextlib.suppress(OSError):  # it has ended or is stopped, or this is a fork: `receive` notices
                self._socket.send(pickle.dumps((self._number, method, arguments)))

    def receive(self) -> Any:
        """Return the answer.

        Raises:
            BaseException: what the method raised.
            TimeoutError: the process does not answer.
        """
        answered, answer = 0, None
        while answered != self._number and not self._over:  # answers to questions before were not waited for
            message = self._next_message()
            if message:
                answered, answer = pickle.loads(message)
            else:
                self._note_death()
        if answered == self._number:
            if isinstance(answer, BaseException):
                raise answer
            if answer is not None:
                self._answers[self._method] = answer
        return self._answers.get(self._method)

    def _next_message(self) -> bytes:
        patience = PATIENCE * (CLOSING if self._method == "end" else 1)
        deadline = time.monotonic() + patience
        while True:
            self.deaf = ""
            try:
                return self._socket.recv(LARGEST)
            except TimeoutError:
                if self._is_stopped():
                    self.deaf = f"the swarm's process, {self.pid}, was stopped by a signal and gives no answer"
                    raise TimeoutError(f"{self.deaf}; `kill -CONT {self.pid}` lets it go on") from None
                if time.monotonic() > deadline:
                    self.deaf = f"the swarm's process, {self.pid}, gives no answer within {patience:g} s"
                    raise TimeoutError(self.deaf) from None
            except OSError:  # it has ended, or this is a fork, which has no tie to it
                return b""

    def _is_stopped(self) -> bool:
        """Tell whether a signal, or a debugger, has stopped the process. Source: proc(5), stat; signal(7), SIGSTOP."""
        try:
            return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] in ("T", "t")
        except OSError:
            return False

    def end(self) -> None:
        """End the process; a second time, do nothing."""
        self._over = True
        if self._process is None:
            return
        cut(self._socket)
        try:
            self._process.wait(0 if self.deaf else PATIENCE)
        except subprocess.TimeoutExpired:
            self.deaf = self.deaf or f"the swarm's process, {self.pid}, does not end"
            self._process.kill()
            self._process.wait()
        self._answers["tally"] = replace(self._answers["tally"], alive=False, connected=0)

    def _note_death(self) -> None:
        self.end()
        status = self._process.returncode if self._process else 0
        how = f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
        error = ChildProcessError(f"the swarm's process {how}: make a new swarm")
        self._answers["tally"] = replace(self._answers["tally"], error=error)


# ---- in the child


def main() -> None:
    """Make a crowd and do with it what is asked, as long as the parent is there to ask."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    limits.raise_descriptor_limit(limits.descriptor_limits()[1])
    crowd: Crowd | None = None
    with socket.socket(fileno=sys.stdin.fileno()) as parent, contextlib.suppress(ConnectionError):
        while message := parent.recv(LARGEST):
            number, method, arguments = pickle.loads(message)
            answer: Any = None
            try:
                if crowd is not None:
                    answer = getattr(crowd, method)(**arguments)
                elif method == "change":
                    made = Crowd(**arguments)
                    made.start()
                    crowd = made
            except Exception as error:
                answer = _with_traceback(error)
            if isinstance(answer, Tally) and answer.error is not None:
                _with_traceback(answer.error)
            parent.send(pickle.dumps((number, answer)))
    if crowd is not None:
        crowd.end()


def _with_traceback(error: BaseException) -> BaseException:
    """Return the error with its traceback as a note: pickle leaves the traceback itself behind."""
    if not hasattr(error, "__notes__"):
        error.add_note("In the swarm's process:\n" + "".join(traceback.format_exception(error)))
    return error


if __name__ == "__main__":
    main()
