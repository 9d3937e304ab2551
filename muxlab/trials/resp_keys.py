"""Trials of what a Redis-like server keeps, on request: values, errors in commands, and keys whose time runs out."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from .idle import asleep
from .leftovers import objects
from .parting import ATTEMPTS, pass_time
from .patience import BRIEF, WATCHED
from .report import NOT_TRIED
from .resp import cut_at_every_byte, pipelined
from .resp_client import ANY_NUMBER, ERROR, NIL, OK, RedisBench, RedisClient, bulk, number, redis_trial, request
from .trial import Failed, NotAllowed

ANY_BYTES = bytes(range(256)) + b"\r\n$3\r\n*1\r\n"
"""All values that a byte can have, and some that look like a part of the protocol."""

LIFE = 200
"""Milliseconds for which a key is kept where a trial waits for its end. A client that has its replies before they are
over must have found the key there; where a machine is too busy for that, it is tried again."""

MARGIN = 0.05
"""Seconds after the end of a key's time at which it is looked for: of clocks, some count milliseconds."""

YEARS = 3 * 365 * 86400
"""Seconds of a time that is far away: more milliseconds than an int of C holds."""

KEYS = 500
"""Keys whose time runs out at once. Each takes two blocks of memory at least, of which nobody else has so many."""

WAKES = 5
"""Times that a server may wake up in `WATCHED` seconds with nothing to do; Redis itself does so ten times a second."""

IN_TIME = "When is a key's time over: when an alarm goes off, or when the clock says so? And who looks at the clock?"
ALARMS = "An alarm goes off for a key. Is it still the time that this key has?"
NO_TIMER = "Who wakes the server when the next key's time is over? What is it asleep in, and for how long at most?"


# ---- values


@redis_trial(
    "keeps any bytes",
    "Which bytes may a key or a value hold? What do you look for in them?",
    needs=[cut_at_every_byte, pipelined],
)
def keeps_bytes(bench: RedisBench) -> str:
    """Values of all bytes, of none and of many, a key of odd bytes, one that is replaced, and one that is not there."""
    values = {b"any": ANY_BYTES, b"none": b"", b"many": ANY_BYTES * 4000, ANY_BYTES: b"odd key", b"Any": b"another key"}
    writer = bench.client().ask("SET", "any", "replaced", reply=OK)
    for key, value in values.items():
        writer.ask("SET", key, value, reply=OK)
    if not bench.answered(writer):
        raise Failed(writer.came_back)
    reader = bench.client()
    for key, value in values.items():
        reader.ask("GET", key, reply=bulk(value))
    reader.ask("GET", "missing", reply=NIL)
    reader.ask("DEL", "any", "none", "missing", reply=number(2)).ask("GET", "any", reply=NIL)
    if not bench.answered(reader):
        raise Failed(reader.came_back)
    return f"{len(values)} values were kept, and {reader.came_back}"


@redis_trial(
    "counts with INCR", "What is kept for a number: bytes or an int? And which bytes are one?", needs=[pipelined]
)
def counts(bench: RedisBench) -> str:
    """Two clients count on, from nothing, from a number that was set and from one below zero; words are no numbers."""
    one, other = bench.guests(2)
    for client, value in ((one, 1), (other, 2), (one, 3)):
        if not bench.answered(client.ask("INCR", "visits", reply=number(value))):
            raise Failed(client.came_back)
    one.ask("GET", "visits", reply=bulk(3))
    one.ask("SET", "set", 41, reply=OK).ask("INCR", "set", reply=number(42))
    one.ask("SET", "cold", -3, reply=OK).ask("INCR", "cold", reply=number(-2))
    for word in ("hello", "1.5", "1_0", ""):
        one.ask("SET", "word", word, reply=OK).ask("INCR", "word", reply=ERROR).ask("GET", "word", reply=bulk(word))
    if not bench.answered(one):
        raise Failed(one.came_back)
    return one.came_back


