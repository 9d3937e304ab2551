"""The process that examines one answer: it starts others to run the learner's code in, and ends them all.

First the answer is checked as in its notebook, in a candidate (candidate.py), which tells what came of it. If it says
that all trials were passed, they are run once more from outside (outside.py).

`classroom.py` starts it, tells it over a socket what to examine (SOCK_SEQPACKET, its standard input), and gets the
outcome back. When that socket is closed it ends, with all that it has started.
"""

import json
import os
import select
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from ..course import EXERCISES
from ..course.exercises import Exercise
from ..course.variant import source
from ..errors import where
from ..trials import runner
from ..trials.report import Verdict
from .bounds import Bounds
from .candidate_process import Candidate
from .hosted import HostedServer, NoAnswer
from .outside import UNSEEN, trials_from_outside
from .process_tree import adopt_orphans, descendants, end_descendants, hide_from_learners, kill_descendants, memory_of

LOOK = 0.25
"""Seconds from one look at what the candidate has started to the next."""

SEEN = 500
"""Characters of what was seen that are kept."""

OURS = ("muxlab.course", "muxlab.servers", ".solution(")
"""Words in the code of an answer that may have asked the course for it."""


@dataclass(frozen=True)
class Outcome:
    """What came of one answer.

    Attributes:
        result: one of `RESULTS` (grades.py).
        passed: how many trials were passed.
        trials: how many were run.
        first_failed: the name of the first trial that failed, or "".
        seen: what was seen there, or why there is no verdict.
    """

    result: str
    passed: int = 0
    trials: int = 0
    first_failed: str = ""
    seen: str = ""


@dataclass
class Guard:
    """A thread that ends everything when nobody wants the outcome any more, or when too much was started.

    Attributes:
        tie: the socket to the process that wants the outcome.
        bounds: what the answer may take.
        reason: why it has ended what the answer had started; "" if it has not.
    """

    tie: socket.socket
    bounds: Bounds
    reason: str = ""
    over: threading.Event = field(default_factory=threading.Event)

    def watch(self) -> None:
        """Look again and again, until the outcome is known."""
        poll = select.poll()
        poll.register(self.tie, select.POLLIN)
        while not self.over.is_set():
            if poll.poll(1000 * LOOK):  # nothing more is ever sent: this is the end of it
                end_descendants(os.getpid())
                os._exit(1)
            started = descendants(os.getpid())
            if len(started) > self.bounds.processes:
                self._end(f"it started more than {self.bounds.processes} processes")
            elif memory_of(started) > 2 * self.bounds.memory:
                self._end(f"with all its processes it used more than {2 * self.bounds.memory // 2**20:,} MiB")

    def _end(self, reason: str) -> None:
        self.reason = reason
        kill_descendants(os.getpid())


def examine(exercise: Exercise, answer: dict[str, Any], folder: str, bounds: Bounds, guard: Guard) -> Outcome:
    """Examine the answer to an exercise; return what came of it.

    Args:
        exercise: the exercise.
        answer: what was handed in, as reader.py returns it.
        folder: an empty folder to work in.
        bounds: what the answer may take.
        guard: it is looking already.
    """
    task = answer | {"exercise": exercise.name, "bounds": asdict(bounds)}
    deadline = time.monotonic() + bounds.seconds
    outcome = by_its_own_word(exercise, task, folder, bounds, guard)
    if outcome.result == "passed":
        outcome = confirmed(outcome, exercise, task, folder, deadline, guard)
    return replace(outcome, seen="; ".join(filter(None, [outcome.seen, *remarks(outcome, exercise, answer)])))


