"""Trials of Redis's protocol, on request: requests in a byte stream, whole ones, torn ones and false ones.

They ask for nothing but PING and ECHO, so that a server can pass them before it keeps anything.
"""

import itertools
from collections.abc import Iterable

from .clients import BenchClient
from .endings import RUDE, unharmed
from .messages import no_answer
from .resp_client import END, ERROR, PONG, RedisBench, bulk, redis_trial, request
from .slow import HOLDERS
from .trial import NARROW, SIZES, Failed

PIPELINED, LENGTH = 1000, 100
"""Requests that a client sends before it reads the first reply, and bytes that each of them asks to have sent back: in
all they are more than one recv returns, so that it ends somewhere in a request."""

ODD = b"two\r\nlines, *1\r\n$4\r\nPING\r\n and \x00\xff"
"""A value that looks like the end of one request and the beginning of another."""

TALK = {request("ECHO", ODD): bulk(ODD), request("PING"): PONG, request("ECHO", b""): bulk(b"")}
"""Three requests, and the replies to them."""

LENGTHS = [b"$-7", b"$seven", b"$1_0", b"$", b"$536870913", b"$" + b"9" * 30, b"4"]
"""First lines of an argument that make no sense: the largest length that Redis takes is 512 MB."""

COUNTS = [b"*many", b"*1_0", b"*2147483648", b"*" + b"9" * 30]
"""First lines of a request that make no sense: the largest count that Redis takes is that of an int in C."""

NOTHING = [b"*0", b"*-1"]
"""First lines of a request without a word: Redis passes over them, and sends no reply."""

ENDLESS = 65536 + 64
"""Bytes of a line that has no end: Redis gives one up after 64 KiB."""

HELLO = request("ECHO", "hello")
CUTS = HELLO.index(b"\r") + 1, HELLO.index(b"5"), HELLO.index(b"llo"), len(HELLO) - 1
"""A request, and after how many of its bytes some clients pause: in each of its parts."""

LONG = request("ECHO", bytes(8 * NARROW))
"""A request whose reply does not fit into the queues between a server and its client."""

FRAMES = "Where does a request end? And what does your server keep of one until the rest of it comes?"
GONE = "What can raise when a client is gone? And what of it do you keep: does the next one inherit it?"
FALSE = "A client may claim any length. What do you do with it before you have looked at it? And what does int() take?"


@redis_trial("answers PING", "What does a client of Redis send for PING, byte for byte? And what does it wait for?")
def answers_ping(bench: RedisBench) -> str:
    """One client asks, in capitals and in small letters, and has a word sent back."""
    client = bench.client().greet()
    if not bench.answered(client) and not client.answer and bench.server.alive:
        raise no_answer(bench, client)
    for words, reply in ((["ping"], PONG), (["ECHO", "hello"], bulk("hello"))):
        if not bench.answered(client.ask(*words, reply=reply)):
            raise Failed(client.came_back)
    bench.digest()
    client.read()
    if not client.answered:
        raise Failed(client.came_back)
    return client.came_back


@redis_trial("takes a request cut at every byte", FRAMES, needs=[answers_ping])
def cut_at_every_byte(bench: RedisBench) -> str:
    """The same requests in pieces of one byte, of two, and so on; each is sent when the server has read the last."""
    client = bench.client()
    for size in range(1, max(map(len, TALK)) + 1):
        for whole, reply in TALK.items():
            client.expect(reply)
            for start in range(0, len(whole), size):
                client.say(whole[start : start + size])
                if not bench.taken():
                    break
            if not bench.answered(client):
                raise Failed(f"cut into pieces of {size}: {client.came_back}")
    return f"{len(TALK)} requests were cut into pieces of each size, and {client.came_back}"


@redis_trial(
    "answers 1,000 pipelined requests",
    "How many requests can one recv return? And who tells you of those that you have read already?",
    needs=[cut_at_every_byte],
)
def pipelined(bench: RedisBench) -> str:
    """A client sends them all before it reads anything."""
    client = bench.client()
    values = [b"%0*d" % (LENGTH, place) for place in range(PIPELINED)]
    client.expect(*map(bulk, values))
    client.say(b"".join(request("ECHO", value) for value in values))
    if not bench.answered(client):
        raise Failed(client.came_back)
    return client.came_back


@redis_trial(
    "takes inline commands",
    "A person types PING into a terminal. Which bytes arrive, and how do they differ from a client's?",
    needs=[pipelined],
)
def inline(bench: RedisBench) -> str:
    """As telnet and nc send them: words in a line, an empty line; and the request of a program after them."""
    client = bench.client()
    for line, reply in {b"PING\r\n": PONG, b"PING\n": PONG, b"ECHO  hello\r\n": bulk("hello"), b"\r\n": b""}.items():
        for piece in (line[:3], line[3:]):
            client.say(piece)
            bench.taken()
        client.expect(*filter(None, [reply]), to=repr(line)[1:])
        if not bench.answered(client):
            raise Failed(client.came_back)
    client.say(b"PING\r\n").expect(PONG, to="an inline PING").greet()
    if not bench.answered(client):
        raise Failed(client.came_back)
    return client.came_back


