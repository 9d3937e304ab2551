"""The museum: servers with one well-known bug, or several.

print(museum.EXHIBITS["always_writable"].__doc__)
muxlab.check(museum.EXHIBITS["always_writable"])
"""

from collections.abc import Callable

from . import calls, chapters, edges, memory, messages, waits

EXHIBITS: dict[str, Callable] = {
    name: fn
    for room in (chapters, calls, waits, edges, memory, messages)
    for name, fn in vars(room).items()
    if getattr(fn, "__module__", "") == room.__name__ and not name.startswith("_")
}
"""All servers of the museum by name. Each docstring says what one sees when the server is in use."""
