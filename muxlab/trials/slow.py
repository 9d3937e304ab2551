"""A trial of slow clients: they are no trouble one by one, and hold on to a server together."""

from .bench import Bench
from .messages import HALF, byte_by_byte, silent
from .trial import HELLO, Failed, trial

HOLDERS = 200
"""Clients that begin a line and do not end it: more than a pool of threads has, and few enough for any machine."""


@trial(
    "serves others while 200 clients hold half a line",
    "How many clients can be in the middle of something at a time? What of yours does each of them hold?",
    needs=[silent, byte_by_byte],
)
def half_lines(bench: Bench) -> str:
    """Clients say half a line and no more, as the tool Slowloris does to web servers; then one comes and talks."""
    holders = [client.say(HALF) for client in bench.guests(HOLDERS)]
    bench.digest()
    client = bench.client().say(HELLO)
    if not bench.answered(client):
        raise Failed(f"while {HOLDERS} clients held half a line, the next one got {client.got}")
    for holder in holders:
        holder.say(b", and the rest of it\n")
    if not bench.answered(*holders):
        raise Failed(
            f"{sum(holder.answered for holder in holders)} of {HOLDERS} were answered at the end of their line"
        )
    return f"while {HOLDERS} clients held half a line, the next one was answered"
