"""The battery: all trials, and how they are held."""

import inspect
from collections.abc import Callable, Iterable

from ..arguments import stop_argument
from ..errors import where
from ..notebook import progress
from . import backpressure, endings, idle, messages, scarcity
from .bench import Bench, Failed, NotAllowed, Trial
from .report import Report, Verdict

TRIALS: dict[str, Trial] = {
    found.name: found
    for catalogue in (messages, backpressure, endings, idle, scarcity)
    for found in vars(catalogue).values()
    if isinstance(found, Trial)
}
"""All trials by name, in the order in which they are held and stand in their files."""


def check(fn: Callable, trials: Iterable[str] | None = None) -> Report:
    """Hold trials, each with a server started afresh; arguments and errors as of `muxlab.check`."""
    server = getattr(fn, "__name__", type(fn).__name__)
    stop_argument(fn, server)  # is it a server function at all?
    names = list(TRIALS) if trials is None else [trials] if isinstance(trials, str) else list(trials)
    for name in names:
        if name not in TRIALS:
            raise ValueError(f"no trial is called {name!r}; there are: {', '.join(TRIALS)}")
    results = []
    stuck = ""
    for name in progress(names, "trials"):
        if stuck:
            detail = (
                f"not tried: after {stuck!r} the server could not be ended, as it sleeps in a call that nothing wakes"
            )
            results.append(Verdict(name, False, detail, TRIALS[name].lesson))
            continue
        bench = Bench(fn)
        results.append(hold(bench, name))
        stuck = name * bench.stuck
    return Report(server, results)


def hold(bench: Bench, name: str) -> Verdict:
    """Hold one trial. A server that ended has failed it, whatever else was seen."""
    _, lesson, run = TRIALS[name]
    passed: bool | None = True
    with bench:
        try:
            detail = run(bench)
        except Failed as failure:
            passed, detail = False, str(failure)
        except NotAllowed as reason:
            return Verdict(name, None, str(reason), lesson)
        returned = bench.returned
    if bench.error is not None:
        return Verdict(name, False, _why(bench.fn, bench.error), lesson)
    if returned:
        return Verdict(name, False, "the server function returned, and nobody had told it to", lesson)
    return Verdict(name, passed, detail, lesson)


def _why(fn: Callable, error: BaseException) -> str:
    code = getattr(inspect.unwrap(fn), "__code__", None)
    return f"the server ended: {where(error, code.co_filename if code else '')}"
