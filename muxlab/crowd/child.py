"""A crowd in a process of its own: the parent's end of their talk, and the process.

The two talk over a pair of sockets, of which one is the process's standard input. A question is one message: its
number, a method of `Crowd`, the arguments. So is the answer. The kernel keeps messages whole (SOCK_SEQPACKET, unix(7)):
a question whose answer was not waited for, because of a Ctrl-C, spoils nothing. When the parent is gone, whatever ended
it, the kernel closes its socket; the process then reads the end of its standard input, and ends too.
"""

import contextlib
import os
import pickle
import signal
import socket
import subprocess
import sys
import traceback
from dataclasses import replace
from pathlib import Path
from typing import Any

from .. import limits
from ..histogram import Histogram
from .counts import Latencies, State
from .loop import Crowd

PATIENCE = 10.0
"""Seconds that a process has to answer: it starts in a tenth of one, and closes 19,000 clients in some tenths."""

LARGEST = 2**17
"""Bytes of the largest message: one byte of activity for each of 2**16 ports, and as much again around it."""


class Child:
    """One process with a crowd. Once it has ended it is not asked any more: its latest answers remain.

    `send` asks, `receive` takes the answer; so several can be asked at once.
    """

    def __init__(self) -> None:
        nothing = State(True, None, False, 0, 0, 0, 0, 0, 0, "", "")
        unmeasured = Latencies(Histogram(), 0, Histogram(), 0)
        self._answers: dict[str, Any] = {"state": nothing, "latencies": unmeasured, "activity": b""}
        self._number, self._method, self._over = 0, "", False
        self._socket, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.settimeout(PATIENCE)
        path = [str(Path(__file__).parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])]
        with its, contextlib.ExitStack() as undo:
            undo.callback(self._socket.close)
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", __name__],  # -P: no file of the learner's passes for a standard module
                stdin=its.fileno(),
                stdout=subprocess.DEVNULL,
                env=os.environ | {"PYTHONPATH": os.pathsep.join(path)},
                process_group=0,  # Ctrl-C goes to the parent's group
            )
            undo.pop_all()

    def send(self, method: str, **arguments: object) -> None:
        """Ask for what a method of its crowd returns; "start" makes the crowd."""
        self._number += 1
        self._method = method
        if not self._over:
            with contextlib.suppress(ConnectionError):  # it has ended: `receive` notices
                self._socket.send(pickle.dumps((self._number, method, arguments)))

    def receive(self) -> Any:
        """The answer.

        Raises:
            BaseException: what the method raised.
            TimeoutError: the process does not answer.
        """
        answered = 0
        while answered != self._number and not self._over:  # answers to questions before were not waited for
            try:
                message = self._socket.recv(LARGEST)
            except ConnectionError:
                message = b""
            except TimeoutError:
                raise TimeoutError(f"the swarm's process gives no answer within {PATIENCE:g} s") from None
            if message:
                answered, answer = pickle.loads(message)
            else:
                self._note_death()
        if answered == self._number:
            if isinstance(answer, BaseException):
                raise answer
            self._answers[self._method] = answer
        return self._answers.get(self._method)

    def end(self) -> None:
        """End the process; a second time does nothing."""
        self._over = True
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # also where a fork of this process has the socket too
        self._socket.close()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._answers["state"] = replace(self._answers["state"], alive=False, connected=0)

    def _note_death(self) -> None:
        self.end()
        status = self._process.returncode
        how = f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
        error = ChildProcessError(f"the swarm's process {how}: make a new swarm")
        self._answers["state"] = replace(self._answers["state"], error=error)


def main() -> None:
    """In the process: make a crowd and do with it what is asked, as long as there is somebody who asks."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    limits.raise_descriptor_limit(limits.descriptor_limits()[1])
    crowd: Crowd | None = None
    with socket.socket(fileno=sys.stdin.fileno()) as parent, contextlib.suppress(ConnectionError):
        while message := parent.recv(LARGEST):
            number, method, arguments = pickle.loads(message)
            try:
                if crowd is None:
                    crowd, answer = Crowd(**arguments), None
                else:
                    answer = getattr(crowd, method)(**arguments)
            except Exception as error:
                answer = _with_traceback(error)
            if isinstance(answer, State) and answer.error is not None:
                _with_traceback(answer.error)
            parent.send(pickle.dumps((number, answer)))
    if crowd is not None:
        crowd.end()


def _with_traceback(error: BaseException) -> BaseException:
    """The error, with its traceback as a note: pickle leaves the traceback itself behind."""
    if not hasattr(error, "__notes__"):
        error.add_note("In the swarm's process:\n" + "".join(traceback.format_exception(error)))
    return error


if __name__ == "__main__":
    main()
