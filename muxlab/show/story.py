"""A story: what a panel performs while it is recorded, scene by scene, with a caption for each.

A caption that is not true is refused while it is recorded: a scene says what has to be seen for it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


class UntrueCaption(AssertionError):
    """A story says what did not happen; the text says what was seen."""


@dataclass(frozen=True)
class Scene:
    """One scene of a story.

    Attributes:
        deed: a button by its act, such as "next_call"; with more words, ("next_call", 3), ("close", "client 2"),
            ("send", "client 1", "hello"); ("until", "recv(client 2") for as many calls as it takes until this one
            comes next; ("wake", "read", "client 1") until the server sleeps no more; "look" to do nothing. Of a panel
            that moves by itself, where its sliders go, and for how many seconds it is watched then:
            {"active": 300, "seconds": 2}.
        caption: what there is to see then, in a sentence.
        sees: what has to be read in the state, word for word; or a function of the panel that has to return true.
    """

    deed: Any
    caption: str
    sees: str | Callable[[Any], bool] = ""

    def check(self, panel: Any, text: str) -> None:
        """Refuse the caption if the panel does not show what it needs; `text` is the state in words."""
        true = self.sees(panel) if callable(self.sees) else self.sees in text
        if not true:
            what = "its check was false" if callable(self.sees) else f"there is no {self.sees!r} in what was seen"
            raise UntrueCaption(f"{self.caption!r} is not true, {what}:\n{text}")
