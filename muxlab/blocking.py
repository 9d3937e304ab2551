"""What a server needs that sleeps in its calls: clients whose calls block, and a way out of them when it has to return.

A thread asleep in `accept`, `recv` or `send` waits for one socket and for nothing else, so it cannot see that `stop` is
set. Therefore a second thread waits for `stop`, and then shuts down every socket that somebody may be asleep on. That
makes those calls return: `accept` with an error, `recv` with b"", `send` with an error (shutdown(2)).
"""

import select
import socket
import threading
import weakref
from collections.abc import Iterator
from contextlib import suppress

from .connection import GONE_BEFORE_ACCEPT, OUT_OF_RESOURCES, REST, Connection
from .stop import Stop


class Door:
    """The listening side of a server that sleeps in its calls: it lets in one client at a time.

    A context manager; leaving it wakes every thread that is still asleep on a socket of this server.

    Args:
        listener: a listening socket. It is shut down at the end, and still belongs to the caller.
        stop: has `is_set()`, and a `fileno()` that becomes readable when the server has to return.
    """

    def __init__(self, listener: socket.socket, stop) -> None:  # type: ignore[no-untyped-def]
        listener.setblocking(True)
        self._listener, self._stop = listener, stop
        self._sockets = weakref.WeakSet([listener])  # those that somebody may be asleep on
        self._closing = threading.Lock()  # held to shut all of them down, and to add one
        self._closed = threading.Event()
        self._leave = Stop()  # ends the second thread when the server has ended without being told to
        self._watch = threading.Thread(target=self._wait_for_stop, name="muxlab-door", daemon=True)
        self._watch.start()

    def clients(self) -> Iterator[Connection]:
        """Yield each client that comes; sleep in accept until one does, and end when `stop` is set.

        Raises:
            OSError: the listener can no longer be used.
        """
        while not self._stop.is_set():
            try:
                sock, _ = self._listener.accept()
            except OSError as error:
                if self._closed.is_set():
                    return
                if error.errno in OUT_OF_RESOURCES:
                    self._closed.wait(REST)  # the client stays in the accept queue meanwhile
                elif error.errno not in GONE_BEFORE_ACCEPT:
                    raise
            else:
                client = Connection(sock)
                sock.setblocking(True)  # so that its calls sleep until they are done
                with self._closing:
                    self._sockets.add(sock)
                    if self._closed.is_set():
                        _wake(sock)
                yield client

    def __enter__(self) -> "Door":
        return self

    def __exit__(self, *_: object) -> None:
        self._leave.set()
        self._watch.join()
        self._leave.close()

    def _wait_for_stop(self) -> None:
        """Sleep until `stop` is set or the server has left, then wake whoever is asleep."""
        poll = select.poll()
        poll.register(self._stop, select.POLLIN)
        poll.register(self._leave, select.POLLIN)
        poll.poll()
        with self._closing:
            self._closed.set()
            for sock in self._sockets:
                _wake(sock)


def _wake(sock: socket.socket) -> None:
    """Shut a socket down in both directions: calls that sleep on it return, which closing would not make them do."""
    with suppress(OSError):  # not connected any more, or closed
        socket.socket.shutdown(sock, socket.SHUT_RDWR)  # past the tap: this is no call that the server made
