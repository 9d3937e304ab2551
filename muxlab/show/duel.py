"""`duel`: two servers and one set of clients, so that both meet the same bytes, and one of them may forget some."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace

from muxlab.arguments import check_count
from muxlab.show import rehearsal, stepper_picture, stepper_view
from muxlab.show.stepping import MOST, StepPanel, prepare
from muxlab.stepper import State, Stepper
from muxlab.watch.calls import Call


class DuelPanel(StepPanel):
    """The panel that `duel` returns.

    Attributes:
        steppers: the two servers, left and right; others after Start again.
    """

    def __init__(self, fns: tuple[Callable, Callable], backlog: int, clients: int, message: str, times: int) -> None:
        self._fns, self._backlog, self._clients = fns, backlog, clients
        super().__init__(kind="duel", message=message, times=times)

    def _step(self) -> tuple[Stepper, ...]:
        with contextlib.ExitStack() as undo:
            steppers = []
            for fn in self._fns:
                steppers.append(prepare(fn, self._backlog, self._clients))
                undo.callback(steppers[-1].end)
            self._note(steppers)
            self._run(steppers)
            undo.pop_all()
        return tuple(steppers)

    def _let(self, deed: Callable[[Stepper], tuple[str, bool]], who: str = "") -> None:
        """Do something to both servers, let each run until it has to wait, and keep what they did about it."""
        self._note(self.steppers)
        said = [deed(stepper) for stepper in self.steppers]
        self._run(self.steppers)
        (left, well), (right, well_too) = said
        if left != right:
            left = f"· {self.steppers[0].name}: {left} · {self.steppers[1].name}: {right}"
        self._say(f"{who} {left}".strip(" ·"), well and well_too)

    def _note(self, steppers: Sequence[Stepper]) -> None:
        """Note the states before an act, from which on calls and changes are shown."""
        self._before: list[State] = [stepper.state() for stepper in steppers]
        self._made: list[dict[int, Call]] = [{} for _ in steppers]  # the calls since, by number

    def _run(self, steppers: Sequence[Stepper]) -> None:
        for stepper, made in zip(steppers, self._made, strict=True):
            for state in (stepper.state(), stepper.run_until_blocked()):
                made.update((call.number, call) for call in state.calls)

    def _look(self) -> tuple[None, dict]:
        sides = []
        for stepper, before, made in zip(self.steppers, self._before, self._made, strict=True):
            state = stepper.state()
            state = replace(state, calls=tuple(made.values()), changed=state.differences(before))
            sides.append(stepper_view.moment(stepper, state))
        return None, {"sides": sides, "ended": all(side["ended"] for side in sides)}

    def __repr__(self) -> str:
        sides = (f"{side['name']}: {side['status']}" for side in self.view["sides"])
        return f"duel({', '.join(sides)})"

    def _picture(self) -> bytes:
        note = "stored picture: run this cell to play"
        data = self.message.encode() * self.times
        before = len(self.steppers[0].clients) == self._clients and not self._answered  # nothing was done to it yet
        if before and data and rehearsal.wanted():
            with (
                contextlib.suppress(OSError),
                rehearsal.after_message(self._fns, self._backlog, self._clients, data) as told,
            ):
                return stepper_picture.draw_duel([stepper_view.moment(one, one.state()) for one in told], note)
        return stepper_picture.draw_duel(self.view["sides"], note)


def duel(
    left: Callable, right: Callable, *, backlog: int = 128, clients: int = 1, message: str = "hello", times: int = 600
) -> DuelPanel:
    """Let two servers meet the same clients: each client is connected to both, and does the same to both.

    After each act both servers run until they have to wait. What one of them did not read stays in sight.

    Args:
        left, right: server functions, ours or yours, as for `muxlab.serve`.
        backlog: length of each accept queue, in connections: listen(2).
        clients: how many clients are connected at the start.
        message, times: what a client sends at first, and how many times over. As it is, 3,000 bytes: more than one
            `recv(1024)` or `recv(2048)` takes.

    Returns:
        The panel, a widget.

    Raises:
        TypeError: left or right is not a server function, or `clients` is not a whole number.
        ValueError: a number is out of range.
        TimeoutError: an accept queue has no room for so many clients.
    """
    check_count("clients", clients, 0, MOST)
    return DuelPanel((left, right), backlog, clients, message, times)
