"""The inside of a swarm: all its clients, in one thread, over one epoll.

A client is a state and at most one message under way. Everything here but `change`, `stop` and the reading of
counters happens in the swarm's own thread, so nothing is locked on the way of a message.
"""

import collections
import contextlib
import errno
import fcntl
import itertools
import os
import random
import select
import socket
import threading
import time

from .histogram import Histogram

WINDOW = 0.5
"""Seconds of one window of figures: enough replies for a p99, soon enough to see a slider act."""

OPENING = 64
"""Connects under way at once: half of a usual accept queue (128), so that it does not overflow (listen(2))."""

DRAIN = 0.25
"""Seconds that replies under way are given when the swarm stops: closing on unread bytes would send a reset."""

BATCH = 32
"""Connects in a row, before the clients that are there get their turn."""

LATE = 0.25
"""Seconds after which a client that waits for its reply is shown as waiting."""

PERIOD = 65521
"""Bytes after which the noise repeats: a prime, so that a lost or doubled block of 2**n bytes shows as wrong bytes."""

RECV_SIZE = 65536
CONNECTING, OPEN, LOST = range(3)
IN, OUT = 1, 4  # EPOLLIN and EPOLLOUT, and poll has the same numbers


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


class Crowd:
    """The clients of a swarm and what they count; the arguments are `Swarm`'s, `floor` is the lowest descriptor."""

    def __init__(
        self, address: tuple[str, int], floor: int, wanted: int, active: int, payload: int, rate: float | None
    ) -> None:
        self.address, self.floor = address, floor
        self.wanted, self.active, self.payload, self.rate = wanted, active, payload, rate
        self.clients: list[Client] = []
        self.connected = self.sent = self.replies = self.mismatches = self.errors = self.opening = 0
        self.first_mismatch = self.first_error = ""
        self.error: BaseException | None = None
        self.began = self._window_began = time.perf_counter()
        self.ended: float | None = None
        self.latest = (Histogram(), 0.0)  # of the latest whole window, and its length in seconds
        self._total, self._window, self._turning = Histogram(), Histogram(), threading.Lock()
        self._by_fd: dict[int, Client] = {}
        self._talkers: list[Client] = []
        self._free: collections.deque[Client] = collections.deque()  # talkers without a message, when there is a rate
        self._leaving: list[Client] = []
        self._made = 0
        self._noise, self._size = b"", 0  # what messages are cut out of, and how long they are
        self._pace: float | None = None  # the rate that is kept
        self._next_due = 0.0
        self._changed, self._stopping = True, False
        self._poller = select.epoll() if hasattr(select, "epoll") else _Poll()
        self._wake_reader, self._wake_writer = os.pipe()
        os.set_blocking(self._wake_reader, False)
        os.set_blocking(self._wake_writer, False)
        self._waking, self._closed = threading.Lock(), False
        self._poller.register(self._wake_reader, IN)

    # ---- from any thread

    def change(self, **targets: float | None) -> None:
        """Set `wanted`, `active`, `payload` or `rate`; the thread takes it over at its next turn."""
        for name, value in targets.items():
            setattr(self, name, value)
        self._changed = True
        self._wake()

    @property
    def settled(self) -> bool:
        """True when no client is still to be opened, connected or closed: all are connected or lost."""
        return len(self.clients) == self.wanted and not self.opening

    def seconds(self) -> float:
        """Since the start, up to the end."""
        return (self.ended or time.perf_counter()) - self.began

    def stop(self) -> None:
        """Tell the thread to end; a second time does nothing."""
        self._stopping = True
        self._wake()

    def total(self) -> Histogram:
        """All latencies since the start."""
        everything = Histogram()
        with self._turning:
            everything.merge(self._total)
            everything.merge(self._window)
        return everything

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

    def run(self) -> None:
        """Serve the clients until `stop`."""
        try:
            while not self._stopping:
                self._turn()
            self._say_goodbye()
        except BaseException as error:  # kept, and raised where the learner is looking
            self.error = error
        finally:
            self._close()

    def adopt(self, sock: socket.socket) -> None:
        """Take a connected socket as the first client; called before `run`."""
        self._enter(sock, OPEN)

    def _turn(self) -> None:
        if self._changed or len(self.clients) != self.wanted:
            self._adjust()
        now = time.perf_counter()
        if now - self._window_began >= WINDOW:
            self._close_window(now)
        if self._free:
            self._send_due(now)
        for fd, events in self._wait(now):
            if fd == self._wake_reader:
                with contextlib.suppress(BlockingIOError):
                    os.read(fd, 4096)
            elif fd in self._by_fd:
                self._serve(self._by_fd[fd], events)

    def _wait(self, now: float) -> list[tuple[int, int]]:
        """Who is ready; returns in time for the next window, the next message that is due, and the next connects."""
        timeout = max(0.0, self._window_began + WINDOW - now)
        if len(self.clients) < self.wanted and self.opening < OPENING:
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
            data = client.sock.recv(RECV_SIZE)
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
            self._noise = _letters(self._size + PERIOD)
        if self._pace != self.rate or not self._talkers:
            self._pace, self._next_due = self.rate, time.perf_counter()  # nothing was due while nobody talked
        while len(self.clients) > self.wanted:
            self._retire(self.clients[-1])
            self.clients.pop()
        for _ in range(min(BATCH, self.wanted - len(self.clients), OPENING - self.opening)):
            self._open()
        self._choose_talkers()

    def _choose_talkers(self) -> None:
        """The first `active` of the connected clients talk."""
        for client in self._talkers:
            client.talks = False
        self._talkers = list(itertools.islice((c for c in self.clients if c.state == OPEN), self.active))
        self._free.clear()
        for client in self._talkers:
            client.talks = True
        for client in [c for c in self._talkers if not c.message]:
            if self._pace is None:
                self._talk(client, time.perf_counter())
            else:
                self._free.append(client)

    def _open(self) -> None:
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.setblocking(False)
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
        self.opening -= 1  # in this order: see `settled`
        self._poller.modify(client.sock.fileno(), IN)
        self._changed = True

    def _lose(self, client: Client, why: str) -> None:
        self.errors += 1
        self.first_error = self.first_error or why
        self._drop(client)
        self._changed = True

    def _retire(self, client: Client) -> None:
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
            self.latest = (self._window, now - self._window_began)
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


def _letters(size: int) -> bytes:
    """`size` small letters, easy to read in a cell; the same ones every time."""
    period = bytes(random.Random(0).choices(range(97, 123), k=PERIOD))
    return (period * (size // PERIOD + 1))[:size]


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
