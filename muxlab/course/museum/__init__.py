"""The museum: servers with one well-known bug each, shown as their difference from a good server.

    print(muxlab.museum.EXHIBITS["always_writable"])
    muxlab.check(muxlab.museum.EXHIBITS["always_writable"].fn)

calls     the wrong call, and the wrong idea of a message
waits     the wrong wait, the wrong answer to an edge, and the wrong memory
partings  the wrong ending, of a connection and of a server
redis     the wrong idea of a request, of time and of who listens, in Redis-like servers
"""

from .. import EXERCISES
from ..variant import Exhibit
from .calls import CALLS, MESSAGES
from .partings import PARTINGS
from .redis import REDIS
from .waits import EDGES, MEMORY, WAITS

TO_REPAIR = [
    Exhibit(found.broken, found.functions[0])
    for found in EXERCISES.values()
    if found.broken is not None and not found.pieces
]
"""The broken servers that the chapters give to repair; what they differ from is the solution. One that is made of
several functions is not among them: its repair is more than one difference."""

EXHIBITS: dict[str, Exhibit] = {
    exhibit.name: exhibit for exhibit in [*TO_REPAIR, *CALLS, *EDGES, *WAITS, *MEMORY, *MESSAGES, *PARTINGS, *REDIS]
}
"""All servers of the museum by name."""

__all__ = ["EXHIBITS", "Exhibit"]
