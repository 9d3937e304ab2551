"""`stepper`: one live server, its source with the line that comes next, and the kernel's queues beside it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from muxlab.arguments import check_count
from muxlab.show import rehearsal, stepper_picture, stepper_view
from muxlab.show.stepping import MOST, StepPanel, prepare
from muxlab.stepper import Stepper
from muxlab.watch.calls import Call

STEPS = ("next", "next_call", "run_until_blocked")
"""The buttons that step, by the methods of `Stepper` that they call."""


class StepperPanel(StepPanel):
    """The panel that `stepper` returns.

    Attributes:
        stepper: the stepped server; another one after Start again.
    """

    def __init__(self, fn: Callable | Stepper, backlog: int, clients: int) -> None:
        self._given = fn if isinstance(fn, Stepper) else None
        self._fn, self._backlog = (fn.fn, fn.backlog) if isinstance(fn, Stepper) else (fn, backlog)
        self._clients = clients
        super().__init__(kind="stepper")

    @property
    def stepper(self) -> Stepper:
        """The stepped server."""
        return self.steppers[0]

    def _step(self) -> tuple[Stepper]:
        given, self._given = self._given, None
        self._latest: Call | None = None
        if given is None:
            return (prepare(self._fn, self._backlog, self._clients),)
        for _ in range(self._clients):
            given.client()
        return (given,)

    def _look(self) -> tuple[dict, dict]:
        state = self.stepper.state()
        self._latest = state.calls[-1] if state.calls else self._latest
        return stepper_view.source(self.stepper, state), stepper_view.moment(self.stepper, state, self._latest)

    def _act(self, act: str, content: dict) -> None:
        if act in STEPS:
            self._say("")
            getattr(self.stepper, act)()
        else:
            super()._act(act, content)

    def _let(self, deed: Callable[[Stepper], tuple[str, bool]], who: str = "") -> None:
        text, well = deed(self.stepper)
        self._say(f"{who} {text}".strip(), well)

    def __repr__(self) -> str:
        return f"stepper({self.stepper.name}): {self.view['headline'].lower()}"

    def _picture(self) -> bytes:
        note = "stored picture: run this cell to step"
        if not self._touched and rehearsal.wanted():
            with contextlib.suppress(OSError), rehearsal.at_recv(self._fn, self._backlog, self._clients) as told:
                state = told.state()
                latest = state.calls[-1] if state.calls else None
                view = stepper_view.moment(told, state, latest)
                return stepper_picture.draw_stepper(stepper_view.source(told, state), view, note)
        return stepper_picture.draw_stepper(self.source, self.view, note)


def stepper(fn: Callable | Stepper, *, backlog: int = 128, clients: int = 0) -> StepperPanel:
    """Step a live server in the notebook: its source with the line that comes next, and the kernel's queues.

    Args:
        fn: a server function, ours or yours, as for `muxlab.serve`; or what `muxlab.step` returned.
        backlog: length of the accept queue, in connections: listen(2).
        clients: how many clients are connected before its first line.

    Returns:
        The panel, a widget.

    Raises:
        TypeError: fn is not a server function, or `clients` is not a whole number.
        ValueError: a number is out of range.
        TimeoutError: the accept queue has no room for so many clients.
    """
    check_count("clients", clients, 0, MOST)
    return StepperPanel(fn, backlog, clients)
