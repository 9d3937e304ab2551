"""Trials of waiting: a server with nothing to do takes no CPU time, and returns when it is told to."""

from .bench import HELLO, LINE, NARROW, SIZES, Bench, Failed, NotAllowed, trial
from .wait_calls import model_of

QUESTIONS = 20
"""Questions that each of a few clients asks, while it is seen whether the server sleeps in between."""

IDLE = 20
"""Clients that are connected and say nothing more."""

STUFFED = LINE * (12 * NARROW // len(LINE))
"""A request whose reply fits into no queue."""


@trial("does not nap while clients wait", "For whom does the whole server stand still while it sleeps for one?")
def no_naps(bench: Bench) -> str:
    """Some clients ask question after question: there is always somebody to serve."""
    bench.serve(tap=True)
    clients = bench.guests(3)
    for number in range(QUESTIONS):
        if not bench.answered(*(client.say(b"question %d\n" % number) for client in clients)):
            break  # other trials ask why
    calls = bench.server.calls
    if naps := calls.of("time.sleep"):
        if not model_of(calls).waits:
            raise NotAllowed("it naps between two looks: a server that polls can do that, or take a whole core")
        raise Failed(f"while clients waited, it called time.sleep, {naps} times; nobody is served meanwhile")
    return "it never slept in time.sleep"


@trial("sleeps when nobody talks", "What makes your wait return, again and again, with nothing to do?")
def sleeps(bench: Bench) -> str:
    """Clients are connected, each was answered once; some have left."""
    clients = [client.say(HELLO) for client in bench.guests(IDLE)]
    bench.answered(*clients)
    for client in clients[IDLE // 2 :]:
        client.close()
    return asleep(bench, f"{IDLE // 2} clients are connected and silent")


@trial("sleeps beside a client that half-closed", "An end of file stays readable: what does your server do about it?")
def sleeps_half_closed(bench: Bench) -> str:
    """It has said its last byte, and keeps its own side open."""
    clients = [client.say(HELLO) for client in bench.guests(IDLE)]
    bench.answered(*clients)
    clients[0].half_close()
    return asleep(bench, "one client has half-closed, the others are silent")


@trial("sleeps while a client does not read", "What do you wait for while you can neither send nor want to read?")
def sleeps_unread(bench: Bench) -> str:
    """Replies wait for room in the send queue; of one, more bytes wait to be read, and some have said their last."""
    bench.serve(narrow=True)
    clients = [bench.client(NARROW).say(STUFFED[:size]) for size in [*SIZES[::4], len(STUFFED)]]
    bench.push(clients)
    for client in clients:
        if not client.unsent:
            client.half_close()
    bench.digest(clients)
    return asleep(bench, "some clients do not read their replies")


@trial("sleeps again after a long reply", "What did you wait for while the reply was on its way, and do you still?")
def sleeps_again(bench: Bench) -> str:
    """A client read its reply late, in the end all of it; now there is nothing to do any more."""
    bench.serve(narrow=True)
    client = bench.client(NARROW).say(STUFFED)
    bench.push([client])
    bench.answered(client)
    return asleep(bench, "one client has read its long reply")


@trial("returns when told to stop", "Does whatever your server sleeps in also wake up for `stop`?")
def returns(bench: Bench) -> str:
    """It is told so while clients are connected, and silent."""
    clients = [client.say(HELLO) for client in bench.guests(IDLE)]
    bench.answered(*clients)
    bench.digest(clients)  # else it may look at `stop` on its way to sleep, and never after
    return bench.told_to_stop()


def asleep(bench: Bench, what: str) -> str:
    """Fail the trial if the server takes CPU time now; returns what was seen."""
    if bench.spins():
        if bench.model().polls:
            raise NotAllowed(f"{what}: a server that polls cannot sleep")
        raise Failed(f"{what}, and the server takes all the CPU time that it gets")
    return f"{what}, and the server sleeps"
