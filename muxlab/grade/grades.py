"""A grade: what came of one exercise of one learner, and what that may be."""

from dataclasses import dataclass

RESULTS = {
    "passed": "all trials passed, also when run from outside",
    "failed": "a trial failed",
    "doubtful": "it passed its own check, but a second run, from outside, did not confirm it: look at it yourself",
    "untouched": "the cell is as the course gives it, or empty",
    "missing": "no such notebook or function",
    "refused": "the notebook cannot be read, or there is more than one",
    "too slow": "no verdict within the time",
    "crashed": "the process ended without a verdict, or used more than it is allowed",
}
"""What may come of an answer."""


@dataclass(frozen=True)
class Grade:
    """What came of one exercise of one learner.

    Attributes:
        learner: the name of the folder.
        chapter: "05".
        exercise: its name.
        result: "passed", "failed", or another of `RESULTS`.
        passed: how many trials were passed.
        trials: how many were run.
        first_failed: the name of the first trial that failed, or "".
        seen: what was seen in that trial; or why there is no verdict; or what there is to know of a pass.
        seconds: how long the examination took.
    """

    learner: str
    chapter: str
    exercise: str
    result: str
    passed: int
    trials: int
    first_failed: str
    seen: str
    seconds: float
