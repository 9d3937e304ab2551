"""The battery: all trials, and how they are held."""

from collections.abc import Callable, Iterable

from ..lab import stop_arguments
from ..progress import progress
from . import extremes, idling, leaving, talking, writing
from .bench import Bench
from .blame import blame
from .report import Report, Trial
from .trial import Ask, Failed, NotAllowed

TRIALS: dict[str, Ask] = {
    found.name: found
    for catalogue in (talking, writing, leaving, idling, extremes)
    for found in vars(catalogue).values()
    if isinstance(found, Ask)
}
"""All trials by name, in the order in which they are held and stand in their files."""


def check(fn: Callable, trials: Iterable[str] | None = None) -> Report:
    """Hold trials, each with a server started afresh; arguments and errors as of `muxlab.check`."""
    server = getattr(fn, "__name__", type(fn).__name__)
    stop_arguments(fn, server)  # is it a server function at all?
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
            results.append(Trial(name, False, detail, TRIALS[name].lesson))
            continue
        bench = Bench(fn)
        results.append(hold(bench, name))
        stuck = name * bench.stuck
    return Report(server, results)


def hold(bench: Bench, name: str) -> Trial:
    """Hold one trial. A server that ended has failed it, whatever else was seen."""
    _, lesson, run = TRIALS[name]
    passed: bool | None = True
    with bench:
        try:
            detail = run(bench)
        except Failed as failure:
            passed, detail = False, str(failure)
        except NotAllowed as reason:
            return Trial(name, None, str(reason), lesson)
        returned = bench.returned
    if bench.error is not None:
        return Trial(name, False, blame(bench.fn, bench.error), lesson)
    if returned:
        return Trial(name, False, "the server function returned, and nobody had told it to", lesson)
    return Trial(name, passed, detail, lesson)
