"""Trials of writing: a send takes what the kernel has room for, and some clients do not read."""

import contextlib
import socket
import threading
from itertools import groupby

from .. import sockets
from .bench import Bench
from .clients import BenchClient
from .messages import glued, in_turn, no_naps
from .server_on_trial import OURS
from .trial import BIG, HELLO, LINE, NARROW, READINESS, Failed, big_message, model_of, trial

TOO_MUCH = 8 * 2**20
"""Bytes that a server may not hold for one client that reads nothing: a thousand of them would take 8 GiB."""

KEPT = 2**20
"""Bytes that a server may hold itself, besides the kernel's queues, for one client that reads nothing: sixteen pieces
of 64 KiB. asyncio's streams hold fewer than eight."""

SEGMENT, SMALL = 536, 4096
"""Bytes of the smallest segment that everybody takes (RFC 9293, 3.7.1), and of the receive buffer of a client that gets
such ones: the kernel then queues them one by one, and a piece of that size finds room as a whole or not at all."""

STRETCH = 2 * 2**20
"""Bytes that a server may read from one client at a stretch, while others wait; two thousand packets."""

ROUNDS, FLOODED = 20, 32 * 2**20
"""Questions that the polite client asks beside the flood, and bytes of the flood that come back meanwhile, at least."""

RECEIVES = ("recv", "recv_into", "ring.recv")


@trial(
    "returns 4 MiB whole to a client that reads late",
    "What does send return, and what becomes of the rest?",
    needs=[glued],
)
def reads_late(bench: Bench) -> str:
    """It sends until the server takes no more, and only then begins to read."""
    bench.serve(narrow=True)
    client = bench.client(NARROW).say(big_message())
    bench.push([client])
    if not bench.answered(client):
        raise Failed(client.came_back)
    return client.came_back


@trial(
    "waits for room when there is none",
    "On a nonblocking socket send may also take nothing. Whose end is that?",
    needs=[glued, no_naps],
)
def no_room(bench: Bench) -> str:
    """It asks in pieces of a segment, each when the server has read the one before, until one finds no room at all."""
    bench.serve(narrow=True)
    (client,) = bench.strangers(1, SMALL)
    client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SEGMENT)
    client.connect(bench.server.address)
    size = client.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG)  # less the options that each segment has
    for start in range(0, BIG // 4, size):
        client.say(big_message()[start : start + size])
        if not bench.taken():
            break
    client.say(b"\n")  # a server may well wait for the end of a line
    if not bench.answered(client):
        raise Failed(f"when there was no room in the send queue: {client.came_back}")
    return "when there was no room in the send queue it waited, and no byte was lost"


@trial(
    "lives with a client that never reads",
    "Whom does a full send queue hold up? And how long do you go on reading from a client that takes no replies?",
    needs=[reads_late, in_turn],
)
def never_reads(bench: Bench) -> str:
    """It sends as much as the server takes, while another client is to be answered."""
    bench.serve(narrow=True)
    glutton, other = bench.client(NARROW), bench.client()
    glutton.say(LINE * (TOO_MUCH // len(LINE)))
    left = 0
    while glutton.unsent != left:  # on a busy machine, a pause in its sending may look like the end of it
        left = glutton.unsent
        bench.push([glutton])
        for question in (HELLO, b"and again\n"):
            if not bench.answered(other.say(question)):
                raise Failed(f"while one client did not read, another got {other.got}")
    if not glutton.unsent:
        raise Failed(f"the server took {len(glutton.asked):,} bytes from a client that reads none of its replies")
    return "the server stopped reading from it, and another client was answered"


@trial(
    "holds at most 1 MiB for a client that never reads",
    "How many bytes may wait for one client before you stop reading from it? Which line of yours says so?",
    needs=[never_reads],
)
def holds_little(bench: Bench) -> str:
    """It sends as much as the server takes; what is neither in its queues nor in the server's, the server holds."""
    bench.serve(narrow=True)
    glutton = bench.client(NARROW).say(LINE * (TOO_MUCH // len(LINE)))
    bench.push([glutton])
    bench.digest()
    if not bench.server.connections():
        return "the server hung up on it"
    held = held_for(bench, glutton)
    if held > KEPT:
        raise Failed(f"the server holds {held:,} bytes for a client that reads nothing, and a thousand may come")
    return "what the server holds for it fits into 1 MiB"


def held_for(bench: Bench, client: BenchClient) -> int:
    """Return how many bytes the server itself holds, of those that its only client has sent and not read back.

    It is what the client has sent less what is in the kernel: in the two send queues and the two receive queues.
    """
    kept = len(client.asked) - client.unsent - len(client.answer)
    return kept - sockets.waiting_bytes(client.sock) - sockets.unsent_bytes(client.sock) - bench.queued()


@trial("is fair while one client floods", "For how long may one client keep the server to itself?", needs=[no_naps])
def is_fair(bench: Bench) -> str:
    """One client sends without end, and reads; another asks questions, one after the other, and a third one comes."""
    bench.serve(tap=True)
    flooding, polite = bench.guests(2)
    bench.answered(polite.say(HELLO))
    watched = bench.alone()  # else the tap cannot tell which of its threads reads on and on
    flood = Flood(flooding).start()
    bench.afterwards(flood.end)
    for number in range(10 * ROUNDS):
        if number >= ROUNDS and flood.returned >= FLOODED:
            break
        if not bench.answered(polite.say(b"question %d\n" % number)):
            raise Failed(f"while another client flooded, {number} questions were answered, and the next was not")
    if not bench.happens(lambda: flood.returned):  # on a busy machine, all questions may come before its first bytes
        raise Failed("the client that asks short questions was answered, and the one that floods never was")
    newcomer = bench.client().say(HELLO)
    if not bench.answered(newcomer):
        raise Failed(f"while another client flooded, a new one got {newcomer.got}")
    calls = bench.server.calls
    turns = (call for call in calls.events if call.name in ("accept", *RECEIVES, *READINESS))
    stretches = groupby(turns, key=lambda call: (call.name in RECEIVES, call.who))
    longest = max((sum(call.amount for call in stretch) for (reads, _), stretch in stretches if reads), default=0)
    if longest > STRETCH and watched and model_of(calls).waits:  # nor whether it looks where no tap is
        raise Failed(f"{longest:,} bytes were read from the flooding client before the server looked at anybody else")
    return "every question was answered while another client flooded"


HANDED = 2**20
"""Bytes handed to one send: the kernel fills the queue again from them, without waiting for the interpreter's lock."""


class Flood:
    """A flood on one connected client, from `start` to `end`."""

    def __init__(self, client: BenchClient) -> None:
        self.client = client
        self.returned = 0  # bytes that came back
        self._threads = [
            threading.Thread(target=work, name=f"{OURS}-flood", daemon=True) for work in (self._send, self._read)
        ]

    def start(self) -> "Flood":
        """Begin."""
        self.client.sock.setblocking(True)
        for thread in self._threads:
            thread.start()
        return self

    def end(self) -> None:
        """Hang up, and wait until both threads have noticed."""
        with contextlib.suppress(OSError):  # the server has hung up before
            self.client.sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()

    def _send(self) -> None:
        data = LINE * (HANDED // len(LINE))  # lines, as a server may well wait for the end of one
        with contextlib.suppress(OSError):  # that is how it ends
            while True:
                self.client.sock.sendall(data)

    def _read(self) -> None:
        space = bytearray(HANDED)
        with contextlib.suppress(OSError):
            while size := self.client.sock.recv_into(space):
                self.returned += size
