"""`check`: run the battery of trials, the simplest first, and tell one cause once.

A trial that needs what another has shown to be missing is not tried: it would fail for the same reason, under a hint
about something else. A server that cannot even be ended is not tried any further.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from types import ModuleType

from ..arguments import check_search, stop_argument
from ..errors import last_line, where
from ..notebook import clock, with_bar
from ..watch.calls import error_name
from . import backpressure, endings, idle, messages, parting, resp, resp_channels, resp_keys, scarcity, slow
from .bench import Bench
from .patience import Patience, TooSlow
from .report import NOT_TRIED, Report, Verdict
from .trial import Failed, NotAllowed, Trial


def _found_in(*catalogues: ModuleType) -> dict[str, Trial]:
    found = (thing for catalogue in catalogues for thing in vars(catalogue).values() if isinstance(thing, Trial))
    return {trial.name: trial for trial in found}


TRIALS = _found_in(messages, slow, backpressure, endings, idle, scarcity)
"""The battery: all trials by name, in the order in which they are run and stand in their files."""

_REQUESTED = _found_in(parting, resp, resp_keys, resp_channels)
ON_REQUEST = {name: trial for name, trial in _REQUESTED.items() if name not in TRIALS}
"""Trials that `check` runs only when they are named: a server may well be right without what they ask for."""

REDIS = tuple(name for name in ON_REQUEST if name.startswith("redis: "))
"""The names of all trials of a server that speaks Redis's protocol; `check(fn, "redis")` runs them."""

CLOSED = "Which socket does your function close when a client has left?"
RETURNED = "What ends the loop of your function, or is there none?"
SLOW = "Does the whole server sleep or compute for one client, while the others wait?"
STUCK = "Nothing wakes a server from that. Let it wait in select, poll or epoll, for its clients and for `stop`."

SPELT = "Is that name spelt here as it is where it gets its value?"
ORDER = "In which order do you take a client off the list, close its socket and forget it?"
NOTHING_YET = "A nonblocking call may find nothing to do yet. What does your server do then?"
RAISED = (
    dict.fromkeys(("NameError", "UnboundLocalError"), SPELT)
    | dict.fromkeys(("EBADF", "ENOENT"), ORDER)
    | dict.fromkeys(("ECONNRESET", "ECONNABORTED", "EPIPE", "ENOTCONN"), endings.RAISES)
    | {"EAGAIN": NOTHING_YET}
)
"""Lessons for a server that ends by an error that tells more than the trial in which it came."""


SEARCH = "holds in conversations that nobody has thought of"
"""What is asked of a server by a search."""

STORY = "At which step of the story below does your server know less than it should, or believe what is not so?"


def check(fn: Callable, trials: Iterable[str] | None = None, search: float | None = None) -> Report:
    """Try a server with hostile clients: each trial does one thing to it, and has a lesson for those that fail.

    Args:
        fn: your server: `fn(listener, stop)` or `fn(listener)`. Each trial starts it afresh.
        trials: names of trials, or one name; by default all but those `ON_REQUEST`. "redis" names all trials of a
            Redis-like server. The simplest is run first, whatever their order.
        search: seconds in which, after the trials, to look for a conversation that breaks an echo server: who says
            what, in which pieces, who stalls, half-closes or resets, and when. What is found is made as short as it
            gets, which takes at most half a minute more.

    Returns:
        The report: print it, or let a notebook show it. `.passed`, `.trials` and `.summary` are there for programs.

    Raises:
        TypeError: `fn` is not a function of `(listener, stop)` or `(listener)`.
        ValueError: there is no trial of that name; lists those that there are. Or no trial is named at all. Or `search`
            is no number of seconds above 0, or the trials are those of a Redis-like server.
    """
    server = str(getattr(fn, "__name__", type(fn).__name__))
    stop_argument(fn, server)
    check_search(search)
    chosen = _chosen(trials)
    if search is not None and (other := [trial.name for trial in chosen if trial.bench is not None]):
        raise ValueError(
            f"search={search}: it is a search for echo servers, and {other[0]!r} is for others: leave one out"
        )
    battery = Battery(fn)
    report = Report(server, [battery.verdict(trial) for trial in with_bar(chosen, "trials")])
    return report if search is None else searched(report, fn, search, battery.stuck)


