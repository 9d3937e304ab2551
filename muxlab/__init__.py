"""muxlab: how one thread serves thousands of TCP clients, on a live kernel.

A server is a function of a listening socket. `serve` runs one in a background thread, `Swarm` is its clients,
`doctor` tells what this machine allows, and `show` draws.
"""

import importlib

from .lab import Server, serve
from .registry import stop_all
from .servers import SERVERS
from .swarm import Swarm

TYPE_CHECKING = False  # what type checkers take for true: `typing` itself would be slow to import
if TYPE_CHECKING:
    from . import measure, show
    from .doctor import doctor

__version__ = "0.1.0"
__all__ = ["SERVERS", "Server", "Swarm", "doctor", "measure", "serve", "show", "stop_all"]

_LAZY = {"doctor": ".doctor", "measure": ".measure", "show": ".show"}


def __getattr__(name: str) -> object:
    """Import what is not always needed when it is first asked for: PEP 562."""
    if name not in _LAZY:
        raise AttributeError(f"module 'muxlab' has no attribute {name!r}")
    module = importlib.import_module(_LAZY[name], __name__)
    value = module.doctor if name == "doctor" else module
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
