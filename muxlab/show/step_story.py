"""A recording of the stepper or the duel: a story that the panel performs.

It is recorded one step at a time: each frame is what was to be seen when the server was held again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from muxlab.show.recording import Recording
from muxlab.show.step_past import WORDS
from muxlab.show.story import Scene

if TYPE_CHECKING:
    from muxlab.show.stepping import StepPanel

MOST_CALLS = 100  # that one scene may take to get where it wants to


def record_story(panel: StepPanel, story: Sequence[Scene]) -> Recording:
    """Let a panel perform a story, and return the recording of it. The panel stands where the story ends.

    Raises:
        UntrueCaption: a caption says what did not happen.
        TimeoutError: a scene did not get where it wanted to.
    """
    recording = Recording(panel.kind, panel.title)
    for scene in story:
        for _ in enact(panel, scene.deed):
            panel.refresh()
            recording.note(panel.shown(), scene.caption)
        scene.check(panel, "\n".join(str(stepper.state()) for stepper in panel.steppers))
    return recording


def enact(panel: StepPanel, deed: Any) -> Iterator[None]:
    """Do what a scene says, through the panel's own buttons; yield whenever there is something new to be seen."""
    act, *more = (deed,) if isinstance(deed, str) else deed
    if act == "look":
        yield
    elif act == "until":
        yield from _until(panel, *more)
    elif act == "wake":
        yield from _wake(panel, *more)
    elif act in WORDS:
        for _ in range(more[0] if more else 1):
            panel.act(act)
            yield
    elif act == "client":
        panel.act(act)
        yield
    else:
        panel.act(act, **{"text": "", "times": 1} | dict(zip(("client", "text", "times"), more, strict=False)))
        yield


def _until(panel: StepPanel, call: str) -> Iterator[None]:
    """Make calls until the one that begins with `call` comes next, or is slept in."""
    for _ in range(MOST_CALLS):
        panel.act("next_call")
        yield
        state = panel.steppers[0].state()
        if state.call.startswith(call):
            return
        if state.status != "paused":
            break
    raise TimeoutError(f"the server did not come to {call!r}: it is {state}")


def _wake(panel: StepPanel, act: str, client: str, *message: Any) -> Iterator[None]:
    """Let a client do the same thing until the server does not sleep any more."""
    for _ in range(MOST_CALLS):
        yield from enact(panel, (act, client, *message))
        if panel.steppers[0].state().status != "blocked":
            return
    raise TimeoutError(f"{client} did {act!r} {MOST_CALLS} times, and the server sleeps on")
