"""What strace prints for one argument or result: descriptors, messages, event masks, lists, times; as values.

Not handled here: the lines, see `strace.py`.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from ..sockets import FLAGS
from .calls import Summary, preview

NAMED = 8
"""Descriptors that the text of a wait names one by one; more than that are counted, as the tap does."""

BITS = {name: bit for bit, name in FLAGS.items()}
ESCAPE = re.compile(rb'\\([0-7]{1,3}|x[0-9a-f]{2}|[abfnrtv"\\])')
LETTERS = {b"a": b"\a", b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}
STRING = re.compile(r'"((?:[^"\\]|\\.)*)"', re.S)
DESCRIPTOR = re.compile(r"(-?\d{1,10})(?:<((?:->|[^<>])*)>)?")


class Descriptor(NamedTuple):
    """A descriptor, as strace prints it with `-yy`.

    Attributes:
        fd: its number.
        about: what it is: "TCP:[127.0.0.1:80->127.0.0.1:41226]", "anon_inode:[eventpoll]", "/etc/hosts"; "" if that
            is not known.
    """

    fd: int
    about: str

    @property
    def is_tcp(self) -> bool:
        """Whether it is a TCP socket."""
        return self.about.startswith("TCP")

    @property
    def is_socket(self) -> bool:
        """Whether it is a socket of any kind."""
        return self.about.startswith(("TCP", "UNIX", "UDP", "NETLINK", "socket:"))

    @property
    def is_epoll(self) -> bool:
        """Whether it is an epoll."""
        return "eventpoll" in self.about


def arguments(text: str) -> list[str]:
    """Return the arguments of a call: `text` cut at each comma that is in no string, bracket or angle bracket."""
    found, depth, start, quoted, place = [], 0, 0, False, 0
    while place < len(text):
        letter = text[place]
        if quoted:
            if letter == "\\":
                place += 1  # whatever comes next is part of the string
            elif letter == '"':
                quoted = False
        elif letter == '"':
            quoted = True
        elif letter in "([{<":
            depth += 1
        elif letter in ")]}" or (letter == ">" and text[place - 1] not in "-="):
            depth -= 1
        elif letter == "," and depth == 0:
            found.append(text[start:place].strip())
            start = place + 1
        place += 1
    last = text[start:].strip()
    return [*found, last] if found or last else []


def descriptor(text: str) -> Descriptor:
    """Return the descriptor that a text begins with; number -1 if it begins with none."""
    found = DESCRIPTOR.match(text)
    return Descriptor(int(found[1]), found[2] or "") if found else Descriptor(-1, "")


def message(text: str) -> bytes:
    """Return the bytes of a string, which strace prints as C would write it: `"PING\\r\\n"`; b"" if it is none."""
    found = STRING.match(text, max(0, text.find('"')))
    if found is None:
        return b""
    return ESCAPE.sub(_unescaped, found[1].encode("latin-1", "replace"))


def _unescaped(found: re.Match[bytes]) -> bytes:
    code = found[1]
    if code[:1].isdigit():
        return bytes([int(code, 8) & 255])
    if code[:1] == b"x":
        return bytes([int(code[1:], 16)])
    return LETTERS.get(code, code)


def number_of(text: str) -> int:
    """Return the number that a result begins with; 0 if it begins with none."""
    found = re.match(r"\d{1,18}", text)
    return int(found[0]) if found else 0


def first_bytes(data: bytes, count: int) -> Summary:
    """Return the first bytes of a message and its length; strace printed no more of it than that."""
    return preview(data)[0], count


def handed_back_of(event: str) -> str:
    """Return what epoll was asked to hand back with an event: often the descriptor, or an address in memory."""
    found = re.search(r"u32=(\d+)", event)
    return found[1] if found else ""


def events_of(text: str, label: str) -> Iterator[tuple[str, str]]:
    """Yield each event of a list, `{events=EPOLLIN, data={u32=3, u64=3}}`, and the names of its bits."""
    for found in re.finditer(rf"\{{[^{{}}]*\b{label}=([\w|]+)(?:[^{{}}]*\{{[^{{}}]*\}})?[^{{}}]*\}}", text):
        yield found[0], found[1]


def mask_of(names: str) -> int:
    """Return the mask of `EPOLLIN|EPOLLET` or `POLLIN|POLLHUP`; bits that the course has no names for are left out."""
    return sum(BITS.get(name.removeprefix("E").removeprefix("POLL"), 0) for name in {*names.split("|")})


def mask_words(names: str) -> str:
    """Return the same bits by the course's names, "IN|ET"; "nothing" if there are none."""
    return "|".join(name for bit, name in FLAGS.items() if mask_of(names) & bit) or "nothing"


def ready_summary(ready: list[tuple[str, int]], count: int) -> Summary:
    """Return (name, mask) of all that are ready, or how many there are."""
    return ready if len(ready) == count <= NAMED else f"{count} ready"


def members_of(text: str) -> list[str]:
    """Return the descriptors in a set of select, `[3<TCP:...> 4]`."""
    return re.findall(r"\d+(?:<(?:->|[^<>])*>)?", text)


def names_or_count(names: list[str]) -> list[str] | int:
    """Return the names in a list of select, or how many there are."""
    return names if len(names) <= NAMED else len(names)


def seconds_of_milliseconds(text: str) -> str:
    """Return a timeout in milliseconds as seconds; "" if it is none, or without end."""
    return f"{int(text) / 1000:g}" if re.fullmatch(r"\d{1,18}", text) else ""


def seconds_of_timespec(text: str) -> str:
    """Return the seconds of `{tv_sec=1, tv_nsec=500000000}`, or "" for NULL."""
    found = re.search(r"tv_sec=(\d{1,18}), tv_(nsec|usec)=(\d{1,18})", text)
    return f"{int(found[1]) + int(found[3]) / (1e9 if found[2] == 'nsec' else 1e6):g}" if found else ""
