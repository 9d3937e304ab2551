"""Whether an answer takes the way that its exercise asks for; the battery leaves that open.

Not handled here: whether the server is right. That is for the battery, which has to be passed first.
"""

from collections.abc import Callable

from ..sockets import unsent_bytes
from ..trials.bench import Bench
from ..trials.clients import BenchClient
from ..trials.report import Verdict

CALLS = {"select": "select.select", "poll": "poll.poll", "epoll": "epoll.poll"}


def takes(fn: Callable, way: str) -> Verdict:
    """Tell whether a server takes a way of waiting.

    Args:
        fn: the server function.
        way: "select", "poll" or "epoll"; "edge", for an epoll that is asked for edges; or "short read", for one that is
            asked for edges, and takes a short read for the end of what there is.
    """
    with Bench(fn) as bench:
        if way == "edge":
            return _is_told_of_edges(bench)
        if way == "short read":
            return _trusts_short_reads(bench)
        found = bench.model().waits
    detail = f"it waits with {' and '.join(sorted(found)) or 'none of the calls that wait for several'}"
    return Verdict(f"waits with {CALLS[way]}", found == {CALLS[way]}, detail, "Which call does your server sleep in?")


def _is_told_of_edges(bench: Bench) -> Verdict:
    """Look at what epoll watches a client for that has been answered, and is silent."""
    bench.answered(bench.client().say(b"hello\n"))
    interest = [row.interest for row in bench.server.xray().connections if row.interest]
    detail = f"epoll watches a client for {interest[0]}" if interest else "no epoll watches its clients"
    passed = any("ET" in found.split("|") for found in interest)
    return Verdict("is told of edges", passed, detail, "Which flag of register asks for edges?")


def _trusts_short_reads(bench: Bench) -> Verdict:
    """Look at the reads of a server that is asked for little, by one who stays and by one who has said goodbye."""
    name, lesson = "reads once for a short message", "What does a read tell that returns less than you asked for?"
    bench.serve(hold=True, tap=True)
    stays, goes = bench.client().say(b"hello\n"), bench.client().say(b"hello\n").half_close()
    bench.wait([stays, goes], lambda: _all_has_arrived(bench, stays, goes))
    bench.release()
    if not bench.answered(stays, goes):
        return Verdict(name, False, "not everybody was answered", lesson)
    if not bench.wait([goes], lambda: goes.ended):
        lost = "a client whose end came in right behind its question was answered, and then not let go"
        return Verdict(name, False, lost, "Which bit of a mask tells that the other side has finished?")
    calls = bench.server.calls
    for_nothing = calls["recv", "EAGAIN"] + calls["recv_into", "EAGAIN"]
    if for_nothing:
        return Verdict(name, False, f"{for_nothing} of its reads found nothing: EAGAIN", lesson)
    edges = _is_told_of_edges(bench)
    return Verdict(name, edges.passed, edges.detail, edges.lesson)


def _all_has_arrived(bench: Bench, *clients: BenchClient) -> bool:
    """Tell whether clients wait to be accepted, with all that they have said; on a busy machine it takes a moment."""
    connected = bench.server.accept_queue()[0] == len(clients)  # before that, the kernel tells of no unsent bytes
    return connected and not any(client.unsent or unsent_bytes(client.sock) for client in clients)
