"""The workers of `herd`, as a program: python herd_workers.py WAY WORKERS CONNECTIONS BUSY

The process that runs it opens the door and forks the workers, as a server does that wants all cores. Then it plays the
clients, too. It prints what it has counted as one line of JSON.

Worker and parent talk through two pipes. On one the worker says a letter: that it is about to sleep, that it has woken,
what it got. From the other it reads the permission to go on.
"""

import contextlib
import json
import os
import select
import signal
import socket
import sys
import time
import traceback
from collections.abc import Iterator

READY, WOKEN, GOT_ONE, GOT_NOTHING, GO_ON = b"r", b"w", b"1", b"0", b"!"
"""What a worker says, and what its parent says to it."""

LOOK_AGAIN = 0.0005
"""Seconds between two looks at the kernel's tables, while a worker is not asleep yet."""

LONGEST = 60
"""Seconds after which the kernel ends a process of this program, whatever it does then: alarm(2)."""

BACKLOG = 128
"""Room in the accept queue: only one client comes at a time."""


# ---- what a worker does


def work(way: str, listener: socket.socket, epoll: select.epoll, busy: bool, said: int, heard: int) -> None:
    """Wait for clients and take them, until somebody kills this process.

    Args:
        way: how to wait, one of `muxlab.measure.herd.WAYS`.
        listener: the door.
        epoll: empty, or with "one epoll" the one that all workers share, which watches the door already.
        busy: whether it has something else to do all the time, and never comes to wait.
        said, heard: pipes, to write to the parent and to read from it.
    """
    mask = select.EPOLLIN
    if way in ("exclusive", "in turn"):
        mask |= select.EPOLLEXCLUSIVE
    if way not in ("accept", "one epoll"):
        epoll.register(listener, mask)
    if way != "accept":
        listener.setblocking(False)
    os.write(said, READY)
    if busy:
        os.read(heard, 1)  # nobody ever writes: it stands for work of another kind, and takes no core from the others
    while True:
        if way == "accept":
            conn = take(listener)  # sleeps until there is one
        else:
            epoll.poll()
        os.write(said, WOKEN)
        os.read(heard, 1)  # all that have woken are counted first
        if way != "accept":
            conn = take(listener)
        if conn is None:
            os.write(said, GOT_NOTHING)
            continue
        if way == "in turn":  # the kernel begins with whoever has watched the listener for longest
            epoll.unregister(listener)
            epoll.register(listener, mask)
        conn.close()
        os.write(said, GOT_ONE)


def take(listener: socket.socket) -> socket.socket | None:
    """Accept a client; return None if another worker has taken it."""
    try:
        return listener.accept()[0]
    except BlockingIOError:
        return None


# ---- how the parent sees it


