"""The same Redis-like server on the loop of chapter 11: one coroutine for each client.

A conversation reads from top to bottom. What is less plain here than on bare epoll is the bytes that come from somebody
else: a client that sleeps in `recv` is told what was published, and somebody has to wait for room if there is none.
"""

import contextlib

from ..connection import RECV_SIZE
from ..runtime import Loop, accept, readable, recv, sleep, writable
from .channels import Channels
from .peer import Peer
from .redis_server import MOST_UNSENT
from .store import Store


def redis_on_loop(listener, stop):
    """Answer the commands of Redis, with a task for each client; arguments as of `redis_server`."""
    loop = Loop()
    loop.run(serve_until(stop, loop, listener))


async def serve_until(stop, loop, listener):
    """Welcome clients until the server has to return; the loop then closes what is left."""
    loop.spawn(welcome(loop, listener))
    await readable(stop)


async def welcome(loop, listener):
    """Accept clients, and make a task for each."""
    store, channels = Store(), Channels()
    alarm = Alarm(loop, store)
    while True:
        sock = await accept(listener)
        outbox = Outbox(loop, sock)
        outbox.tasks.append(loop.spawn(talk(Peer(store, channels, outbox), alarm)))


async def talk(peer, alarm):
    """Hold the conversation with one client."""
    outbox = peer.connection
    try:
        with contextlib.suppress(OSError):  # ECONNRESET and the like: the end of this client
            while not peer.leaving:
                if not peer.waiting:
                    data = await recv(outbox.sock, RECV_SIZE)
                    if not data:
                        break
                else:  # the client takes its replies: go on with them
                    data = b""
                outbox.put(peer.answer(data))
                alarm.set()
                if outbox.unsent and not outbox.drained_by_another:
                    await outbox.drain()
    finally:
        peer.leave()
        outbox.finish()


class Outbox:
    """The bytes on their way to one client, from whatever task they come; a peer's `connection`.

    Attributes:
        sock: the client's socket.
        unsent: bytes that the kernel has not taken yet.
        tasks: those that work for this client, to be cancelled if it does not read.
        drained_by_another: True while a task of its own waits for room, and not the client's conversation.
    """

    def __init__(self, loop, sock):
        self.sock = sock
        self.unsent = bytearray()
        self.tasks = []
        self.drained_by_another = False
        self._loop = loop
        self._draining = False
        self._finished = False

    def fileno(self):
        """Return the socket's descriptor."""
        return self.sock.fileno()

    def close(self):
        """Close the socket."""
        self.sock.close()

    def put(self, data):
        """Send as much as the kernel takes now, and keep the rest. Raises OSError when the client is gone."""
        if self.unsent or not data:
            self.unsent += data
            return
        try:
            taken = self.sock.send(data)
        except BlockingIOError:
            taken = 0
        if taken < len(data):
            self.unsent += data[taken:]

    async def drain(self):
        """Wait until all is sent."""
        self._draining = True
        try:
            while self.unsent:
                await writable(self.sock)
                with contextlib.suppress(BlockingIOError):
                    del self.unsent[: self.sock.send(self.unsent)]
        finally:
            self._draining = False

    def send(self, news):
        """Send what another client has published; a task of its own waits for room, if there is none."""
        try:
            self.put(news)
        except OSError:
            self._give_up()
            return
        if len(self.unsent) > MOST_UNSENT:  # it does not read
            self._give_up()
        elif self.unsent and not self._draining:
            self._draining = self.drained_by_another = True
            self.tasks.append(self._loop.spawn(self._drain_alone()))

    async def _drain_alone(self):
        try:
            with contextlib.suppress(OSError):
                await self.drain()
        finally:
            self.drained_by_another = False
            del self.tasks[1:]
            if self._finished:
                self.sock.close()

    def finish(self):
        """Close the socket, now or when the last bytes are sent."""
        self._finished = True
        if not self.drained_by_another:
            self.sock.close()

    def _give_up(self):
        """Disconnect a client that is gone, or does not read."""
        for task in self.tasks:
            task.cancel()
        self.sock.close()


class Alarm:
    """The task that sleeps until the next key is to be forgotten."""

    def __init__(self, loop, store):
        self._loop, self._store = loop, store
        self._task = None
        self._due = None  # when it wakes

    def set(self):
        """Have it wake at the right time: the next one to be forgotten may have become another."""
        due = self._store.next_due()
        if due == self._due:
            return
        if self._task is not None:
            self._task.cancel()
        self._due, self._task = due, None
        if due is not None:
            self._task = self._loop.spawn(self._forget())

    async def _forget(self):
        await sleep(self._store.timeout())
        self._store.forget_due()
        self._due = self._task = None
        self.set()
