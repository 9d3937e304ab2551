"""Conversations with servers that speak Redis's protocol, to compare the replies of two of them."""

import contextlib
import re
import select
import socket

from helpers import connect, eventually, read_exactly

import muxlab
from muxlab.resp.protocol import array, bulk_string

END = b"the end of the conversation"


def request(*words: bytes) -> bytes:
    """A request as clients send it."""
    return array([bulk_string(word) for word in words])


def reply_to(address: tuple[str, int], pieces: list[bytes]) -> bytes:
    """All that a server sends until it has answered the last piece and the end, or closes."""
    replies = bytearray()
    with connect(address) as client, connect(address) as witness:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(ConnectionError):  # it closes before it has read everything
            for piece in pieces:
                client.sendall(piece)
                wait_until_read(client, witness)
            client.sendall(request(b"ECHO", END))
        with contextlib.suppress(ConnectionError):
            while not replies.endswith(END + b"\r\n") and (data := client.recv(65536)):
                replies += data
    return bytes(replies)


def wait_until_read(client: socket.socket, witness: socket.socket) -> None:
    """Wait until the server has read what this client sent, so that each piece comes by itself.

    Once it has arrived, epoll has the client on its ready list, in front of the witness that asks after it.
    """
    assert eventually(lambda: muxlab.unsent_bytes(client) == 0 or has_ended(client))
    witness.sendall(b"PING\r\n")
    assert read_exactly(witness, 7) == b"+PONG\r\n"


def has_ended(client: socket.socket) -> bool:
    """Has the server closed the connection?"""
    poll = select.poll()
    poll.register(client, select.POLLRDHUP)
    return bool(poll.poll(0))


def by_their_code(replies: bytes) -> bytes:
    """The replies, with no more of each error than its first word."""
    return re.sub(rb"(?m)^-([A-Z]+) [^\r]*", rb"-\1", replies)
