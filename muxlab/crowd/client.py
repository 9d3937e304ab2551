"""One client of a swarm, and how it is connected."""

import errno
import fcntl
import os
import socket
import sys

CONNECTING, OPEN, LOST = range(3)

CONNECT_TIMEOUT = 2.0
"""Seconds for the first connection; on this machine it takes microseconds, unless the accept queue is full."""

PER_ADDRESS = 4000
"""Clients of one client address. A connect looks for a free port one by one, even ports first; with more than half of
the 28,000 in use it takes milliseconds, and 19,000 of them took 17 s instead of 2 (seen on Linux 6.18)."""

ADDRESSES = 250
"""Client addresses, 127.0.0.1 and upwards: on Linux the loopback has all of 127.0.0.0/8."""

IP_BIND_ADDRESS_NO_PORT = 24  # Python has the name since 3.12: bind an address, and leave the port to connect, ip(7)


class Client:
    """One client: its socket, and the message that is under way, if any."""

    __slots__ = (
        *("answered", "due", "leaving", "message", "number", "received"),
        *("shown", "sock", "state", "talks", "unsent", "wrong"),
    )

    def __init__(self, sock: socket.socket, number: int, state: int) -> None:
        self.sock = sock
        self.number = number  # differs between clients, so that their messages do
        self.state = state
        self.talks = False
        self.leaving = False  # closes as soon as its reply is there
        self.message = b""  # b"" when none is under way
        self.unsent = memoryview(b"")
        self.received = 0
        self.wrong = False  # a byte of this reply differed
        self.due = 0.0  # when the message should have been sent, by perf_counter
        self.answered = self.shown = 0  # replies, and how many of them `activity` has told of


def first_connection(address: tuple[str, int]) -> socket.socket:
    """One connection, made before anything else starts: an unreachable server is refused here."""
    host, port = address
    try:
        return socket.create_connection((socket.gethostbyname(host), port), timeout=CONNECT_TIMEOUT)  # IPv4, as servers
    except TimeoutError:
        raise ConnectionError(
            f"{host}:{port} does not answer within {CONNECT_TIMEOUT:g} s: "
            "its accept queue is full, or nothing is at that address"
        ) from None
    except ConnectionRefusedError:
        raise ConnectionRefusedError(
            f"nobody listens on {host}:{port}: start the server first, and keep it running"
        ) from None
    except OSError as error:
        raise ConnectionError(f"{host}:{port} cannot be reached: {error}") from None


def begin_connect(address: tuple[str, int], number: int) -> tuple[socket.socket, int, str]:
    """A socket that is being connected, for the client of that number: (it, its state, why it failed, if it has)."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setblocking(False)
    block = number // PER_ADDRESS
    if block and sys.platform == "linux" and address[0].startswith("127."):
        sock.setsockopt(socket.SOL_IP, IP_BIND_ADDRESS_NO_PORT, 1)
        sock.bind((f"127.0.0.{1 + block % ADDRESSES}", 0))
    code = sock.connect_ex(address)
    why = os.strerror(code) if code not in (0, errno.EINPROGRESS) else ""
    return sock, CONNECTING if code else OPEN, why


def moved_up(sock: socket.socket, floor: int) -> socket.socket:
    """The same socket, nonblocking, under a descriptor of `floor` or more."""
    if floor > sock.fileno():
        number = fcntl.fcntl(sock, fcntl.F_DUPFD_CLOEXEC, floor)
        sock.close()
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0, fileno=number)
    sock.setblocking(False)
    return sock
