"""The stepper panel: a real server, one line or one call at a time, with the kernel's queues beside its source."""

from __future__ import annotations

from collections.abc import Callable

from muxlab.show import acts, stepper_picture, view
from muxlab.show.panel import Panel
from muxlab.watch.calls import Call
from muxlab.watch.stepper import Stepper, step

MOST = 100  # clients to begin with: a picture of more says nothing more


class StepperPanel(Panel):
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
        return view.source(self.stepper, state), view.moment(self.stepper, state, self._latest)

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
            self._say(*acts.connect(self.stepper))
        else:
            data, client = acts.wanted(act, content), acts.find(self.stepper, content["client"])
            text, well = acts.act(client, act, data)
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