@redis_trial(
    "names unknown commands and wrong arities",
    "What does a client learn from a connection that is closed? And what if there are fewer words than you take apart?",
    needs=[pipelined],
)
def names_errors(bench: RedisBench) -> str:
    """After each error the connection goes on, and so does everybody else's."""
    client, bystander = bench.guests(2)
    for words in (
        ["SING"],
        ["SING", "a", "song"],
        ["GET"],
        ["GET", "a", "b"],
        ["SET", "a"],
        ["INCR"],
        ["ECHO"],
        ["DEL"],
    ):
        client.ask(*words, reply=ERROR).greet()
        if not bench.answered(client):
            raise Failed(f"{' '.join(words)}: {client.came_back if client.wrong else client.got}")
    if not bench.answered(bystander.greet()):
        raise Failed(f"after the errors of one client, another one got {bystander.got}")
    return f"{client.came_back}, half of them errors, and the connection went on"


# ---- keys whose time runs out


@redis_trial("forgets a key when its time is over", IN_TIME, needs=[keeps_bytes])
def forgets_in_time(bench: RedisBench) -> str:
    """It is there before, and gone after; TTL says which keys have a time, and which keys there are not."""
    client = in_time(
        bench,
        (["SET", "brief", "here"], OK),
        (["SET", "lasting", "here"], OK),
        (["PEXPIRE", "brief", LIFE], number(1)),
        (["EXPIRE", "missing", 100], number(0)),
        (["GET", "brief"], bulk("here")),
        (["TTL", "lasting"], number(-1)),
        (["EXPIRE", "lasting", 100], number(1)),
        (["TTL", "lasting"], number(100)),
    )
    pass_time(bench, [client], LIFE / 1000 + MARGIN)
    bench.digest()  # an alarm that a busy machine holds up has gone off, too
    client.ask("GET", "brief", reply=NIL).ask("TTL", "brief", reply=number(-2))
    client.ask("EXPIRE", "brief", 100, reply=number(0)).ask("GET", "lasting", reply=bulk("here"))
    client.expect(number(1), to="EXPIRE lasting 0").expect(NIL, to="GET lasting")
    client.say(request("EXPIRE", "lasting", 0) + request("GET", "lasting"))  # in one packet: no wait between the two
    if not bench.answered(client):
        raise Failed(f"when the time of a key was over: {client.came_back}")
    return "a key was there before its time was over, and not after"


@redis_trial("forgets no key before its time", ALARMS, needs=[forgets_in_time])
def forgets_none_early(bench: RedisBench) -> str:
    """Of some keys the time is put off, or the key is set again, deleted and set again; then the first time is over."""
    client = in_time(
        bench,
        *((["SET", key, "old"], OK) for key in ("put off", "set again", "deleted", "counted")),
        *((["PEXPIRE", key, LIFE], number(1)) for key in ("put off", "set again", "deleted")),
        (["EXPIRE", "put off", 100], number(1)),
        (["SET", "set again", "new"], OK),
        (["DEL", "deleted"], number(1)),
        (["SET", "deleted", "new"], OK),
    )
    pass_time(bench, [client], LIFE / 1000 + MARGIN)
    bench.digest()  # an alarm that a busy machine holds up has gone off, too
    client.ask("GET", "put off", reply=bulk("old"))
    client.ask("GET", "set again", reply=bulk("new")).ask("TTL", "set again", reply=number(-1))
    client.ask("GET", "deleted", reply=bulk("new"))
    if not bench.answered(client):
        raise Failed(f"when the time that a key had at first was over: {client.came_back}")
    return "keys whose time was changed were there when the first time was over"


def in_time(bench: RedisBench, *questions: tuple[Sequence[str | int], bytes]) -> RedisClient:
    """Return a client that was asked these questions and got these replies, all of them before `LIFE` was over."""
    for _ in range(ATTEMPTS):
        client = bench.client()
        began = time.monotonic()
        for words, reply in questions:
            client.ask(*words, reply=reply)
        if bench.answered(client):
            return client
        if time.monotonic() - began < LIFE / 1000 or not client.wrong:
            raise Failed(client.came_back if client.wrong or client.replies else client.got)
    raise NotAllowed(f"{NOT_TRIED}this machine is too busy to ask {len(questions)} questions in {LIFE} milliseconds")


