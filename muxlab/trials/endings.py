"""Trials of leaving: clients go when they like, and most of them without a good-bye."""

from collections.abc import Callable
from itertools import pairwise

from .backpressure import reads_late
from .bench import Bench
from .clients import BenchClient
from .messages import burst, in_turn
from .trial import HELLO, LINE, NARROW, SIZES, Failed, trial

RUDE = 8
"""Clients that leave at once: more than one, so that some leave while the server is busy with another."""

PASSERS = 60
"""Clients of one round that come, are answered and leave."""

APART = 3
"""Rounds from one look at the memory to the next: of one object for each client, some find room that is there already,
in a round nearly all of them at times."""

LOOKS, MOST_LOOKS = 2, 5
"""Looks after the first one; and how many there may be while each finds more than the one before. Python keeps the
memory of up to 80 dictionaries, or as many lists, for the next ones, and that comes and goes."""

KEPT = "descriptors are open", "objects are in memory"
"""What is counted at a look."""

ASKED = LINE * (8 * NARROW // len(LINE))
"""A request whose reply does not fit into the queues between a server and its client."""

PATIENT = 3
"""Looks at the children of a server, before those that have ended are taken to be forgotten: to look takes long."""

FULL = 0.02
"""Seconds after which a server that reads nothing more has both queues full, and part of the reply in its hands."""

SEVERAL = LINE * (3 * NARROW // 4 // len(LINE))
"""A request that fits into a server's receive queue, and that it reads in several pieces."""

RAISES = "Which calls on a client's socket can raise, and what catches it?"
CHILDREN = "Who ends a child process when its client has left, and who waits for it?"
OPEN = "Who closes the socket of a client that is gone, and is there a case in which nobody does?"


@trial("survives a reset before any data", RAISES, needs=[in_turn])
def reset_at_once(bench: Bench) -> str:
    """One is reset before the server gets to see it, the others while it waits for their first word."""
    bench.serve(hold=True)
    bench.client().reset()
    bench.release()
    bystander, *rude = bench.guests(1 + RUDE)
    for client in rude:
        client.reset()
    return unharmed(bench, bystander, f"{1 + RUDE} clients reset their connections before they said anything")


@trial("survives a reset between messages", RAISES, needs=[in_turn])
def reset_between(bench: Bench) -> str:
    """They are answered; when the server waits again, they are gone."""
    bystander, *rude = (client.say(HELLO) for client in bench.guests(1 + RUDE))
    bench.answered(bystander, *rude)
    for client in rude:
        client.reset()
    return unharmed(bench, bystander, f"{RUDE} clients reset their connections between two messages")


@trial(
    "survives a reset in the middle of a reply",
    "Can send raise, and a send to a client that has gone?",
    needs=[in_turn],
)
def reset_in_reply(bench: Bench) -> str:
    """One has closed before the server reads, and resets when a reply comes; the others do so in the middle of it."""
    bench.serve(hold=True, narrow=True)
    bench.client().say(SEVERAL).close()  # the send after that is told so in other words: send(2), EPIPE
    bench.release()
    bystander = bench.client()
    late = [client.say(ASKED) for client in bench.guests(RUDE, NARROW)]
    bench.push(late)
    for client in late:
        client.reset()
    return unharmed(bench, bystander, f"{1 + RUDE} clients reset their connections in the middle of a reply")


@trial(
    "survives clients that connect and leave", "What does recv return at the end, and who closes then?", needs=[in_turn]
)
def connect_and_leave(bench: Bench) -> str:
    """One has asked, and is gone before the server looks at the door; the others leave without a word."""
    bench.serve(hold=True)
    bench.client().say(HELLO).close()
    bench.release()
    bystander, *others = bench.guests(1 + RUDE)
    for client in others:
        client.close()
    return unharmed(bench, bystander, f"{1 + RUDE} clients connected and left")


@trial(
    "answers a client that half-closes after asking",
    "Has a client that will say no more also stopped reading?",
    needs=[reads_late, in_turn],
)
def half_closed(bench: Bench) -> str:
    """It asks, ends its own side, and only then reads: little, and more than the queues hold."""
    bench.serve(narrow=True)
    clients = bench.guests(len(SIZES), NARROW)
    for client, size in zip(clients, SIZES, strict=True):  # each says something else
        client.say(b"%0*d\n" % (len(LINE) - 1, size) * (size // len(LINE)))
    bench.push(clients)
    early = [client.half_close() for client in clients if not client.unsent]
    bench.digest()  # of some, part of the reply is still with the server when it hears that they say no more
    bench.wait(clients, lambda: not any(client.unsent for client in clients))
    for client in clients:
        if client not in early:
            client.half_close()
    if not bench.answered(*clients):
        raise Failed(f"after a half-close, {next(client for client in clients if not client.answered).came_back}")
    if not bench.wait(clients, lambda: all(client.ended for client in clients)):
        raise Failed("after a half-close all was answered, but the connection was not closed then")
    return f"{len(SIZES)} clients got all their bytes, and then the end"


@trial(
    "forgets clients that left", "What did you note down about a client, and what of it is still there?", needs=[burst]
)
def forgets_left(bench: Bench) -> str:
    """They come, are answered and leave."""
    return forgets(bench, BenchClient.close)


@trial(
    "forgets clients that broke off",
    "Is all that you noted down about a client deleted after an error, too?",
    needs=[burst],
)
def forgets_broken(bench: Bench) -> str:
    """They come, are answered and reset their connections; and some do so in the middle of a long reply."""
    bench.serve(narrow=True)
    return forgets(bench, BenchClient.reset, asking=PASSERS // 2)


def forgets(bench: Bench, leave: Callable[[BenchClient], None], asking: int = 0) -> str:
    """Fail the trial if anything grows from one look to the next, each time; return what was seen.

    Args:
        leave: how they leave.
        asking: how many of them leave before they read the reply to a long question.
    """
    bystander = bench.client()
    seen: list[tuple[int, int]] = []
    for look in range(1 + MOST_LOOKS):
        for _ in range(APART if seen else 1):
            come_and_go(bench, bystander, leave, asking)
        seen.append(bench.kept())
        if look >= LOOKS and not growth(seen, least=(asking or PASSERS) // 2):
            return "nothing stays open, and nothing stays in memory"
    raise Failed(f"{PASSERS} clients come and go, and each time {growth(seen, least=1)}")


def growth(seen: list[tuple[int, int]], least: int) -> str:
    """Return what each look found at least so much more of, for each round, than the look before; "" for nothing."""
    for what, counts in zip(KEPT, zip(*seen, strict=True), strict=True):
        grown = min(after - before for before, after in pairwise(counts)) // APART
        if grown >= least:
            return f"{grown:,} more {what}"
    return ""


def come_and_go(bench: Bench, bystander: BenchClient, leave: Callable[[BenchClient], None], asking: int) -> None:
    """Let a round of clients come, be answered and leave; return when the server has heard of all that."""
    visitors = [client.say(HELLO) for client in bench.guests(PASSERS)]
    if not bench.answered(*visitors):
        raise Failed(f"{sum(client.answered for client in visitors)} of {PASSERS} were answered")
    if asking:
        bench.push([client.say(ASKED) for client in visitors[:asking]], quiet=FULL)
    for client in visitors:
        leave(client)
    gone = f"{PASSERS} clients had left"
    all_closed(bench, gone)
    for _ in range(PATIENT):
        if (children := len(bench.leftovers.children())) < PASSERS // 2:
            break
        bench.digest()
    else:
        raise Failed(f"{gone}, and {children} child processes were still there", CHILDREN)
    bench.answered(bystander.say(HELLO))  # what the server has just heard is about this one, and not about them
    bench.forget(visitors)


def unharmed(bench: Bench, bystander: BenchClient, what: str) -> str:
    """Fail the trial unless the server goes on after that; return what was seen.

    Args:
        bystander: a client that was there before.
        what: what happened.
    """
    if not bench.answered(bystander.greet()):
        raise Failed(f"after {what}, another one got {bystander.got}")
    all_closed(bench, f"after {what}")
    bench.still_serves(what)
    return f"{what}, and others were answered"


def all_closed(bench: Bench, when: str) -> None:
    """Fail the trial unless the sockets of all clients but one, which has not left, are closed."""
    bench.lookout.hears_of_ends(staying=1)
    if not bench.happens(lambda: len(bench.server.connections()) <= 1):
        left = len(bench.server.connections()) - 1
        raise Failed(f"{when}, {left} of their sockets were still open", OPEN)
