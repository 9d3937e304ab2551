"""The museum: servers with one well-known bug each, shown as their difference from a good server.

    print(muxlab.museum.EXHIBITS["always_writable"])
    muxlab.check(muxlab.museum.EXHIBITS["always_writable"].fn)

calls     the wrong call, and the wrong idea of a message
waits     the wrong wait, the wrong answer to an edge, and the wrong memory
partings  the wrong ending, of a connection and of a server
redis     the wrong idea of a request, of time and of who listens, in Redis-like servers

exhibits       all of them, by name and room by room
caught         the trials that each of them fails
conversations  the shortest conversation that breaks it
labels         why no conversation does, and real software that had the same bug
on_show        all of that on one page: `muxlab.museum.gallery()`
"""

from ..variant import Exhibit
from .exhibits import EXHIBITS
from .labels import good_server
from .on_show import caught_by, gallery, story

__all__ = ["EXHIBITS", "Exhibit", "caught_by", "gallery", "good_server", "story"]
