"""Exercises of chapter 10, Race the servers, and the last one of the course."""

import select
import time

from .exercises import Exercise
from .variant import variant


def heir_server(listener, stop):
    listener.setblocking(False)
    epoll = select.epoll()
    conns = {}  # for each descriptor, its socket
    unsent = {}  # for each descriptor that has spoken, the bytes that still have to go

    def welcome():
        conn, address = listener.accept()
        conn.setblocking(False)
        epoll.register(conn, select.EPOLLIN)
        conns[conn.fileno()] = conn

    def read_some(fd):
        data = conns[fd].recv(65536)
        if data:
            unsent[fd] = data
            flush(fd)
        else:
            drop(fd)

    def flush(fd):
        try:
            sent = conns[fd].send(unsent[fd])
        except BlockingIOError:
            sent = 0  # no room just now
        unsent[fd] = unsent[fd][sent:]
        epoll.modify(fd, select.EPOLLOUT if unsent[fd] else select.EPOLLIN)

    def drop(fd):
        epoll.unregister(fd)
        conns.pop(fd).close()
        unsent.pop(fd, None)  # the number will be another client's

    with epoll:
        epoll.register(stop, select.EPOLLIN)
        epoll.register(listener, select.EPOLLIN)
        while not stop.is_set():
            for fd, mask in epoll.poll():
                if fd == listener.fileno():
                    welcome()
                elif fd in conns:
                    try:
                        if unsent.get(fd):
                            flush(fd)
                        else:
                            read_some(fd)
                    except BlockingIOError:
                        pass  # nothing to read after all
                    except OSError:
                        drop(fd)  # a reset
    for conn in conns.values():
        conn.close()


def my_server(listener, stop):
    listener.setblocking(False)
    epoll = select.epoll()
    conns = {}  # for each descriptor, its socket
    unsent = {}  # for each client, the bytes that still have to go
    watched = {}  # for each client, what epoll watches it for
    rest_until = None  # when no descriptor was left: when to look at the listener again

    def welcome():
        """Let in a few of those who wait; return False when no descriptor is left for the next one."""
        for _ in range(64):  # not all of them: the clients inside have their turn, too
            try:
                conn, address = listener.accept()
            except BlockingIOError:
                return True  # the accept queue is empty
            except OSError:
                return False  # EMFILE: the client stays in the queue
            conn.setblocking(False)
            epoll.register(conn, select.EPOLLIN)
            conns[conn.fileno()] = conn
            unsent[conn] = b""
            watched[conn] = select.EPOLLIN
        return True

    def read_some(conn):
        data = conn.recv(65536)
        if data:
            unsent[conn] = data
            flush(conn)
        else:
            drop(conn)

    def flush(conn):
        try:
            sent = conn.send(unsent[conn])
        except BlockingIOError:
            sent = 0  # no room just now
        unsent[conn] = unsent[conn][sent:]
        wanted = select.EPOLLOUT if unsent[conn] else select.EPOLLIN
        if wanted != watched[conn]:
            epoll.modify(conn, wanted)
            watched[conn] = wanted

    def drop(conn):
        epoll.unregister(conn)
        del conns[conn.fileno()], unsent[conn], watched[conn]
        conn.close()

    with epoll:
        epoll.register(stop, select.EPOLLIN)
        epoll.register(listener, select.EPOLLIN)
        while not stop.is_set():
            timeout = None if rest_until is None else max(0, rest_until - time.monotonic())
            news = epoll.poll(timeout)
            if rest_until is not None and time.monotonic() >= rest_until:
                epoll.modify(listener, select.EPOLLIN)
                rest_until = None
            for fd, mask in news:
                if fd == listener.fileno():
                    if not welcome():  # leave the listener alone for a tenth of a second
                        epoll.modify(listener, 0)
                        rest_until = time.monotonic() + 0.1
                elif fd in conns:
                    conn = conns[fd]
                    try:
                        if unsent[conn]:
                            flush(conn)
                        else:
                            read_some(conn)
                    except BlockingIOError:
                        pass  # nothing to read after all
                    except OSError:
                        drop(conn)  # a reset: the end of this client, and of no other
    for conn in conns.values():
        conn.close()


EXERCISES = [
    Exercise(
        name="heir",
        chapter="10",
        about="As long as every client stays, this server makes no mistake. With clients that come and go, now and "
        "then one of them gets what was meant for another.",
        trials=(
            "echoes one message",
            "gives nobody what was meant for another",
            "survives a reset before any data",
            "survives a reset in the middle of a reply",
            "answers a client that half-closes after asking",
            "forgets clients that left",
            "returns 4 MiB whole to a client that reads late",
        ),
        hints=(
            "No client is mistaken for another as long as all of them stay. Let one ask for much and reset its "
            "connection before it has read the reply; then let another one come.",
            "Which descriptor did the first one have, and which one does the newcomer get? "
            "The kernel gives out the lowest that is free.",
            "Two dictionaries go by that number. When a client is dropped, which of them still knows it?",
        ),
        why="What is noted down under a descriptor's number ends with the descriptor: the next client gets the number.",
        functions=(heir_server,),
        broken=variant(
            heir_server,
            "heir_server",
            "After a client has broken off, another one gets the rest of its reply.",
            (
                "conns.pop(fd).close()\nunsent.pop(fd, None)  # the number will be another client's",
                "conns.pop(fd).close()",
            ),
        ),
    ),
    Exercise(
        name="your-server",
        chapter="10",
        about="Write one epoll server of your own, level-triggered or edge-triggered, that gets along with every "
        "client. The check is the whole battery.",
        trials=(),
        hints=(
            "Take the trials from the top: the first ones ask for the servers of the chapters, the last ones for care. "
            "Each question says what to look at.",
            "Every call on a client's socket can fail for reasons that are the client's own: let it end that client, "
            "and no other. No call may block but `epoll.poll`.",
            "When `accept` fails with EMFILE, the client stays in the accept queue, and epoll reports the listener "
            "again at once. Watch it for nothing, `epoll.modify(listener, 0)`, for a tenth of a second.",
        ),
        why="The server of `open-door`: a crowd is accepted in groups, no client can hold it up or end it, "
        "and when the descriptors run out the listener is left alone for a tenth of a second.",
        functions=(my_server,),
        way="epoll",
    ),
]