@redis_trial("forgets keys while nobody talks", NO_TIMER, needs=[forgets_in_time])
def forgets_while_idle(bench: RedisBench) -> str:
    """Keys are set, then each is given a time, and the client leaves; the memory that they took has to become free."""
    bystander = bench.client()
    ask_of_all(bench, lambda client, key: client.ask("SET", key, f"value of {key}", reply=OK))
    full = objects()
    ask_of_all(bench, lambda client, key: client.ask("PEXPIRE", key, LIFE, reply=number(1)))
    pass_time(bench, [bystander], LIFE / 1000 + MARGIN)
    if not bench.lookout.eventually(lambda: full - objects() >= KEYS, BRIEF):
        raise Failed(f"the time of {KEYS} keys was over, nobody said a word, and they were still in memory")
    if not bench.answered(bystander.ask("DBSIZE", reply=number(0))):
        raise Failed(f"when the time of all keys was over: {bystander.came_back}")
    return f"the time of {KEYS} keys was over, and their memory was free, before anybody said a word"


@redis_trial("sleeps between two expiries", NO_TIMER, needs=[forgets_while_idle, forgets_none_early])
def sleeps_between(bench: RedisBench) -> str:
    """The time of some keys is over, some were deleted before, and that of the others is a minute away."""
    client = bench.client()
    for place in range(KEYS):
        client.ask("SET", f"late {place}", "value", reply=OK).ask("EXPIRE", f"late {place}", 60, reply=number(1))
    for key in ("over", "deleted"):
        client.ask("SET", key, "value", reply=OK).ask("PEXPIRE", key, LIFE, reply=ANY_NUMBER)
    client.ask("DEL", "deleted", reply=ANY_NUMBER)
    if not bench.answered(client):
        raise Failed(client.came_back)
    pass_time(bench, [client], LIFE / 1000 + MARGIN)
    began, start = time.monotonic(), times_asleep(bench)
    seen = asleep(bench, "the next key's time is over in a minute")
    woken, seconds = times_asleep(bench) - start, time.monotonic() - began
    if woken > WAKES * max(1, seconds / WATCHED):
        raise Failed(f"nobody talked, no key's time was over, and in {seconds:.1f} s the server woke up {woken} times")
    return seen


@redis_trial(
    "takes a time that is years away",
    "For how long can one wait last? In which unit does the kernel take it?",
    needs=[forgets_in_time],
)
def years_away(bench: RedisBench) -> str:
    """It is the only time that any key has: the server has nothing else to wait for."""
    client = bench.client().ask("SET", "relic", "here", reply=OK).ask("EXPIRE", "relic", YEARS, reply=number(1))
    if not bench.answered(client):
        raise Failed(client.came_back)
    bench.digest()
    if not bench.answered(client.ask("TTL", "relic", reply=ANY_NUMBER).ask("GET", "relic", reply=bulk("here"))):
        raise Failed(f"with a key that is kept for three years, {client.came_back}")
    bench.still_serves("an expiry that is years away")
    return "a key was given three years, and the server went on"


def ask_of_all(bench: RedisBench, ask: Callable[[RedisClient, str], object]) -> None:
    """Have a client of its own ask the same of `KEYS` keys, and leave; nothing of it stays in memory."""
    client = bench.client()
    for place in range(KEYS):
        ask(client, f"key {place}")
    if not bench.answered(client):
        raise Failed(client.came_back)
    client.close()
    bench.happens(lambda: len(bench.server.connections()) <= 1)
    bench.forget([client])


def times_asleep(bench: RedisBench) -> int:
    """Return how often the server's thread has fallen asleep so far: proc(5), voluntary_ctxt_switches; 0 if unknown."""
    status = Path(f"/proc/self/task/{bench.server.thread.native_id}/status")
    if not status.exists():  # not everywhere, and not when it has ended
        return 0
    _, _, rest = status.read_text().partition("\nvoluntary_ctxt_switches:")
    return int(rest.split()[0])