def by_its_own_word(exercise: Exercise, task: dict[str, Any], folder: str, bounds: Bounds, guard: Guard) -> Outcome:
    """Return what the candidate says came of the check. It is the candidate's word, and no more than that."""
    candidate = Candidate("check", task, folder)
    try:
        said = candidate.hear(bounds.seconds)
        status = candidate.status()
    except TimeoutError:
        return Outcome("too slow", seen=f"no verdict after {bounds.seconds:g} s")
    finally:
        candidate.end()
    if guard.reason:
        return Outcome("crashed", seen=guard.reason)
    if said is None:
        return Outcome("crashed", seen=f"it ended without a verdict: {status}")
    if "error" in said:
        return Outcome("crashed", seen=str(said["error"])[:SEEN])
    if said.get("tried") is False:
        return Outcome("untouched", seen=str(said.get("said", ""))[:SEEN])
    try:
        trials = [Verdict(str(name), passed, str(detail), "") for name, passed, detail in said["trials"]]
    except (KeyError, TypeError, ValueError):
        return Outcome("crashed", seen="it returned something that is not a verdict")
    names = [trial.name for trial in trials]
    wanted = list(exercise.trials or runner.TRIALS)
    if not set(names) >= set(wanted):
        return Outcome("crashed", seen="its verdict leaves trials out")
    if len(names) > len(wanted) + bool(exercise.way):
        return Outcome("crashed", seen="its verdict has trials in it that are not the exercise's")
    return outcome_of(trials)


def outcome_of(trials: list[Verdict], otherwise: str = "failed") -> Outcome:
    """Return the outcome of some trials: passed if one was and none failed, as for a report."""
    passed = sum(trial.passed is True for trial in trials)
    for trial in trials:
        if trial.passed is False:
            return Outcome(otherwise, passed, len(trials), trial.name[:SEEN], trial.detail[:SEEN])
    return Outcome("passed" if passed else otherwise, passed, len(trials))


def confirmed(
    outcome: Outcome, exercise: Exercise, task: dict[str, Any], folder: str, deadline: float, guard: Guard
) -> Outcome:
    """Run the trials from outside; return the outcome if they confirm it."""
    verdicts = []
    try:
        for verdict in trials_from_outside(exercise, lambda *how: HostedServer(task, folder, *how)):
            if time.monotonic() > deadline:
                return Outcome("too slow", seen="no verdict from outside within the time")
            verdicts.append(verdict)
    except NoAnswer as why:
        return Outcome("doubtful", trials=outcome.trials, seen=str(why))
    if guard.reason:
        return Outcome("crashed", seen=guard.reason)
    outside = outcome_of(verdicts, otherwise="doubtful")
    return outcome if outside.result == "passed" else replace(outside, trials=outcome.trials)


def remarks(outcome: Outcome, exercise: Exercise, answer: dict[str, Any]) -> Iterator[str]:
    """Yield what a teacher should know of an outcome beside what was seen."""
    if outcome.result == "passed":
        believed = sorted(UNSEEN.keys() & set(exercise.trials or runner.TRIALS))
        if believed:
            yield f"believed, as it cannot be seen from outside: {', '.join(believed)}"
        code = "\n".join(cell["source"] for cell in answer["cells"])
        if any(word in code for word in OURS):
            yield "it mentions the course's own servers or solutions"
        elif all(source(function).strip() in code for function in exercise.functions):
            yield "the text of the course's own solution is in it"
    elif "NameError" in outcome.seen or "KeyError" in outcome.seen:
        yield "only what the answer seems to need was run of its notebook: see there whether it needs more"


def main() -> None:
    """Examine one answer."""
    adopt_orphans()
    hide_from_learners()
    with socket.socket(fileno=0) as tie:
        task = json.loads(tie.recv(2**17))
        bounds = Bounds(**task["bounds"])
        guard = Guard(tie, bounds)
        watching = threading.Thread(target=guard.watch, name="muxlab-guard", daemon=True)
        watching.start()
        try:
            outcome = examine(EXERCISES[task["exercise"]], task["answer"], task["folder"], bounds, guard)
        except Exception as error:  # no room on the disk, for example: the row says so
            outcome = Outcome("crashed", seen=guard.reason or f"it could not be examined: {where(error)}"[:SEEN])
        guard.over.set()
        watching.join()
        end_descendants(os.getpid())
        tie.send(json.dumps(asdict(outcome)).encode())
    os._exit(0)


if __name__ == "__main__":
    main()