@redis_trial(
    "serves others while 200 requests are unfinished",
    "How many clients can be in the middle of a request at a time? Where do you keep what each of them has sent?",
    needs=[cut_at_every_byte],
)
def unfinished(bench: RedisBench) -> str:
    """Clients begin a request and do not end it; then one comes and asks; in the end they all go on."""
    holders = bench.guests(HOLDERS)
    cuts = list(itertools.islice(itertools.cycle(CUTS), HOLDERS))
    for holder, cut in zip(holders, cuts, strict=True):
        holder.say(HELLO[:cut])
    bench.digest()
    client = bench.client().greet()
    if not bench.answered(client):
        raise Failed(f"while {HOLDERS} requests were unfinished, the next client got {client.got}")
    for holder, cut in zip(holders, cuts, strict=True):
        holder.expect(bulk("hello"), to="ECHO hello").say(HELLO[cut:])
    if not bench.answered(*holders):
        answered = sum(holder.answered for holder in holders)
        raise Failed(f"{answered} of {HOLDERS} were answered at the end of their request")
    return f"while {HOLDERS} requests were unfinished, another one was answered, and then these were"


@redis_trial("refuses false lengths", FALSE, needs=[pipelined, unfinished])
def false_lengths(bench: RedisBench) -> str:
    """Each is asked for by a client of its own, after a request that is in order."""
    return refused(bench, [b"*2\r\n$4\r\nECHO\r\n" + line + END for line in LENGTHS])


@redis_trial("refuses counts beyond all reason", FALSE, needs=[pipelined, unfinished])
def false_counts(bench: RedisBench) -> str:
    """Each is asked for by a client of its own, after a request that is in order; those of nothing are passed over."""
    client = bench.client()
    for line in NOTHING:
        client.say(line + END).greet()
        if not bench.answered(client):
            raise Failed(f"{line.decode()} asks for nothing, but after it, {client.came_back}")
    return refused(bench, [line + END for line in COUNTS])


@redis_trial(
    "refuses a line without an end",
    "How many bytes do you keep while you wait for the end of a line?",
    needs=[inline, unfinished],
)
def endless_lines(bench: RedisBench) -> str:
    """A client says word after word and no end of line, another digit after digit."""
    return refused(bench, [b"PING" * (ENDLESS // 4), b"*" + b"1" * ENDLESS, b"*1\r\n$" + b"1" * ENDLESS])


def refused(bench: RedisBench, nonsense: list[bytes]) -> str:
    """Fail the trial unless each of these gets an error and the end of its connection, at no expense to others."""
    bystander = bench.client().expect(bulk("hello"), to="ECHO hello").say(HELLO[: CUTS[2]])
    for wrong in nonsense:
        client = bench.client().greet()
        client.expect(ERROR).say(wrong)
        bench.wait([client], lambda client=client: client.wrong or client.ended)  # type: ignore[misc]
        if client.wrong or len(client.replies) < len(client.expected):
            got = client.came_back if client.wrong or client.replies else client.got
            raise Failed(f"PING and then {wrong[:24]!r}: {got}")
        if not client.ended:
            raise Failed(f"after {wrong[:24]!r} and an error, the connection was not closed")
    if not bench.answered(bystander.say(HELLO[CUTS[2] :])):
        raise Failed(f"when others had sent nonsense, a client in the middle of its request got {bystander.got}")
    bench.still_serves("nonsense of others")
    return f"{len(nonsense)} clients got an error and the end of their connection, and others were answered"


@redis_trial("survives a reset in the middle of a request", GONE, needs=[unfinished])
def reset_in_request(bench: RedisBench) -> str:
    """Some do so in the middle of a request, others while a long reply is on its way; others take their place."""
    bench.serve(narrow=True)
    bystander = bench.client()
    rude = bench.guests(RUDE, NARROW)
    for place, client in enumerate(rude):
        client.say(HELLO[: CUTS[place // 2 % len(CUTS)]] if place % 2 else LONG)
    bench.push(rude)
    for client in rude:
        client.reset()
    seen = unharmed(bench, bystander, f"{RUDE} clients reset their connections in the middle of something")
    newcomers = [client.greet() for client in bench.guests(RUDE)]
    if not bench.answered(*newcomers):
        raise Failed(f"a client that came after those that had broken off got {unanswered(newcomers).got}")
    return seen


@redis_trial(
    "answers a client that half-closes after asking",
    "Has a client that will ask no more also stopped reading?",
    needs=[pipelined, unfinished],
)
def half_closes(bench: RedisBench) -> str:
    """As `printf ... | nc` does: it asks, ends its own side, and reads; little, and more than the queues hold."""
    bench.serve(narrow=True)
    clients = bench.guests(len(SIZES), NARROW)
    for client, size in zip(clients, SIZES, strict=True):
        value = b"%0*d" % (size, size)  # each says something else
        client.ask("ECHO", value, reply=bulk(value)).greet()
    bench.push(clients)
    for client in clients:
        if not client.unsent:
            client.half_close()
    bench.digest()  # of some, part of the reply is still with the server when it hears that they say no more
    bench.wait(clients, lambda: not any(client.unsent for client in clients))
    for client in clients:
        client.half_close()
    if not bench.answered(*clients):
        raise Failed(f"after a half-close, {unanswered(clients).came_back}")
    if not bench.wait(clients, lambda: all(client.ended for client in clients)):
        raise Failed("after a half-close all was answered, but the connection was not closed then")
    return f"{len(clients)} clients got all their replies, and then the end"


def unanswered(clients: Iterable[BenchClient]) -> BenchClient:
    """Return the first of these clients that was not answered as it should be."""
    return next(client for client in clients if not client.answered)
