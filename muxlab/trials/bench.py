"""The bench of one trial: a server (server_on_trial.py) and its clients.

A trial says what they do in the words of this class, and not how it is waited for: that is in patience.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from types import TracebackType

from .. import limits
from .clients import BenchClient
from .leftovers import Leftovers
from .patience import LIMIT, LOOK, Patience
from .report import NOT_TRIED
from .server_on_trial import ServerOnTrial
from .trial import Failed, Model, NotAllowed, model_of


class Bench(ServerOnTrial):
    """One trial's server and clients; leaving the `with` ends them all.

    Args:
        fn: the server function.
        patience: of the check that the trial belongs to.
    """

    kind = BenchClient
    """What its clients are."""

    def __init__(self, fn: Callable, patience: Patience | None = None) -> None:
        super().__init__(fn)
        self.clients: list[BenchClient] = []
        self._patience = patience or Patience()
        self.floor = self._expected = self._gone = 0
        self._afterwards: list[Callable[[], None]] = []
        self.leftovers = Leftovers()
        self._model: Model | None = None

    # ---- its clients

    def make_room(self, clients: int) -> None:
        """Make room for so many more clients, or give the trial up where the machine does not allow it."""
        self._expected = max(self._expected, len(self.clients) + clients)
        try:
            self.floor = limits.make_room(clients, server_here=True)
        except ValueError:
            room = f"{limits.descriptor_limits()[1]:,} descriptors for this process, {limits.ephemeral_ports():,} ports"
            raise NotAllowed(f"{NOT_TRIED}no room here for so many clients: {room}; see muxlab.doctor()") from None

    def client(self, buffer: int = 0) -> BenchClient:
        """Connect one more client, and wait until the server has accepted it; `buffer` is as for `BenchClient`."""
        (client,) = self.guests(1, buffer)
        return client

    def guests(self, number: int, buffer: int = 0) -> Sequence[BenchClient]:
        """Connect so many more clients, one after the other, as `client` does."""
        guests = self.strangers(number, buffer)
        for client in guests:
            client.connect(self.server.address)
            if self._begin.is_set():
                self._let_in()
        return guests

    def crowd(self, number: int) -> Sequence[BenchClient]:
        """Connect so many more clients, all at once."""
        return [client.connect(self.server.address) for client in self.strangers(number)]

    def strangers(self, number: int, buffer: int = 0) -> Sequence[BenchClient]:
        """Make so many more clients, and connect none of them yet."""
        self.make_room(number)
        strangers = [self.kind(self.floor, buffer) for _ in range(number)]
        self.clients += strangers
        return strangers

    def forget(self, clients: Iterable[BenchClient]) -> None:
        """Drop clients that have left, so that nothing of them stays in memory."""
        self._gone += len(self.clients)
        self.clients = [client for client in self.clients if client not in clients]
        self._gone -= len(self.clients)

    # ---- waiting

    def answered(self, *clients: BenchClient) -> bool:
        """Wait until all that these clients asked came back, or nothing more comes; return whether it did."""
        self.wait(clients, lambda: all(client.answered or client.wrong or client.ended for client in clients))
        return all(client.answered for client in clients)

    def wait(self, clients: Iterable[BenchClient], done: Callable[[], object], at_least: float = 0) -> bool:
        """Look after clients until `done()`, or until nothing more comes within the patience left; return which."""
        came = self.lookout.attend(clients, done, max(at_least, self._patience.seconds))
        if not came:
            self._patience.lose()
        return came

    def happens(self, condition: Callable[[], object]) -> bool:
        """Wait until `condition()` holds, as patiently as for an answer; return whether it does."""
        held = self.lookout.eventually(condition, self._patience.seconds)
        if not held:
            self._patience.lose()
        return held

    def push(self, clients: Iterable[BenchClient], quiet: float = LOOK) -> None:
        """Let clients send, and read nothing, until the server has read everything, or nothing for `quiet` seconds."""
        clients = list(clients)
        self.lookout.attend(
            clients,
            lambda: not any(client.unsent for client in clients) and not self.waiting(),
            seconds=quiet,
            reading=False,
            also=self.waiting,
        )

    def still_serves(self, after: str) -> None:
        """Fail the trial unless a new client is answered; `after` says what happened before."""
        newcomer = self.client().greet()
        if not self.answered(newcomer):
            raise Failed(f"after {after}, a new client got {newcomer.got}")

    def model(self) -> Model:
        """Return how the function waits: seen at a server of its own, with one client."""
        if self._model is None:
            with type(self)(self.fn, self._patience) as other:
                other.serve(tap=True)
                other.answered(other.client().greet())
                other.happens(lambda: any(model_of(other.server.calls)))
                self._model = model_of(other.server.calls)
        return self._model

    def how_slow(self) -> str:
        """Say how far the trial has come within its time, and how long the whole would have taken."""
        answered = sum(client.answered and bool(client.asked) for client in self.clients)
        served = self._gone + max(answered, len(self.server.connections()))
        if not served < self._expected:
            return f"too slow: after {LIMIT:g} s it was still not over, though nothing was wrong so far"
        each = LIMIT / max(1, served)
        whole = f"{self._expected:,} of them would take {each * self._expected:,.0f} s"
        return f"too slow, though right so far: {1000 * each:,.0f} ms for each client, and {whole}"

    # ---- the end

    def afterwards(self, work: Callable[[], None]) -> None:
        """Do this when the server has ended: earlier, it would be one more thing that happens to the server."""
        self._afterwards.append(work)

    def __enter__(self) -> Bench:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._begin.set()
        try:
            if self._server is not None:
                self.finish()
        finally:
            for work in self._afterwards:
                work()
            for client in self.clients:
                client.close()
            if self._lookout is not None:
                self._lookout.close()
            self.leftovers.clear(self._server.address[1] if self._server else 0)
