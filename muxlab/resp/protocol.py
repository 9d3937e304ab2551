"""Redis's protocol, RESP: requests are cut out of a stream of bytes, replies are made into bytes.

A request is an array of strings, `*2\\r\\n$3\\r\\nGET\\r\\n$3\\r\\nkey\\r\\n`, or one line of words, as a person types
it (an *inline* request). A stream has no message boundaries: one `recv` may bring a third of a request, or forty of
them. So the parser keeps what is unfinished, and remembers how far it had come.

Source: https://redis.io/docs/latest/develop/reference/protocol-spec/ and processMultibulkBuffer in networking.c.
"""

import re

from .inline import split_words

MOST_ARGUMENTS = 1024 * 1024
"""Strings that one request may have. Redis 7.0 allows 2**31 - 1 of them, earlier ones as many as this."""

MOST_BULK = 512 * 1024 * 1024
"""Bytes that one string may have: Redis's proto-max-bulk-len."""

MOST_LINE = 64 * 1024
"""Bytes in which a line has to end: Redis's PROTO_INLINE_MAX_SIZE."""

MOST_HELD = 1024 * 1024 * 1024
"""Bytes that an unfinished request may hold on the server: Redis's client-query-buffer-limit."""

USUAL = 1024
"""Counts and lengths below this are recognised by a look into a table."""

COUNTS = {b"*%d" % number: number for number in range(1, USUAL)}
LENGTHS = {b"$%d" % number: number for number in range(USUAL)}

NUMBER = re.compile(rb"0|-?[1-9][0-9]{0,18}")
"""A whole number as Redis takes it: no sign but a minus, no zero in front, no space. Source: string2ll in util.c."""

Request = list[bytes]


class ProtocolError(ValueError):
    """Bytes that cannot be a request; the message is what Redis answers."""


class Parser:
    """Cuts requests out of the bytes of one client, however they arrive.

    Args:
        most_held: bytes that an unfinished request may hold.

    Attributes:
        trouble: what is wrong with the bytes after the last request, in Redis's words, or b"". From then on nothing is
            taken: if you cannot tell where one request ends, you cannot tell where the next begins.
    """

    __slots__ = ("_arguments", "_held", "_length", "_missing", "_most_held", "_taken", "trouble")

    def __init__(self, most_held: int = MOST_HELD) -> None:
        self.trouble = b""
        self._most_held = most_held
        self._held = bytearray()  # bytes that are not understood yet
        self._arguments: Request = []  # the finished strings of an unfinished request
        self._missing = 0  # how many more of them were announced
        self._length = -1  # the announced length of the next one, or -1
        self._taken = 0  # bytes in self._arguments

    def feed(self, data: bytes) -> list[Request]:
        """Take the next bytes; return the requests that are whole now, and keep the rest."""
        requests: list[Request] = []
        if self.trouble:
            return requests
        try:
            if self._held or self._missing:  # first the request that was unfinished
                self._held += data
                request = self._next()
                if request is None:
                    return requests
                if request:  # an empty one is passed over
                    requests.append(request)
                data = bytes(self._held)
                self._held.clear()
            if data := take_plain(data, requests):
                self._held += data
                while self._held and (request := self._next()) is not None:
                    if request:
                        requests.append(request)
        except ProtocolError as error:
            self.trouble = b"ERR Protocol error: " + error.args[0]
            self._held.clear()
            self._arguments = []
        return requests

    def _next(self) -> Request | None:
        """Take one request off the front; return [] for an empty one, None while it is unfinished."""
        if not self._missing:
            if self._held[:1] != b"*":
                return self._inline()
            if (line := self._line(b"too big mbulk count string")) is None:
                return None
            count = whole_number(line[1:])
            if count is None or count > MOST_ARGUMENTS:
                raise ProtocolError(b"invalid multibulk length")
            if count <= 0:
                return []
            self._missing = count
        while self._missing:
            if not self._one_argument():
                if len(self._held) + self._taken > self._most_held:
                    raise ProtocolError(b"too big request")
                return None
        request, self._arguments, self._taken = self._arguments, [], 0
        return request

    def _one_argument(self) -> bool:
        """Take one string, `$3\\r\\nGET\\r\\n`; False while it is unfinished."""
        if self._length < 0:
            first = bytes(self._held[:1])
            if (line := self._line(b"too big bulk count string")) is None:
                return False
            if first != b"$":
                raise ProtocolError(b"expected '$', got '%b'" % on_one_line(first))
            length = whole_number(line[1:])
            if length is None or not 0 <= length <= MOST_BULK:
                raise ProtocolError(b"invalid bulk length")
            self._length = length
        if len(self._held) < self._length + 2:
            return False
        self._arguments.append(bytes(self._held[: self._length]))
        del self._held[: self._length + 2]  # Redis does not look at the last two bytes either
        self._taken += self._length
        self._missing -= 1
        self._length = -1
        return True

    def _line(self, too_long: bytes) -> bytes | None:
        """Take a line off the front; return it without its end, or None while it has none."""
        end = self._held.find(b"\r")
        if (len(self._held) if end < 0 else end) > MOST_LINE:
            raise ProtocolError(too_long)
        if end < 0 or end + 2 > len(self._held):
            return None
        line = bytes(self._held[:end])
        del self._held[: end + 2]
        return line

    def _inline(self) -> Request | None:
        """Take a request that is a line of words."""
        end = self._held.find(b"\n")
        if (len(self._held) if end < 0 else end) > MOST_LINE:
            raise ProtocolError(b"too big inline request")
        if end < 0:
            return None
        line = bytes(self._held[:end])
        del self._held[: end + 1]
        words = split_words(line)
        if words is None:
            raise ProtocolError(b"unbalanced quotes in request")
        return words


