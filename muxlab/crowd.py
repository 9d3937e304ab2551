"""The inside of a swarm: all its clients, in one thread, over one epoll.

A client is a state and at most one message under way. Everything here but `change`, `end` and the reading of
counters happens in the swarm's own thread, so nothing is locked on the way of a message.
"""

import collections
import contextlib
import errno
import fcntl
import itertools
import os
import select
import socket
import sys
import threading
import time
from dataclasses import dataclass

from .client import CONNECTING, LOST, OPEN, PERIOD, Client, first_connection, letters
from .histogram import Histogram

WINDOW = 0.5
"""Seconds of one window of figures: enough replies for a p99, soon enough to see a slider act."""

OPENING = 64
"""Connects under way at once: half of a usual accept queue (128), so that it does not overflow (listen(2))."""

DRAIN = 0.25
"""Seconds that replies under way are given when the swarm stops: closing on unread bytes would send a reset."""

BATCH = 32
"""Clients opened or closed in a row, before those that talk get their turn."""

LATE = 0.25
"""Seconds after which a client that waits for its reply is shown as waiting."""

PER_ADDRESS = 4000
"""Clients of one client address. A connect looks for a free port one by one, even ports first; with more than half of
the 28,000 in use it takes milliseconds, and 19,000 of them took 17 s instead of 2 (seen on Linux 6.18)."""

ADDRESSES = 250
"""Client addresses, 127.0.0.1 and upwards: on Linux the loopback has all of 127.0.0.0/8."""

IP_BIND_ADDRESS_NO_PORT = 24  # Python has the name since 3.12: bind an address, and leave the port to connect, ip(7)

RECV_SIZE = 65536
IN, OUT = 1, 4  # EPOLLIN and EPOLLOUT, and poll has the same numbers


@dataclass(frozen=True)
class State:
    """What a crowd has come to at one moment; the counts are those of `Snapshot`.

    Attributes:
        alive: it has not ended.
        error: what ended it, if anything but `end` did.
        settled: no client is still to be opened, connected or closed: all are connected or lost.
        clients: clients that there are, in whatever state.
        first_mismatch, first_error: what was wrong, when something was for the first time.
    """

    alive: bool
    error: BaseException | None
    settled: bool
    clients: int
    connected: int
    sent: int
    replies: int
    mismatches: int
    errors: int
    first_mismatch: str
    first_error: str


@dataclass(frozen=True)
class Latencies:
    """How long replies took: in the latest whole window, and since the start, each with its length in seconds."""

    latest: Histogram
    latest_seconds: float
    total: Histogram
    seconds: float


