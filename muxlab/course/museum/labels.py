"""What stands beside an exhibit: why no conversation shows its bug, if none does, and where real software had it."""

from collections.abc import Callable
from typing import NamedTuple

from ...servers import epoll_server
from ..variant import Exhibit
from .redis import REDIS

NOT_SHOWN = {
    **dict.fromkeys(
        ("crowded_server", "insists_on_accepting", "spins_without_descriptors"),
        "It needs a process that has no descriptor left.",
    ),
    "stale_server": "It needs three events in one batch, in one certain order, and a number that is given anew "
    "meanwhile.",
    "drains_one_client": "It needs a client that sends without a pause: in a conversation, each step waits for the "
    "server.",
    "a_thousand_at_most": "It needs a thousand clients.",
    **dict.fromkeys(
        ("never_forgets", "remembers_who_broke_off", "still_owes"),
        "What is kept of one client is too little to be seen: it needs hundreds that come and go.",
    ),
    **dict.fromkeys(
        ("looks_at_the_clock_when_woken", "one_alarm_for_a_lifetime", "wakes_the_wrong_one"),
        "It needs a timeout that is over: a conversation has no clock.",
    ),
    **dict.fromkeys(
        ("hangs_up_at_the_end", "closes_over_unread_bytes"),
        "A server that is told to stop may well hang up, unless somebody asks for more.",
    ),
}
"""The exhibits whose bug no conversation can show, and why."""

SPEAKS_REDIS = "It speaks Redis's protocol, and conversations are for echo servers."


class RealBug(NamedTuple):
    """The same bug in real software.

    Attributes:
        thread: where it was reported, as "owner/project#number".
        what: what happened there.
    """

    thread: str
    what: str

    @property
    def address(self) -> str:
        """The address of the thread."""
        project, _, number = self.thread.partition("#")
        return f"https://github.com/{project}/issues/{number}"


EVENTCORE = RealBug(
    "vibe-d/eventcore#20",
    "of 256 requests that came at once about a hundred were answered, and the others only when more came",
)

REAL = {
    "picky_server": [
        RealBug("wlanslovenija/tunneldigger#148", "ERR was passed over, and reported again, with all of a core"),
    ],
    "ghost_server": [
        RealBug("MagicStack/uvloop#61", "one of two duplicates of a descriptor was closed, and epoll was not told"),
        RealBug("libuv/libuv#1468", "the same, in the library below uvloop and Node.js: a whole core, for nobody"),
        RealBug("h2o/h2o#1100", "the same, in a web server that was being replaced by a newer one"),
    ],
    "stale_server": [
        RealBug("creytiv/re#266", "events of a closed descriptor were delivered to the socket that got its number"),
        RealBug("joyent/libuv#971", "the same, in the library below Node.js"),
    ],
    "burst_server": [
        EVENTCORE,
        RealBug("pgexporter/pgexporter#586", "the same, with kqueue, the BSDs' epoll"),
    ],
    "one_accept_for_each_edge": [EVENTCORE],
    "spins_without_descriptors": [
        RealBug("oven-sh/bun#32705", "98,000 failed accepts in ten seconds, and nobody served"),
        RealBug("vibe-d/eventcore#49", "the same, in a library for the language D"),
    ],
    "insists_on_accepting": [
        RealBug("sustrik/libmill#182", "a loop that takes no notice of EMFILE calls accept again, and again"),
    ],
    "one_request_for_each_recv": [
        RealBug(
            "cesanta/mongoose#1522", "epoll knew nothing of bytes that the TLS library had read already: a deadlock"
        ),
        RealBug("curl/curl#17596", "the same, in curl, now and then"),
    ],
}
"""Threads about the same bug in real software, by the exhibits' names."""


def good_server(exhibit: Exhibit) -> Callable | None:
    """Return the good server that an echo exhibit differs from, or does the work of; None of a Redis-like one."""
    if exhibit in REDIS:
        return None
    good = exhibit.good[0] if isinstance(exhibit.good, tuple) else exhibit.good
    return good or epoll_server