def take_plain(data: bytes, requests: list[Request]) -> bytes:
    """Move whole requests from the front of `data` to `requests` by the short way; return what is left over.

    The bytes are cut at every line end in one call, and each string is then compared with the length in front of it.
    One that does not fit has a line end inside it, or is unfinished, or wrong: the rest is left to the careful parser.
    """
    parts = data.split(b"\r\n")
    at, last = 0, len(parts) - 1
    while at < last:
        count = COUNTS.get(parts[at])
        if count is None:
            break
        end = at + 1 + 2 * count
        if end > last:
            break
        for place in range(at + 1, end, 2):
            if LENGTHS.get(parts[place]) != len(parts[place + 1]):
                return b"\r\n".join(parts[at:])
        requests.append(parts[at + 2 : end : 2])
        at = end
    return b"\r\n".join(parts[at:]) if at < last else parts[last]


def whole_number(text: bytes) -> int | None:
    """Return the 64-bit number that `text` is, or None if it is anything else."""
    if not NUMBER.fullmatch(text):
        return None
    number = int(text)
    return number if -(2**63) <= number < 2**63 else None


def on_one_line(text: bytes) -> bytes:
    """Return a text that can stand in a reply of one line: its line ends become spaces."""
    return text.replace(b"\r", b" ").replace(b"\n", b" ")


# ---- replies


def simple_string(text: bytes) -> bytes:
    """Return a reply of one line, such as +OK."""
    return b"+%b\r\n" % text


def error_reply(text: bytes) -> bytes:
    """Return a reply that is an error; its first word is the code: ERR, WRONGTYPE, ..."""
    return b"-%b\r\n" % on_one_line(text.rstrip(b"\r\n"))


def integer(number: int) -> bytes:
    """Return a reply that is a whole number."""
    return b":%d\r\n" % number


def bulk_string(value: bytes | None) -> bytes:
    """Return a reply of any bytes; None makes it the *null* that says that there is nothing."""
    return b"$-1\r\n" if value is None else b"$%d\r\n%b\r\n" % (len(value), value)


def array(replies: list[bytes]) -> bytes:
    """Return a reply that is a list of replies."""
    return b"*%d\r\n%b" % (len(replies), b"".join(replies))


# ---- what version 3 of the protocol, which a client may ask for by HELLO 3, writes differently


def null(version: int) -> bytes:
    """Return the reply that says that there is nothing."""
    return b"_\r\n" if version == 3 else b"$-1\r\n"


def push(version: int, parts: list[bytes]) -> bytes:
    """Return an array that is no reply to a request: version 3 marks it, so that a client can tell the two apart."""
    return b">%d\r\n%b" % (len(parts), b"".join(parts)) if version == 3 else array(parts)


def pairs(version: int, replies: list[bytes]) -> bytes:
    """Return names and values in turn; for version 2, they are a plain array."""
    return b"%%%d\r\n%b" % (len(replies) // 2, b"".join(replies)) if version == 3 else array(replies)
