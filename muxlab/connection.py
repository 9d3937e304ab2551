"""The conversation: what every reference server does with a client, whatever way it waits.

A server file holds the waiting and nothing else. What it waits *for* is here: `Acceptor` is the listening
side, `Connection` one client, and `echo` one turn of their talk. Nothing here ever blocks, and nothing that a
client does raises: a reset, a half-close or a refusal to read only changes what the connection *wants*.

Not handled here: message framing (an echo needs none), time-outs for silent clients, TLS.
"""

import errno
import socket
import time

RECV_SIZE = 65536
"""Bytes asked of one recv: enough for most messages at once, little enough that no client gets a long turn."""

HIGH_WATER = 65536
"""Unsent bytes above which a client is not read from: who does not take replies may not ask for more."""

ACCEPT_BATCH = 256
"""Clients accepted at one go, so that a crowd at the door does not keep the clients inside waiting."""

REST = 0.1
"""Seconds for which nobody is accepted after the descriptors ran out: ten attempts a second are no load."""

OUT_OF_RESOURCES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
GONE_BEFORE_ACCEPT = (errno.ECONNABORTED, errno.EPROTO, errno.ENETDOWN, errno.ENETUNREACH, errno.EHOSTUNREACH)


class Connection:
    """One client: its nonblocking socket, and the reply bytes that the kernel has not taken yet.

    Args:
        sock: the accepted socket; it is made nonblocking and belongs to the connection from now on.

    Attributes:
        wants_read: True while there is something to wait for, and the client takes its replies (backpressure).
        wants_write: True while reply bytes wait for room in the kernel's send queue.
        done: True when nothing is left to do but close.
    """

    __slots__ = ("broken", "done", "ended", "sock", "unsent", "wants_read", "wants_write")

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # a small reply leaves at once: tcp(7)
        self.sock = sock
        self.unsent = bytearray()
        self.ended = False  # the client has said its last byte (it may still read: a half-close)
        self.broken = False  # nobody is there any more: reset, timed out
        self._decide()

    def fileno(self) -> int:
        """The descriptor, so that select and epoll take a connection as they take a socket."""
        return self.sock.fileno()

    def receive(self) -> bytes:
        """Take what waits in the receive queue, at most `RECV_SIZE` bytes; b"" when nothing does."""
        try:
            data = self.sock.recv(RECV_SIZE)
        except BlockingIOError:
            return b""
        except OSError:  # ECONNRESET, ETIMEDOUT, ...: this client's end, nobody else's
            self._give_up()
            return b""
        if not data:
            self.ended = True
            self._decide()
        return data

    def send(self, data: bytes) -> None:
        """Send `data` as far as the kernel takes it, and keep the rest."""
        if self.unsent:  # first come, first sent
            self.unsent += data
            self.flush()
        elif rest := data[self._offer(data) :]:
            self.unsent += rest
            self._decide()

    def flush(self) -> None:
        """Send unsent bytes, as many as the kernel takes now."""
        del self.unsent[: self._offer(self.unsent)]
        self._decide()

    def close(self) -> None:
        """Close the socket; a second time does nothing."""
        self.sock.close()

    def _offer(self, data: bytes | bytearray) -> int:
        """Offer bytes to the kernel; returns how many it took, and all when nobody is there to get them."""
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
        """Work out what is wanted: whenever it may have changed, which is far more rare than that a server asks."""
        self.wants_read = not self.ended and not self.broken and len(self.unsent) <= HIGH_WATER
        self.wants_write = bool(self.unsent)
        self.done = self.broken or (self.ended and not self.unsent)


def echo(client: Connection) -> bool:
    """One turn of the conversation: send what waits, read once, send that back.

    Returns:
        True when bytes were read, so that more may be waiting; False when the kernel has to be waited for.
    """
    if client.unsent:
        client.flush()
    if client.wants_read:
        data = client.receive()
        if data:
            client.send(data)
            return True
    return False


class Acceptor:
    """The listening side of a server: takes clients out of the accept queue.

    When the process has no descriptor left, accept fails and the client stays in the queue: a level-triggered
    wait would report it again at once, for ever (accept(2), EMFILE). So the acceptor rests for a moment:
    `resting` is True, `timeout` says for how long, and `rest_is_over()` tells when to look again.

    Args:
        listener: a listening socket; it is made nonblocking. It still belongs to the caller.
    """

    def __init__(self, listener: socket.socket) -> None:
        listener.setblocking(False)
        self.listener = listener
        self.resting = False
        self._rest_until = 0.0

    def fileno(self) -> int:
        """The listener's descriptor."""
        return self.listener.fileno()

    @property
    def timeout(self) -> float | None:
        """Seconds that a wait may take: None (no bound) but while resting."""
        return max(0.0, self._rest_until - time.monotonic()) if self.resting else None

    def rest_is_over(self) -> bool:
        """True once after each rest."""
        if not self.resting or time.monotonic() < self._rest_until:
            return False
        self.resting = False
        return True

    def accept(self) -> list[Connection]:
        """The clients in the accept queue, at most `ACCEPT_BATCH`: fewer means that the queue is empty.

        Raises:
            OSError: the listener itself is of no more use (closed, shut down).
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
