"""Recordings of the stepper and the duel: what was shown so far, or a story that the panel performs.

Both are recorded one step at a time: each frame is what was to be seen when the server was held again.
"""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from muxlab.show.recording import Recording
from muxlab.show.story import Scene

if TYPE_CHECKING:
    from muxlab.show.stepping import StepPanel

KEPT = 200  # moments: a panel that is used for an hour does not fill the memory; the oldest go first
SAME = 0.25  # seconds within which a change belongs to the same step: the step, and what it set off in a thread
MOST_CALLS = 100  # that one scene may take to get where it wants to
MOST_FILES = 1000  # of one name in one folder

WORDS = {
    "next": "Next line",
    "next_call": "Next call",
    "run_until_blocked": "Run until blocked",
    "stop": "Stop",
    "start": "Start again",
}
"""What the captions say of buttons that leave nothing to be said."""


# ---- what was shown so far


class Past:
    """What a panel has shown since it was started, with what was done each time."""

    def __init__(self) -> None:
        self._moments: list[tuple[dict[str, Any], str]] = []  # traits and caption
        self._time = 0.0
        self._text = ""

    def note(self, traits: dict[str, Any], caption: str) -> None:
        """Keep a moment, unless it looks like the latest one; what comes right after a step belongs to the step."""
        text = json.dumps({**traits["view"], "answered": 0})
        before = self._moments[-1][0]["view"] if self._moments else {}
        if before and before["run"] != traits["view"]["run"]:  # it was started again
            self._moments.clear()
        now = time.monotonic()
        same_step = before and before["answered"] == traits["view"]["answered"] > 0 and now - self._time < SAME
        if self._moments and (text == self._text or same_step):
            self._moments.pop()
        self._moments.append((traits, caption))
        del self._moments[:-KEPT]
        self._time, self._text = now, text

    def recording(self, kind: str, title: str) -> Recording:
        """Return a recording of all that is kept."""
        recording = Recording(kind, title)
        for traits, caption in self._moments:
            recording.note(traits, caption)
        return recording


def caption_of(act: str, view: dict[str, Any]) -> str:
    """Return what to write under a moment that a learner saw: what was done, and what came of it."""
    done = view["said"]["text"] or WORDS.get(act, "")
    seen = (
        "; ".join(f"{side['name']}: {side['headline']}" for side in view["sides"])
        if "sides" in view
        else view["headline"]
    )
    return f"{done}. {seen}." if done else f"{seen}."


# ---- a story


def record_story(panel: StepPanel, story: Sequence[Scene]) -> Recording:
    """Let a panel perform a story, and return the recording of it. The panel stands where the story ends.

    Raises:
        UntrueCaption: a caption says what did not happen.
        TimeoutError: a scene did not get where it wanted to.
    """
    recording = Recording(panel.kind, panel.title)
    for scene in story:
        for _ in perform(panel, scene.deed):
            panel.refresh()
            recording.note(panel.shown(), scene.caption)
        scene.check(panel, "\n".join(str(stepper.state()) for stepper in panel.steppers))
    return recording


def perform(panel: StepPanel, deed: Any) -> Iterator[None]:
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
        yield from perform(panel, (act, client, *message))
        if panel.steppers[0].state().status != "blocked":
            return
    raise TimeoutError(f"{client} did {act!r} {MOST_CALLS} times, and the server sleeps on")


# ---- a file for somebody else


def save_in(folder: Path, recording: Recording) -> Path:
    """Write a page that plays a recording into a folder, under a name that is not taken yet; return its path."""
    name = re.sub(r"[^\w-]+", "-", recording.title).strip("-")[:60] or "server"
    for number in range(1, MOST_FILES + 1):
        with contextlib.suppress(FileExistsError):
            return recording.save(folder / f"recording-{name}{'' if number == 1 else f'-{number}'}.html")
    raise FileExistsError(f"there are {MOST_FILES} recordings of {recording.title} in {folder}: remove some")
