"""muxlab: how one thread serves thousands of TCP clients, on a live kernel.

A server is a function of a listening socket. `serve` runs one in a background thread, `step` runs one a line or a call
at a time, `Swarm` is the clients, `doctor` tells what this machine allows, `predict` asks the learner before the
experiment does, and `show` draws.
"""

import importlib

from .registry import stop_all
from .servers import SERVERS
from .swarm import Swarm
from .watch.serve import Server, serve

TYPE_CHECKING = False  # what type checkers take for true: `typing` itself would be slow to import
if TYPE_CHECKING:
    from . import check, measure, show
    from .check.exercises import exercise
    from .doctor import doctor
    from .show.predictions import predict
    from .watch.stepper import step

__version__ = "0.1.0"
__all__ = [
    "SERVERS",
    "Server",
    "Swarm",
    "check",
    "doctor",
    "exercise",
    "measure",
    "predict",
    "serve",
    "show",
    "step",
    "stop_all",
]

_LAZY = {
    "check": ".check",
    "doctor": ".doctor",
    "exercise": ".check.exercises",
    "measure": ".measure",
    "predict": ".show.predictions",
    "show": ".show",
    "step": ".watch.stepper",
}


def __getattr__(name: str) -> object:
    """Import what is not always needed when it is first asked for: PEP 562."""
    if name not in _LAZY:
        raise AttributeError(f"module 'muxlab' has no attribute {name!r}")
    module = importlib.import_module(_LAZY[name], __name__)
    value = getattr(module, name, module)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
