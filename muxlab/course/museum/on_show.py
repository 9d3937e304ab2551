"""The gallery: all exhibits of the museum on one page, folded; open one, and see everything about it.

What it does when it is in use, its difference from a good server, the trials that catch it, the shortest conversation
that breaks it, and real software that had the same bug. It is a page of HTML and no widget: it can be read where no
kernel runs.
"""

from collections.abc import Iterator
from html import escape

from ...trials import report
from ...trials.story import Story
from .. import markup
from ..variant import Exhibit
from .caught import CAUGHT, CAUGHT_AS_REDIS, CAUGHT_ON_REQUEST
from .conversations import SHORTEST
from .exhibits import EXHIBITS, ROOMS
from .labels import NOT_SHOWN, REAL, SPEAKS_REDIS

PLAYABLE = " \u21c4"
"""The mark of an exhibit with a conversation that can be played."""


class Gallery:
    """All exhibits, or some of them; made by `gallery`. Those with a conversation are marked."""

    def __init__(self, rooms: dict[str, list[Exhibit]]) -> None:
        self.rooms = rooms

    def __repr__(self) -> str:
        """Return the exhibits' names and symptoms, room by room."""
        lines = []
        for room, exhibits in self.rooms.items():
            lines += ["", room, *(f"  {exhibit.name}: {exhibit.symptom}{_mark(exhibit)}" for exhibit in exhibits)]
        return "\n".join(lines[1:])

    def _repr_html_(self) -> str:
        rooms = "".join(
            f"<h4>{escape(room)}</h4>{''.join(map(_label, exhibits))}" for room, exhibits in self.rooms.items()
        )
        return report.style() + markup.page(f'<div class="mux-gallery">{rooms}</div>')


def gallery(*names: str) -> Gallery:
    """Return the gallery, to be shown by a notebook: a line for each exhibit, which opens to all about it.

    Args:
        names: of the exhibits to show; all without them.

    Raises:
        TypeError: a name is not text.
        ValueError: there is no exhibit of that name; lists those that there are.
    """
    for name in names:
        _check_name(name)
    chosen = {
        room: [exhibit for exhibit in exhibits if not names or exhibit.name in names]
        for room, exhibits in ROOMS.items()
    }
    return Gallery({room: exhibits for room, exhibits in chosen.items() if exhibits})


def caught_by(name: str) -> list[str]:
    """Return the trials that an exhibit fails: those of the battery, those on request, those of Redis-like servers."""
    on_request = [trial for (_, exhibit), trials in CAUGHT_ON_REQUEST.items() if exhibit == name for trial in trials]
    return [*CAUGHT.get(name, []), *on_request, *(f"redis: {trial}" for trial in CAUGHT_AS_REDIS.get(name, []))]


def story(name: str) -> Story | None:
    """Return the shortest conversation that breaks an exhibit, as a story; None when none can show its bug.

    Raises:
        TypeError, ValueError: as for `gallery`.
    """
    _check_name(name)
    return Story(*SHORTEST[name]) if name in SHORTEST else None


def _check_name(name: str) -> None:
    if not isinstance(name, str):
        raise TypeError(f'{name!r}: give the names of exhibits one by one, as in gallery("one_shot", "stale_server")')
    if name not in EXHIBITS:
        raise ValueError(f"the museum has no {name!r}; it has {', '.join(EXHIBITS)}")


def _mark(exhibit: Exhibit) -> str:
    return PLAYABLE if exhibit.name in SHORTEST else ""


def _label(exhibit: Exhibit) -> str:
    """Return one exhibit as HTML: a line that opens."""
    summary = f"<summary><b>{escape(exhibit.name)}</b> {markup.inline(exhibit.symptom)}{_mark(exhibit)}</summary>"
    return f"<details>{summary}{''.join(_parts(exhibit))}</details>"


def _parts(exhibit: Exhibit) -> Iterator[str]:
    if exhibit.good is None:
        yield _head("The server") + markup.python(exhibit.difference)
    else:
        names = f"<code>{escape(exhibit.good_name)}</code>"
        yield _head(f"What differs from {names}") + markup.diff(exhibit.difference, short=True)
    trials = caught_by(exhibit.name)
    yield _head("Caught by the trial" + "s" * (len(trials) != 1)) + markup.prose("; ".join(trials) + ".")
    if told := story(exhibit.name):
        yield _head("The shortest conversation found that breaks it")
        yield f'<div class="muxlab-report">{told.html()}</div>'
    else:
        yield _head("No conversation breaks it") + markup.prose(NOT_SHOWN.get(exhibit.name, SPEAKS_REDIS))
    if real := REAL.get(exhibit.name):
        items = "".join(
            f'<li><a href="{bug.address}">{escape(bug.thread)}</a>: {escape(bug.what)}.</li>' for bug in real
        )
        yield _head("Met in real software") + f"<ul>{items}</ul>"


def _head(text: str) -> str:
    return f'<p class="mux-head">{text}</p>'
