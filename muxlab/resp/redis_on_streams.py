"""The same Redis-like server on asyncio's streams: what most people would write first, to compare with.

Streams keep what a client does not read, and `drain` waits until little of it is left. A subscriber is told things
while its coroutine sleeps in `read`, so what is kept for it has to be bounded here as well.
"""

import contextlib

from ..connection import RECV_SIZE
from ..sockets import accept_queue
from .channels import Channels
from .peer import Peer
from .redis_server import MOST_UNSENT
from .store import Store


def redis_on_streams(listener, stop):
    """Answer the commands of Redis, with a coroutine for each client; arguments as of `redis_server`."""
    import asyncio  # imported here: slow to import, and rarely needed

    asyncio.run(serve_until(listener, stop))


async def serve_until(listener, stop):
    """Serve clients until the server has to return; asyncio then cancels what is left."""
    import asyncio

    store, channels = Store(), Channels()
    loop = asyncio.get_running_loop()
    alarm = Alarm(loop, store)

    async def talk(reader, writer):
        peer = Peer(store, channels, Outbox(writer))
        try:
            with contextlib.suppress(OSError, asyncio.CancelledError):  # a reset ends this client, and nobody else
                await converse(peer, reader, writer, alarm)
        finally:
            peer.leave()
            writer.close()

    told = asyncio.Event()
    loop.add_reader(stop.fileno(), told.set)
    backlog = accept_queue(listener)[1]
    server = await asyncio.start_server(talk, sock=listener.dup(), limit=RECV_SIZE, backlog=backlog)
    await told.wait()
    server.close()


async def converse(peer, reader, writer, alarm):
    """Hold the conversation with one client."""
    while not peer.leaving:
        data = b"" if peer.waiting else await reader.read(RECV_SIZE)
        if not data and not peer.waiting:
            break
        writer.write(peer.answer(data))
        alarm.set()
        await writer.drain()


class Outbox:
    """What a peer is told something through; a peer's `connection`."""

    def __init__(self, writer):
        self._writer = writer

    def fileno(self):
        """Return the socket's descriptor."""
        return self._writer.get_extra_info("socket").fileno()

    def send(self, news):
        """Send what another client has published, or disconnect a client that does not read."""
        self._writer.write(news)
        if self._writer.transport.get_write_buffer_size() > MOST_UNSENT:
            self._writer.transport.abort()

    def close(self):
        """Close the connection."""
        self._writer.close()


class Alarm:
    """The call that forgets the next key when it expires."""

    def __init__(self, loop, store):
        self._loop, self._store = loop, store
        self._call = None
        self._due = None  # when it comes

    def set(self):
        """Set the alarm for the key that now expires next; it may have changed."""
        due = self._store.next_due()
        if due == self._due:
            return
        if self._call is not None:
            self._call.cancel()
        self._due = due
        self._call = None if due is None else self._loop.call_later(self._store.timeout(), self._forget)

    def _forget(self):
        self._store.forget_due()
        self._due = self._call = None
        self.set()
