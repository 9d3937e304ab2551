"""Trials of parting, on request: timeouts, a last goodbye, and news of somebody who is gone.

A server may well be right without any of these, and so `check` leaves them out unless they are named. They need a
server that can be told: its function takes `idle` and `grace`, in seconds, or `room`, a number of clients.
"""

import contextlib
import os
import threading
import time
from collections.abc import Sequence

from ..sockets import unacknowledged_bytes, unsent_bytes
from ..stepper import Client, step
from .bench import Bench
from .clients import BenchClient
from .messages import dialogue, echoes
from .patience import LONG
from .report import NOT_TRIED
from .server_on_trial import OURS
from .trial import HELLO, LINE, NARROW, Failed, NotAllowed, trial

IDLE, EARLY = 0.5, 0.4
"""The timeout that a server is given, in seconds, and a silence after which it may not yet have closed anybody. It is
counted from before a client's last byte is sent to after its end is seen: a busy machine can only make it longer."""

BEATS, ATTEMPTS = 15, 5
"""How many bytes a slow client sends, five in each timeout; and how often that is tried, if the machine is so busy
that the client cannot keep time."""

ROUNDS = 3
"""How often clients come, leave and are followed by others: a round in which the machine was too busy to tell who was
closed early proves nothing, neither way."""

GRACE, LATE = 0.3, 5.0
"""Seconds that a server is given to say goodbye; and that it may take in all, before it is ended by force."""

PATIENT = 60.0
"""Seconds of grace, or of silence, that are not to pass."""

OPEN_DOOR = "Whom do you still let in while you say goodbye?"
NO_MORE = (
    "How does a client learn that it has had the last of your bytes? And which call tells you that you have read all?"
)

