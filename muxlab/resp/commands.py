"""The commands: a table of their names, and for each the number of its words and the function that answers.

A function gets the client that asks (a `Peer`) and the words after the command's name, and returns the bytes of the
reply. Names, replies and error texts are those of Redis 7.0; what its clients ask when they connect is in greetings.py.

Not handled here: other types than strings, the options of SET but EX and PX, those of EXPIRE, patterns (PSUBSCRIBE),
scripts, saving to disk; and transactions (MULTI), in which redis-py wraps every pipeline unless it is made with
`pipeline(transaction=False)`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from . import greetings
from .protocol import Request, array, bulk_string, error_reply, integer, null, push, simple_string, whole_number

if TYPE_CHECKING:
    from .peer import Peer

OK = simple_string(b"OK")
PONG = simple_string(b"PONG")
SYNTAX_ERROR = error_reply(b"ERR syntax error")
NOT_AN_INTEGER = error_reply(b"ERR value is not an integer or out of range")
OVERFLOW = error_reply(b"ERR increment or decrement would overflow")

SMALLEST, LARGEST = -(2**63), 2**63 - 1
"""The numbers that a value may be: 64 bits with a sign."""

UNITS = {b"EX": 1000, b"PX": 1}
"""Milliseconds in the unit of each option of SET."""


def execute(peer: Peer, request: Request) -> bytes:
    """Return the reply to one request."""
    name = request[0]
    command = COMMANDS.get(name) or COMMANDS.get(name.upper())
    if command is None:
        family = greetings.FAMILIES.get(name.upper())
        if family is None:
            return unknown(request)
        if len(request) == 1:
            return wrong_number(name)
        command = family.get(request[1].upper())
        if command is None:
            return unknown_subcommand(request)
        name = b"%b|%b" % (name, request[1])
        request = request[1:]
    words, function = command
    if len(request) != words and (words > 0 or len(request) < -words):
        return wrong_number(name)
    if peer.channels and peer.version == 2 and function not in WHILE_SUBSCRIBED:
        return error_reply(  # Redis's text, byte for byte: it names commands that this server does not have
            b"ERR Can't execute '%b': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET "
            b"are allowed in this context" % name.lower()
        )
    return function(peer, *request[1:])


def unknown(request: Request) -> bytes:
    """Return the reply to a command that is not in the table; it quotes the beginning of the request."""
    quoted = b""
    for word in request[1:]:
        if len(quoted) >= 128:
            break
        quoted += b"'%b' " % c_string(word)[: 128 - len(quoted)]
    name = c_string(request[0])[:128]
    return error_reply(b"ERR unknown command '%b', with args beginning with: %b" % (name, quoted))


def unknown_subcommand(request: Request) -> bytes:
    """Return the reply to a second word that is not in the table of a family of commands."""
    what = c_string(request[1])[:128], request[0].upper()
    return error_reply(b"ERR unknown subcommand '%b'. Try %b HELP." % what)


def c_string(text: bytes) -> bytes:
    """Return what C prints of a text: it ends before the first zero byte."""
    return text.partition(b"\0")[0]


def wrong_number(name: bytes) -> bytes:
    """Return the reply to a request that has too many words, or too few."""
    return error_reply(b"ERR wrong number of arguments for '%b' command" % name.lower())


# ---- strings


def ping(peer: Peer, *message: bytes) -> bytes:
    """Answer that somebody is here."""
    if len(message) > 1:
        return wrong_number(b"ping")
    if peer.channels and peer.version == 2:  # a subscriber takes arrays only
        return array([bulk_string(b"pong"), bulk_string(b"".join(message))])
    return bulk_string(message[0]) if message else PONG


def echo_back(peer: Peer, message: bytes) -> bytes:
    """Return the message."""
    return bulk_string(message)


def get(peer: Peer, key: bytes) -> bytes:
    """Return the value of a key, or the null."""
    value = peer.store.get(key)
    return null(peer.version) if value is None else bulk_string(value)


def set_value(peer: Peer, key: bytes, value: bytes, *options: bytes) -> bytes:
    """Give a key a value; it expires after EX seconds or PX milliseconds, and without these options never."""
    if not options:
        peer.store.set(key, value)
        return OK
    names = {name.upper() for name in options[::2]}  # Redis takes `EX 5 EX 10`, too: the last one counts
    name = names.pop()
    if names or name not in UNITS or len(options) % 2:
        return SYNTAX_ERROR
    number, unit = whole_number(options[-1]), UNITS[name]
    if number is None:
        return NOT_AN_INTEGER
    if not 0 < number * unit <= most_milliseconds():
        return error_reply(b"ERR invalid expire time in 'set' command")
    peer.store.set(key, value, number * unit / 1000)
    return OK


def increment(peer: Peer, key: bytes) -> bytes:
    """Add 1 to the number that a key has as its value; a key that is not there counts as 0."""
    return increment_by(peer, key, b"1")


def increment_by(peer: Peer, key: bytes, step: bytes) -> bytes:
    """Add a number, which may be negative, to the number that a key has as its value."""
    value = peer.store.get(key)
    number = 0 if value is None else whole_number(value)
    addend = whole_number(step)
    if number is None or addend is None:
        return NOT_AN_INTEGER
    total = number + addend
    if not SMALLEST <= total <= LARGEST:
        return OVERFLOW
    peer.store.replace(key, b"%d" % total)
    return integer(total)


def delete(peer: Peer, *keys: bytes) -> bytes:
    """Forget keys; the reply is how many of them there were."""
    return integer(sum(peer.store.delete(key) for key in keys))


def exists(peer: Peer, *keys: bytes) -> bytes:
    """Count those keys that are there; one that is named twice counts twice."""
    return integer(sum(key in peer.store for key in keys))


def database_size(peer: Peer) -> bytes:
    """Count all keys."""
    return integer(len(peer.store))


def flush_all(peer: Peer, *how: bytes) -> bytes:
    """Forget all keys."""
    if how and (len(how) > 1 or how[0].upper() not in (b"SYNC", b"ASYNC")):
        return SYNTAX_ERROR
    peer.store.clear()
    return OK


# ---- time


def most_milliseconds() -> int:
    """Return the longest time for which a key can be kept: Redis adds it to the time of day, in 64 bits."""
    return LARGEST - time.time_ns() // 1_000_000


def expire(peer: Peer, key: bytes, seconds: bytes, *options: bytes) -> bytes:
    """Have a key expire after so many seconds."""
    return _expire(peer, b"expire", key, seconds, 1000, options)


def expire_milliseconds(peer: Peer, key: bytes, milliseconds: bytes, *options: bytes) -> bytes:
    """Have a key expire after so many milliseconds."""
    return _expire(peer, b"pexpire", key, milliseconds, 1, options)


def _expire(peer: Peer, command: bytes, key: bytes, period: bytes, unit: int, options: tuple[bytes, ...]) -> bytes:
    if options:
        return error_reply(b"ERR Unsupported option %b" % options[0])
    number = whole_number(period)
    if number is None:
        return NOT_AN_INTEGER
    if not SMALLEST <= number * unit <= most_milliseconds():
        return error_reply(b"ERR invalid expire time in '%b' command" % command)
    return integer(peer.store.expire(key, number * unit / 1000))


def time_to_live(peer: Peer, key: bytes) -> bytes:
    """Tell for how many more seconds a key is kept: -1 if it never expires, -2 if it is not there."""
    return integer(_milliseconds_left(peer, key, unit=1000))


def time_to_live_milliseconds(peer: Peer, key: bytes) -> bytes:
    """Tell for how many more milliseconds a key is kept: -1 if it never expires, -2 if it is not there."""
    return integer(_milliseconds_left(peer, key, unit=1))


def _milliseconds_left(peer: Peer, key: bytes, unit: int) -> int:
    if key not in peer.store:
        return -2
    seconds = peer.store.seconds_left(key)
    return -1 if seconds is None else int(seconds * 1000 / unit + 0.5)


# ---- publish and subscribe


def subscribe(peer: Peer, *channels: bytes) -> bytes:
    """Subscribe the client to channels; one reply for each of them."""
    replies = []
    for channel in channels:
        peer.shared_channels.subscribe(peer, channel)
        parts = [bulk_string(b"subscribe"), bulk_string(channel), integer(len(peer.channels))]
        replies.append(push(peer.version, parts))
    return b"".join(replies)


def unsubscribe(peer: Peer, *channels: bytes) -> bytes:
    """Unsubscribe the client from channels, or from all of them if none is named; one reply for each of them."""
    replies = []
    named = channels or tuple(peer.channels)
    for channel in named or (None,):
        if channel is not None:
            peer.shared_channels.unsubscribe(peer, channel)
        shown = null(peer.version) if channel is None else bulk_string(channel)
        replies.append(push(peer.version, [bulk_string(b"unsubscribe"), shown, integer(len(peer.channels))]))
    return b"".join(replies)


def publish(peer: Peer, channel: bytes, message: bytes) -> bytes:
    """Send a message to all subscribers of a channel; the reply is how many they are."""
    return integer(peer.shared_channels.publish(channel, message))


# ---- the table


def quit_now(peer: Peer, *ignored: bytes) -> bytes:
    """Say goodbye: the connection is closed when the reply is sent."""
    peer.leaving = True
    return OK


COMMANDS: dict[bytes, tuple[int, Callable[..., bytes]]] = {
    b"PING": (-1, ping),
    b"ECHO": (2, echo_back),
    b"GET": (2, get),
    b"SET": (-3, set_value),
    b"INCR": (2, increment),
    b"INCRBY": (3, increment_by),
    b"DEL": (-2, delete),
    b"EXISTS": (-2, exists),
    b"DBSIZE": (1, database_size),
    b"FLUSHALL": (-1, flush_all),
    b"EXPIRE": (-3, expire),
    b"PEXPIRE": (-3, expire_milliseconds),
    b"TTL": (2, time_to_live),
    b"PTTL": (2, time_to_live_milliseconds),
    b"SUBSCRIBE": (-2, subscribe),
    b"UNSUBSCRIBE": (-1, unsubscribe),
    b"PUBLISH": (3, publish),
    b"QUIT": (-1, quit_now),
    **greetings.COMMANDS,
}
"""Name: how many words a request has, its name included, and who answers. As in Redis, -2 stands for two or more."""

WHILE_SUBSCRIBED = (subscribe, unsubscribe, ping, quit_now)
"""What a client may ask for while it is subscribed."""