def searched(report: Report, fn: Callable, seconds: float, stuck: str = "") -> Report:
    """Look for a conversation that breaks a server; return the report with what was found.

    Args:
        report: of the trials.
        fn, seconds: the server function; for how long to look.
        stuck: why there is nothing to look for; "" to look.
    """
    from .search import Search  # only now: it takes long to import what makes up the conversations
    from .story import Story

    if stuck:
        return replace(report, trials=[*report.trials, Verdict(SEARCH, None, f"{NOT_TRIED}{stuck}", STORY)])
    with clock(seconds, "conversations") as show:
        found = Search(fn, seconds, news=show).run()
    verdict = Verdict(SEARCH, found.conversation is None, str(found), STORY)
    story = Story(found.conversation, found.broke) if found.conversation and found.broke else None
    return replace(report, trials=[*report.trials, verdict], story=story)


def _chosen(trials: Iterable[str] | None) -> list[Trial]:
    known = TRIALS | ON_REQUEST
    names = list(TRIALS) if trials is None else [trials] if isinstance(trials, str) else list(trials)
    if not names:
        raise ValueError("trials=[]: name at least one trial, or leave the argument out to run them all")
    if "redis" in names:
        names = [name for name in names if name != "redis"] + list(REDIS)
    for name in names:
        if name not in known:
            raise ValueError(f"no trial is called {name!r}; there are: {', '.join(known)}")
    return [trial for name, trial in known.items() if name in names]


class Battery:
    """The trials of one server, one after the other, and what they have shown so far.

    Attributes:
        stuck: why nothing more can be tried; "" as long as the server can be ended.
    """

    def __init__(self, fn: Callable) -> None:
        self.fn = fn
        self._patience = Patience()
        self._failed: set[Trial] = set()
        self.stuck = ""
        self._causes: dict[tuple[type, int], str] = {}  # what the server ended with, and the lesson told then

    def verdict(self, trial: Trial) -> Verdict:
        """Run a trial, or say why it cannot tell anything."""
        if self.stuck:
            return Verdict(trial.name, None, f"{NOT_TRIED}{self.stuck}", trial.lesson)
        if first := self._needed_first(trial):
            return Verdict(trial.name, None, f"{NOT_TRIED}until {first.name!r} is passed", trial.lesson)
        verdict = self._run(trial)
        if verdict.passed is False:
            self._failed.add(trial)
        return verdict

    def bench(self, trial: Trial) -> Bench:
        """Return a new bench for a trial."""
        made: Bench = (trial.bench or Bench)(self.fn, self._patience)
        return made

    def _needed_first(self, trial: Trial) -> Trial | None:
        """Return a failed trial that this one needs, if there is one: at once, or by way of others, tried or not."""
        for needed in trial.needs:
            if first := needed if needed in self._failed else self._needed_first(needed):
                return first
        return None

    def _run(self, trial: Trial) -> Verdict:
        passed, lesson = True, trial.lesson
        with self.bench(trial) as bench:
            try:
                detail = trial.run(bench)
            except NotAllowed as why:
                return Verdict(trial.name, None, str(why), lesson)
            except Failed as failure:
                passed, detail, lesson = False, str(failure), failure.lesson or lesson
            except TooSlow:
                passed, detail, lesson = False, bench.how_slow(), SLOW
            except OSError as error:  # a server that closes descriptors by number may close ours
                passed, detail = False, f"the trial could not go on: {where(error)}"
            deaf, returned = bench.deaf, bench.returned
        if bench.error is not None:
            return Verdict(trial.name, False, *self._why_it_ended(bench.error, bench.file, trial))
        if bench.stuck:
            self.stuck = f"after {trial.name!r} the server could not be ended"
            return Verdict(trial.name, False, f"it could not be ended: it is still {bench.whereabouts()}", STUCK)
        if returned:
            return Verdict(trial.name, False, "the server function returned, and nobody had told it to", RETURNED)
        if deaf:
            return Verdict(trial.name, False, "your function closed its listener: nobody can connect any more", CLOSED)
        return Verdict(trial.name, passed, detail, lesson)

    def _why_it_ended(self, error: BaseException, file: str, trial: Trial) -> tuple[str, str]:
        """Return what the server raised, and in which line, and a lesson; in short when it has been told before."""
        line, _, _ = last_line(error, file)
        cause = type(error), line
        if cause in self._causes:
            return f"again {type(error).__name__} in line {line}", self._causes[cause]
        known = error_name(error) if isinstance(error, Exception) else ""
        self._causes[cause] = RAISED.get(known, trial.lesson)
        return f"the server ended: {where(error, file)}", self._causes[cause]
