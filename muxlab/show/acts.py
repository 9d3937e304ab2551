"""What a client does when its button is pressed, and what came of it: one line, never a traceback."""

from __future__ import annotations

from muxlab.show.theme import human_bytes
from muxlab.watch.calls import reason
from muxlab.watch.client import Client
from muxlab.watch.stepper import Stepper

LARGEST = 16 * 2**20
"""Bytes of one message: more than the kernel takes for one connection, by default (tcp_wmem and tcp_rmem, tcp(7))."""

PREVIEW = 40
"""Bytes of a message that are shown: what fits on the line."""

NAMES = {"send": "send", "read": "read", "half_close": "half-close", "close": "close", "reset": "reset"}
"""The acts of a client, as its buttons say them."""


def connect(stepper: Stepper) -> tuple[str, bool]:
    """Connect a new client; returns what to say, and whether it went well."""
    try:
        return f"{stepper.client().name} is connected", True
    except TimeoutError:
        return "no new client: the accept queue is full, and the kernel answers nobody until the server accepts", False
    except OSError as error:
        return f"no new client: {reason(error)}, nobody listens any more", False


def find(stepper: Stepper, name: str) -> Client:
    """The client of that name.

    Raises:
        ValueError: there is none.
    """
    for client in stepper.clients:
        if client.name == name:
            return client
    raise ValueError(f"there is no {name}")


def act(client: Client, what: str, data: bytes) -> tuple[str, bool]:
    """Let a client act; returns what to say after its name, and whether it went well.

    Args:
        client: who acts.
        what: one of `NAMES`.
        data: what to send, for "send".
    """
    try:
        if what == "send":
            return _sent(data, client.send(data)), True
        if what == "read":
            return _read(client.read()), True
        getattr(client, what)()
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        return f"could not {NAMES[what]}, {reason(error)}: {why}", False
    return {
        "half_close": "half-closed: it sent its end of file, and can still read",
        "close": "closed its connection",
        "reset": "reset its connection",
    }[what], True


def wanted(what: str, content: dict) -> bytes:
    """The bytes that a message of the browser asks to be sent: its `text`, `times` over; none but for "send".

    Raises:
        ValueError: there is no such act; or there are no bytes to send, or too many.
    """
    if what not in NAMES:
        raise ValueError(f"a client cannot {what!r}")
    if what != "send":
        return b""
    data, times = str(content["text"]).encode(), int(content["times"])
    size = len(data) * times
    if not 0 < size <= LARGEST:
        raise ValueError(f"a message has 1 to {LARGEST:,} bytes; this one has {size:,}")
    return data * times


def _sent(data: bytes, taken: int) -> str:
    if taken < len(data):
        return f"sent {taken:,} of {len(data):,} bytes: the kernel has no room for more"
    return f"sent {_in_short(data)}"


def _read(data: bytes | None) -> str:
    if data is None:
        return "has nothing to read yet: EAGAIN"
    return f"read {_in_short(data)}" if data else "read the end of the stream: the server has closed"


def _in_short(data: bytes) -> str:
    """How many bytes, and which if they are few."""
    return human_bytes(len(data)) + (f": {data!r}" if len(data) <= PREVIEW else "")
