"""Trials of scarcity: more clients than a server may have descriptors, or than select has numbers for."""

from collections.abc import Sequence

from .bench import Bench
from .clients import BenchClient
from .idle import sleeps_beside
from .messages import burst
from .patience import LOOK
from .trial import HELLO, Failed, NotAllowed, trial

MANY, BATCH = 1100, 220
"""Clients held at once, more than there are numbers below FD_SETSIZE, and how many of them come at a time."""

RESTED = 15 * LOOK
"""Seconds after which a server looks at the door again: asyncio rests for one."""


@trial(
    "lives through a lack of descriptors",
    "accept can fail, and the client still waits at the door. What then?",
    needs=[burst, sleeps_beside],
)
def lack(bench: Bench) -> str:
    """For a moment the process can open nothing more, and clients come: accept(2), EMFILE."""
    insider = bench.client().say(HELLO)
    bench.answered(insider)
    comers = bench.strangers(5)
    with bench.no_descriptors_left():
        for client in comers:
            client.connect(bench.server.address).say(HELLO)
        spins = bench.lookout.spins()
        served = bench.answered(insider.say(b"still there?\n"))
    if not served:
        raise Failed(f"while there were no descriptors, a client that had been there before got {insider.got}")
    if not bench.wait(comers, lambda: all(client.answered or client.ended for client in comers), RESTED):
        raise Failed("the clients that came while there were no descriptors got no answer, when there were some again")
    bench.still_serves("a lack of descriptors")
    if not bench.model().polls and (spins or bench.lookout.spins()):
        when = "while there are no descriptors" if spins else "after a lack of descriptors"
        raise Failed(f"{when}, the server takes all the CPU time that it gets")
    return "clients that came while there were none were answered when there were some again, or turned away"


@trial("holds more than 1,024 clients", "Is there a number in your server that a crowd may pass?", needs=[burst])
def many(bench: Bench) -> str:
    """They come in groups; in the end each is asked once more."""
    bench.make_room(MANY)
    clients: list[BenchClient] = []
    group: Sequence[BenchClient] = [bench.client()]
    while group and bench.answered(*(client.say(HELLO) for client in group)):
        clients += group
        _, limit = bench.server.accept_queue()  # a client that finds it full tries again after a second: tcp(7)
        group = bench.crowd(min(BATCH, limit or 1, MANY - len(clients)))
    if len(clients) == MANY and bench.answered(*(client.say(b"and again\n") for client in clients)):
        return f"{MANY:,} of {MANY:,} clients were answered at the same time"
    if bench.model().is_select and (bench.error is None or isinstance(bench.error, ValueError)):
        raise NotAllowed(f"select cannot watch a descriptor of 1,024 or more: {what_then(bench)}")
    came = sum(client.answered for client in bench.clients)
    now = f", and the server is {where}" if (where := bench.whereabouts()) else ""
    raise Failed(f"{came:,} of {MANY:,} clients were answered{now}")


def what_then(bench: Bench) -> str:
    """Say what became of a select server at its wall."""
    if bench.error is not None:
        return "the server ended there"
    if bench.answered(bench.clients[0].say(b"still there?\n")):
        return "those within the limit were answered"
    return "nobody was answered any more"
