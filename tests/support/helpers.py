"""What several tests need: clients that behave badly, and a bounded wait for a condition."""

import contextlib
import resource
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator

import pytest

PATIENCE = 10.0  # seconds: far more than anything here takes, so that only a hang is a failure


def slow(*values: object) -> list[object]:
    """Return values to parametrize a test with that `make quick` leaves out."""
    return [pytest.param(value, marks=pytest.mark.slow) for value in values]


def eventually(condition: Callable[[], object], timeout: float = PATIENCE) -> bool:
    """Wait until `condition` holds; False when it does not within `timeout` seconds.

    Most conditions hold within a thousandth of a second: at first it looks often, and later a hundred times a second.
    """
    deadline, pause = time.monotonic() + timeout, 0.0002
    while not condition():
        if time.monotonic() > deadline:
            return False
        threading.Event().wait(pause)
        pause = min(2 * pause, 0.01)
    return True


def connect(address: tuple[str, int]) -> socket.socket:
    """A client that does not wait for ever."""
    return socket.create_connection(address, timeout=PATIENCE)


def reset(sock: socket.socket) -> None:
    """Close with a reset instead of an orderly end."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def read_exactly(sock: socket.socket, size: int) -> bytes:
    """`size` bytes, or fewer if the other end closes before."""
    data = bytearray()
    while len(data) < size and (piece := sock.recv(65536)):
        data += piece
    return bytes(data)


def echoes(address: tuple[str, int], message: bytes = b"hello") -> bool:
    """Does a new client get its message back?"""
    with connect(address) as client:
        client.sendall(message)
        return read_exactly(client, len(message)) == message


@contextlib.contextmanager
def no_descriptors_left() -> Iterator[None]:
    """Lower the soft limit so that this process cannot open one more descriptor."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    probe = socket.socket()
    lowest_free = probe.fileno()
    probe.close()
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
