"""`ServerProcesses`: one server on one port, in several processes, so that it works on all cores.

Each process has a listening socket of its own, bound to the same port with SO_REUSEPORT, and an accept queue of its
own: the kernel decides by a hash of the client's address and port whose queue a connection goes to (socket(7)).

A process runs this module (`python -m`): one of the reference servers, until its input ends. So it ends with the
process that started it, however that one ends. Not handled here: functions of a notebook, which exist in no file that
another process could import.
"""

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from . import limits, running
from .arguments import check_count, check_port, require_epoll, require_linux
from .listener import listen
from .python_process import start_python
from .servers import SERVERS
from .stop import Stop

PATIENCE = 20.0
"""Seconds that the processes have to listen, and each to end; both take some tenths of one."""

LISTENING = b"listening\n"
"""What a process prints when clients may come; otherwise it prints why not."""


class ServerProcesses(running.Running):
    """A reference server in several processes that share a port; starts at once, and is a context manager.

    Args:
        name: of one of `SERVERS`.
        processes: how many.
        port: the TCP port on 127.0.0.1; 0 takes a free one.
        backlog: the length of each accept queue.

    Attributes:
        address: (host, port), the same for all.

    Raises:
        TypeError, ValueError: there is no such server, or a number is out of range.
        OSError: the port is taken, a process does not start, or this system is not Linux.
    """

    def __init__(self, name: str = "epoll", processes: int = 2, port: int = 0, backlog: int = 4096) -> None:
        if name not in SERVERS:
            raise ValueError(f"there is no server {name!r}: the reference servers are {', '.join(SERVERS)}")
        require_linux("a server in several processes")
        check_count("processes", processes, 1)
        check_port(port, backlog)
        require_epoll(name)
        self.name, self._count, self._backlog = name, processes, backlog
        self._processes: list[subprocess.Popen[bytes]] = []
        running.replace_earlier()
        running.start(self, lambda: self._begin(port))

    def _begin(self, port: int) -> None:
        with reserved(port) as (host, number):
            self.address = host, number
            for _ in range(self._count):
                arguments = self.name, number, self._backlog
                started = start_python(__name__, *arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
                self._processes.append(started)
            deadline = time.monotonic() + PATIENCE
            for process in self._processes:
                said = next_line(process, max(0.0, deadline - time.monotonic()))
                if said != LISTENING:
                    raise OSError(f"a server process does not listen: {said.decode(errors='replace').strip()}")

    @property
    def pids(self) -> list[int]:
        """The numbers of the processes."""
        return [process.pid for process in self._processes]

    def check_alive(self) -> None:
        """Raise a ChildProcessError if one of the processes has ended by itself."""
        for process in self._processes:
            if (status := process.poll()) is not None:
                raise ChildProcessError(f"the server process {process.pid} has ended, with status {status}")

    def held(self) -> list[int]:
        """Return how many connections each process holds: its sockets, but for the one that listens."""
        return [sockets_of(pid) - 1 for pid in self.pids]

    def cpu_seconds(self) -> list[float]:
        """Return the CPU time of each process's main thread, in which it serves. Source: proc(5), schedstat."""
        return [int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9 for pid in self.pids]

    def end(self) -> None:
        """End the processes; a second call does nothing."""
        for process in self._processes:
            for pipe in (process.stdin, process.stdout):
                assert pipe is not None
                pipe.close()
        while self._processes:  # an interrupt leaves those that have not ended in the list, for another call
            process = self._processes[-1]
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            self._processes.pop()
        running.remove(self)

    def __enter__(self) -> "ServerProcesses":
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def __repr__(self) -> str:
        host, port = self.address
        return f"<muxlab server {self.name!r} on {host}:{port}, {len(self._processes)} processes>"


@contextlib.contextmanager
def reserved(port: int) -> Iterator[tuple[str, int]]:
    """Hold a port of 127.0.0.1, and yield its address; others may listen on it, with SO_REUSEPORT, as this does not."""
    if port:
        listen(port, 1).close()  # raises if somebody listens there: with SO_REUSEPORT alone, we would share with them
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        holder.bind(("127.0.0.1", port))
        yield holder.getsockname()


def next_line(process: subprocess.Popen[bytes], timeout: float) -> bytes:
    """Return the next line that a process prints; or a line of ours, if there is none for so many seconds."""
    assert process.stdout is not None
    poll = select.poll()  # and not select: in a process with a large crowd, the number may be beyond what select takes
    poll.register(process.stdout, select.POLLIN)
    return process.stdout.readline() if poll.poll(timeout * 1000) else b"it says nothing"


def sockets_of(pid: int) -> int:
    """Return how many sockets a process has open. Source: /proc/PID/fd, proc(5)."""
    folder = f"/proc/{pid}/fd"
    count = 0
    for number in os.listdir(folder):
        with contextlib.suppress(OSError):  # closed by now
            count += os.readlink(f"{folder}/{number}").startswith("socket:")
    return count


# ---- in each process


def main() -> None:
    """Serve until the input ends."""
    name, port, backlog = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started it ends it
    limits.raise_descriptor_limit(limits.descriptor_limits()[1])
    stop = Stop()
    try:
        listener = socket.create_server(("127.0.0.1", port), backlog=backlog, reuse_port=True)
    except OSError as error:
        print(error)
        sys.exit(1)
    with listener:
        threading.Thread(target=stop_at_end_of_input, args=(stop,), daemon=True).start()
        os.write(sys.stdout.fileno(), LISTENING)
        SERVERS[name](listener, stop)


def stop_at_end_of_input(stop: Stop) -> None:
    """Wait until the input ends, and tell the server to return."""
    while os.read(sys.stdin.fileno(), 1):
        pass
    stop.set()


if __name__ == "__main__":
    main()
