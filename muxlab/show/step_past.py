"""What a stepper or a duel has shown so far, kept moment by moment, so that it can be made a recording afterwards."""

from __future__ import annotations

import json
import time
from typing import Any

from muxlab.show.recording import Recording

KEPT = 200  # moments: a panel that is used for an hour does not fill the memory; the oldest go first
SAME = 0.25  # seconds within which a change belongs to the same step: the step, and what it set off in a thread

WORDS = {
    "next": "Next line",
    "next_call": "Next call",
    "run_until_blocked": "Run until blocked",
    "stop": "Stop",
    "start": "Start again",
}
"""What the captions say of buttons that leave nothing to be said."""


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
