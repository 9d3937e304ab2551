"""Recordings of what moves by itself: the playground, two crowds, a race. They run for as long as is recorded.

A scene says where the sliders go and for how many seconds; it goes on a little longer if what its caption says is not
to be seen by then.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from muxlab.arguments import check_duration
from muxlab.show.recording import Recording, shown_by
from muxlab.show.story import Scene, UntrueCaption

if TYPE_CHECKING:
    from muxlab.show.live import LivePanel

FRAME = 0.1  # seconds, as the panels themselves show them
SCENE = 3.0  # seconds of a scene that does not say
LONGER = 15.0  # seconds more that a scene may take on a busy machine, until its caption is true


def record_live(panel: LivePanel, kind: str, title: str, story: Sequence[Scene] | None) -> Recording:
    """Let a panel run through a story, stop it, and return the recording.

    Args:
        panel: it may run already.
        kind, title: as of `Recording`.
        story: None for `SCENE` seconds as the sliders stand.

    Raises:
        UntrueCaption: what a caption says was not seen in time.
        RuntimeError: servers or clients did not start, or stopped; the text is the panel's message.
    """
    recording = Recording(kind, title, FRAME)
    panel.start()
    try:
        for scene in story or [Scene({}, f"{title}, as it was recorded.")]:
            _record_scene(panel, scene, recording)
    finally:
        panel.stop()
    return recording


def _record_scene(panel: LivePanel, scene: Scene, recording: Recording) -> None:
    sliders = dict(scene.deed)
    seconds = sliders.pop("seconds", SCENE)
    check_duration(seconds)
    panel.move(**sliders)
    began = time.monotonic()
    number = 0
    while time.monotonic() < began + seconds or not _true(scene, panel):
        if time.monotonic() > began + seconds + LONGER:
            raise UntrueCaption(f"{scene.caption!r} was not seen to be true within {seconds + LONGER:g} s")
        panel.refresh()
        if not panel.running:
            raise RuntimeError(f"the panel stopped while it was recorded: {panel.display.message}")
        recording.note(shown_by(panel.display), scene.caption, panel.setting())
        number += 1
        time.sleep(max(0.0, began + number * FRAME - time.monotonic()))  # the pace of the frames, not a wait


def _true(scene: Scene, panel: LivePanel) -> bool:
    sees: str | Callable = scene.sees
    return sees(panel) if callable(sees) else not sees or sees in str(shown_by(panel.display))
