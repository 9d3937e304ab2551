"""The search: conversations that nobody has thought of, until one breaks the server; then the shortest that does.

Hypothesis makes up the conversations, and shrinks the one that breaks the server: it leaves out what is not needed, as
long as the rest still does. What broke the server once has to break it again before it counts.
"""

import contextlib
import functools
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

import hypothesis
from hypothesis import configuration, strategies

from .conversation import CLOSES, CONNECTS, HALF_CLOSES, POURS, READS, RESETS, SAYS, Act, Break, Conversation
from .stage import Unstoppable, is_polling, perform

SURE, SURE_AGAIN, QUICK = 1.5, 0.3, 0.1
"""Seconds of its own that a server is given before what is missing counts: when nothing has broken it yet, when that is
played again, and while a shorter conversation is looked for."""

AGAIN = 3
"""Times that a conversation is played that has broken the server once, to see it break again."""

CANDIDATES = 5
"""Short conversations that are played once more in the end, the shortest first, until one breaks the server again."""

SHRINKING = 30.0
"""Seconds that the search for a shorter conversation may take."""

NO_LIMIT = 10**9
"""Conversations that are more than anybody has time for."""

TALKERS, DEEDS, APART = 3, 4, 2
"""Clients of a conversation, deeds of each, and moments from one deed to the next, at most."""

CROWD = 16
"""Silent clients that come with another, at most."""

TEXTS = [
    b"hello\n",
    b"hello",
    b"\n",
    b"one\ntwo\n",
    b"\r\n",
    "\u20ac".encode()[:1],
    bytes(range(256)),
]
"""What clients say, the simplest first: a line, part of one, its end, two of them, the end that others write, part of a
character, and every byte there is."""

BLOCKS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 16, 64]
"""Blocks of 64 KiB in a long message: up to more than all queues on the way hold, with small steps where they are just
full, so that one of them comes to its end while part of the reply is still with the server; and 4 MiB."""

POURED = BLOCKS[4:]
"""Blocks of a message whose reply is not read: fewer fill no queue."""


@dataclass(frozen=True)
class Found:
    """What a search has come to.

    Attributes:
        tried: how many conversations were played before one broke the server, or all of them.
        seconds: how long that took.
        conversation: the shortest that breaks the server; None when there is none.
        broke: what broke in it.
        once: conversations that broke the server once, and never again.
    """

    tried: int
    seconds: float
    conversation: Conversation | None = None
    broke: Break | None = None
    once: int = 0

    def __str__(self) -> str:
        once = f"; {self.once:,} broke it once, and not when played again" if self.once else ""
        if self.conversation is None:
            return f"none of {self.tried:,} conversations broke it{once}"
        return f"conversation {self.tried:,} broke it; the shortest that does is told below{once}"


NOTHING, NONE = strategies.just(b""), strategies.just(0)


def conversations() -> strategies.SearchStrategy[Conversation]:
    """Return the strategy that makes up conversations: what each client does, one beside the other."""
    return strategies.lists(_client(), min_size=1, max_size=TALKERS).map(_together)


def _client() -> strategies.SearchStrategy[list[tuple[int, Act]]]:
    """Return the strategy that makes up what one client does, and how many moments after its deed before."""
    blocks = strategies.sampled_from(BLOCKS)
    comes = _deed(CONNECTS, many=NONE | strategies.integers(1, CROWD))
    leaves = [_deed(does) for does in (CLOSES, RESETS, HALF_CLOSES)]
    says = _deed(SAYS, text=strategies.sampled_from(TEXTS) | strategies.binary(min_size=1, max_size=6))
    much = [_deed(SAYS, many=blocks), _deed(POURS, many=strategies.sampled_from(POURED))]
    first = strategies.one_of(comes, *leaves, says, *much)
    later = strategies.one_of(*leaves, says, _deed(READS), *much)
    return strategies.tuples(first, strategies.lists(later, max_size=DEEDS - 1)).map(lambda one: [one[0], *one[1]])


def _deed(
    does: str, text: strategies.SearchStrategy[bytes] = NOTHING, many: strategies.SearchStrategy[int] = NONE
) -> strategies.SearchStrategy[tuple[int, Act]]:
    act = strategies.builds(Act, strategies.just(1), strategies.just(does), text, many)
    return strategies.tuples(strategies.integers(0, APART), act)


