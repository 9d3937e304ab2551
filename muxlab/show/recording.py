"""A recording: what a panel showed, frame after frame, so that it can be played where no kernel runs.

A recording holds plain data. How it becomes a page that plays is in player.py, and how a panel is recorded is in
step_past.py and step_story.py (the stepper and the duel) and in live_story.py (what moves by itself).
"""

from __future__ import annotations

import base64
import contextlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FORM = 1
"""Counts the forms that the JSON of a recording has had; a player says so when it meets one that it cannot read."""

MOST_FILES = 1000  # of one name in one folder

BYTES = "muxlab.bytes"  # JSON has no bytes: they travel as base64, under this name


class NotARecording(ValueError):
    """What was given is not the JSON of a recording, or not of this version; the text says which."""


class Recording:
    """The frames of one panel.

    Args:
        kind: which panel plays it: "stepper", "duel", "playground", "crowds", "race" or "timeline".
        title: what was recorded, such as the name of the server.
        seconds: from one frame to the next; 0 where a reader takes one frame at a time.

    Attributes:
        frames: for each frame a dict: its "caption", and every trait of the panel that is not as in the frame before.
            Where sliders were moved, "setting" says where they stood: {"connections": 300, "talking": 30}.
    """

    def __init__(self, kind: str, title: str, seconds: float = 0.0) -> None:
        self.kind, self.title, self.seconds = kind, title, seconds
        self.frames: list[dict[str, Any]] = []
        self._now: dict[str, Any] = {}  # all traits, as of the latest frame

    def note(self, traits: dict[str, Any], caption: str, setting: dict[str, int] | None = None) -> None:
        """Add a frame.

        Args:
            traits: what the panel shows, by name; only what has changed is kept.
            caption: what there is to see in it, in a sentence.
            setting: where the sliders stand.
        """
        extra = {"setting": setting} if setting else {}
        self.frames.append({"caption": caption} | self._news(traits | extra))

    def moments(self) -> Iterator[dict[str, Any]]:
        """Yield all that there is to see in each frame, and not only what has changed."""
        now: dict[str, Any] = {}
        for frame in self.frames:
            now = now | frame
            yield now

    def to_json(self) -> str:
        """Return the recording as JSON, which `from_json` reads."""
        data = {
            "form": FORM,
            "kind": self.kind,
            "title": self.title,
            "seconds": self.seconds,
            "frames": self.frames,
        }
        return json.dumps(data, default=_write_bytes, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Recording:
        """Return the recording that `to_json` wrote; a NotARecording says that this was something else."""
        try:
            data = json.loads(text, object_hook=_read_bytes)
            recording = cls(str(data["kind"]), str(data["title"]), float(data["seconds"]))
            form, frames = data["form"], [dict(frame) for frame in data["frames"]]
        except (ValueError, TypeError, KeyError) as error:
            raise NotARecording(f"this is not a recording of muxlab's: {type(error).__name__}: {error}") from error
        if form != FORM:
            raise NotARecording(
                f"this recording has form {form}; this muxlab reads form {FORM}: use the other's version"
            )
        recording.frames = frames
        for frame in frames:
            recording._now |= frame
        return recording

    def to_html(self, *, player: bool = True) -> str:
        """Return a fragment of HTML that plays in any page, without a kernel and without a network.

        Args:
            player: with the script and the style sheet that play it, about 70 kB. A page with several recordings of one
                kind needs them only in the first.
        """
        from muxlab.show.player import fragment

        return fragment(self, player)

    def save(self, path: str | Path) -> Path:
        """Write one HTML file that plays in a browser, also from a disk or a mail; return its path.

        Raises:
            FileExistsError: there is such a file. Nothing is overwritten.
            OSError: it cannot be written there.
        """
        from muxlab.show.player import page

        path = Path(path)
        with path.open("x", encoding="utf-8") as file:
            file.write(page(self))
        return path

    def __len__(self) -> int:
        return len(self.frames)

    def __repr__(self) -> str:
        return f"Recording({self.kind} of {self.title}, {len(self)} frame{'' if len(self) == 1 else 's'})"

    def _repr_html_(self) -> str:
        return self.to_html()

    def _news(self, traits: dict[str, Any]) -> dict[str, Any]:
        """Return those traits that are not as they were, and remember all."""
        news = {name: value for name, value in traits.items() if name not in self._now or self._now[name] != value}
        self._now |= news
        return news


def shown_by(widget: Any) -> dict[str, Any]:
    """Return what a widget's script is told: the traits of its own class that are sent to the browser."""
    from ipywidgets import DOMWidget

    of_all_widgets = set(DOMWidget.class_trait_names())
    names = [name for name in widget.trait_names(sync=True) if name not in of_all_widgets and not name.startswith("_")]
    return {name: getattr(widget, name) for name in names}


def save_in(folder: Path, recording: Recording) -> Path:
    """Write a page that plays a recording into a folder, under a name that is not taken yet; return its path."""
    name = re.sub(r"[^\w-]+", "-", recording.title).strip("-")[:60] or "server"
    for number in range(1, MOST_FILES + 1):
        with contextlib.suppress(FileExistsError):
            return recording.save(folder / f"recording-{name}{'' if number == 1 else f'-{number}'}.html")
    raise FileExistsError(f"there are {MOST_FILES} recordings of {recording.title} in {folder}: remove some")


def _write_bytes(value: Any) -> dict[str, str]:
    if isinstance(value, bytes):
        return {BYTES: base64.b64encode(value).decode()}
    raise TypeError(f"a frame holds plain data, and not {type(value).__name__}")


def _read_bytes(pairs: dict[str, Any]) -> Any:
    return base64.b64decode(pairs[BYTES]) if set(pairs) == {BYTES} else pairs
