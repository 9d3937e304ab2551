"""The stage: one conversation, played against a server that is started for it, and what is looked at after each moment.

What is seen at once is told at once: a wrong byte, a connection that was closed. For what is missing, the server is
given some time of its own before it counts.
"""

import contextlib
import socket
from collections.abc import Callable, Iterable

from .. import sockets
from ..errors import where
from .backpressure import KEPT
from .bench import Bench
from .conversation import CLOSES, CONNECTS, HALF_CLOSES, POURS, READS, RESETS, SAYS, Act, Break, Conversation
from .idle import RETURN
from .patience import HEARS, TooSlow
from .talker import MOMENT, SHORT_TURN, WIDE, Talker, lines, turns_of
from .trial import NARROW, Failed

CALM, DELIVERY = 0.002, 0.3
"""Seconds of its own, without news, after which a server has digested a moment although it does not sleep; and although
the kernel still has something to deliver."""

LOOK, LONGEST_LOOK = 0.0001, 0.01
"""Seconds between two looks at a server: at first, and at most."""

WATCHES = (0.01, 2), (0.1, 10)
"""Seconds for which a server is watched that has nothing to do, and how often it has gone to sleep again by then, at
least, if it is to be blamed: a short look, and another one to be sure."""


class Unstoppable(Exception):
    """The server goes on, although the conversation is over.

    Args:
        broke: what is to be told.
    """

    def __init__(self, broke: Break) -> None:
        super().__init__(broke.what)
        self.broke = broke


def perform(
    conversation: Conversation, fn: Callable, patience: float, polls: Callable[[], bool] | None = None
) -> Break | None:
    """Play a conversation against a server; return what broke, or None.

    Args:
        conversation: what is played.
        fn: the server function.
        patience: seconds of the server's own time without news, after which nothing more is expected.
        polls: tells whether the server is of the kind that cannot sleep; asked when it does not. By default that is
            found out then, which takes a server of its own.

    Raises:
        Unstoppable: the server could not be ended; there is no sense in starting another one.
    """
    what = ""
    with turns_of(SHORT_TURN), Bench(fn) as bench:
        stage = Stage(bench, patience, polls or (lambda: is_polling(fn)))
        try:
            stage.play(conversation)
        except Failed as failure:
            what = str(failure)
        except TooSlow:
            what = bench.how_slow()
        except OSError as error:  # a server that closes descriptors by number may close ours
            what = f"the conversation could not go on: {where(error)}"
    if bench.stuck:
        raise Unstoppable(Break(stage.moment, f"the server could not be ended: it is still {bench.whereabouts()}"))
    return Break(stage.moment, what) if what else None


def is_polling(fn: Callable) -> bool:
    """Tell whether a server is of the kind that cannot sleep, which is seen at one that is started for that."""
    with Bench(fn) as bench, contextlib.suppress(Failed, TooSlow, OSError):
        return bench.model().polls
    return False


