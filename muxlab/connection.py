"""The conversation with a client: the same in every reference server, however it waits.

A server file holds the waiting and nothing else; everything else is here. `Acceptor` takes clients out of the
accept queue, `Connection` is one client, and `echo` is one turn of the conversation. Nothing here blocks, and no
client can make it raise: a reset, a half-close or a client that does not read changes what the connection *wants*.

Not handled here: message framing (an echo needs none), timeouts for silent clients, TLS.
"""

import errno
import socket
import time

RECV_SIZE = 65536
"""Bytes to ask for in one recv: enough for most messages, few enough that no client gets a long turn."""

HIGH_WATER = 65536
"""Unsent bytes above which a client is not read from, until it has taken some of its replies (backpressure)."""

ACCEPT_BATCH = 256
"""Clients to accept in one go: a long accept queue must not keep the connected clients waiting."""

REST = 0.1
"""Seconds between two attempts to accept when no descriptor is left: ten a second are no load."""

IN, OUT = 1, 4
"""Readable and writable, for poll and epoll alike: EPOLLIN is the same number as POLLIN, EPOLLOUT as POLLOUT."""

OUT_OF_RESOURCES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
GONE_BEFORE_ACCEPT = (errno.ECONNABORTED, errno.EPROTO, errno.ENETDOWN, errno.ENETUNREACH, errno.EHOSTUNREACH)


class Connection:
    """One client: its nonblocking socket, and the reply bytes that the kernel has not taken yet.

    Args:
        sock: the accepted socket; the connection makes it nonblocking and owns it from now on.

    Attributes:
        wants_read: True while the client may send more, and takes its replies (backpressure).
        wants_write: True while reply bytes wait for room in the kernel's send queue.
        wants: both in one number, as poll and epoll take it: IN, OUT, IN | OUT, or 0.
        done: True when nothing is left to do but to close.
    """

    __slots__ = ("broken", "done", "ended", "sock", "unsent", "wants", "wants_read", "wants_write")

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # send small replies at once: tcp(7)
        self.sock = sock
        self.unsent = bytearray()
        self.ended = False  # the client has sent its last byte (it may still read: a half-close)
        self.broken = False  # the client is gone: reset, timed out
        self._decide()

    def fileno(self) -> int:
        """Return the descriptor, so that select and epoll take a connection like a socket."""
        return self.sock.fileno()

    def receive(self) -> bytes:
        """Read at most `RECV_SIZE` bytes from the receive queue; return b"" when there is nothing to read."""
        try:
            data = self.sock.recv(RECV_SIZE)
        except BlockingIOError:
            return b""
        except OSError:  # ECONNRESET, ETIMEDOUT, ...: the end of this client, not of the server
            self._give_up()
            return b""
        if not data:
            self.ended = True
            self._decide()
        return data

    def send(self, data: bytes) -> None:
        """Send as much of `data` as the kernel takes now, and keep the rest for `flush`."""
        if self.unsent:  # earlier bytes go first
            self.unsent += data
            self.flush()
            return
        taken = self._offer(data)
        if taken < len(data):
            self.unsent += data[taken:]
            self._decide()

    def flush(self) -> None:
        """Send as many of the unsent bytes as the kernel takes now."""
        del self.unsent[: self._offer(self.unsent)]
        self._decide()

    def close(self) -> None:
        """Close the socket; a second call does nothing."""
        self.sock.close()

    def _offer(self, data: bytes | bytearray) -> int:
        """Offer bytes to the kernel; return how many it took, or all of them if the client is gone."""
        try:
            return self.sock.send(data)
        except BlockingIOError:
            return 0
        except OSError:  # EPIPE, ECONNRESET, ...
            self._give_up()
            return len(data)

    def _give_up(self) -> None:
        self.broken = True
        self.unsent.clear()
        self._decide()

    def _decide(self) -> None:
        """Work out what is wanted, once after each change: servers look at the result far more often."""
        self.wants_read = not self.ended and not self.broken and len(self.unsent) <= HIGH_WATER
        self.wants_write = bool(self.unsent)
        self.wants = self.wants_read * IN | self.wants_write * OUT
        self.done = self.broken or (self.ended and not self.unsent)


def echo(client: Connection) -> bool:
    """Take one turn of the conversation: send the unsent bytes, read once, send back what was read.

    Returns:
        True when bytes were read: there may be more. False when the server has to wait before the next turn.
    """
    if client.wants_write:
        client.flush()
    if client.wants_read:
        data = client.receive()
        if data:
            client.send(data)
            return True
    return False


class Acceptor:
    """The listening side of a server: it takes clients out of the accept queue.

    When the process has no descriptor left, accept fails and the client stays in the queue, so that every
    level-triggered wait returns at once (accept(2), EMFILE). The acceptor therefore rests for a moment:
    `resting` is True, `timeout` says for how long, and `rest_is_over()` tells when to accept again.

    Args:
        listener: a listening socket; the acceptor makes it nonblocking. It still belongs to the caller.
    """

    def __init__(self, listener: socket.socket) -> None:
        listener.setblocking(False)
        self.listener = listener
        self.resting = False
        self._rest_until = 0.0

    def fileno(self) -> int:
        """Return the listener's descriptor."""
        return self.listener.fileno()

    @property
    def timeout(self) -> float | None:
        """Longest time for the next wait, in seconds: until the rest is over, or None (no limit) when not resting."""
        return max(0.0, self._rest_until - time.monotonic()) if self.resting else None

    def rest_is_over(self) -> bool:
        """Tell whether a rest has just ended: True once after each rest."""
        if not self.resting or time.monotonic() < self._rest_until:
            return False
        self.resting = False
        return True

    def accept(self) -> list[Connection]:
        """Accept up to `ACCEPT_BATCH` clients; fewer mean that the queue is empty, or that a rest has begun.

        Raises:
            OSError: the listener itself can no longer be used (closed, shut down).
        """
        accepted: list[Connection] = []
        while len(accepted) < ACCEPT_BATCH:
            try:
                accepted.append(Connection(self.listener.accept()[0]))
            except BlockingIOError:
                break
            except OSError as error:
                if error.errno in OUT_OF_RESOURCES:
                    self.resting, self._rest_until = True, time.monotonic() + REST
                    break
                if error.errno not in GONE_BEFORE_ACCEPT:
                    raise
        return accepted
