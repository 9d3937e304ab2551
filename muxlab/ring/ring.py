"""A ring: the two queues that a program and the kernel share for io_uring, in plain Python.

With select and epoll you are told who is *ready*, and make the calls yourself. Here you hand over the calls: you put a
request into the submission queue, the kernel carries it out when it can, and puts the result into the completion queue.
One system call, `enter`, hands over all new requests and waits for results. Both queues lie in memory that the two
sides share, so that looking into them takes no system call at all.

While a request is under way, its buffer is lent to the kernel, which may write into it at any moment: a `Ring` keeps
what is lent until it is given back.

Not handled here: the other things that io_uring can do (files, timeouts for one request, buffers that the kernel picks
from a pool); and an interrupt at the very moment when an accepted descriptor becomes a socket, which loses it.

Source: io_uring(7), io_uring_setup(2), io_uring_enter(2), include/uapi/linux/io_uring.h in Linux.
"""

import contextlib
import mmap
import os
import select
import socket
import struct
from collections.abc import Iterator
from types import TracebackType
from typing import Any

from ..arguments import check_count, check_timeout
from ..running import undisturbed
from ..sockets import HasFileno
from .entries import Completion, Queues, Request, result_text
from .system import COMPLETION, ENTER, PARAMETERS, REQUEST, SETUP, address, descriptor, lend, require_ring, system_call

POLL, TIMEOUT, ACCEPT, CANCEL, SEND, RECV = 6, 11, 13, 14, 26, 27
"""Numbers of the operations that are asked for here: IORING_OP_POLL_ADD and so on."""

NAMES = {POLL: "poll", TIMEOUT: "timeout", ACCEPT: "accept", CANCEL: "cancel", SEND: "send", RECV: "recv"}

GETEVENTS, MULTISHOT, MORE = 1, 1, 2
"""Flag of `enter`: wait for completions. Of an accept: complete once for each client that comes. And of a completion:
the request goes on, and will complete again."""

CANCEL_ALL, CANCEL_ANY = 1, 4
"""Flags of a cancel: all requests that fit, and every request fits."""

REQUESTS_AT = 0x10000000
"""Offset at which a ring's descriptor offers the entries of its submission queue to mmap: IORING_OFF_SQES."""

ENTRIES = 1024
"""Requests that fit into the submission queue; the completion queue has room for twice as many."""

MOST = 32768
"""The longest submission queue that the kernel makes: IORING_MAX_ENTRIES."""

LAST_WAIT = 1.0
"""Seconds that the kernel is given to hand back at the end what it was lent; it takes microseconds."""

_still_lent: list[dict] = []  # what it has not handed back: it may still write there, so it must not be freed


