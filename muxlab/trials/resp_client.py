"""A client that speaks RESP, Redis's protocol, and the bench for trials of such clients.

It knows the reply that each of its requests has to get, and compares whole replies. Of an error it compares the code
alone, the first word: the rest is for people, and Redis itself words it anew now and then.

Source: https://redis.io/docs/latest/develop/reference/protocol-spec/ (RESP2).
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Self

from .bench import Bench
from .clients import BenchClient, same_at_first
from .trial import Run, Trial, trial

END = b"\r\n"
OK, PONG, NIL = b"+OK\r\n", b"+PONG\r\n", b"$-1\r\n"

ERROR, ANY_NUMBER = b"-ERR ", b":"
"""Expected replies of which only the beginning is compared: that is what one without an end of line means."""

QUOTED = 64
"""Bytes of a wrong reply, and of the right one, that a report quotes."""


def request(*words: bytes | str | int) -> bytes:
    """Return a request as clients send it: an array of bulk strings."""
    return array(*(bulk(word) for word in words))


def bulk(word: bytes | str | int) -> bytes:
    """Return a bulk string: its length, an end of line, its bytes, an end of line."""
    data = word if isinstance(word, bytes) else str(word).encode()
    return b"$%d\r\n%b\r\n" % (len(data), data)


def number(value: int) -> bytes:
    """Return a number as a reply."""
    return b":%d\r\n" % value


def array(*replies: bytes) -> bytes:
    """Return an array of replies."""
    return b"*%d\r\n%b" % (len(replies), b"".join(replies))


def end_of_reply(data: bytes | bytearray, start: int) -> int:
    """Return where the reply ends that begins at `start`, or 0 while it is not whole.

    Raises:
        ValueError: what begins there is no reply.
    """
    kind = data[start : start + 1]
    if kind not in (b"", b"+", b"-", b":", b"$", b"*"):
        raise ValueError("no reply begins so")
    line_end = data.find(END, start)
    if line_end < 0:
        return 0
    end = line_end + len(END)
    if kind == b"$" and (size := int(data[start + 1 : line_end])) >= 0:
        end += size + len(END)
    elif kind == b"*":
        for _ in range(int(data[start + 1 : line_end])):
            end = end_of_reply(data, end)
            if not end:
                return 0
    return end if end <= len(data) else 0


class RedisClient(BenchClient):
    """One client of a Redis-like server under trial; made by `RedisBench.client`.

    Attributes:
        expected: the replies that it has to get, and
        replies: the whole replies that came; `right` is how many bytes of those are right, from the first one on.
    """

    def __init__(self, floor: int, buffer: int = 0) -> None:
        super().__init__(floor, buffer)
        self.expected: list[bytes] = []
        self.replies: list[bytes] = []
        self._requests: list[str] = []  # for each expected reply, what it is to answer; "" for what comes unasked
        self._whole = 0  # bytes of the replies that came
        self._nonsense = False  # whether the next bytes are no reply

    def ask(self, *words: bytes | str | int, reply: bytes) -> Self:
        """Send a request, and expect this reply to it."""
        self.expect(reply, to=" ".join(map(_shown, words)))
        return self.say(request(*words))

    def expect(self, *replies: bytes, to: str = "") -> Self:
        """Expect these replies; `to` says what they answer."""
        self.expected += replies
        self._requests += [to] * len(replies)
        return self

    def greet(self) -> Self:
        """Say PING."""
        return self.ask("PING", reply=PONG)

    @property
    def wrong(self) -> bool:
        """Whether anything came that is not what was expected."""
        return self._nonsense or self.right < self._whole

    @property
    def answered(self) -> bool:
        """Whether all the expected replies came, in order, and nothing else."""
        in_time = not self.unsent and len(self.replies) == len(self.expected)
        return in_time and not self.wrong and self._whole == len(self.answer)

    @property
    def came_back(self) -> str:
        """How many of the replies came, "2 of 3 replies came"; or which one is the first that is wrong."""
        if not self.wrong:
            return f"{len(self.replies):,} of {len(self.expected):,} replies came"
        place = next((place for place in range(len(self.replies)) if not self._is_right(place)), len(self.replies))
        came = self.replies[place] if place < len(self.replies) else bytes(self.answer[self._whole :])
        if place >= len(self.expected):
            return f"after all that was expected came {_quoted(came)}"
        expected, to = self.expected[place], self._requests[place]
        which = f"reply {place + 1:,}{f', to {to},' if to else ''}"
        if len(expected) > QUOTED and (same := same_at_first(came, expected)):
            came, expected = came[same:], expected[same:]
            which += f" was wrong from byte {same:,} on: it"
        instead = "an error that begins with -ERR" if expected == ERROR else _quoted(expected)
        return f"{which} was {_quoted(came)} instead of {instead}"

    def _judge(self, data: bytes) -> None:
        try:
            while not self._nonsense and (end := end_of_reply(self.answer, self._whole)):
                self.replies.append(bytes(self.answer[self._whole : end]))
                if self.right == self._whole and self._is_right(len(self.replies) - 1):
                    self.right = end
                self._whole = end
        except ValueError:
            self._nonsense = True

    def _is_right(self, place: int) -> bool:
        if place >= len(self.expected):
            return False
        came, expected = self.replies[place], self.expected[place]
        return came == expected if expected.endswith(END) else came.startswith(expected)


class RedisBench(Bench):
    """A bench with clients that speak RESP."""

    kind = RedisClient

    def client(self, buffer: int = 0) -> RedisClient:
        """Connect one more client, as `Bench.client` does."""
        (client,) = self.guests(1, buffer)
        return client

    def guests(self, number: int, buffer: int = 0) -> Sequence[RedisClient]:
        """Connect so many more clients, as `Bench.guests` does."""
        return super().guests(number, buffer)  # type: ignore[return-value]  # they are of the `kind`


def redis_trial(name: str, lesson: str, needs: Iterable[Trial] = ()) -> Callable[[Run], Trial]:
    """Make a trial of a function that takes a `RedisBench`; arguments as of `trial`, the name without its "redis: "."""
    return trial(f"redis: {name}", lesson, needs, RedisBench)


def _shown(word: bytes | str | int) -> str:
    """Return a word of a request as a report shows it."""
    shown = repr(word)[1:] if isinstance(word, bytes) else str(word)
    return shown if len(shown) <= QUOTED else f"{shown[:QUOTED]}..."


def _quoted(reply: bytes) -> str:
    """Return the beginning of a reply as a report shows it."""
    return repr(reply) if len(reply) <= QUOTED else f"{reply[:QUOTED]!r}..."
