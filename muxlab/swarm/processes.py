"""A crowd in processes of its own: the face that `Crowd` has, in front of one child or several."""

import contextlib
import errno
import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
import traceback
from dataclasses import replace
from pathlib import Path
from typing import Any

from .. import limits
from .loop import Crowd
from .stats import Histogram, Latencies, SwarmState


class IsolatedCrowd:
    """A crowd in one process, or in several where one may not hold so many; arguments and errors as for `Crowd`.

    The first is filled before the next gets a client, so all that talk are usually in the first.
    """

    def __init__(self, address: tuple[str, int], wanted: int, active: int, payload: int, rate: float | None) -> None:
        if sys.platform != "linux":
            raise OSError(errno.ENOSYS, "isolate=True needs Linux; without it, the swarm is a thread and runs here too")
        self.address = address
        self.wanted, self.active, self.payload, self.rate = wanted, active, payload, rate
        self._room = limits.clients_per_process()
        self._children: list[Child] = []
        self._ended = False
        self._asking = threading.RLock()
        try:
            self._distribute()
        except BaseException:
            self._end_children()
            raise

    def change(self, **targets: float | None) -> None:
        """As `Crowd.change`."""
        with self._asking:
            for name, value in targets.items():
                setattr(self, name, value)
            if not self._ended:
                self._distribute()

    def state(self) -> SwarmState:
        """As `Crowd.state`, of all together."""
        states: list[SwarmState] = self._ask("state")
        return SwarmState(
            alive=all(state.alive for state in states),
            error=next((state.error for state in states if state.error), None),
            settled=all(state.settled for state in states),
            clients=sum(state.clients for state in states),
            connected=sum(state.connected for state in states),
            sent=sum(state.sent for state in states),
            replies=sum(state.replies for state in states),
            mismatches=sum(state.mismatches for state in states),
            errors=sum(state.errors for state in states),
            first_mismatch=next((state.first_mismatch for state in states if state.first_mismatch), ""),
            first_error=next((state.first_error for state in states if state.first_error), ""),
        )

    def latencies(self) -> Latencies:
        """As `Crowd.latencies`, of all together."""
        parts: list[Latencies] = self._ask("latencies")
        latest, total = Histogram(), Histogram()
        for part in parts:
            latest.merge(part.latest)
            total.merge(part.total)
        return Latencies(latest, max(p.latest_seconds for p in parts), total, max(p.seconds for p in parts))

    def activity(self) -> bytes:
        """As `Crowd.activity`."""
        return b"".join(self._ask("activity"))

    def end(self) -> None:
        """As `Crowd.end`."""
        with self._asking:
            with contextlib.suppress(TimeoutError):  # then it is killed
                for method in ("end", "state", "latencies", "activity"):
                    self._ask(method)
            self._ended = True
            self._end_children()

    def _ask(self, method: str) -> list[Any]:
        with self._asking:
            for child in self._children:
                child.send(method)
            return [child.receive() for child in self._children]

    def _distribute(self) -> None:
        """Tell each process its part; start more of them if they are needed."""
        parts = parts_of(self.wanted, self.active, self.rate, self._room, least=len(self._children))
        for place, (wanted, active, rate) in enumerate(parts):
            part = {"wanted": wanted, "active": active, "rate": rate, "payload": self.payload}
            if place < len(self._children):
                self._children[place].send("change", **part)
            else:
                self._children.append(Child())
                self._children[place].send("start", address=self.address, begin=place * self._room, **part)
        for child in self._children:
            child.receive()

    def _end_children(self) -> None:
        for child in self._children:
            child.end()


def parts_of(
    wanted: int, active: int, rate: float | None, room: int, least: int = 0
) -> list[tuple[int, int, float | None]]:
    """What each process gets of `wanted`, `active` and `rate`: each is filled up to `room` before the next.

    Args:
        room: clients that one may hold.
        least: how many processes there are at least.
    """
    sizes = [
        (max(0, min(room, wanted - begin)), max(0, min(room, active - begin)))
        for begin in range(0, max(wanted, least * room), room)
    ]
    talking = max(1, min(wanted, active))
    return [(clients, talkers, rate and rate * min(clients, talkers) / talking) for clients, talkers in sizes]


PATIENCE = 10.0
"""Seconds that a process has to answer: it starts in a tenth of one, and closes 19,000 clients in some tenths."""

LARGEST = 2**17
"""Bytes of the largest message: one byte of activity for each of 2**16 ports, and as much again around it."""


class Child:
    """One process with a crowd. Once it has ended it is not asked any more: its latest answers remain.

    `send` asks, `receive` takes the answer; so several can be asked at once.
    """

    def __init__(self) -> None:
        nothing = SwarmState(True, None, False, 0, 0, 0, 0, 0, 0, "", "")
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
            if isinstance(answer, SwarmState) and answer.error is not None:
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