class Ring:
    """A submission queue and a completion queue, shared with the kernel; a context manager.

    Each request may carry a `tag`, any object of yours; it comes back with the completion, and is all that tells you
    which answer belongs to which question. Without one, the socket is the tag.

    Args:
        entries: requests that fit into the submission queue.

    Attributes:
        fd: the ring's descriptor; -1 after `close`.

    Raises:
        TypeError, ValueError: `entries` is not a whole number, or out of range.
        OSError: io_uring is not allowed here, see `refusal`; or a limit is reached, as of descriptors.
    """

    fd = -1

    def __init__(self, entries: int = ENTRIES) -> None:
        check_count("entries", entries, 1, MOST)
        require_ring()
        self._pid = os.getpid()
        self._number = 0  # of the latest request
        self._requests: dict[int, Request] = {}  # by number, those that have not completed
        try:
            undisturbed(lambda: self._open(entries))
        except BaseException:
            self.close()
            raise

    def _open(self, entries: int) -> None:
        parameters = bytearray(PARAMETERS.size)
        fd = system_call(SETUP, entries, address(parameters))
        try:
            self._map(fd, *PARAMETERS.unpack(parameters))
        except BaseException:
            os.close(fd)
            raise
        self.fd = fd

    def _map(self, fd: int, submissions: int, completions: int, *parameters: int) -> None:
        """Map the shared memory; all of it but the entries is read and written in words of 32 bits."""
        places = [place // 4 for place in parameters[5:]]
        self._first, self._last, mask, _, _, _, order, *_ = places[:9]  # of the submission queue
        self._taken, self._come, completion_mask, _, _, _, *_ = places[9:]  # of the completion queue
        self._completions_at = parameters[5 + 14]
        end = max(4 * (order + submissions), self._completions_at + COMPLETION.size * completions)
        self._memory = mmap.mmap(fd, end)
        self._entries = mmap.mmap(fd, REQUEST.size * submissions, offset=REQUESTS_AT)
        self._words = memoryview(self._memory).cast("I")
        self._mask, self._completion_mask = self._words[mask], self._words[completion_mask]
        for index in range(submissions):
            self._words[order + index] = index  # the queue proper holds indices of entries; here, always in order

    def fileno(self) -> int:
        """Return the ring's descriptor, which is readable while completions wait to be taken."""
        return self.fd

    # ---- ask: this only writes into the submission queue

    def accept(self, listener: socket.socket, tag: Any = None) -> None:
        """Ask for clients: one completion for each, until one comes that says there will be no `more`."""
        self._ask(ACCEPT, listener, tag, priority=MULTISHOT, flags=socket.SOCK_CLOEXEC, lent=listener)

    def recv(self, sock: HasFileno, buffer: bytearray, tag: Any = None) -> None:
        """Ask for the next bytes that arrive, as many as fit; until then the kernel has `buffer`."""
        lent = lend(buffer)
        self._ask(RECV, sock, tag, address(lent), len(buffer), lent=lent)

    def send(self, sock: HasFileno, buffer: bytearray, start: int, end: int, tag: Any = None) -> None:
        """Ask to send `buffer[start:end]`, or the part of it that finds room; until then the kernel has `buffer`."""
        lent = lend(buffer)
        if not (isinstance(start, int) and isinstance(end, int) and 0 <= start < end <= len(buffer)):
            raise ValueError(f"start={start!r}, end={end!r}: the buffer's {len(buffer):,} bytes have no such part")
        self._ask(SEND, sock, tag, address(lent) + start, end - start, flags=socket.MSG_NOSIGNAL, lent=lent)

    def poll(self, thing: HasFileno, tag: Any = None) -> None:
        """Ask to be told, once, when something is readable: to become ready is one more thing that can complete."""
        self._ask(POLL, thing, tag, flags=select.POLLIN)

    def timeout(self, seconds: float, tag: Any = None) -> None:
        """Ask to be told when so many seconds have passed; the result is then the error ETIME."""
        seconds = check_timeout(seconds, "seconds")
        lent = lend(bytearray(struct.pack("=qq", int(seconds), int(seconds % 1 * 1e9))))
        self._ask(TIMEOUT, None, tag, address(lent), 1, lent=lent)

    def cancel(self, tag: Any) -> None:
        """Ask to give up the requests with this tag; each then completes with ECANCELED, unless it was faster."""
        self._check_open()
        for number, request in [*self._requests.items()]:
            if request.tag == tag and request.name != "cancel":
                self._ask(CANCEL, None, tag, number)

    def _ask(
        self, operation: int, thing: HasFileno | None, tag: Any, address: int = 0, length: int = 0, priority: int = 0,
        flags: int = 0, lent: Any = None,
    ) -> None:  # fmt: skip
        """Write a request into the submission queue; if that is full, hand over what is in it first."""
        self._check_open()
        fd = -1 if operation in (TIMEOUT, CANCEL) else descriptor(thing)
        if self._waiting() > self._mask:
            self.enter(0)
        self._number += 1
        number, last = self._number, self._words[self._last]
        try:
            self._requests[number] = Request(NAMES[operation], fd, thing if tag is None else tag, lent)
            entry = operation, 0, priority, fd, 0, address, length, flags, number
            REQUEST.pack_into(self._entries, (last & self._mask) * REQUEST.size, *entry)
            self._words[self._last] = (last + 1) & 0xFFFFFFFF  # from now on it is in the queue
        finally:
            if self._words[self._last] == last:  # something went wrong before that: nobody will answer it
                self._requests.pop(number, None)

    def _check_open(self) -> None:
        if self.fd < 0:
            raise ValueError("this ring is closed: make a new one")

    def _waiting(self) -> int:
        """Return how many requests are in the submission queue."""
        return (self._words[self._last] - self._words[self._first]) & 0xFFFFFFFF

    # ---- the one system call

    def enter(self, wait: int = 1) -> int:
        """Hand over all requests, and sleep until at least `wait` completions are there to be taken.

        Returns:
            How many there are: fewer when a signal arrives.

        Raises:
            TypeError: `wait` is not a whole number.
            ValueError: less is under way that could complete, so that it would never return.
        """
        self._check_open()
        check_count("wait", wait, 0)
        if wait > len(self._requests) and not any(request.name == "accept" for request in self._requests.values()):
            raise ValueError(
                f"wait={wait}: no more than {len(self._requests)} can complete. Ask first, wait for fewer, "
                "or use enter(wait=0)"
            )
        with contextlib.suppress(InterruptedError):
            system_call(ENTER, self.fd, self._waiting(), wait, GETEVENTS, None, 0)
        return self._to_take()

    # ---- take: this only reads the completion queue

    def completions(self) -> Iterator[Completion]:
        """Take the completions out of their queue, one by one, until it is empty."""
        while self.fd >= 0 and self._to_take():
            place = self._words[self._taken]
            number, result, flags = self._completion(place)
            self._words[self._taken] = (place + 1) & 0xFFFFFFFF  # from now on its place is the kernel's again
            more = bool(flags & MORE)
            request = self._requests[number] if more else self._requests.pop(number)
            yield self._completed(request, result, more)

    def _completed(self, request: Request, result: int, more: bool) -> Completion:
        accepted = request.name == "accept" and result >= 0
        sock = self._accepted(request.lent, result) if accepted else None
        return Completion(request.name, request.tag, result, more, sock)

    def _to_take(self) -> int:
        """Return how many completions are in their queue.

        The kernel adds to it only while this thread is inside of a system call: there it does the rest of the work.
        """
        return (self._words[self._come] - self._words[self._taken]) & 0xFFFFFFFF

    def _completion(self, place: int) -> tuple[int, int, int]:
        at = self._completions_at + (place & self._completion_mask) * COMPLETION.size
        return COMPLETION.unpack_from(self._memory, at)

    def _accepted(self, listener: socket.socket, fd: int) -> socket.socket:
        """Make a socket of an accepted descriptor, and let a listener know that keeps a list of them."""
        sock = socket.socket(listener.family, listener.type, listener.proto, fileno=fd)
        if hasattr(listener, "remember"):
            listener.remember(sock)
        return sock

    # ---- look, and end

    def queued(self) -> list[Request]:
        """Return the requests in the submission queue, in their order."""
        return [self._requests[number] for number in self._numbers_queued()]

    def _numbers_queued(self) -> list[int]:
        self._check_open()
        first = self._words[self._first]
        places = [(first + index) & self._mask for index in range(self._waiting())]
        return [REQUEST.unpack_from(self._entries, place * REQUEST.size)[-1] for place in places]

    def queues(self) -> Queues:
        """Return what is in the two queues, and with the kernel. Takes nothing, and makes no system call."""
        asked = self._numbers_queued()
        come = [self._completion(self._words[self._taken] + index) for index in range(self._to_take())]
        over = {*asked, *(number for number, _, flags in come if not flags & MORE)}
        return Queues(
            tuple(str(self._requests[number]) for number in asked),
            tuple(str(request) for number, request in self._requests.items() if number not in over),
            tuple(result_text(self._requests[number], result) for number, result, _ in come),
        )

    def close(self) -> None:
        """Cancel everything, wait until all that is lent has come back, and close; a second call does nothing."""
        if self.fd >= 0:
            undisturbed(self._close)

    def _close(self) -> None:
        try:
            if self._pid == os.getpid():  # a forked child has this ring in common with its parent, who goes on
                self._take_all_back()
        finally:
            if self._requests:
                _still_lent.append(self._requests)
            fd, self.fd = self.fd, -1
            self._words.release()
            self._memory.close()
            self._entries.close()
            os.close(fd)

    def _take_all_back(self) -> None:
        for number in self._numbers_queued():
            del self._requests[number]
        self._words[self._last] = self._words[self._first]  # what was not handed over never will be
        self._ask(CANCEL, None, None, flags=CANCEL_ALL | CANCEL_ANY)
        come = select.poll()
        come.register(self.fd, select.POLLIN)
        under_way = True
        while under_way:
            self.enter(0)  # mostly once; again for completions that had no room in their queue
            for done in self.completions():
                if done.sock is not None:
                    done.sock.close()
            under_way = bool(self._requests and come.poll(LAST_WAIT * 1000))

    def __del__(self) -> None:
        if self.fd >= 0:
            self._close()  # here: when Python itself ends, it starts no thread any more

    def __enter__(self) -> "Ring":
        self._check_open()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()
