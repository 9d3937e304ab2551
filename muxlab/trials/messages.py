"""Trials of talking: messages come back whole, to the client that sent them, and without delay."""

from ..watch.kernel import asleep_in
from .bench import Bench
from .clients import BenchClient
from .trial import HELLO, LINE, NARROW, Failed, NotAllowed, big_message, trial

QUESTIONS = 20
"""Questions that a client asks, one after the other."""

MUCH = LINE * (12 * NARROW // len(LINE))
"""A request whose reply fits into no queue: those on its way have room for eight times `NARROW` in all."""

EURO = "\u20ac".encode()
"""Three bytes of UTF-8."""

HALF = b"half a line"
"""The last words of a client that is interrupted."""

AT_ONCE = [2**16 * 5**step // 4**step for step in range(19)]
"""Bytes of the messages that arrive at one instant, from 64 KiB to almost 4 MiB. The kernel makes room for more when
the server takes them: tcp(7), tcp_moderate_rcvbuf. The steps are small, so that one is longer than what it reads at a
stretch, whatever that is, and yet finds room as a whole: then nothing comes afterwards to wake it."""

SILENT = 5
"""Clients that connect and say nothing, before one that talks."""

WHERE = "What is your server waiting for at that line?"
SPINS = "Does an `except` catch the error that would tell you why? Let it catch only what you expect."


@trial("echoes one message", "What does your function do between accept and the first reply?")
def echoes(bench: Bench) -> str:
    """One client says one thing, and gets it back, once."""
    client = bench.client().say(HELLO)
    if not bench.answered(client) and not client.answer and bench.server.alive:
        raise no_answer(bench, client)
    bench.digest()
    client.read()
    if not client.answered:
        raise Failed(client.came_back)
    return client.came_back


def no_answer(bench: Bench, client: BenchClient) -> Failed:
    """Return the failure of a server that answers nothing at all: says in which line it is, if that is known."""
    spins, where = bench.lookout.spins(), bench.whereabouts()
    doing = f"; the server {'was running' if spins else 'sleeps'} {where}" if where else ""
    return Failed(client.came_back + doing, SPINS if spins else WHERE)


@trial(
    "answers question after question",
    "What is left of one message in your variables when the next comes?",
    needs=[echoes],
)
def dialogue(bench: Bench) -> str:
    """One client asks again and again, in ever fewer words; nothing of one question comes back with the next."""
    client = bench.client()
    for number in range(QUESTIONS):
        client.say(b"question %d%s\n" % (number, b"?" * (QUESTIONS - number)))
        if not bench.answered(client):
            raise Failed(f"at question {number + 1}: {client.came_back}")
    return f"{QUESTIONS} of {QUESTIONS} questions were answered"


@trial("is not held up by a silent client", "In which call does your server wait, and for whom?", needs=[dialogue])
def silent(bench: Bench) -> str:
    """Clients connect and say nothing; then one comes and talks."""
    bench.guests(SILENT)
    client = bench.client().say(HELLO)
    if not bench.answered(client):
        one = asleep_in(bench.server.thread) == "recv"
        why = "; the server sleeps in recv, for one of them alone: it serves one client at a time" if one else ""
        raise Failed(f"with {SILENT} silent clients connected, the next one got {client.got}{why}")
    return f"with {SILENT} silent clients connected, the next one was answered"


@trial("serves 64 clients in turn", "Does every client have its turn, and its own bytes back?", needs=[silent])
def in_turn(bench: Bench) -> str:
    """All are connected before the first speaks; each says something else."""
    clients = bench.guests(64)
    for number, client in enumerate(clients):
        client.say(b"this is client %d\n" % number)
    if not bench.answered(*clients):
        raise Failed(f"{sum(client.answered for client in clients)} of 64 got their own message back")
    return "64 of 64 got their own message back"


@trial("does not nap while clients wait", "Who has to wait while the whole server sleeps for one?", needs=[in_turn])
def no_naps(bench: Bench) -> str:
    """Some clients ask question after question, others come: there is always somebody to serve."""
    bench.serve(tap=True)
    clients: list[BenchClient] = []
    naps: list[str] = []

    def served() -> bool:
        return all(client.answered for client in clients)

    def napped() -> bool:
        if call := bench.lookout.nap(bench.somebody_waits):
            naps.append(bench.whereabouts() or f"in {call}")
        return bool(naps)

    for number in range(QUESTIONS):
        if number < 3:
            clients += bench.crowd(1)
            bench.happens(lambda: napped() or not bench.server.accept_queue()[0])
        for client in clients:
            client.say(b"question %d\n" % number)
        if not bench.wait(clients, lambda: napped() or served()):
            break  # other trials ask why
    if slept := bench.server.calls.of("time.sleep"):
        naps.append(f"in time.sleep, {slept} times")
    if naps and bench.model().polls:
        raise NotAllowed("it naps between two looks: a server that polls can do that, or take a whole core")
    if naps:
        raise Failed(f"while clients waited, it slept {naps[0]}; nobody is served meanwhile")
    return "it never slept while a client waited"


@trial(
    "accepts a burst of 300", "How many clients may be at the door when you are told that some are?", needs=[no_naps]
)
def burst(bench: Bench) -> str:
    """300 clients are in the accept queue at the instant at which the server begins to look at it."""
    bench.serve(hold=True)
    clients = bench.crowd(300)
    for number, client in enumerate(clients):
        client.say(b"this is client %d\n" % number)
    bench.release()
    if not bench.answered(*clients):
        raise Failed(f"{sum(client.answered for client in clients)} of 300 were answered")
    return "300 of 300 were answered"


BYTES = "TCP carries bytes, not messages: what may one recv return?"


@trial("takes a message that comes byte by byte", BYTES, needs=[dialogue])
def byte_by_byte(bench: Bench) -> str:
    """Each byte is sent when the server has read the one before."""
    client = bench.client()
    for byte in b"in pieces\n":
        client.say(bytes([byte]))
        bench.taken()
    if not bench.answered(client):
        raise Failed(client.came_back)
    return client.came_back


@trial("takes messages that come glued together", BYTES, needs=[dialogue])
def glued(bench: Bench) -> str:
    """Three lines in one segment; then messages that are there as a whole when the server begins to read."""
    client = bench.client().say(b"one\ntwo\nthree\n")
    for size in AT_ONCE:
        if not bench.answered(client):
            break
        client.say_at_once(big_message()[: size // len(LINE) * len(LINE)])
    if not bench.answered(client):
        raise Failed(client.came_back)
    return client.came_back


@trial("returns any bytes", "What do your clients send: text? And what if a character is cut in two?", needs=[dialogue])
def any_bytes(bench: Bench) -> str:
    """All values that a byte can have, ends of lines as others write them, and half a character of three bytes."""
    client = bench.client().say(bytes(range(256)) + b" \r\n\r\n\n")
    bench.answered(client)
    for piece in (EURO[:1], EURO[1:] + b"\n"):
        client.say(piece)
        bench.taken()
    if not bench.answered(client):
        raise Failed(client.came_back)
    return client.came_back


@trial(
    "gives nobody what was meant for another",
    "What is left of a client when it is gone? Where do descriptors go?",
    needs=[in_turn],
)
def strangers(bench: Bench) -> str:
    """Clients leave replies behind that they did not read, or half a line; the next ones get the same descriptors."""
    bench.serve(narrow=True)
    rude = [bench.client(NARROW).say(data) for data in [MUCH, HALF] * 4]
    bench.push(rude)
    for number, client in enumerate(rude):
        client.reset() if number < 4 else client.close()
    bench.lookout.hears_of_ends(staying=0)
    bench.happens(lambda: not bench.server.connections())
    newcomers = [client.say(b"I am new here\n") for client in bench.guests(len(rude))]
    bench.answered(*newcomers)
    for client in newcomers:
        got = bytes(client.answer[:8])
        if client.wrong and (got in LINE + LINE or HALF.startswith(got)):
            raise Failed(f"a new client got {got!r}, which was meant for one that had left")
        if client.wrong:
            raise Failed(f"a new client got {client.got}")
    return f"{len(rude)} clients left replies behind, and nobody else got them"
