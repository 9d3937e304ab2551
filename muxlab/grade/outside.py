"""The trials, run from outside: the clients are here, and the server is in another process, where it cannot touch them.

The trials are the battery's own (muxlab/trials). What they look at is what any process may know of another: the bytes
that come back, the kernel's table of sockets, /proc of the server's process. So an answer passes them by being a server
that passes, and not by what it does to the course's code in its own process.

Not handled here: what only the server's process knows. `UNSEEN` lists what is not tried at all; of some trials only a
part is (the calls that a tap would see, objects in memory).
"""

import contextlib
import resource
from collections.abc import Callable, Iterator
from typing import Any

from ..course.exercises import Exercise
from ..course.ways import CALLS
from ..trials import runner
from ..trials.bench import Bench
from ..trials.patience import Lookout
from ..trials.report import Verdict
from ..trials.server_on_trial import BACKLOG
from ..trials.trial import Failed, Model, Trial
from .hosted import HostedServer
from .process_tree import descendants

UNSEEN = {
    "sleeps until there is room": "sends that found no room are seen by a tap alone",
    "lets nobody pay for another's event": "the server is held between two lines by a stepper",
    "redis: forgets keys while nobody talks": "objects in memory are seen by Python alone",
}
"""Trials that are not run from outside, and why."""

SLEPT_IN = {"epoll_wait": "epoll.poll", "select": "select.select", "poll": "poll.poll", "io_uring_enter": "ring.enter"}
"""What a trial calls the way of waiting of a server that sleeps in this system call."""

LOOKS = 40
"""Looks at what a silent server sleeps in, before it is taken for one that never sleeps."""


class _Children:
    """What a hosted server leaves behind: its child processes. All else goes with the process."""

    def __init__(self, bench: "OutsideBench") -> None:
        self._bench = bench

    def children(self) -> set[int]:
        return set(descendants(self._bench.server.process)) if self._bench.is_served else set()

    def clear(self, port: int) -> None:
        """Do nothing: the processes are ended with the server's."""


class OutsideLookout(Lookout):
    """A lookout for news of a server in another process."""

    _server: Any
    """A `HostedServer`."""

    def _unended(self) -> int:
        return sum(entry is not None and entry.established for entry in self._server.entries())


class OutsideBench(Bench):
    """The bench of a trial whose server is in a process of its own.

    Args:
        fn: a function of (backlog, narrow, settings) that returns a new `HostedServer`.
        patience: of the check that the trial belongs to.
    """

    def __init__(self, fn: Callable[..., HostedServer], patience: Any = None) -> None:
        super().__init__(fn, patience)
        self.leftovers: Any = _Children(self)

    @property
    def is_served(self) -> bool:
        """Whether the server was started."""
        return self._server is not None

    @property
    def server(self) -> Any:
        """The `HostedServer`; it is started when it is first asked for."""
        return self._server or self.serve()

    @property
    def lookout(self) -> Lookout:
        if self._lookout is None:
            self._lookout = OutsideLookout(self.server, self.alone, self.server.process)
        return self._lookout

    def serve(self, hold: bool = False, narrow: bool = False, tap: bool = False, **settings: float) -> Any:
        self._server = server = self.fn(BACKLOG, narrow, settings)
        for name in settings:
            if name not in server.parameters:
                raise Failed(f"the function takes no `{name}`")
        if not hold:
            self.begin()
        return server

    def begin(self) -> None:
        if not self._begin.is_set():
            self.server.begin()
        self._begin.set()

    def alone(self) -> bool:
        return not self.server.threads()

    def whereabouts(self) -> str:
        return ""

    @property
    def listens(self) -> bool:
        return self.server.listens

    def waiting(self) -> int:
        return sum(entry.unread for entry in self.server.entries() if entry)

    def queued(self) -> int:
        return sum(entry.unread + entry.unsent for entry in self.server.entries() if entry)

    def kept(self) -> tuple[int, int]:
        return len(self.server.descriptors()), 0  # objects in memory are not seen from here

    @contextlib.contextmanager
    def no_descriptors_left(self) -> Iterator[None]:
        taken, process = set(self.server.descriptors()), self.server.process
        lowest = next(number for number in range(len(taken) + 1) if number not in taken)
        before = resource.prlimit(process, resource.RLIMIT_NOFILE)
        resource.prlimit(process, resource.RLIMIT_NOFILE, (lowest, before[1]))
        try:
            yield
        finally:
            with contextlib.suppress(ProcessLookupError):
                resource.prlimit(process, resource.RLIMIT_NOFILE, before)

    def model(self) -> Model:
        if self._model is None:
            with type(self)(self.fn, self._patience) as other:
                hosted: Any = other.server
                other.answered(other.client().greet())
                polls = other.lookout.spins()
                seen = set() if polls else {hosted.sleeps_in() for _ in range(LOOKS)}
                waits = frozenset(SLEPT_IN[call] for call in seen if call in SLEPT_IN)
                self._model = Model(waits, polls)
        return self._model

    def __exit__(self, *error: Any) -> None:
        self._begin.set()  # whoever is held now is ended without having begun
        super().__exit__(*error)


class OutsideBattery(runner.Battery):
    """The trials of one hosted server, one after the other."""

    def bench(self, trial: Trial) -> Bench:
        kind = trial.bench if isinstance(trial.bench, type) else Bench
        both: Any = type("Outside" + kind.__name__, (OutsideBench, kind), {})  # with that one's clients
        made: Bench = both(self.fn, self._patience)
        return made


def trials_from_outside(exercise: Exercise, start: Callable[..., HostedServer]) -> Iterator[Verdict]:
    """Run an exercise's trials from outside, one after the other, and yield the verdict of each.

    It ends with the first that fails, twice: the machine, too, may have had something to do with the first time.

    Args:
        exercise: the exercise.
        start: a function of (backlog, narrow, settings) that returns a new `HostedServer`.

    Raises:
        NoAnswer: the answer cannot be made to serve.
    """
    known = runner.TRIALS | runner.ON_REQUEST
    battery = OutsideBattery(start)
    for trial in (known[name] for name in exercise.trials or runner.TRIALS if name not in UNSEEN):
        verdict = battery.verdict(trial)
        if verdict.passed is False:
            battery = OutsideBattery(start)  # it has seen no failure: with it, no trial is left out
            verdict = battery.verdict(trial)
        yield verdict
        if verdict.passed is False:
            return
    if exercise.way:
        yield takes_way(exercise.way, start)


def takes_way(way: str, start: Callable[..., HostedServer]) -> Verdict:
    """Tell whether a server waits in the way that its exercise asks for; `way` is as for `muxlab.course.ways.takes`."""
    with OutsideBench(start) as bench:
        if way in CALLS:
            found = bench.model().waits
            detail = f"it sleeps in {' and '.join(sorted(found)) or 'none of the calls that wait for several'}"
            return Verdict(f"waits with {CALLS[way]}", found == {CALLS[way]}, detail, "")
        bench.answered(bench.client().greet())
        hosted: Any = bench.server
        edges = hosted.asks_for_edges()
        return Verdict("is told of edges", edges, "" if edges else "no epoll of the server is asked for edges", "")