class Crowd:
    """The clients of a swarm and what they count, in a thread that starts at once.

    Args:
        address, wanted, active, payload, rate: as for `Swarm`.
        floor: the lowest descriptor for a client.
        begin: the number of the first client; clients of different numbers say different things.

    Raises:
        ConnectionError: nobody listens there.
    """

    def __init__(
        self,
        address: tuple[str, int],
        wanted: int,
        active: int,
        payload: int,
        rate: float | None,
        floor: int = 0,
        begin: int = 0,
    ) -> None:
        first = first_connection(address)
        self.address, self.floor = first.getpeername(), floor
        self._on_loopback = sys.platform == "linux" and self.address[0].startswith("127.")
        self.wanted, self.active, self.payload, self.rate = wanted, active, payload, rate
        self.clients: list[Client] = []
        self.connected = self.sent = self.replies = self.mismatches = self.errors = self.opening = 0
        self.first_mismatch = self.first_error = ""
        self.error: BaseException | None = None
        self.began = self._window_began = time.perf_counter()
        self.ended: float | None = None
        self._latest = (Histogram(), 0.0)  # of the latest whole window, and its length in seconds
        self._total, self._window, self._turning = Histogram(), Histogram(), threading.Lock()
        self._by_fd: dict[int, Client] = {}
        self._talkers: list[Client] = []
        self._free: collections.deque[Client] = collections.deque()  # talkers without a message, when there is a rate
        self._leaving: list[Client] = []
        self._made = begin
        self._noise, self._size = b"", 0  # what messages are cut out of, and how long they are
        self._chunk = RECV_SIZE  # bytes asked of one recv: Python takes memory for as many
        self._pace: float | None = None  # the rate that is kept
        self._next_due = 0.0
        self._changed, self._stopping = True, False
        self._poller = select.epoll() if hasattr(select, "epoll") else _Poll()
        self._wake_reader, self._wake_writer = os.pipe()
        os.set_blocking(self._wake_reader, False)
        os.set_blocking(self._wake_writer, False)
        self._waking, self._closed = threading.Lock(), False
        self._poller.register(self._wake_reader, IN)
        self._enter(first, OPEN)
        self._thread = threading.Thread(target=self._run, name="muxlab-swarm", daemon=True)
        self._thread.start()

    # ---- from any thread

    def change(self, **targets: float | None) -> None:
        """Set `wanted`, `active`, `payload` or `rate`; the thread takes it over at its next turn."""
        for name, value in targets.items():
            setattr(self, name, value)
        self._changed = True
        self._wake()

    def state(self) -> State:
        """What it has come to by now."""
        return State(
            alive=self._thread.is_alive(),
            error=self.error,
            settled=len(self.clients) == self.wanted and not self.opening,
            clients=len(self.clients),
            connected=self.connected,  # asked after `settled`: once that is true, this grows no more
            replies=self.replies,
            mismatches=self.mismatches,
            sent=self.sent,  # asked after the replies: each of them was sent
            errors=self.errors,
            first_mismatch=self.first_mismatch,
            first_error=self.first_error,
        )

    def latencies(self) -> Latencies:
        """How long replies took; those that `state` has counted before are all there."""
        total = Histogram()
        with self._turning:
            total.merge(self._total)
            total.merge(self._window)
            return Latencies(*self._latest, total, (self.ended or time.perf_counter()) - self.began)

    def end(self) -> None:
        """Let the replies that are under way arrive, close all clients, end the thread; a second time does nothing."""
        self._stopping = True
        self._wake()
        self._thread.join()

    def activity(self) -> bytes:
        """See `Swarm.activity`."""
        long_ago = time.perf_counter() - LATE
        picture = bytearray()
        for client in list(self.clients):
            if client.state == OPEN:
                fresh = client.answered - client.shown
                client.shown += fresh
                waits = client.message and client.due < long_ago and not fresh
                picture.append(251 if waits else min(fresh, 250))
            else:
                picture.append(252 if client.state == CONNECTING else 253)
        return bytes(picture)

    # ---- in the swarm's thread

    def _run(self) -> None:
        """Serve the clients until `end`."""
        try:
            while not self._stopping:
                self._turn()
            self._say_goodbye()
        except BaseException as error:  # kept, and raised where the learner is looking
            self.error = error
        finally:
            self._close()

    def _turn(self) -> None:
        if self._changed:
            self._adjust()
        elif len(self.clients) != self.wanted:
            self._open_or_close_some()
        now = time.perf_counter()
        if now - self._window_began >= WINDOW:
            self._close_window(now)
        if self._free:
            self._send_due(now)
        find = self._by_fd.get
        for fd, events in self._wait(now):
            client = find(fd)
            if client is not None:
                if events == IN and client.state == OPEN:  # the usual case, by the short way
                    self._receive(client)
                else:
                    self._serve(client, events)
            elif fd == self._wake_reader:
                with contextlib.suppress(BlockingIOError):
                    os.read(fd, 4096)

    def _wait(self, now: float) -> list[tuple[int, int]]:
        """Who is ready; returns in time for the next window, the next message that is due, who is opened and closed."""
        timeout = max(0.0, self._window_began + WINDOW - now)
        if len(self.clients) > self.wanted:
            timeout = 0.0
        elif len(self.clients) < self.wanted and self.opening < OPENING:
            timeout = min(timeout, 0.001)
        if self._free:
            timeout = max(0.0, min(timeout, self._next_due - now))
            if 0 < timeout < 0.05 and self._poller.fileno() < 1024:
                # epoll waits in whole milliseconds, select in microseconds; and an epoll can itself be selected
                select.select([self._poller], [], [], timeout)
                timeout = 0
        return self._poller.poll(timeout)

    def _serve(self, client: Client, events: int) -> None:
        if client.state == CONNECTING:
            self._finish_connect(client)
            return
        if events & OUT and client.unsent:
            self._send_rest(client)
        if events & ~OUT and client.state == OPEN:
            self._receive(client)

    def _receive(self, client: Client) -> None:
        try:
            data = client.sock.recv(self._chunk)
        except BlockingIOError:
            return
        except OSError as error:
            self._lose(client, os.strerror(error.errno or 0))
            return
        if not data:
            self._lose(client, "closed by the server")
            return
        if data != client.message or client.received:
            expected = client.message[client.received : client.received + len(data)]
            if data != expected:
                client.wrong = True
                self.first_mismatch = self.first_mismatch or f"expected {expected[:20]!r}, got {data[:20]!r}"
            if not client.message:  # bytes that nobody asked for
                self.mismatches += 1
                return
            client.received += len(data)
            if client.received < len(client.message):
                return
        self._reply_is_complete(client)

    def _reply_is_complete(self, client: Client) -> None:
        now = time.perf_counter()
        if client.wrong:
            self.mismatches += 1
        else:
            self._window.add(now - client.due)
            client.answered += 1
            self.replies += 1
        client.message = b""
        if client.leaving:
            self._drop(client)
        elif client.talks and self._pace is None:
            self._talk(client, now)
        elif client.talks:
            self._free.append(client)

    def _talk(self, client: Client, due: float) -> None:
        start = (client.number * 7919 + client.answered * 31) % PERIOD  # primes: neighbours say different things
        client.message = self._noise[start : start + self._size]
        client.received, client.wrong, client.due = 0, False, due
        self.sent += 1
        try:
            taken = client.sock.send(client.message)
        except BlockingIOError:
            taken = 0
        except OSError as error:
            self._lose(client, os.strerror(error.errno or 0))
            return
        if taken < len(client.message):
            client.unsent = memoryview(client.message)[taken:]
            self._poller.modify(client.sock.fileno(), IN | OUT)

    def _send_rest(self, client: Client) -> None:
        try:
            client.unsent = client.unsent[client.sock.send(client.unsent) :]
        except BlockingIOError:
            return
        except OSError as error:
            self._lose(client, os.strerror(error.errno or 0))
            return
        if not client.unsent:
            self._poller.modify(client.sock.fileno(), IN)

    def _send_due(self, now: float) -> None:
        """With a rate: give every message that is due to a talker that has none under way."""
        while self._free and self._next_due <= now and self._pace:
            client = self._free.popleft()
            if client.talks and client.state == OPEN:
                self._talk(client, self._next_due)
                self._next_due += 1 / self._pace

    # ---- who is there

    def _adjust(self) -> None:
        """Bring the crowd nearer to what is wanted."""
        self._changed = False
        if self._size != self.payload:
            self._size = self.payload
            self._noise = letters(self._size + PERIOD)
            self._chunk = min(self._size + 1, RECV_SIZE)  # one more, to notice what is too much
        if self._pace != self.rate or not self._talkers:
            self._pace, self._next_due = self.rate, time.perf_counter()  # nothing was due while nobody talked
        self._open_or_close_some()
        self._choose_talkers()

    def _open_or_close_some(self) -> None:
        for _ in range(min(BATCH, len(self.clients) - self.wanted)):
            self._retire(self.clients.pop())
        for _ in range(min(BATCH, self.wanted - len(self.clients), OPENING - self.opening)):
            self._open()

    def _choose_talkers(self) -> None:
        """The first `active` of the connected clients talk."""
        for client in self._talkers:
            client.talks = False
        self._talkers = list(itertools.islice((c for c in self.clients if c.state == OPEN), self.active))
        self._free.clear()
        for client in self._talkers:
            client.talks = True
        for client in [c for c in self._talkers if not c.message]:
            self._let_talk(client)

    def _let_talk(self, client: Client) -> None:
        if self._pace is None:
            self._talk(client, time.perf_counter())
        else:
            self._free.append(client)

    def _open(self) -> None:
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.setblocking(False)
        block = self._made // PER_ADDRESS
        if block and self._on_loopback:
            sock.setsockopt(socket.SOL_IP, IP_BIND_ADDRESS_NO_PORT, 1)
            sock.bind((f"127.0.0.{1 + block % ADDRESSES}", 0))
        code = sock.connect_ex(self.address)
        self._enter(sock, OPEN if code == 0 else CONNECTING)
        if code not in (0, errno.EINPROGRESS):
            self._lose(self.clients[-1], os.strerror(code))

    def _enter(self, sock: socket.socket, state: int) -> None:
        sock.setblocking(False)
        if self.floor > sock.fileno():
            number = fcntl.fcntl(sock, fcntl.F_DUPFD_CLOEXEC, self.floor)
            sock.close()
            sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0, fileno=number)
            sock.setblocking(False)
        client = Client(sock, self._made, state)
        self._made += 1
        if state == CONNECTING:
            self.opening += 1
        else:
            self.connected += 1
        self.clients.append(client)
        self._by_fd[sock.fileno()] = client
        self._poller.register(sock.fileno(), OUT if state == CONNECTING else IN)

    def _finish_connect(self, client: Client) -> None:
        code = client.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            self._lose(client, os.strerror(code))
            return
        client.state = OPEN
        self.connected += 1
        self.opening -= 1  # in this order: see `state`
        self._poller.modify(client.sock.fileno(), IN)
        if len(self._talkers) < self.active and not self._changed:
            client.talks = True
            self._talkers.append(client)
            self._let_talk(client)

    def _lose(self, client: Client, why: str) -> None:
        self.errors += 1
        self.first_error = self.first_error or why
        self._drop(client)
        self._changed = True

    def _retire(self, client: Client) -> None:
        self._changed |= client.talks
        client.talks = False
        if client.message:
            client.leaving = True
            self._leaving.append(client)
            self.connected -= 1
        else:
            self._drop(client)

    def _drop(self, client: Client) -> None:
        if client.state == CONNECTING:
            self.opening -= 1
        elif client.state == OPEN and not client.leaving:
            self.connected -= 1
        client.state, client.message, client.talks = LOST, b"", False
        if self._by_fd.pop(client.sock.fileno(), None):
            self._poller.unregister(client.sock.fileno())
            client.sock.close()

    def _close_window(self, now: float) -> None:
        with self._turning:
            self._latest = (self._window, now - self._window_began)
            self._total.merge(self._window)
            self._window, self._window_began = Histogram(), now
        for client in [c for c in self._leaving if c.message and now - c.due > WINDOW]:
            self._drop(client)  # its reply does not come
        self._leaving = [c for c in self._leaving if c.message]

    # ---- the end

    def _say_goodbye(self) -> None:
        """Let the replies that are under way arrive: then closing sends an orderly end, and no reset."""
        for client in self._talkers:
            client.talks = False
        self._poller.unregister(self._wake_reader)
        deadline = time.perf_counter() + DRAIN
        while any(c.message for c in self._by_fd.values()) and time.perf_counter() < deadline:
            for fd, events in self._poller.poll(0.01):
                if fd in self._by_fd:
                    self._serve(self._by_fd[fd], events)

    def _close(self) -> None:
        with self._waking:
            self._closed = True
            os.close(self._wake_reader)
            os.close(self._wake_writer)
        for client in list(self._by_fd.values()):
            client.sock.close()
        self._poller.close()
        self.connected = 0
        self.ended = time.perf_counter()

    def _wake(self) -> None:
        with self._waking, contextlib.suppress(BlockingIOError):  # a full pipe wakes as well
            if not self._closed:
                os.write(self._wake_writer, b"!")


class _Poll:
    """poll in the clothes of epoll, for systems without it: seconds, and something to close."""

    def __init__(self) -> None:
        poll = select.poll()
        self.register, self.modify, self.unregister = poll.register, poll.modify, poll.unregister
        self._poll = poll.poll

    def poll(self, timeout: float) -> list[tuple[int, int]]:
        return self._poll(timeout * 1000)

    def fileno(self) -> int:
        return 1 << 30  # nothing that select could watch

    def close(self) -> None:
        return
