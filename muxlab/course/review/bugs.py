"""The bugs of the article's programs, each worded once, with the trials of the battery that catch it."""

from dataclasses import dataclass

from ..variant import Exhibit
from .programs import ALONE


@dataclass(frozen=True)
class Bug:
    """A bug of one of the article's programs.

    Attributes:
        program: "polling", "select", "epoll" or "client".
        words: what is wrong in the program.
        effect: what becomes of it.
        chapters: numbers of the chapters that show it; none of a slip that no chapter needs.
        trials: trials of the battery that catch it; none where the program does not even begin.
        alone: a server that is sound apart from this bug; None where the program does not even begin.
    """

    program: str
    words: str
    effect: str
    chapters: tuple[int, ...] = ()
    trials: tuple[str, ...] = ()
    alone: Exhibit | None = None


BUGS = {
    1: Bug(
        "polling",
        "A client that has left is to be forgotten, and the line that does so misspells a name.",
        "It stays among those who are asked, and the server goes on asking it without end.",
        (2,),
        ("forgets clients that left",),
        ALONE[1],
    ),
    2: Bug(
        "polling",
        "`except Exception: pass` stands around everything that is done for a client.",
        "Every error looks like “no data yet”: a client that has broken off, and even the programmer's own slips.",
        (2,),
        ("survives a reset in the middle of a reply",),
        ALONE[2],
    ),
    3: Bug(
        "polling",
        "Nothing in it ever waits.",
        "It asks without end, and takes a whole core while nobody talks.",
        (2,),
        (),
        ALONE[3],
    ),
    4: Bug(
        "select",
        "A reset is not expected.",
        "One client that breaks off ends the server for all.",
        (3, 8),
        ("survives a reset between messages",),
        ALONE[4],
    ),
    5: Bug(
        "select",
        "The accepted sockets block, and what `send` does not take is thrown away.",
        "One client that does not read its replies stops the server for all; without blocking, it would lose bytes.",
        (3, 7),
        ("lives with a client that never reads",),
        ALONE[5],
    ),
    6: Bug("epoll", "The line that registers a client breaks off in print.", "The program does not even begin."),
    7: Bug(
        "epoll",
        "For each edge it reads once, and at most 1,024 bytes.",
        "The rest of a longer message waits until the client speaks again.",
        (6,),
        ("takes messages that come glued together",),
        ALONE[7],
    ),
    8: Bug(
        "epoll",
        "For each edge of the listener it accepts one client.",
        "When several come at once, the others wait in the accept queue until somebody else comes.",
        (6,),
        ("accepts a burst of 300",),
        ALONE[8],
    ),
    9: Bug(
        "epoll",
        "The accepted sockets block.",
        "Reading until nothing is left, which an edge asks for, would hang the server.",
        (6,),
        ("serves 64 clients in turn",),
        ALONE[9],
    ),
    10: Bug(
        "epoll",
        "It compares the mask: `events == EPOLLIN`.",
        "A reset comes as several bits together, and so nobody hears of it.",
        (5, 8),
        ("survives a reset between messages",),
        ALONE[10],
    ),
    11: Bug(
        "epoll",
        "Closed connections stay in its dictionary.",
        "They take memory, under numbers that will be given to other clients.",
        (5, 8),
        (),
        ALONE[11],
    ),
    12: Bug(
        "client",
        "The body of its sending loop is not indented, and it asks for its input as in Python 2.",
        "It does not begin; once indented, it ends at its first line.",
    ),
}
"""The bugs by their numbers."""