def _together(clients: list[list[tuple[int, Act]]]) -> Conversation:
    """Make one conversation of what several clients do."""
    moments: dict[int, list[Act]] = {}
    for number, deeds in enumerate(clients, 1):
        moment = 0
        for later, act in deeds:
            moment += later
            moments.setdefault(moment, []).append(act._replace(client=number))
    return Conversation(moments[moment] for moment in sorted(moments))


class Search:
    """A search for trouble with one server.

    Args:
        fn: the server function.
        seconds: to look for.
        shrinking: seconds in which to look for a shorter conversation, at most.
        most: conversations to try at most; 0 for no limit.
        patience: seconds of its own that the server is given before what is missing counts.
        seed: what the conversations depend on; None for others each time.
        news: told, after each conversation, how many seconds the search has taken.
    """

    def __init__(
        self,
        fn: Callable,
        seconds: float,
        shrinking: float = SHRINKING,
        most: int = 0,
        patience: float = SURE,
        seed: int | None = None,
        news: Callable[[float], object] = bool,
    ) -> None:
        self.fn, self.seconds, self.shrinking, self.most = fn, seconds, shrinking, most
        self.patience, self.seed, self.news = patience, seed, news
        self.tried = 0
        self.once: list[tuple[Conversation, Break]] = []  # what broke it once, and never again
        self._played: dict[Conversation, Break | None] = {}
        self._broken: list[Conversation] = []  # the first of them has broken it twice
        self._polls = functools.cache(lambda: is_polling(fn))
        self._unstoppable = False
        self._end = 0.0

    def run(self) -> Found:
        """Look for a conversation that breaks the server, then for a shorter one, until time is over."""
        began = time.monotonic()
        self._end = began + self.seconds
        settings = hypothesis.settings(
            database=None,
            deadline=None,
            max_examples=self.most or NO_LIMIT,
            phases=[hypothesis.Phase.generate, hypothesis.Phase.shrink],
            verbosity=hypothesis.Verbosity.quiet,
        )
        with _no_files(), contextlib.suppress(_Over, hypothesis.errors.NoSuchExample, hypothesis.errors.Flaky):
            hypothesis.find(conversations(), self._breaks, settings=settings, random=Random(self.seed))
        seconds = time.monotonic() - began
        if not self._broken:
            return Found(self.tried, seconds, once=len(self.once))
        conversation, broke = self._shortest()
        return Found(self.tried, seconds, conversation, broke, len(self.once))

    def _breaks(self, conversation: Conversation) -> bool:
        """Tell whether a conversation breaks the server; each is played once, and that answer kept."""
        if conversation not in self._played:
            if time.monotonic() > self._end:
                raise _Over
            self._played[conversation] = self._try(conversation)
        return self._played[conversation] is not None

    def _try(self, conversation: Conversation) -> Break | None:
        if self._broken:
            broke = self._play(conversation, QUICK)
        else:
            self.tried += 1
            first = broke = self._play(conversation, self.patience)
            if first and not (broke := self._again(conversation)):
                self.once.append((conversation, first))
            self.news(self.seconds - (self._end - time.monotonic()))
            if broke:
                self._end = time.monotonic() + self.shrinking
        if broke:
            self._broken.append(conversation)
        return broke

    def _again(self, conversation: Conversation) -> Break | None:
        """Play what has broken the server some times more; return what breaks now."""
        for _ in range(AGAIN):
            if broke := self._play(conversation, SURE_AGAIN):
                return broke
        return None

    def _shortest(self) -> tuple[Conversation, Break | None]:
        """Return the shortest conversation that breaks the server once more, and what breaks then."""
        first = self._broken[0]
        candidates = [] if self._unstoppable else sorted(self._broken, key=lambda broken: broken.size)[:CANDIDATES]
        for conversation in candidates:
            if broke := self._again(conversation):
                return conversation, broke
        return first, self._played[first]

    def _play(self, conversation: Conversation, patience: float) -> Break | None:
        try:
            return perform(conversation, self.fn, patience, self._polls)
        except Unstoppable as error:
            self._broken, self._played[conversation] = [conversation], error.broke
            self._unstoppable = True
            raise _Over from None


class _Over(BaseException):
    """No more conversations are played."""


@contextlib.contextmanager
def _no_files() -> Iterator[None]:
    """Let Hypothesis keep its notes in a folder that is gone afterwards, and not beside the learner's own files."""
    before = getattr(configuration, "__hypothesis_home_directory", None)
    with tempfile.TemporaryDirectory() as folder:
        configuration.set_hypothesis_home_dir(folder)
        try:
            yield
        finally:
            configuration.set_hypothesis_home_dir(before)
