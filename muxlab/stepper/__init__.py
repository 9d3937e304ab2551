"""`step`: a live server that runs one line, or one call, at a time, with the kernel's tables beside it.

stepper   what a learner drives: next, next_call, run_until_blocked, client, state
tracer    holds the server's thread and lets it go on
state     a stepped server at one moment, as data and in words
source    the learner's lines
client    a client that acts when it is told to
"""

from .client import Client
from .state import State
from .stepper import Stepper, step

__all__ = ["Client", "State", "Stepper", "step"]
