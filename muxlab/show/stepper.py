"""What a client does when its button is pressed, and what came of it: one line, never a traceback."""

from __future__ import annotations

from collections.abc import Callable

from muxlab.show import stepper_picture, stepper_view
from muxlab.show.panel import StepPanel
from muxlab.show.style import human_bytes
from muxlab.stepper.client import Client
from muxlab.stepper.stepper import Stepper, step
from muxlab.watch.tap import Call, error_name

LARGEST = 16 * 2**20
"""Bytes of one message: more than the kernel takes for one connection, by default (tcp_wmem and tcp_rmem, tcp(7))."""

PREVIEW = 40
"""Bytes of a message that are shown: what fits on the line."""

NAMES = {"send": "send", "read": "read", "half_close": "half-close", "close": "close", "reset": "reset"}
"""The acts of a client, as its buttons say them."""


def connect_client(stepper: Stepper) -> tuple[str, bool]:
    """Connect a new client; returns what to say, and whether it went well."""
    try:
        return f"{stepper.client().name} is connected", True
    except TimeoutError:
        return "no new client: the accept queue is full, and the kernel answers nobody until the server accepts", False
    except OSError as error:
        return f"no new client: {error_name(error)}, nobody listens any more", False


def find_client(stepper: Stepper, name: str) -> Client:
    """The client of that name.

    Raises:
        ValueError: there is none.
    """
    for client in stepper.clients:
        if client.name == name:
            return client
    raise ValueError(f"there is no {name}")


def perform(client: Client, what: str, data: bytes) -> tuple[str, bool]:
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
        return f"could not {NAMES[what]}, {error_name(error)}: {why}", False
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


MOST = 100  # clients to begin with: a picture of more says nothing more


class StepperPanel(StepPanel):
    """The panel that `stepper` returns; what is done with `.stepper` from Python shows in it too.

    Attributes:
        stepper: the stepped server; another one after Start again.
    """

    def __init__(self, stepper: Stepper, clients: int) -> None:
        self.stepper = stepper
        self._clients = clients
        self._latest: Call | None = None
        self._attend()
        super().__init__(kind="stepper")

    def restart(self) -> None:
        """Stop, and step the same function from its first line, with as many clients as at the first start."""
        with self._lock:
            self._end()
            self.stepper, self._latest = prepare(self.stepper.fn, self.stepper.backlog, self._clients), None
            self._say("")
            self._attend()
            self.refresh()

    def _attend(self) -> None:
        self.stepper.on_change.append(self._changed)

    def _look(self) -> tuple[dict, dict]:
        state = self.stepper.state()
        self._latest = state.calls[-1] if state.calls else self._latest
        return stepper_view.source(self.stepper, state), stepper_view.moment(self.stepper, state, self._latest)

    def _act(self, act: str, content: dict) -> None:
        if act in ("next", "next_call", "run_until_blocked"):
            self._say("")
            getattr(self.stepper, act)()
        elif act == "stop":
            self._say("")
            self._end()
        elif act == "start":
            self.restart()
        elif act == "client":
            self._say(*connect_client(self.stepper))
        else:
            data, client = wanted(act, content), find_client(self.stepper, content["client"])
            text, well = perform(client, act, data)
            self._say(f"{client.name} {text}", well)

    def _end(self) -> None:
        self.stepper.end()

    def __repr__(self) -> str:
        return f"stepper({self.stepper.name}): {self.view['headline'].lower()}"

    def _picture(self) -> bytes:
        return stepper_picture.draw(self.source, self.view, "stored picture: run this cell to step")


def check_clients(clients: int) -> None:
    """Raise ValueError if this is no number of clients to begin with."""
    if isinstance(clients, bool) or not isinstance(clients, int) or not 0 <= clients <= MOST:
        raise ValueError(f"clients={clients!r}: give a whole number from 0 to {MOST}")


def prepare(fn: Callable, backlog: int, clients: int) -> Stepper:
    """A stepper with some clients in its accept queue.

    Raises:
        TimeoutError: the accept queue has no room for them.
    """
    stepper = step(fn, backlog=backlog)
    try:
        for _ in range(clients):
            stepper.client()
    except BaseException:
        stepper.end()
        raise
    return stepper


def stepper(fn: Callable | Stepper, *, backlog: int = 128, clients: int = 0) -> StepperPanel:
    """Step a live server in the notebook: its source with the line that comes next, and the kernel's queues.

    Args:
        fn: a server function, ours or yours, as for `muxlab.serve`; or what `muxlab.step` returned.
        backlog: length of the accept queue, in connections: listen(2).
        clients: how many clients are connected before its first line.

    Returns:
        The panel, a widget.

    Raises:
        TypeError: fn is not a server function.
        ValueError: a number is out of range.
        TimeoutError: the accept queue has no room for so many clients.
    """
    check_clients(clients)
    if not isinstance(fn, Stepper):
        return StepperPanel(prepare(fn, backlog, clients), clients)
    for _ in range(clients):
        fn.client()
    return StepperPanel(fn, clients)
