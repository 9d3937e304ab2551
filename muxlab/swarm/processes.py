"""A crowd in processes of its own: the face that `Crowd` has, in front of one child process or several.

A child runs this module (`python -m`), and in it a `Crowd`. Parent and child talk over a socket that keeps messages
apart: a question is the name of one of the crowd's methods with its arguments, an answer what the method returned. A
child ends when its parent does, because it then reads the end of that socket.

Not handled here: other systems than Linux, which have no such socket (SOCK_SEQPACKET, unix(7)).
"""

import contextlib
import errno
import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from dataclasses import replace
from pathlib import Path
from typing import Any

from .. import limits, running
from .loop import Crowd
from .stats import Histogram, Latencies, Tally

PATIENCE = 10.0
"""Seconds that a process has to answer: it starts in a tenth of one, and closes 19,000 clients in some tenths."""

LOOK_AGAIN = 0.25
"""Seconds without an answer after which the kernel is asked whether the process is stopped and cannot give one."""

LARGEST = 2**17
"""Bytes of the largest message: one byte of activity for each of 2**16 ports, and as much again around it."""


class IsolatedCrowd:
    """A crowd in one process, or in several where one may not hold so many; arguments as for `Crowd`.

    The first is filled before the next gets a client, so all that talk are usually in the first.
    """

    def __init__(
        self, address: tuple[str, int], wanted: int, active: int, payload: int, rate: float | None, protocol: str
    ) -> None:
        if sys.platform != "linux":
            raise OSError(errno.ENOSYS, "isolate=True needs Linux; without it, the swarm is a thread and runs here too")
        self.address, self.protocol = address, protocol
        self.wanted, self.active, self.payload, self.rate = wanted, active, payload, rate
        self.first = 0
        self._room = limits.clients_per_process()
        self._children: list[Child] = []
        self._ended = False
        self._asking = threading.RLock()

    def start(self) -> None:
        """Start the processes and have each connect its first client; errors as of `Crowd.start`."""
        self._distribute()

    def change(self, **targets: float | None) -> None:
        """Set targets, as `Crowd.change` does."""
        with self._asking:
            for name, value in targets.items():
                setattr(self, name, value)
            if not self._ended:
                self._distribute()

    def tally(self) -> Tally:
        """Return the counts of all processes together."""
        tallies: list[Tally] = self._ask("tally")
        return Tally(
            alive=all(tally.alive for tally in tallies),
            error=next((tally.error for tally in tallies if tally.error), None),
            settled=all(tally.settled for tally in tallies),
            clients=sum(tally.clients for tally in tallies),
            connected=sum(tally.connected for tally in tallies),
            sent=sum(tally.sent for tally in tallies),
            replies=sum(tally.replies for tally in tallies),
            mismatches=sum(tally.mismatches for tally in tallies),
            errors=sum(tally.errors for tally in tallies),
            first_mismatch=next((tally.first_mismatch for tally in tallies if tally.first_mismatch), ""),
            first_error=next((tally.first_error for tally in tallies if tally.first_error), ""),
        )

    def latencies(self) -> Latencies:
        """Return the latencies of all processes together."""
        parts: list[Latencies] = self._ask("latencies")
        latest, total = Histogram(), Histogram()
        for part in parts:
            latest.merge(part.latest)
            total.merge(part.total)
        return Latencies(latest, max(p.latest_seconds for p in parts), total, max(p.seconds for p in parts))

    def activity(self) -> bytes:
        """Return one byte for each client; see `Swarm.activity`."""
        return b"".join(self._ask("activity"))

    def end(self) -> str:
        """End the crowds as `Crowd.end` does, then the processes; one that does not answer is killed.

        Returns:
            Why one had to be killed, so that its last figures are missing; "" when none had to.
        """
        with self._asking:
            if self._ended:
                return ""
            with contextlib.suppress(TimeoutError):  # then it is killed
                for method in ("end", "tally", "latencies", "activity"):
                    self._ask(method)
            self._ended = True
            for child in self._children:
                child.end()
            deaf = next((child.deaf for child in self._children if child.deaf), "")
            return deaf and f"{deaf}, so it was killed: what it had counted since its last answer is lost"

    def _ask(self, method: str) -> list[Any]:
        with self._asking:
            for child in self._children:
                child.send(method)
            return [child.receive() for child in self._children]

    def _distribute(self) -> None:
        """Tell each process its part, and start those that are needed and not there yet."""
        parts = parts_of(self.wanted, self.active, self.rate, self._room, least=len(self._children))
        for place, (wanted, active, rate) in enumerate(parts):
            if place == len(self._children):
                self._children.append(Child())
            child = self._children[place]
            child.start()
            part = {"wanted": wanted, "active": active, "rate": rate, "payload": self.payload, "first": self.first}
            fixed = {"address": self.address, "begin": place * self._room, "protocol": self.protocol}
            child.send("change", **fixed, **part)
        for child in self._children:
            child.receive()


