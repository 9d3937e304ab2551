"""Trials of waiting: a server with nothing to do takes no CPU time, and returns when it is told to."""

from ..watch.calls import SENDS, Calls
from .backpressure import reads_late
from .bench import Bench
from .endings import reset_between, reset_in_reply
from .messages import in_turn
from .patience import WATCHED
from .trial import HELLO, LINE, NARROW, SIZES, Failed, NotAllowed, trial

IDLE = 20
"""Clients that are connected and say nothing more."""

STUFFED = LINE * (12 * NARROW // len(LINE))
"""A request whose reply fits into no queue."""

ASKS = 5
"""Sends without success that a server may make in `WATCHED` seconds while nobody reads; one that is told makes none."""

RETURN = 1.5
"""Seconds in which a server has to return that was told to: it takes no thousandth of that."""


@trial("sleeps beside silent clients", "Of what do you ask to be told, and is it true all the time?", needs=[in_turn])
def sleeps_beside(bench: Bench) -> str:
    """Clients are connected, and each was answered once."""
    bench.answered(*(client.say(HELLO) for client in bench.guests(IDLE)))
    return asleep(bench, f"{IDLE} clients are connected and silent")


@trial("sleeps when nobody talks", "Who is gone, and still on the list?", needs=[sleeps_beside])
def sleeps(bench: Bench) -> str:
    """Of the clients that were answered, some have left."""
    clients = [client.say(HELLO) for client in bench.guests(IDLE)]
    bench.answered(*clients)
    for client in clients[::2]:
        client.close()
    return asleep(bench, f"{IDLE // 2} clients have left, and as many are silent")


@trial(
    "sleeps when clients have broken off",
    "Is a client taken off the list after an error, whichever call tells you of it?",
    needs=[sleeps_beside, reset_between, reset_in_reply],
)
def sleeps_broken(bench: Bench) -> str:
    """Some clients were silent when they broke off, the others in the middle of a reply."""
    bench.serve(narrow=True)
    clients = [client.say(HELLO) for client in bench.guests(IDLE, NARROW)]
    bench.answered(*clients)
    bench.push([client.say(STUFFED) for client in clients[::4]])
    for client in clients[::2]:
        client.reset()
    return asleep(bench, f"{IDLE // 2} clients have broken off, and as many are silent")


@trial("sleeps beside a client that half-closed", "An end of file stays readable. What then?", needs=[sleeps_beside])
def sleeps_half_closed(bench: Bench) -> str:
    """It has sent its last byte, and keeps its own side open."""
    clients = [client.say(HELLO) for client in bench.guests(IDLE)]
    bench.answered(*clients)
    clients[0].half_close()
    return asleep(bench, "one client has half-closed, the others are silent")


@trial(
    "sleeps while a client does not read",
    "What do you wait for while you can neither send nor want to read?",
    needs=[sleeps_beside, reads_late],
)
def sleeps_unread(bench: Bench) -> str:
    """Replies wait for room in the send queue; of one, more bytes wait to be read, and some have said their last."""
    bench.serve(narrow=True)
    clients = [bench.client(NARROW).say(STUFFED[:size]) for size in [*SIZES[::4], len(STUFFED)]]
    bench.push(clients)
    for client in clients:
        if not client.unsent:
            client.half_close()
    bench.digest()
    return asleep(bench, "some clients do not read their replies")


@trial(
    "sleeps again after a long reply",
    "What did you wait for while the reply was on its way, and do you still?",
    needs=[sleeps_beside, reads_late],
)
def sleeps_again(bench: Bench) -> str:
    """A client read its reply late, in the end all of it; now there is nothing to do any more."""
    bench.serve(narrow=True)
    client = bench.client(NARROW).say(STUFFED)
    bench.push([client])
    bench.answered(client)
    return asleep(bench, "one client has read its long reply")


@trial(
    "sleeps until there is room",
    "Who tells you that there is room in a send queue again? And how often do you try until then?",
    needs=[sleeps_unread],
)
def sleeps_until_room(bench: Bench) -> str:
    """A reply waits for room in the send queue, and nothing happens; a server that is told of room need not try."""
    server = bench.serve(narrow=True, tap=True)
    bench.push([bench.client(NARROW).say(STUFFED)])
    bench.digest()
    tried = found_no_room(server.calls)
    if bench.lookout.eventually(lambda: found_no_room(server.calls) - tried > ASKS, WATCHED):
        if bench.model().polls:
            raise NotAllowed("a server that polls cannot sleep")
        raise Failed("a client does not read its reply, and the server tries to send it again and again")
    return "a client did not read its reply, and the server waited to be told of room"


@trial("returns when told to stop", "Does whatever your server sleeps in also wake up for `stop`?", needs=[in_turn])
def returns(bench: Bench) -> str:
    """It is told so while clients are connected, and silent."""
    clients = [client.say(HELLO) for client in bench.guests(IDLE)]
    bench.answered(*clients)
    bench.digest()  # else it may look at `stop` on its way to sleep, and never after
    if not bench.server.takes_stop:
        raise NotAllowed("the function takes no `stop`: it cannot be told")
    if not bench.tell_to_stop(RETURN):
        raise Failed("it did not return, and had to be ended by force")
    return "it returned"


def found_no_room(calls: Calls) -> int:
    """Return how many sends found no room."""
    return sum(calls[name, "EAGAIN"] for name in SENDS)


def asleep(bench: Bench, what: str) -> str:
    """Fail the trial if the server takes CPU time now; return what was seen."""
    if bench.lookout.spins():
        if bench.model().polls:
            raise NotAllowed("a server that polls cannot sleep")
        raise Failed(f"{what}, and the server takes all the CPU time that it gets")
    return f"{what}, and the server sleeps"