ASKED = LINE * (6 * NARROW // len(LINE))
"""A request that the queues between a client and its server take as a whole, and whose reply they do not."""


# ---- timeouts


@trial(
    "closes clients that are silent for too long",
    "Who wakes the server when nothing happens? And what is news of a client: its bytes alone?",
    needs=[dialogue],
)
def closes_silent(bench: Bench) -> str:
    """One has never said a word, one was answered, and one does not read its reply: it is silent, too."""
    bench.serve(narrow=True, idle=IDLE)
    guests = bench.guests(3, NARROW)
    began = time.monotonic()
    _, talker, glutton = guests
    talker.say(HELLO)
    bench.answered(talker)
    glutton.say(ASKED)
    bench.push([glutton])
    if not bench.lookout.eventually(lambda: not bench.server.connections(), LONG):
        left = len(bench.server.connections())
        raise Failed(f"{left} of 3 clients were still connected after {time.monotonic() - began:.1f} s of silence")
    return f"3 clients were silent for longer than {IDLE} s, and their connections were closed"


@trial(
    "keeps a client that is slow and alive",
    "When does the time of a client begin again? And which of two times counts when an alarm goes off?",
    needs=[dialogue],
)
def keeps_slow(bench: Bench) -> str:
    """It sends a byte now and then, and never lets the timeout pass."""
    bench.serve(idle=IDLE)
    for _ in range(ATTEMPTS):
        client = bench.client()
        pause = drip(bench, client)
        if client.answered:
            return f"a client that sends a byte every {IDLE / 5:g} s was kept, and answered"
        if pause < EARLY:
            raise Failed(f"a client was never silent for longer than {pause:.1f} s, and got {client.got}")
    raise NotAllowed(f"{NOT_TRIED}this machine is too busy to send a byte every {IDLE / 5:g} s")


def drip(bench: Bench, client: BenchClient) -> float:
    """Send byte after byte, until all are answered or the connection ends; return the longest pause, in seconds."""
    longest, last = 0.0, time.monotonic()
    for _ in range(BEATS):
        pass_time(bench, [client], IDLE / 5)
        before, last = last, time.monotonic()
        longest = max(longest, last - before)
        client.say(b"x")
        if client.ended:
            break
    bench.answered(client)
    return longest


@trial(
    "closes nobody before the timeout",
    "An alarm goes off for a client that has left. Whose number is that now?",
    needs=[dialogue],
)
def closes_nobody_early(bench: Bench) -> str:
    """Clients come, talk and leave, and others come, which get their descriptors; those keep silent."""
    bench.serve(idle=IDLE)
    for _ in range(ROUNDS):
        guests = [client.say(HELLO) for client in bench.guests(5)]
        bench.answered(*guests)
        pass_time(bench, guests, 0.6 * IDLE)
        for client in guests:
            client.close()
        bench.happens(lambda: not bench.server.connections())
        began = time.monotonic()
        heirs = bench.guests(5)
        pass_time(bench, heirs, 0.6 * IDLE, or_when_one_has_ended=True)
        silence = time.monotonic() - began
        early = [heir.got for heir in heirs if heir.ended]
        if early and silence < EARLY:
            raise Failed(f"a client was silent for {silence:.1f} s at most, and got {early[0]}")
        for client in heirs:
            client.close()
    return f"nobody was closed who had been silent for less than {IDLE} s"


def pass_time(
    bench: Bench, clients: Sequence[BenchClient], seconds: float, or_when_one_has_ended: bool = False
) -> None:
    """Let time pass, and look after clients meanwhile."""
    end = time.monotonic() + seconds

    def over() -> bool:
        return time.monotonic() >= end or (or_when_one_has_ended and any(client.ended for client in clients))

    bench.lookout.attend(clients, over, PATIENT)


# ---- the end of the server


@trial(
    "loses no byte when it is stopped",
    "What has arrived, and what is still to be sent? And what does close do to a queue that holds unread bytes?",
    needs=[dialogue],
)
def loses_nothing(bench: Bench) -> str:
    """It is told to stop while one client waits for the most part of its reply; only then does that one read."""
    bench.serve(narrow=True, grace=PATIENT)
    quiet, asking = bench.guests(2, NARROW)
    bench.answered(quiet.say(HELLO))
    asking.say(ASKED)
    bench.push([asking])
    bench.digest()
    bench.happens(lambda: not unacknowledged_bytes(asking.sock))  # else they count as not arrived
    arrived = len(ASKED) - asking.unsent - unsent_bytes(asking.sock)
    ending = threading.Thread(target=bench.tell_to_stop, args=(LATE,), name=f"{OURS}-stop", daemon=True)
    ending.start()
    refuses = bench.happens(lambda: not bench.listens)
    bench.digest()  # a server that closes its connections now must not find, by chance, that there is room again
    bench.wait(bench.clients, lambda: quiet.ended and asking.ended)
    ended = quiet.ended and asking.ended
    for client in bench.clients:
        client.close()  # a server may wait for that
    ending.join()
    if asking.wrong or len(asking.answer) < arrived:
        raise Failed(f"{arrived:,} bytes had arrived when it was told to stop, and {len(asking.answer):,} came back")
    if not refuses:
        raise Failed("when it had been told to stop, newcomers could still connect", OPEN_DOOR)
    if not ended:
        raise Failed("when all was answered, the clients were not told that nothing more would come", NO_MORE)
    return "all that had arrived was answered, and then the connections ended"


@trial(
    "stops in time though a client does not read",
    "For how long do you wait for a client that will never read your last words?",
    needs=[dialogue],
)
def stops_in_time(bench: Bench) -> str:
    """It is told to stop while one client does not read its reply, and will not."""
    bench.serve(narrow=True, grace=GRACE)
    client = bench.client(NARROW).say(ASKED)
    bench.push([client])
    bench.digest()
    if not bench.tell_to_stop(LATE):
        raise Failed(
            f"it was given {GRACE} s to say goodbye, had not returned after {LATE:g} s, and was ended by force"
        )
    return "it waited for a client that did not read, and then gave it up"


# ---- news of somebody who is gone


@trial(
    "lets nobody pay for another's event",
    "An event names a number. Is the client of that number still the one that the event is about?",
    needs=[echoes],
)
def stale_event(bench: Bench) -> str:
    """In one batch: a newcomer, for whom the oldest client has to make room, and then news of that oldest one."""
    server = step(bench.told(room=2))
    with server, contextlib.ExitStack() as taken:
        server.run_until_blocked()
        oldest, other = server.client(), server.client()
        server.run_until_blocked()
        number = server.connections().get("client 1", -1)
        other.send(HELLO)  # wakes the server: it is held before its next line, and has this event in hand
        newcomer = server.client()
        oldest.reset()
        while (fd := os.open(os.devnull, os.O_RDONLY)) < number:  # so that no lower number is free for the newcomer
            taken.callback(os.close, fd)
        os.close(fd)
        server.run_until_blocked()  # the next wait returns the news of both
        other.read()
        for who, client in {"another one": other, "the newcomer": newcomer}.items():
            client.send(HELLO)
            server.run_until_blocked()
            if server.error is not None:
                raise Failed(f"the server ended: {type(server.error).__name__}: {server.error}")
            if (got := reply(client)) != repr(HELLO):
                raise Failed(f"the oldest client made room for a newcomer, and broke off just then: {who} got {got}")
        if len(there := server.connections()) != 2:
            raise Failed(f"with room for 2, {len(there)} were connected")
    return "the newcomer got the number of one that had just broken off, and was served"


def reply(client: Client) -> str:
    """Say what a client of a stepper got."""
    try:
        got = client.read()
    except OSError as error:
        return f"a {type(error).__name__}"
    return "no answer" if got is None else repr(got) if got else "its connection closed"
