"""`step`: a live server that runs one line, or one call, at a time, with the kernel's tables beside it.

stepper   the `Stepper` that a learner drives: next, next_call, run_until_blocked, client, state
tracer    the part that holds the server's thread and releases it
state     a stepped server at one moment, as data and as text
source    the source lines of the learner's functions
client    a client that does only what it is told
"""

from .client import Client
from .state import State
from .stepper import Stepper, step

__all__ = ["Client", "State", "Stepper", "step"]
