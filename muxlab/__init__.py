"""muxlab: how one thread serves thousands of TCP clients, on a live Linux kernel.

This is the map of the package. Read it from the top: a file imports only from the lines above its own.

    connection   the conversation that all reference servers share: Acceptor, Connection, echo
    stop         the signal that tells a server to return: Stop, Keyboard
    family       the threads that a server has started, and their CPU time
    interrupt    the forced end of a server function that ignores the signal, and whether a thread is asleep
    arguments    checks of the arguments that callers pass
    sockets      plain names for what the kernel tells about a socket: bytes in a queue, a mask, a reset
    limits       descriptors and ports: how many connections this machine allows
    programs     programs that a machine may not have, and one of them at work
    python_process  another Python process, which ends with this one
    notebook     the running cell and its event loop, the progress bar
    surroundings which editor shows the notebook, and what kind of machine runs it: a container, WSL, another system
    shared_files a file that others may read or write meanwhile: locked, and replaced as a whole
    journal/     how far the learner has come: chapters, predictions, exercises, noted in their copy of the course
    lab/         a learner's copy of the course, and JupyterLab on it: what `muxlab lab` does
    errors       tracebacks that end in the learner's own line, and warnings that point to it
    running      the list of what is running: a cell that runs again ends what it had started; stop_all ends all
    listener     a listening socket that remembers the connections it accepted
    blocking     clients whose calls sleep, and how `stop` wakes the sleepers
    runtime/     `async` and `await` on one epoll: the loop that chapter 11 builds, finished
    ring/        io_uring: the calls themselves are handed to the kernel, through two queues in shared memory
    servers/     the subject of the course: one file for each way of waiting
    resp/        a Redis-like server, finished, on a loop of the course
    watch/       a look inside a running server: its calls (tap, trace), the kernel's tables about it (x-ray)
    server_function  a server's function, ready to be called: with the `stop` that it takes, tapped or not
    server       serve: a server function in a background thread
    server_processes  one server on one port in several processes: all cores
    swarm/       Swarm: thousands of clients in one thread, or in processes of their own
    stepper/     step: a server that runs one line, or one call, at a time
    trials/      check: hostile clients, one trial for each way to break a server, and a search for more ways
    measure/     experiments that return rows: wait_cost, chain_cost, echo_cost
    course/      the exercises of the chapters, the museum of broken servers, and the review of the article
    show/        everything that draws: charts, panels, and recordings of panels
    doctor       a report on what this machine allows
    grade/       the exercises of a whole class, in processes that can neither hang nor fool the teacher's
    command/     the commands of the command line, one file for each

`import muxlab` loads only what a server and a swarm need; the other names are imported on first use (PEP 562).
"""

import importlib
import sys

if sys.platform == "win32":
    raise ImportError(
        "muxlab needs Linux: Windows has neither epoll nor the calls around it. Install WSL 2 (in a terminal: "
        "wsl --install) and work in there, or open the project in its dev container: VS Code with Docker, or Codespaces"
    )

from . import journal
from .running import stop_all
from .server import Server, serve
from .swarm import Swarm

TYPE_CHECKING = False  # type checkers take it as true; importing it from `typing` would be slow
if TYPE_CHECKING:
    from . import measure, resp, ring, runtime, show
    from .course import article, exercise, expect, museum, review
    from .course.progress import progress
    from .doctor import doctor
    from .limits import most_connections, raise_descriptor_limit
    from .servers import SERVERS
    from .show.predict import predict
    from .sockets import (
        accept_queue,
        duplicate,
        interest_list,
        mask_names,
        packets_sent_again,
        reset,
        unsent_bytes,
        waiting_bytes,
    )
    from .stepper import step
    from .trials import check
    from .watch.tracing import trace

__version__ = "0.1.0"
__all__ = [
    "SERVERS",
    "Server",
    "Swarm",
    "accept_queue",
    "article",
    "check",
    "doctor",
    "duplicate",
    "exercise",
    "expect",
    "interest_list",
    "mask_names",
    "measure",
    "most_connections",
    "museum",
    "packets_sent_again",
    "predict",
    "progress",
    "raise_descriptor_limit",
    "reset",
    "resp",
    "review",
    "ring",
    "runtime",
    "serve",
    "show",
    "step",
    "stop_all",
    "trace",
    "unsent_bytes",
    "waiting_bytes",
]

_LAZY = {
    "SERVERS": ".servers",
    "accept_queue": ".sockets",
    "article": ".course",
    "check": ".trials",
    "doctor": ".doctor",
    "duplicate": ".sockets",
    "exercise": ".course",
    "expect": ".course",
    "interest_list": ".sockets",
    "mask_names": ".sockets",
    "measure": ".measure",
    "most_connections": ".limits",
    "museum": ".course.museum",
    "packets_sent_again": ".sockets",
    "predict": ".show.predict",
    "progress": ".course.progress",
    "raise_descriptor_limit": ".limits",
    "reset": ".sockets",
    "resp": ".resp",
    "ring": ".ring",
    "review": ".course.review",
    "runtime": ".runtime",
    "show": ".show",
    "step": ".stepper",
    "trace": ".watch.tracing",
    "unsent_bytes": ".sockets",
    "waiting_bytes": ".sockets",
}


def __getattr__(name: str) -> object:
    """Import a public name on first use."""
    if name not in _LAZY:
        raise AttributeError(f"module 'muxlab' has no attribute {name!r}")
    module = importlib.import_module(_LAZY[name], __name__)
    value = getattr(module, name, module)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


journal.begin()
