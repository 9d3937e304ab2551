"""`ServerProcesses`: one server on one port, in several processes, so that it works on all cores.

Each process has a listening socket of its own, bound to the same port with SO_REUSEPORT, and an accept queue of its
own: the kernel decides by a hash of the client's address and port whose queue a connection goes to (socket(7)).

A process runs this module (`python -m`): one of the reference servers, until its tie to the process that started it
is cut (see python_process.py). So it ends with that one, however that one ends. Not handled here: functions of a
notebook, which exist in no file that another process could import.
"""

import contextlib
import os
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
from .python_process import cut, start_python
from .servers import SERVERS
from .stop import Stop

PATIENCE = 20.0
"""Seconds that the processes have to listen, and each to end; both take some tenths of one."""

LISTENING, LONGEST = b"listening", 4096
"""What a process says when clients may come; otherwise it says why not. And the bytes of the longest thing it says."""


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
        if not isinstance(name, str) or name not in SERVERS:
            raise ValueError(f"there is no server {name!r}: the reference servers are {', '.join(SERVERS)}")
        require_linux("a server in several processes")
        check_count("processes", processes, 1)
        check_port(port, backlog)
        require_epoll(name)
        self.name, self._count, self._backlog = name, processes, backlog
        self._processes: list[tuple[subprocess.Popen[bytes], socket.socket]] = []
        running.replace_earlier()
        running.start(self, lambda: self._begin(port))

    def _begin(self, port: int) -> None:
        with limits.enough_descriptors("the server's processes"), reserved(port) as (host, number):
            self.address = host, number
            for _ in range(self._count):
                self._processes.append(start_python(__name__, self.name, number, self._backlog))
            deadline = time.monotonic() + PATIENCE
            for _, tie in self._processes:
                said = next_message(tie, max(0.0, deadline - time.monotonic()))
                if said != LISTENING:
                    raise OSError(f"a server process does not listen: {said.decode(errors='replace')}")

    @property
    def pids(self) -> list[int]:
        """The numbers of the processes."""
        return [process.pid for process, _ in self._processes]

    def check_alive(self) -> None:
        """Raise a ChildProcessError if one of the processes has ended by itself."""
        for process, _ in self._processes:
            if (status := process.poll()) is not None:
                raise ChildProcessError(f"the server process {process.pid} has ended, with status {status}")

    def held(self) -> list[int]:
        """Return how many connections each process holds: its sockets for the internet, but for the one that listens.

        Raises:
            ChildProcessError: as for `check_alive`.
        """
        self.check_alive()
        return [internet_sockets_of(pid) - 1 for pid in self.pids]

    def cpu_seconds(self) -> list[float]:
        """Return the CPU time of each process's main thread, in which it serves. Source: proc(5), schedstat."""
        return [int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9 for pid in self.pids]

    def end(self) -> None:
        """End the processes; a second call does nothing."""
        for _, tie in self._processes:
            cut(tie)
        deadline = time.monotonic() + PATIENCE
        while self._processes:  # an interrupt leaves those that have not ended in the list, for another call
            process, _ = self._processes[-1]
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
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


def next_message(tie: socket.socket, timeout: float) -> bytes:
    """Return the next message of a process, or why there is none."""
    tie.settimeout(timeout)
    try:
        return tie.recv(LONGEST) or b"it has ended"
    except ConnectionError:
        return b"it has ended"
    except (TimeoutError, BlockingIOError):
        return b"it says nothing"


def internet_sockets_of(pid: int) -> int:
    """Return how many sockets a process has open, but for those that lead to processes of this machine only: unix(7).

    Source: /proc/PID/fd, proc(5); /proc/net/unix.
    """
    folder = f"/proc/{pid}/fd"
    targets = []
    for number in os.listdir(folder):
        with contextlib.suppress(OSError):  # closed by now
            targets.append(os.readlink(f"{folder}/{number}"))
    with open("/proc/net/unix") as page:
        next(page)  # the header
        local = {f"socket:[{line.split()[6]}]" for line in page}
    return sum(target.startswith("socket:") and target not in local for target in targets)


# ---- in each process


def main() -> None:
    """Serve until the tie is cut."""
    name, port, backlog = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started it ends it
    limits.raise_descriptor_limit(limits.descriptor_limits()[1])
    stop = Stop()
    try:
        listener = socket.create_server(("127.0.0.1", port), backlog=backlog, reuse_port=True)
    except OSError as error:
        say(str(error).encode()[:LONGEST])
        sys.exit(1)
    with listener:
        threading.Thread(target=stop_at_end, args=(stop,), daemon=True).start()
        say(LISTENING)
        SERVERS[name](listener, stop)


def say(message: bytes) -> None:
    """Send a message over the tie."""
    with contextlib.suppress(ConnectionError):  # nobody wants to know any more
        os.write(sys.stdin.fileno(), message)


def stop_at_end(stop: Stop) -> None:
    """Wait until the tie is cut, and tell the server to return."""
    with contextlib.suppress(ConnectionError):  # cut before our last message was read
        while os.read(sys.stdin.fileno(), 1):
            pass
    stop.set()


if __name__ == "__main__":
    main()
