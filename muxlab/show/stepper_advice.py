"""What to do next with a stepped server, in a sentence, and the buttons that do it.

A server that sleeps cannot be stepped: somebody has to wake it. Who can depends on the call that it sleeps in.
"""

from __future__ import annotations

from muxlab.stepper.state import State
from muxlab.stepper.stepper import Stepper
from muxlab.watch.calls import SENDS

ENDED = ("finished", "crashed", "stopped")


def wakers(state: State) -> dict[str, list[str]]:
    """Return who can wake a server that sleeps: {act: names of clients}; connecting a new one is {"client": []}."""
    if state.status != "blocked":
        return {}
    call, who = call_of(state)
    open_now = [one for one in state.connections if one.fd is not None]
    names = [one.name for one in open_now]
    if call == "time.sleep":
        return {}
    if call == "accept":
        return {"client": []}
    if call == "recv":  # which waits for one client alone
        return {"send": [who] if who in names else names}
    if call in SENDS:
        return {"read": [who] if who in names else [one.name for one in open_now if one.send]}
    heard = [one.name for one in open_now if not one.interest or "IN" in one.interest]
    slow = [one.name for one in open_now if "OUT" in one.interest and one.send]  # epoll tells when it has read
    return {"client": []} | ({"send": heard} if heard else {}) | ({"read": slow} if slow else {})


def advice(state: State) -> str:
    """Say what wakes a server that sleeps; "" for one that does not."""
    if state.status != "blocked":
        return ""
    can = wakers(state)
    if not can:
        return "No client can wake it: it goes on when the time is up."
    if "read" in can and "client" in can:
        acts = "send or read" if "send" in can else "read"
        return f"Let a client {acts}, or press New client, to wake it."
    if "read" in can:
        return f"There is room again when {_one_of(can['read'])} reads."
    if "client" not in can:
        return f"Only {_one_of(can['send'])} can wake it: let it send."
    if "send" in can:
        return "Let a client send, or press New client, to wake it."
    if call_of(state)[0] == "accept":
        return "Only a new connection wakes it: press New client."
    return "Press New client to wake it."


def _one_of(names: list[str]) -> str:
    return names[0] if len(names) == 1 else "its client"


def refusal(state: State) -> str:
    """Say why a server cannot be stepped now; "" for one that can."""
    if state.status in ENDED:
        return "The server has ended: press Start again."
    return f"It sleeps in {call_of(state)[0]}(). {advice(state)}" if state.status == "blocked" else ""


def not_followed(stepper: Stepper) -> str:
    """Say what of a server cannot be stepped: the threads that it has started; "" when it has none."""
    own = [thread for thread in stepper.threads() if not thread.name.startswith("muxlab-")]  # ours only watch `stop`
    if not own:
        return ""
    if len(own) == 1:
        return "It has started a thread, which runs freely: only this one is stepped."
    return f"It has started {len(own)} threads, which run freely: only this one is stepped."


def call_of(state: State) -> tuple[str, str]:
    """Return the name of the call that comes next or that the server sleeps in, and its first argument."""
    name, _, arguments = state.call.partition("(")
    return name, arguments.rstrip(")").partition(",")[0]
