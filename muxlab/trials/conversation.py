"""A conversation: what some clients do to a server, moment by moment, as plain data; and how it is played.

What happens in one moment happens at once: the server sees all of it, or nothing yet. The first moment is over before
the server begins. Each of the others begins when the server has digested the one before: it sleeps, or, if it is of a
kind that never does, it has gone through its sockets many times. So a conversation can be played again, and again the
same happens.

After each moment, the clients look at what came: every byte back, in order, to its sender, and no other; an end for
those that have said their last. And the kernel tells whether the server sleeps, and whom it still has a socket for.

Not handled here: a client that sends without a pause while others talk; a lack of descriptors; the clock.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import NamedTuple

CONNECTS, SAYS, POURS, READS = "connects", "says", "pours", "reads"
HALF_CLOSES, CLOSES, RESETS = "half-closes", "closes", "resets"

DEEDS = (CONNECTS, SAYS, POURS, READS, HALF_CLOSES, CLOSES, RESETS)
"""What a client may do. To pour is to send a long message and to read nothing from then on; to read ends that."""

NEWCOMER = b"still there?\n"
"""What the last client of each conversation says."""

LEAVES = (CLOSES, RESETS)
"""The deeds after which a client does nothing more."""


class Act(NamedTuple):
    """One deed of one client.

    Attributes:
        client: its number, from 1. It connects when it first does anything.
        does: one of `DEEDS`.
        text: what it says.
        many: blocks of 64 KiB that it says or pours; or how many others connect with it, and are silent to the end.
    """

    client: int
    does: str
    text: bytes = b""
    many: int = 0


class Break(NamedTuple):
    """What broke in a conversation.

    Attributes:
        moment: the number of the moment after which it showed, from 1, and going on with the closing ones.
        what: what was seen.
    """

    moment: int
    what: str


class Conversation:
    """What some clients do to a server.

    Args:
        moments: for each moment, what is done in it. What a client cannot do is left out: to speak after its end, or to
            do anything after it has left; and so is to connect, before it does more in the same moment. Clients are
            numbered in the order in which they come.

    Attributes:
        moments: those in which anything is done.
        closing: what is done after them, in every conversation: all clients read what has come, and end the line that
            they have begun; then a new one asks. At the very end the server is told to stop.

    Raises:
        ValueError: a deed is none of `DEEDS`, or a client's number is below 1.
    """

    def __init__(self, moments: Iterable[Iterable[Act]]) -> None:
        present = _Present()
        kept = [tuple(act for act in map(present.numbered, moment) if present.does(act)) for moment in moments]
        self.moments = tuple(_without_needless(moment) for moment in kept if moment)
        closing = present.last_words(), (Act(self.clients + 1, SAYS, NEWCOMER),)
        self.closing = tuple(moment for moment in closing if moment)

    @property
    def clients(self) -> int:
        """The highest number of a client."""
        return max((act.client for act in self.acts), default=0)

    @property
    def acts(self) -> list[Act]:
        """All deeds, in order."""
        return [act for moment in self.moments for act in moment]

    @property
    def size(self) -> tuple[int, ...]:
        """How long it is, to be compared with others: deeds, moments, clients, blocks, bytes."""
        acts = self.acts
        blocks, text = sum(act.many for act in acts), sum(len(act.text) for act in acts)
        return len(acts), len(self.moments), self.clients, blocks, text

    def play(self, fn: Callable, patience: float = 1.5) -> Break | None:
        """Play it against a server, which is started for it and ended afterwards.

        Args:
            fn: the server function.
            patience: seconds of the server's own time without news, after which nothing more is expected.

        Returns:
            What broke, or None.

        Raises:
            stage.Unstoppable: the server could not be ended.
        """
        from .stage import perform  # here, as that file needs this one

        return perform(self, fn, patience)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Conversation) and self.moments == other.moments

    def __hash__(self) -> int:
        return hash(self.moments)

    def __repr__(self) -> str:
        moments = ", ".join(f"[{', '.join(map(_spelt, moment))}]" for moment in self.moments)
        return f"Conversation([{moments}])"


def _without_needless(moment: tuple[Act, ...]) -> tuple[Act, ...]:
    """Leave out that clients connect who do more in the same moment: they would connect for that."""
    busy = Counter(act.client for act in moment)
    return tuple(act for act in moment if act.does != CONNECTS or act.many or busy[act.client] == 1)


def _spelt(act: Act) -> str:
    details = (act.text and f", {act.text!r}") or (act.many and f", many={act.many}") or ""
    return f"Act({act.client}, {act.does!r}{details})"


class _Present:
    """The clients that are there, and what each of them can do, by what was done before."""

    def __init__(self) -> None:
        self._numbers: dict[int, int] = {}  # by the number that somebody else has given
        self._known: set[int] = set()
        self._unread: set[int] = set()  # those that have poured, and read nothing
        self._begun: set[int] = set()  # those that have begun a line, and not ended it
        self._finished: set[int] = set()
        self._left: set[int] = set()

    def numbered(self, act: Act) -> Act:
        """Number its client in the order in which they come."""
        if act.does not in DEEDS or act.client < 1:
            raise ValueError(f"{act}: give the number of a client, from 1, and one of {', '.join(DEEDS)}")
        return act._replace(client=self._numbers.setdefault(act.client, len(self._numbers) + 1))

    def does(self, act: Act) -> bool:
        """Tell whether a client can do that now; if so, it is done."""
        if not self._can(act):
            return False
        who = act.client
        self._known.add(who)
        if act.does in (SAYS, POURS):
            ended = act.text.endswith(b"\n") or not act.text
            (self._begun.discard if ended else self._begun.add)(who)
        if act.does == POURS:
            self._unread.add(who)
        elif act.does == READS:
            self._unread.discard(who)
        elif act.does == HALF_CLOSES:
            self._finished.add(who)
        elif act.does in LEAVES:
            self._left.add(who)
        return True

    def _can(self, act: Act) -> bool:
        if act.client in self._left:
            return False
        if act.does == CONNECTS:
            return act.client not in self._known
        if act.does == READS:
            return act.client in self._unread
        if act.does in (SAYS, POURS) and not act.text and not act.many:
            return False
        return act.does in LEAVES or act.client not in self._finished

    def last_words(self) -> tuple[Act, ...]:
        """Return what those who are still there do at the end."""
        read = [Act(who, READS) for who in self._unread - self._left]
        end = [Act(who, SAYS, b"\n") for who in self._begun - self._finished - self._left]
        return tuple(sorted(read + end))