class Stage:
    """One performance.

    Args:
        bench: the server and its clients.
        patience, polls: as for `perform`.

    Attributes:
        moment: the number of the moment that was played last.
    """

    def __init__(self, bench: Bench, patience: float, polls: Callable[[], bool]) -> None:
        self.bench, self.patience, self.polls = bench, patience, polls
        self.moment = 0
        self.talkers: dict[int, Talker] = {}
        self.silent = 0  # others, who are connected and say nothing
        self._busy = False  # it ran all the time when it was last looked at
        self._nap = ""

    def play(self, conversation: Conversation) -> None:
        """Play a conversation to its end; raises `Failed` when something breaks."""
        self.bench.serve(hold=True)
        with contextlib.suppress(OSError):
            self.bench.server.listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, NARROW)
            self.bench.server.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, WIDE)
        for moment in conversation.moments:
            self.happens(moment)
        if not self._busy and any(not talker.reads for talker in self.present()):
            self.look_whether_it_stays_asleep()
        for moment in conversation.closing:
            self.happens(moment)
        self.moment += 1
        if self.bench.server.takes_stop and not self.bench.tell_to_stop(RETURN):
            raise Failed("the server did not return, and had to be ended by force")
        self.look_at_the_server()

    def happens(self, moment: Iterable[Act]) -> None:
        """Play one moment, and look at what came of it."""
        with turns_of(MOMENT):
            for act in moment:
                self.do(act)
        self.over()

    def do(self, act: Act) -> None:
        """Let a client do what it does; it connects first, if it has not yet."""
        talker = self.talker(act.client)
        if act.does == CONNECTS:
            self.silent += act.many
            for other in self.bench.strangers(act.many):
                other.connect(self.bench.server.address)
        elif act.does in (SAYS, POURS):
            talker.reads = act.does == SAYS and talker.reads
            talker.say_now(act.text or lines(act.client, act.many))
        elif act.does == READS:
            talker.reads = True
        elif act.does == HALF_CLOSES:
            talker.half_close()
        elif act.does == CLOSES:
            talker.leave()
        elif act.does == RESETS:
            talker.reset()

    def talker(self, number: int) -> Talker:
        """Return the client of that number; one that is new connects."""
        if number not in self.talkers:
            self.bench.make_room(1)
            talker = Talker(number, self.bench.floor)
            self.bench.clients.append(talker)
            self.talkers[number] = talker
            talker.connect(self.bench.server.address)
        return self.talkers[number]

    def present(self) -> Iterable[Talker]:
        """Return the clients that have not left."""
        return [talker for talker in self.talkers.values() if not talker.left]

    # ---- after each moment

    def over(self) -> None:
        """Let the server digest a moment, and look at what came of it."""
        self.moment += 1
        self.bench.begin()
        self.digest()
        self.look_at_the_server()
        self.wait_for_what_is_missing()
        self.look_at_the_server()
        self.look_at_what_it_holds()
        if self._nap and not self.polls():
            raise Failed(f"the server slept {self._nap} while somebody waited")
        if self._busy and not self.polls() and self.bench.lookout.spins():
            raise Failed("there is nothing to do, and the server takes all the CPU time that it gets")

    def wait_for_what_is_missing(self) -> None:
        """Fail if something is wrong, or still missing after some time without news.

        What the kernel still has to deliver does not count as missing, for a while: after a queue was full, it asks for
        room at longer and longer intervals, and the longer it was full, the longer it may take until the next question.
        """
        quiet, pause = 0.0, LOOK
        while self.bench.server.alive:
            while self.turn():
                quiet, pause = 0.0, LOOK
            self.look_at_the_clients()
            missing = self.missing()
            if not missing:
                return
            if quiet >= self.patience and (quiet >= HEARS or not self.under_way(also_unread=False)):
                raise Failed(missing)
            quiet += self.bench.lookout.pass_time(pause)
            pause = min(2 * pause, LONGEST_LOOK)

    def turn(self) -> bool:
        """Let all clients send and read as far as they can now; return whether there was any news."""
        news = [talker.turn() for talker in self.present()]  # each has its turn
        return any(news)

    def digest(self) -> None:
        """Wait until the server has seen what happened, and the clients have what came of it."""
        lookout, server = self.bench.lookout, self.bench.server
        quiet, limit, asleep, pause, ran = 0.0, CALM, 0, LOOK, server.cpu_seconds()
        self._busy, self._nap = False, ""
        while quiet < limit and server.alive:
            while self.turn():
                quiet, limit, asleep, pause, ran = 0.0, CALM, 0, LOOK, server.cpu_seconds()
            if lookout.asleep():
                asleep += 1
                if lookout.nap(self.bench.somebody_waits) == "sleep":
                    self._nap = self.bench.whereabouts() or "in time.sleep"
                elif asleep > 1:
                    if not self.under_way():
                        return
                    limit = DELIVERY
            else:
                asleep = 0
            quiet += lookout.pass_time(pause)
            pause = min(2 * pause, CALM / 2)
        self._busy = server.cpu_seconds() - ran > CALM / 2

    def under_way(self, also_unread: bool = True) -> bool:
        """Tell whether the kernel is still delivering: to one who has read all that came, or to one who does not read.

        After a queue was full, it may let them wait until the one who reads says that there is room again, and the one
        who sends believes it: at times a fifth of a second. Source: silly window syndrome in RFC 9293, 3.8.6.2.

        Args:
            also_unread: whether what goes to one who does not read counts, too.
        """
        for talker in self.present():
            if not talker.ended and (there := self.server_end(talker)) is not None:
                with contextlib.suppress(OSError):  # closed meanwhile
                    if sockets.held_back_bytes(talker.sock) and not sockets.waiting_bytes(there):
                        return True
                    if talker.reads and sockets.held_back_bytes(there) and not sockets.waiting_bytes(talker.sock):
                        return True
                    if also_unread and not talker.reads and sockets.unacknowledged_bytes(there):
                        return True
        return False

    def look_at_the_server(self) -> None:
        """Fail if the server has ended."""
        if self.bench.error is not None:
            raise Failed(f"the server ended: {where(self.bench.error, self.bench.file)}")
        if self.bench.returned:
            raise Failed("the server function returned, and nobody had told it to")

    def look_at_the_clients(self) -> None:
        """Fail if a client has got something wrong, or has lost its connection."""
        for talker in self.present():
            if talker.wrong:
                raise Failed(f"client {talker.number}: {talker.came_back}")
            if talker.ended and not talker.finished:
                raise Failed(f"client {talker.number} got {talker.got if talker.lost else 'its connection closed'}")
            if talker.ended and len(talker.answer) < talker.due:
                raise Failed(f"client {talker.number} got {talker.got}; {talker.came_back}")

    def missing(self) -> str:
        """Say what is missing that the clients, or the kernel, may expect by now; "" when nothing is."""
        for talker in self.present():
            if not talker.content and len(talker.answer) < talker.due:
                return f"client {talker.number} got {talker.got}; {talker.came_back}"
        if waiting := self.bench.server.accept_queue()[0]:
            return (
                "a client still waits in the accept queue"
                if waiting == 1
                else f"{waiting} clients still wait in the accept queue"
            )
        for talker in self.present():
            if not talker.content:
                return f"client {talker.number} has said its last and got all, and its connection was not closed then"
        here = self.silent + sum(not talker.ended for talker in self.present())
        self.bench.lookout.hears_of_ends(staying=here)
        extra = len(self.bench.server.connections()) - here
        if extra > 0:
            who = "a client that is gone" if extra == 1 else f"{extra} clients that are gone"
            return f"the socket of {who} is still open" if extra == 1 else f"the sockets of {who} are still open"
        return ""

    def look_whether_it_stays_asleep(self) -> None:
        """Fail if the server wakes again and again while nothing happens."""
        lookout = self.bench.lookout
        for seconds, times in WATCHES:
            before = lookout.times_asleep()
            lookout.eventually(lambda: False, seconds)
            if lookout.times_asleep() - before < times:
                return
        raise Failed("a client does not read its reply, nothing else happens, and the server wakes again and again")

    def look_at_what_it_holds(self) -> None:
        """Fail if the server holds too much for a client that does not read."""
        for talker in self.present():
            if not talker.reads and len(talker.asked) > KEPT and not talker.ended:
                held = self.held_for(talker)
                if held > KEPT:
                    raise Failed(f"the server holds {held:,} bytes for client {talker.number}, which reads nothing")

    def held_for(self, talker: Talker) -> int:
        """Return how many bytes the server itself holds for a client: those in none of the queues on the way."""
        there = self.server_end(talker)
        if there is None:
            return 0
        kept = len(talker.asked) - talker.unsent - len(talker.answer)
        return kept - sum(sockets.waiting_bytes(sock) + sockets.unsent_bytes(sock) for sock in (talker.sock, there))

    def server_end(self, talker: Talker) -> socket.socket | None:
        """Return the server's socket for a client; None when there is none, or not yet, or not any more."""
        port = talker.sock.getsockname()[1]
        for sock in self.bench.server.listener.accepted():
            with contextlib.suppress(OSError):  # it is closed, or gone
                if sock.getpeername()[1] == port:
                    return sock
        return None