def parts_of(
    wanted: int, active: int, rate: float | None, room: int, least: int = 0
) -> list[tuple[int, int, float | None]]:
    """Divide `wanted`, `active` and `rate` among processes: each is filled up to `room` before the next.

    Args:
        wanted, active, rate: as for `Swarm`.
        room: clients that one process may hold.
        least: how many processes there are at least.

    Returns:
        For each process its (wanted, active, rate).
    """
    sizes = [
        (max(0, min(room, wanted - begin)), max(0, min(room, active - begin)))
        for begin in range(0, max(wanted, least * room), room)
    ]
    talking = max(1, min(wanted, active))
    return [(clients, talkers, rate and rate * min(clients, talkers) / talking) for clients, talkers in sizes]


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
    def _pid(self) -> int:
        return self._process.pid if self._process else 0

    def start(self) -> None:
        """Start the process; a second time, do nothing."""
        if self._process is None:
            running.undisturbed(self._start)

    def _start(self) -> None:
        path = [str(Path(__file__).parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])]
        ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with its, contextlib.ExitStack() as undo:
            undo.callback(ours.close)
            ours.settimeout(LOOK_AGAIN)
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", __name__],  # -P: no file of the learner's passes for a standard module
                stdin=its.fileno(),
                stdout=subprocess.DEVNULL,
                env=os.environ | {"PYTHONPATH": os.pathsep.join(path)},
                process_group=0,  # Ctrl-C goes to the parent's group
            )
            undo.pop_all()
        self._socket, self._over = ours, False

    def send(self, method: str, **arguments: object) -> None:
        """Ask for what a method of its crowd returns; the first "change" makes the crowd."""
        self._number += 1
        self._method = method
        if not self._over:
            with contextlib.suppress(ConnectionError, TimeoutError):  # it has ended, or is stopped: `receive` notices
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
        deadline = time.monotonic() + PATIENCE
        while True:
            self.deaf = ""
            try:
                return self._socket.recv(LARGEST)
            except ConnectionError:
                return b""
            except TimeoutError:
                if self._is_stopped():
                    self.deaf = f"the swarm's process, {self._pid}, was stopped by a signal and gives no answer"
                    raise TimeoutError(f"{self.deaf}; `kill -CONT {self._pid}` lets it go on") from None
                if time.monotonic() > deadline:
                    self.deaf = f"the swarm's process, {self._pid}, gives no answer within {PATIENCE:g} s"
                    raise TimeoutError(self.deaf) from None

    def _is_stopped(self) -> bool:
        """Tell whether a signal, or a debugger, has stopped the process. Source: proc(5), stat; signal(7), SIGSTOP."""
        try:
            return Path(f"/proc/{self._pid}/stat").read_text().rpartition(")")[2].split()[0] in ("T", "t")
        except OSError:
            return False

    def end(self) -> None:
        """End the process; a second time, do nothing."""
        self._over = True
        if self._process is None:
            return
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # also where a fork of this process has the socket too
        self._socket.close()
        try:
            self._process.wait(0 if self.deaf else PATIENCE)
        except subprocess.TimeoutExpired:
            self.deaf = self.deaf or f"the swarm's process, {self._pid}, does not end"
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
