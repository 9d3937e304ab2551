"""What Redis's clients ask when they connect, before the user has typed a command: just enough to satisfy them.

redis-benchmark asks for the configuration, redis-cli for the list of commands; redis-py tells its name and, from its
version 8 on, asks for version 3 of the protocol (HELLO 3) and does not go on without it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .protocol import array, bulk_string, error_reply, integer, null, pairs, simple_string, whole_number

if TYPE_CHECKING:
    from .peer import Peer

OK = simple_string(b"OK")
DATABASES = 16
SETTINGS = {b"save": b"", b"appendonly": b"no", b"databases": b"%d" % DATABASES, b"maxmemory": b"0"}
VERSION = b"7.0.15"
FACTS = b"# Server\r\nredis_version:%b\r\nredis_mode:standalone\r\n" % VERSION


def get_setting(peer: Peer, *names: bytes) -> bytes:
    """Tell the values of settings: CONFIG GET name."""
    found = []
    for name in names:
        value = SETTINGS.get(name.lower())
        if value is not None:
            found += [bulk_string(name.lower()), bulk_string(value)]
    return pairs(peer.version, found)


def list_commands(peer: Peer, *words: bytes) -> bytes:
    """Return an empty list; redis-cli, which asks with COMMAND DOCS to show help, manages without it."""
    return array([])


def set_name(peer: Peer, name: bytes) -> bytes:
    """Note what the client calls itself: CLIENT SETNAME name."""
    return _set_name(peer, name) or OK


def get_name(peer: Peer) -> bytes:
    """Tell what the client calls itself: CLIENT GETNAME."""
    return bulk_string(peer.name) if peer.name else null(peer.version)


def get_number(peer: Peer) -> bytes:
    """Tell the client's number: CLIENT ID."""
    return integer(peer.number)


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
    """Say nothing and close: this is a line of HTTP, which a web page may have had a browser send here."""
    peer.hang_up()
    return b""


COMMANDS: dict[bytes, tuple[int, Callable[..., bytes]]] = {
    b"COMMAND": (-1, list_commands),
    b"HELLO": (-1, hello),
    b"SELECT": (2, select_database),
    b"INFO": (-1, info),
    b"POST": (-1, hang_up_on_browser),
    b"HOST:": (-1, hang_up_on_browser),
}

FAMILIES: dict[bytes, dict[bytes, tuple[int, Callable[..., bytes]]]] = {
    b"CONFIG": {b"GET": (-2, get_setting)},
    b"CLIENT": {b"SETNAME": (2, set_name), b"GETNAME": (1, get_name), b"ID": (1, get_number)},
}
"""Commands whose second word says what is meant; words are counted from that one on."""
