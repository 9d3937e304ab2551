"""A whole battery, as `battery_of` asks for it: the process that runs batteries imports this once, for all of them."""

import importlib

import muxlab
from muxlab.course import EXERCISES
from muxlab.course.review import BUGS
from muxlab.trials import Verdict
from muxlab.trials.trial import big_message

OURS = {
    **muxlab.SERVERS,
    **{name: exhibit.fn for name, exhibit in muxlab.museum.EXHIBITS.items()},
    **{f"solution of {name}": exercise.functions[0] for name, exercise in EXERCISES.items()},
    **{f"bug {number} alone": bug.alone.fn for number, bug in BUGS.items() if bug.alone},
    **{f"bug {number} repaired": bug.alone.good for number, bug in BUGS.items() if bug.alone},
}
"""Servers by name: the reference servers and exhibits, the solutions of exercises, and the bugs of the article."""

big_message()  # it is kept: the processes that run batteries are forks of the one that imports this


def run(server: str, *trials: str) -> list[Verdict]:
    """Run a battery, with arguments as in `battery_of`; return the verdicts."""
    module, _, name = server.rpartition(":")
    fn = getattr(importlib.import_module(module), name) if module else OURS[name]
    return muxlab.check(fn, trials or None).trials
