"""Let asyncio wait: the loop is the library's, and it calls you back."""

import selectors
import socket

from ..connection import GONE_BEFORE_ACCEPT, OUT_OF_RESOURCES
from ..sockets import accept_queue

DEFAULT_BACKLOG = 100
"""Limit of the accept queue that asyncio asks for unless it is told another; for systems that do not tell theirs."""


class EchoClient:
    """One client, with the methods that asyncio calls: those of an `asyncio.Protocol`.

    Reading and sending is done by the transport, as asyncio calls a connection together with its unsent bytes.

    Args:
        transports: the set of all open transports; this client's is in it while it is connected.
    """

    def __init__(self, transports):
        self.transports = transports

    def connection_made(self, transport):
        """Note the transport of a client that was accepted."""
        self.transport = transport
        self.transports.add(transport)

    def data_received(self, data):
        """Send back what was read; the transport keeps what the kernel does not take now."""
        self.transport.write(data)

    def pause_writing(self):
        """Read no more, as more than 64 KiB are unsent (backpressure)."""
        self.transport.pause_reading()

    def resume_writing(self):
        """Read again, as the client has taken most of its replies."""
        self.transport.resume_reading()

    def eof_received(self):
        """Let the transport close as soon as all is sent: the client says no more."""
        return False

    def connection_lost(self, error):
        """Forget the transport: it is closed, or the client is gone."""
        self.transports.discard(self.transport)


def asyncio_server(listener, stop):
    """Echo with asyncio: its loop waits with epoll, as other servers here do, and calls the methods of each client.

    Args:
        listener: a listening TCP socket.
        stop: has `is_set()`, and a `fileno()` that becomes readable when the server has to return.
    """
    import asyncio  # imported here: few servers need it, and it would slow down `import muxlab`

    def new_loop():
        return asyncio.SelectorEventLoop(selectors.DefaultSelector())  # what asyncio itself would take

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(serve_until(listener, stop, runner.get_loop()))


async def serve_until(listener, stop, loop):
    """Serve clients on `loop` until `stop` is set, or something raises."""
    transports: set = set()
    over = loop.create_future()

    def look_at_stop():
        if stop.is_set() and not over.done():
            over.set_result(None)

    def note_error(_, context):  # asyncio would log it, and go on
        error = context.get("exception") or RuntimeError(context["message"])
        rests = getattr(error, "errno", None) in (*OUT_OF_RESOURCES, *GONE_BEFORE_ACCEPT)
        if not rests and not over.done():
            over.set_exception(error)

    loop.set_exception_handler(note_error)
    loop.add_reader(stop, look_at_stop)
    await loop.create_server(lambda: EchoClient(transports), sock=listener, backlog=queue_limit(listener))
    try:
        await over
    finally:
        loop.remove_reader(listener)  # Server.close() would close the listener, which is the caller's
        for transport in transports:
            transport.abort()


def queue_limit(listener):
    """Return the limit of the accept queue: asyncio calls listen(2) again, and the limit should stay as it was."""
    return accept_queue(listener)[1] if hasattr(socket, "TCP_INFO") else DEFAULT_BACKLOG
