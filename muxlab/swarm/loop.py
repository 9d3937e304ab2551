"""The loop of a crowd: one thread in which all its clients are served.

Other threads may change what is wanted, read what is counted, and end it. Everything else happens in the crowd's own
thread, so nothing is locked on the way of a message.
"""

import threading
import time

from ..connection import IN, OUT
from .clients import CONNECTING, OPEN, Member, Members
from .redis_messages import TALKS
from .stats import SORTED_AT_ONCE, Latencies, Tally

DRAIN = 0.25
"""Seconds that replies under way are given when the swarm stops: closing on unread bytes would send a reset."""

LATE = 0.25
"""Seconds after which a client that waits for its reply is shown as waiting."""


class Crowd:
    """The clients of a swarm in one thread, and what they count.

    Args:
        address, wanted, active, payload, rate: as for `Swarm`.
        floor: the lowest descriptor for a client.
        begin: the number of the first client; clients of different numbers say different things.
        first: the client that talks first, see `Swarm.first`.
        protocol: what the clients speak, as for `Swarm`.
    """

    def __init__(
        self,
        address: tuple[str, int],
        wanted: int,
        active: int,
        payload: int,
        rate: float | None,
        floor: int = 0,
        begin: int = 0,
        first: int = 0,
        protocol: str = "echo",
    ) -> None:
        self.address, self.begin, self.first, self.protocol = address, begin, first, protocol
        self.wanted, self.floor, self.active, self.payload, self.rate = wanted, floor, active, payload, rate
        self.error: BaseException | None = None
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="muxlab-swarm", daemon=True)

    # ---- from any thread

    def start(self) -> None:
        """Connect the first client and start the thread; what fails leaves nothing open.

        Raises:
            ConnectionError: nobody listens there.
            RuntimeError: this process may not have one more thread.
        """
        self._members = Members(self.address, self.floor, self.begin)
        self._talk = TALKS[self.protocol](self._members)
        self._poller, self.clients = self._members.poller, self._members.clients
        try:
            self._thread.start()
        except BaseException:
            self._members.close()
            raise

    def change(self, **targets: float | None) -> None:
        """Set `wanted`, `floor`, `active`, `first`, `payload` or `rate`; the thread takes it over at its next turn."""
        for name, value in targets.items():
            setattr(self, name, value)
        self._members.changed = True
        self._poller.wake()

    def tally(self) -> Tally:
        """Return what has been counted by now."""
        members, talk = self._members, self._talk
        return Tally(
            alive=self._thread.is_alive(),
            error=self.error,
            settled=len(self.clients) == self.wanted and not members.opening,
            clients=len(self.clients),
            connected=members.connected,  # asked after `settled`: once that is true, this grows no more
            replies=talk.replies,
            mismatches=talk.mismatches,
            sent=talk.sent,  # asked after the replies: each of them was sent
            errors=members.errors,
            first_mismatch=talk.first_mismatch,
            first_error=members.first_error,
        )

    def latencies(self) -> Latencies:
        """Return how long replies took; those that `tally` has counted before are all there."""
        return self._talk.windows.latencies()

    def pids(self) -> list[int]:
        """Return no process: the clients are in a thread."""
        return []

    def activity(self) -> bytes:
        """Return one byte for each client; see `Swarm.activity`."""
        long_ago = time.perf_counter() - LATE
        picture = bytearray()
        for client in list(self.clients):
            if client.state == OPEN:
                fresh = client.answered - client.shown
                client.shown += fresh
                waits = client.message and client.due < long_ago and not fresh
                picture.append(251 if waits else min(fresh, 250))
            else:
                picture.append(252 if client.state == CONNECTING else 253)
        return bytes(picture)

    def end(self) -> str:
        """Let the replies that are under way arrive, close all clients, end the thread; a second time do nothing.

        Returns:
            What could not be done in an orderly way: nothing, here.
        """
        self._stopping = True
        if self._thread.is_alive():
            self._poller.wake()
            self._thread.join()
        return ""

    # ---- in the crowd's thread

    def _run(self) -> None:
        """Serve the clients until `end`."""
        try:
            while not self._stopping:
                self._converse(self._do_what_is_due())
            self._say_goodbye()
        except BaseException as error:  # kept, and raised where the learner is looking
            self.error = error
        finally:
            self._members.close()
            self._talk.windows.end()

    def _converse(self, timeout: float) -> None:
        """Serve who is ready within `timeout` seconds, and go on with that until there is something else to do."""
        members, talk, poll = self._members, self._talk, self._poller.poll
        find, receive, due, fresh = members.by_fd.get, talk.receive, talk.windows.due, talk.windows.fresh
        once = len(self.clients) != self.wanted  # then the next few are opened or closed after each turn
        while True:
            ready = poll(timeout)
            now = time.perf_counter()  # all that is reported has arrived by now: one look at the clock will do
            for fd, events in ready:
                client = find(fd)
                if client is not None:
                    if events == IN and client.state == OPEN:  # the usual case, by the short way
                        receive(client, now)
                    else:
                        self._serve(client, events, now)
                elif fd == self._poller.wake_fd:
                    self._poller.quiet()
            if len(fresh) >= SORTED_AT_ONCE:
                talk.windows.sort()
            timeout = due - now
            if timeout <= 0 or members.changed or talk.free or once or self._stopping:
                return

    def _do_what_is_due(self) -> float:
        """Open and close clients, begin a window, send by the rate; return the seconds until something is due again."""
        members, talk = self._members, self._talk
        if members.changed:
            members.changed = False
            talk.follow(self.payload, self.rate)
            members.come_and_go(self.wanted, self.floor)
            talk.choose(self.active, self.first)
        elif len(self.clients) != self.wanted:
            members.come_and_go(self.wanted, self.floor)
        now = time.perf_counter()
        if now >= talk.windows.due:
            talk.windows.turn(now)
            members.drop_unanswered(now)
        if talk.free:
            talk.send_due(now)
        return self._timeout(now)

    def _timeout(self, now: float) -> float:
        """Return the seconds to the next window, the next message that is due, or the next client to open or close."""
        timeout = max(0.0, self._talk.windows.due - now)
        if len(self.clients) != self.wanted:
            timeout = min(timeout, self._members.patience(self.wanted))
        if self._talk.free:
            timeout = self._poller.nap(max(0.0, min(timeout, self._talk.next_due - now)))
        return timeout

    def _serve(self, client: Member, events: int, now: float) -> None:
        if client.state == CONNECTING:
            self._members.finish_connect(client)
            if client.state == OPEN and not self._members.changed:
                self._talk.welcome(client, self.active)
            return
        if events & OUT and client.unsent:
            self._talk.send_rest(client)
        if events & ~OUT and client.state == OPEN:
            self._talk.receive(client, now)

    def _say_goodbye(self) -> None:
        """Let the replies that are under way arrive: then closing sends an orderly end, and no reset."""
        self._talk.hush()
        self._poller.unregister(self._poller.wake_fd)
        by_fd = self._members.by_fd
        deadline = time.perf_counter() + DRAIN
        while any(client.message for client in by_fd.values()) and time.perf_counter() < deadline:
            for fd, events in self._poller.poll(0.01):
                if fd in by_fd:
                    self._serve(by_fd[fd], events, time.perf_counter())
