"""The duel: two servers and one set of clients, so that both meet the same bytes, and one of them may forget some."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from muxlab.show import stepper_picture, stepper_view
from muxlab.show.panel import StepPanel
from muxlab.show.stepper import check_clients, connect_client, find_client, perform, prepare, wanted
from muxlab.stepper.state import State
from muxlab.stepper.stepper import Stepper
from muxlab.watch.tap import Call


class DuelPanel(StepPanel):
    """The panel that `duel` returns.

    Attributes:
        steppers: the two servers, left and right; others after Start again.
    """

    def __init__(self, fns: tuple[Callable, Callable], backlog: int, clients: int, message: str, times: int) -> None:
        self._fns, self._backlog, self._clients = fns, backlog, clients
        self._before: list[State] = []  # the states before the latest act,
        self._made: list[dict[int, Call]] = []  # and the calls since, by number
        self._begin()
        super().__init__(kind="duel", message=message, times=times)

    def restart(self) -> None:
        """Stop both, and start them again, with as many clients as at the first start."""
        with self._lock:
            self._end()
            self._begin()
            self._say("")
            self.refresh()

    def _let(self, deed: Callable[[Stepper], tuple[str, bool]], who: str = "") -> None:
        """Do something to both servers, let each run until it has to wait, and keep what they did about it.

        Args:
            deed: is given a stepper; returns what to say, and whether it went well.
            who: the client that does it, if it is one.
        """
        self._before = [stepper.state() for stepper in self.steppers]
        self._made = [{}, {}]
        said = [deed(stepper) for stepper in self.steppers]
        for place in (0, 1):
            self._run(place)
        (left, well), (right, well_too) = said
        if left != right:
            left = f"· {self.steppers[0].name}: {left} · {self.steppers[1].name}: {right}"
        self._say(f"{who} {left}".strip(" ·"), well and well_too)

    def _begin(self) -> None:
        left = prepare(self._fns[0], self._backlog, self._clients)
        try:
            right = prepare(self._fns[1], self._backlog, self._clients)
        except BaseException:
            left.end()
            raise
        self.steppers = (left, right)
        self._before = [stepper.state() for stepper in self.steppers]
        self._made = [{}, {}]
        for place in (0, 1):
            self._run(place)
            self.steppers[place].on_change.append(self._changed)

    def _run(self, place: int) -> None:
        stepper = self.steppers[place]
        for state in (stepper.state(), stepper.run_until_blocked()):
            self._made[place] |= {call.number: call for call in state.calls}

    def _look(self) -> tuple[None, dict]:
        sides = []
        for stepper, before, made in zip(self.steppers, self._before, self._made, strict=True):
            state = stepper.state()
            state = replace(state, calls=tuple(made.values()), changed=state.differences(before))
            sides.append(stepper_view.moment(stepper, state))
        return None, {"sides": sides, "ended": all(side["ended"] for side in sides)}

    def _act(self, act: str, content: dict) -> None:
        if act == "stop":
            self._say("")
            self._end()
        elif act == "start":
            self.restart()
        elif act == "client":
            self._let(connect_client)
        else:
            data, who = wanted(act, content), content["client"]
            self._let(lambda stepper: perform(find_client(stepper, who), act, data), who)

    def _end(self) -> None:
        for stepper in self.steppers:
            stepper.end()

    def __repr__(self) -> str:
        sides = (f"{side['name']}: {side['status']}" for side in self.view["sides"])
        return f"duel({', '.join(sides)})"

    def _picture(self) -> bytes:
        return stepper_picture.draw_duel(self.view["sides"], "stored picture: run this cell to play")


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
        TypeError: left or right is not a server function.
        ValueError: a number is out of range.
        TimeoutError: an accept queue has no room for so many clients.
    """
    check_clients(clients)
    return DuelPanel((left, right), backlog, clients, message, times)
