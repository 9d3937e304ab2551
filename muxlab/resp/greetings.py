"""What Redis's clients ask when they connect, before anybody has given a command: just enough to satisfy them.

redis-benchmark asks for the configuration, redis-cli for the list of commands, redis-py tells its name and asks for a
newer protocol (HELLO). A Redis before version 6 did not know HELLO, and the clients get along with that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .protocol import Request, array, bulk_string, error_reply, simple_string, whole_number

if TYPE_CHECKING:
    from .peer import Peer

OK = simple_string(b"OK")
DATABASES = 16
SETTINGS = {b"save": b"", b"appendonly": b"no", b"databases": b"%d" % DATABASES, b"maxmemory": b"0"}
FACTS = b"# Server\r\nredis_version:7.0.15\r\nredis_mode:standalone\r\n"


def full_name(request: Request) -> bytes:
    """Return a command's name as Redis writes it in errors: with its second word, `config|get`, if it is a family."""
    name = request[0].lower()
    return b"|".join(word.lower() for word in request[:2]) if name in FAMILIES else name


def config(peer: Peer, *words: bytes) -> bytes:
    """Tell the value of a setting: CONFIG GET name."""
    if words[0].upper() != b"GET":
        return _unknown_subcommand(b"config", words)
    if len(words) < 2:
        return _wrong_number(b"config|get")
    found = []
    for name in words[1:]:
        value = SETTINGS.get(name.lower())
        if value is not None:
            found += [bulk_string(name.lower()), bulk_string(value)]
    return array(found)


def command(peer: Peer, *words: bytes) -> bytes:
    """List no commands: redis-cli, which asks for help texts, does without."""
    if words and words[0].upper() != b"DOCS":
        return _unknown_subcommand(b"command", words)
    return array([])


def client(peer: Peer, *words: bytes) -> bytes:
    """Note or tell the client's name: CLIENT SETNAME name, CLIENT GETNAME."""
    what = words[0].upper()
    if what == b"SETNAME":
        if len(words) != 2:
            return _wrong_number(b"client|setname")
        if any(not 33 <= byte <= 126 for byte in words[1]):
            return error_reply(b"ERR Client names cannot contain spaces, newlines or special characters.")
        peer.name = words[1]
        return OK
    if what == b"GETNAME":
        return bulk_string(peer.name or None) if len(words) == 1 else _wrong_number(b"client|getname")
    return _unknown_subcommand(b"client", words)


def select_database(peer: Peer, number: bytes) -> bytes:
    """Agree to the only database that there is, number 0."""
    index = whole_number(number)
    if index is None:
        return error_reply(b"ERR value is not an integer or out of range")
    return OK if index == 0 else error_reply(b"ERR DB index is out of range")


def info(peer: Peer, *sections: bytes) -> bytes:
    """Tell which version of Redis the replies are like."""
    known = (b"server", b"default", b"all", b"everything")
    asked = not sections or any(section.lower() in known for section in sections)
    return bulk_string(FACTS if asked else b"")


def hang_up_on_browser(peer: Peer, *words: bytes) -> bytes:
    """Say nothing and close: a line of HTTP, which a web page may have had a browser send here."""
    peer.leaving = True
    return b""


def _unknown_subcommand(name: bytes, words: tuple[bytes, ...]) -> bytes:
    return error_reply(b"ERR unknown subcommand '%b'. Try %b HELP." % (words[0][:128], name.upper()))


def _wrong_number(name: bytes) -> bytes:
    return error_reply(b"ERR wrong number of arguments for '%b' command" % name)


FAMILIES = (b"config", b"command", b"client")

COMMANDS: dict[bytes, tuple[int, Callable[..., bytes]]] = {
    b"CONFIG": (-2, config),
    b"COMMAND": (-1, command),
    b"CLIENT": (-2, client),
    b"SELECT": (2, select_database),
    b"INFO": (-1, info),
    b"POST": (-1, hang_up_on_browser),
    b"HOST:": (-1, hang_up_on_browser),
}
