"""What Redis's clients ask when they connect, before anybody has given a command: just enough to satisfy them.

redis-benchmark asks for the configuration, redis-cli for the list of commands; redis-py tells its name and, from its
version 8 on, asks for version 3 of the protocol (HELLO 3) and does not go on without it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .protocol import Request, array, bulk_string, error_reply, integer, null, pairs, simple_string, whole_number

if TYPE_CHECKING:
    from .peer import Peer

OK = simple_string(b"OK")
DATABASES = 16
SETTINGS = {b"save": b"", b"appendonly": b"no", b"databases": b"%d" % DATABASES, b"maxmemory": b"0"}
VERSION = b"7.0.15"
FACTS = b"# Server\r\nredis_version:%b\r\nredis_mode:standalone\r\n" % VERSION


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
    return pairs(peer.version, found)


def command(peer: Peer, *words: bytes) -> bytes:
    """List no commands: redis-cli, which asks for help texts, does without."""
    if words and words[0].upper() != b"DOCS":
        return _unknown_subcommand(b"command", words)
    return array([])


def client(peer: Peer, *words: bytes) -> bytes:
    """Note or tell the client's name, or tell its number: CLIENT SETNAME name, CLIENT GETNAME, CLIENT ID."""
    what = words[0].upper()
    allowed = {b"SETNAME": 2, b"GETNAME": 1, b"ID": 1}.get(what)
    if allowed is None:
        return _unknown_subcommand(b"client", words)
    if len(words) != allowed:
        return _wrong_number(b"client|" + what.lower())
    if what == b"ID":
        return integer(peer.number)
    if what == b"GETNAME":
        return bulk_string(peer.name) if peer.name else null(peer.version)
    return _set_name(peer, words[1]) or OK


def _set_name(peer: Peer, name: bytes) -> bytes:
    """Note the client's name; return the error if it cannot be one."""
    if any(not 33 <= byte <= 126 for byte in name):
        return error_reply(b"ERR Client names cannot contain spaces, newlines or special characters.")
    peer.name = name
    return b""


def hello(peer: Peer, *words: bytes) -> bytes:
    """Agree on the version of the protocol, and introduce this server: HELLO 3 AUTH user password SETNAME name.

    All its words may be left out. There are no passwords here, so everybody is let in.
    """
    version = whole_number(words[0]) if words else peer.version
    if version is None:
        return error_reply(b"ERR Protocol version is not an integer or out of range")
    if version not in (2, 3):
        return error_reply(b"NOPROTO unsupported protocol version")
    options = list(words[1:])
    while options:
        option = options.pop(0)
        if option.upper() == b"AUTH" and len(options) >= 2:
            del options[:2]
        elif option.upper() == b"SETNAME" and options:
            if error := _set_name(peer, options.pop(0)):
                return error
        else:
            return error_reply(b"ERR Syntax error in HELLO option '%b'" % option)
    peer.version = version
    facts = {
        b"server": bulk_string(b"redis"),
        b"version": bulk_string(VERSION),
        b"proto": integer(version),
        b"id": integer(peer.number),
        b"mode": bulk_string(b"standalone"),
        b"role": bulk_string(b"master"),
        b"modules": array([]),
    }
    return pairs(version, [part for name, value in facts.items() for part in (bulk_string(name), value)])


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
    b"HELLO": (-1, hello),
    b"SELECT": (2, select_database),
    b"INFO": (-1, info),
    b"POST": (-1, hang_up_on_browser),
    b"HOST:": (-1, hang_up_on_browser),
}
