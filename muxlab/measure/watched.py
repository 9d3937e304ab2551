"""One real server under strace, ready for its first clients and held: nginx, Redis, or a function of a socket.

Not handled here: the clients, and what they ask. See `real_servers.py`.
"""

import contextlib
import functools
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..arguments import stop_argument
from ..programs import PATIENCE
from ..server import serve
from ..watch.calls import Calls
from ..watch.tracing import Trace, trace, trace_in_folder
from .real_redis import free_port

ATTEMPTS = 5
"""Ports to try: a free one may be taken by somebody else before the program gets to it."""

MUCH = 8 * 2**20
"""Bytes of a long reply: more than the buffers between a server and a client that does not read take in, by default 4
MiB at most (tcp_wmem in tcp(7)), and little at the client's end."""

NGINX = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        location / {{ return 200 "hello\\n"; }}
        location /much {{ root {folder}; sendfile on; }}
    }}
}}
"""
"""The whole configuration of nginx: one worker, everything in a temporary folder, nothing in the background."""


@dataclass(frozen=True)
class Watched:
    """A server under strace.

    Attributes:
        address: (host, port).
        trace: its calls.
        let_go: lets it look at its sockets: it is held until then.
    """

    address: tuple[str, int]
    trace: Trace
    let_go: Callable[[], None]


@contextlib.contextmanager
def nginx() -> Iterator[Watched]:
    """Run nginx with one worker, under strace and stopped; errors as of `trace`."""

    def arguments(port: int, folder: str) -> list[str]:
        os.chmod(folder, 0o755)  # the worker may be another user, who only reads
        with Path(folder, "much").open("wb") as file:
            file.truncate(MUCH)
        settings = Path(folder, "nginx.conf")
        settings.write_text(NGINX.format(folder=folder, port=port))
        return ["-e", "stderr", "-p", folder, "-c", str(settings)]

    with _program("nginx", arguments) as watched:
        yield watched


@contextlib.contextmanager
def redis() -> Iterator[Watched]:
    """Run redis-server, under strace and stopped; errors as of `trace`."""

    def arguments(port: int, folder: str) -> list[str]:
        options = ["--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no"]
        return [*options, "--dir", folder, "--daemonize", "no", "--loglevel", "warning"]

    with _program("redis-server", arguments) as watched:
        yield watched


@contextlib.contextmanager
def _program(name: str, arguments: Callable[[int, str], list[str]]) -> Iterator[Watched]:
    """Start a program that listens on a free port, under strace, and stop it by a signal when it watches that port."""
    said = ""
    for _ in range(ATTEMPTS):
        port = free_port()
        with trace_in_folder(name, functools.partial(arguments, port)) as seen:
            if not seen.wait_for(_watches_its_port, PATIENCE):
                said = seen.said()
                continue  # somebody else may have the port
            _send(signal.SIGSTOP, seen.pids)
            for pid in seen.pids:
                _wait_until_stopped(pid)
            yield Watched(("127.0.0.1", port), seen, functools.partial(_send, signal.SIGCONT, seen.pids))
            return
    raise OSError(f"{seen.name} does not get as far as watching its port: it says {said.strip()!r}")


def _send(number: signal.Signals, pids: list[int]) -> None:
    for pid in pids:
        os.kill(pid, number)


def _watches_its_port(calls: Calls) -> bool:
    return any(call.name == "epoll.register" and call.who == "listener" for call in calls.events)


def _wait_until_stopped(pid: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "Tt":
            return
        time.sleep(0.002)
    raise TimeoutError(f"process {pid} does not stop")


@contextlib.contextmanager
def function(fn: Callable, name: str) -> Iterator[Watched]:
    """Run a server function, in a thread under strace; it begins when it is let go. Errors as of `serve`, `trace`."""
    decided, wanted = threading.Event(), threading.Event()
    takes_stop = stop_argument(fn, name)

    def let_go() -> None:
        wanted.set()
        decided.set()

    def held(listener, stop):  # type: ignore[no-untyped-def]
        decided.wait(PATIENCE)
        if wanted.is_set():
            fn(listener, stop) if takes_stop == "positional" else fn(listener, stop=stop)

    def held_without_stop(listener):  # type: ignore[no-untyped-def]
        decided.wait(PATIENCE)
        if wanted.is_set():
            fn(listener)

    held_server = held if takes_stop else held_without_stop
    held_server.__name__ = name
    with serve(held_server) as server:
        try:
            with trace(server) as seen:
                yield Watched(server.address, seen, let_go)
        finally:
            decided.set()  # it may not have been let go
