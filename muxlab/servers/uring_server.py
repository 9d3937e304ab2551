"""Wait with io_uring: hand the calls themselves to the kernel, and sleep until some of them are done."""

import os
import socket

from ..connection import GONE_BEFORE_ACCEPT, OUT_OF_RESOURCES, REST
from ..ring import Ring

SIZE = 4096
"""Bytes of a client's buffer. It has to be there while the client is silent, as the kernel may fill it at any moment:
so it is smaller than the one that the other servers read into, one client after the other."""


class RingClient:
    """One client, with the buffer that the kernel reads into, and sends from: one request at a time has it."""

    def __init__(self, sock):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # send small replies at once: tcp(7)
        self.sock = sock
        self.buffer = bytearray(SIZE)
        self.start = self.end = 0  # of the part that is to be sent

    def fileno(self):
        """Return the descriptor, so that a ring takes a client like a socket."""
        return self.sock.fileno()


def uring_server(listener, stop):
    """Echo with io_uring: each client has one request under way, to receive or to send, and completions say what next.

    A client is read from again when all of its reply is sent: that alone is backpressure, and bounds the memory.

    Args:
        listener: a listening TCP socket.
        stop: has `is_set()`, and a `fileno()` that becomes readable when the server has to return.
    """
    clients = set()
    try:
        with Ring() as ring:  # at the end, it waits until the kernel has given every buffer back
            ring.poll(stop)
            ring.accept(listener)
            while not stop.is_set():
                ring.enter()
                for done in ring.completions():
                    if done.name == "accept":
                        if done.sock is not None:
                            client = RingClient(done.sock)
                            clients.add(client)
                            ring.recv(client, client.buffer)
                        if not done.more:
                            accept_again(ring, listener, -done.result)
                    elif done.name == "timeout":
                        ring.accept(listener)
                    elif done.name == "poll":
                        ring.poll(stop)  # a line that is not complete has been typed, perhaps: see `Keyboard`
                    elif done.result <= 0:  # the end, or an error: either way nothing more is under way
                        clients.discard(done.tag)
                        done.tag.sock.close()
                    else:
                        go_on(ring, done)
    finally:
        for client in clients:
            client.sock.close()


def go_on(ring, done):
    """Send what a client's request has received, or the rest of it; or receive again when all is sent."""
    client = done.tag
    if done.name == "recv":
        client.start, client.end = 0, done.result
    else:
        client.start += done.result
    if client.start < client.end:
        ring.send(client, client.buffer, client.start, client.end)
    else:
        ring.recv(client, client.buffer)


def accept_again(ring, listener, error):
    """Ask for clients again after an accept that will not go on; rest before that if there were no descriptors left."""
    if error in OUT_OF_RESOURCES:
        ring.timeout(REST)
    elif error <= 0 or error in GONE_BEFORE_ACCEPT:
        ring.accept(listener)
    else:
        raise OSError(error, os.strerror(error))