class Worker:
    """A worker, as its parent sees it; it is started at once.

    Attributes:
        pid: its process number.
    """

    def __init__(self, way: str, listener: socket.socket, epoll: select.epoll, busy: bool) -> None:
        self._said, its_said = os.pipe()
        its_heard, self._heard = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                signal.alarm(LONGEST)  # a fork does not inherit its parent's
                work(way, listener, epoll, busy, its_said, its_heard)
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(1)
        os.close(its_said)
        os.close(its_heard)
        self.hear()
        while not self.sleeps():
            time.sleep(LOOK_AGAIN)

    def sleeps(self) -> bool:
        """Tell whether it is asleep, as the kernel sees it: the state in /proc/[pid]/stat, proc(5).

        Between the letters READY, GOT_ONE or GOT_NOTHING and the next WOKEN, there is only one call to be asleep in.
        """
        with open(f"/proc/{self.pid}/stat") as file:
            state = file.read().rpartition(")")[2].split()[0]
        if state == "Z":
            raise ChildProcessError("a worker has ended, though nobody told it to")
        return state == "S"

    def has_woken(self) -> bool:
        """Tell whether it has said that it woke up, and nobody has heard it yet."""
        return bool(select.select([self._said], [], [], 0)[0])

    def hear(self) -> bytes:
        """Wait for the next letter that it says, and return it."""
        letter = os.read(self._said, 1)
        if not letter:
            raise ChildProcessError("a worker has ended, though nobody told it to")
        return letter

    def go_on(self) -> None:
        """Let it try to take the client."""
        os.write(self._heard, GO_ON)

    def end(self) -> None:
        """Kill the process, and wait until it is gone."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


def woken(workers: list[Worker], listeners: list[socket.socket]) -> list[Worker]:
    """Wait until a worker has woken up, and then until no other is about to; return all that have."""
    while not any(worker.has_woken() for worker in workers):
        time.sleep(LOOK_AGAIN)
    # The kernel may still be waking others. To watch a listener takes the lock under which it does so; once we have
    # had that lock, it has woken everybody that it will wake.
    for listener in listeners:
        with select.epoll() as epoll:
            epoll.register(listener, select.EPOLLIN)
    while True:
        asleep = [worker for worker in workers if worker.sleeps()]  # some of them have woken, and wait to go on
        awake = [worker for worker in workers if worker.has_woken()]
        if all(worker in asleep or worker in awake for worker in workers):
            return awake
        time.sleep(LOOK_AGAIN)


def count(workers: list[Worker], listeners: list[socket.socket], connections: int) -> dict[str, object]:
    """Let the clients come, one at a time, and return what was counted."""
    wake_ups = for_nothing = 0
    shares = dict.fromkeys(workers, 0)
    for _ in range(connections):
        with socket.create_connection(listeners[0].getsockname()):
            awake = woken(workers, listeners)
            for worker in awake:
                worker.hear()
                worker.go_on()
            for worker in awake:
                if worker.hear() == GOT_ONE:
                    shares[worker] += 1
                else:
                    for_nothing += 1
            wake_ups += len(awake)
            for worker in awake:
                while not worker.sleeps():
                    time.sleep(LOOK_AGAIN)
    return {"wake_ups": wake_ups, "for_nothing": for_nothing, "shares": list(shares.values())}


@contextlib.contextmanager
def started(way: str, listeners: list[socket.socket], epoll: select.epoll, busy: int) -> Iterator[list[Worker]]:
    """Start a worker for each listener in the list, which may hold the same one several times; kill them at the end.

    The first `busy` of them never wait.
    """
    workers: list[Worker] = []
    try:
        for listener in listeners:
            own = epoll if way == "one epoll" else select.epoll()
            workers.append(Worker(way, listener, own, busy=len(workers) < busy))
        yield workers
    finally:
        for worker in workers:
            worker.end()


@contextlib.contextmanager
def opened(way: str, workers: int) -> Iterator[list[socket.socket]]:
    """Open a listener for each worker: with "reuseport" really so many on one port, else the same one for all."""
    apart = way == "reuseport"
    with contextlib.ExitStack() as stack:
        first = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=BACKLOG, reuse_port=apart))
        listeners = [first]
        for _ in range(workers - 1):
            listener = first
            if apart:
                listener = socket.create_server(first.getsockname(), backlog=BACKLOG, reuse_port=True)
                stack.enter_context(listener)
            listeners.append(listener)
        yield listeners


def main() -> None:
    """Do what the command line asks for."""
    way = sys.argv[1]
    workers, connections, busy = map(int, sys.argv[2:])
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # where it is ignored, nobody can wait for a worker: waitpid(2)
    signal.alarm(LONGEST)
    with opened(way, workers) as listeners, select.epoll() as epoll:
        if way == "one epoll":
            epoll.register(listeners[0], select.EPOLLIN | select.EPOLLET)
        with started(way, listeners, epoll, busy) as members:
            print(json.dumps(count(members, listeners, connections)))


if __name__ == "__main__":
    main()
