"""All exhibits of the museum, by name and room by room."""

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

ROOMS: dict[str, list[Exhibit]] = {
    "Servers that the chapters give to repair": TO_REPAIR,
    "The wrong call": CALLS,
    "The wrong answer to an edge": EDGES,
    "The wrong wait": WAITS,
    "The wrong memory": MEMORY,
    "The wrong idea of a message": MESSAGES,
    "The wrong ending": PARTINGS,
    "The wrong idea of a request": REDIS,
}
"""The rooms of the museum, each with its exhibits."""

EXHIBITS: dict[str, Exhibit] = {exhibit.name: exhibit for room in ROOMS.values() for exhibit in room}
"""All servers of the museum by name."""
