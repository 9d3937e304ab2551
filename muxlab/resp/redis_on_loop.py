"""The same Redis-like server on the loop of chapter 11: one coroutine for each client.

A conversation reads from top to bottom. One thing is harder than on bare epoll: bytes that come from another client. A
task that sleeps in `recv` cannot send what was published; if there is no room for it at once, another task has to wait.
"""

import contextlib

from ..connection import HIGH_WATER, RECV_SIZE
from ..runtime import Loop, Task, accept, readable, recv, sleep, writable
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
        outbox.conversation = loop.spawn(talk(Peer(store, channels, outbox), alarm))


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
                if outbox.unsent:
                    await outbox.drain(HIGH_WATER)
            await outbox.drain(0)
    finally:
        peer.leave()
        outbox.close()


class Outbox:
    """The bytes on their way to one client, from whatever task they come; a peer's `connection`.

    While there are some, exactly one task waits for room: the conversation with the client, which does nothing else
    while they are many, or a helper.

    Attributes:
        sock: the client's socket.
        unsent: bytes that the kernel has not taken yet.
        conversation: the task that talks with the client.
        helper: the task that waits for room in its place, or None.
    """

    conversation: Task

    def __init__(self, loop, sock):
        self.sock = sock
        self.unsent = bytearray()
        self.helper: Task | None = None
        self._loop = loop
        self._talker_waits = False  # the conversation itself waits for room

    def fileno(self):
        """Return the socket's descriptor."""
        return self.sock.fileno()

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

    def send(self, news):
        """Send what another client has published, or disconnect a client that is gone or does not read."""
        try:
            self.put(news)
        except OSError:
            self.conversation.cancel()
            return
        if len(self.unsent) > MOST_UNSENT:
            self.conversation.cancel()
        else:
            self._have_it_sent()

    async def drain(self, most):
        """Have the conversation wait until no more than `most` bytes are unsent; a helper sends those."""
        if len(self.unsent) > most:
            self._end_helper()  # only one task can wait for room
            self._talker_waits = True
            await self._send_down_to(most)
            self._talker_waits = False
        self._have_it_sent()

    async def _send_down_to(self, most):
        while len(self.unsent) > most:
            await writable(self.sock)
            with contextlib.suppress(BlockingIOError):
                del self.unsent[: self.sock.send(self.unsent)]

    def _have_it_sent(self):
        """Make a helper if there are unsent bytes, and no task waits for room yet."""
        if self.unsent and self.helper is None and not self._talker_waits:
            self.helper = self._loop.spawn(self._help())

    async def _help(self):
        with contextlib.suppress(OSError):  # the conversation will meet it, too
            await self._send_down_to(0)
        self.helper = None

    def _end_helper(self):
        if self.helper is not None:
            self.helper.cancel()
            self.helper = None

    def close(self):
        """Close the socket, whatever is unsent."""
        self._end_helper()  # first: nobody may wait for a socket that is closed
        self.sock.close()


class Alarm:
    """The task that sleeps until the next key expires."""

    def __init__(self, loop, store):
        self._loop, self._store = loop, store
        self._task = None
        self._due = None  # when it wakes

    def set(self):
        """Set the alarm for the key that now expires next; it may have changed."""
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
