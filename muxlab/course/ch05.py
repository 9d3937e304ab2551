"""Exercises of chapter 05, Scale with epoll."""

import select

from .exercises import Exercise
from .variant import variant


def epoll_echo(listener, stop):
    listener.setblocking(False)
    epoll = select.epoll()
    conns = {}  # for each descriptor, its socket
    unsent = {}  # for each client, the bytes that still have to go
    watched = {}  # for each client, what epoll watches it for

    def welcome():
        try:
            conn, address = listener.accept()
        except OSError:
            return  # the client has gone again, or no descriptor is left
        conn.setblocking(False)
        unsent[conn] = b""
        conns[conn.fileno()] = conn
        epoll.register(conn, select.EPOLLIN)
        watched[conn] = select.EPOLLIN

    def read_some(conn):
        unsent[conn] = conn.recv(65536)
        if unsent[conn]:
            flush(conn)
        else:
            drop(conn)

    def flush(conn):
        sent = conn.send(unsent[conn])
        unsent[conn] = unsent[conn][sent:]

    def watch(conn):
        wanted = select.EPOLLOUT if unsent[conn] else select.EPOLLIN
        if wanted != watched[conn]:  # tell epoll only what changes
            epoll.modify(conn, wanted)
            watched[conn] = wanted

    def drop(conn):
        epoll.unregister(conn)  # before close: after it, the number may be another client's
        del conns[conn.fileno()], unsent[conn], watched[conn]
        conn.close()

    def echo(conn):
        try:
            if unsent[conn]:
                flush(conn)
            else:
                read_some(conn)
        except BlockingIOError:
            pass  # no room: the bytes stay in `unsent`, and wait for it
        except OSError:
            drop(conn)  # a reset: the end of this client, and of no other

    with epoll:
        epoll.register(stop, select.EPOLLIN)
        epoll.register(listener, select.EPOLLIN)
        while not stop.is_set():
            for fd, mask in epoll.poll():
                if fd == listener.fileno():
                    welcome()
                elif fd in conns:  # whatever the mask says: try
                    conn = conns[fd]
                    echo(conn)
                    if conn in unsent:  # it has not left
                        watch(conn)
    for conn in conns.values():
        conn.close()


def start_of_epoll_echo(listener, stop):
    conns = {}
    with select.epoll() as epoll:
        epoll.register(stop, select.EPOLLIN)
        epoll.register(listener, select.EPOLLIN)
        while not stop.is_set():
            for fd, mask in epoll.poll():
                if fd == listener.fileno():
                    conn, address = listener.accept()
                    epoll.register(conn, select.EPOLLIN)
                    conns[conn.fileno()] = conn
                elif fd in conns:
                    data = conns[fd].recv(65536)
                    if data:
                        conns[fd].sendall(data)
                    else:
                        epoll.unregister(fd)
                        conns.pop(fd).close()
    for conn in conns.values():
        conn.close()


def picky_server(listener, stop):
    conns = {}
    with select.epoll() as epoll:
        epoll.register(stop, select.EPOLLIN)
        epoll.register(listener, select.EPOLLIN)
        while not stop.is_set():
            for fd, events in epoll.poll():
                if fd == listener.fileno():
                    conn, address = listener.accept()
                    epoll.register(conn, select.EPOLLIN)
                    conns[conn.fileno()] = conn
                elif fd in conns:  # whatever the events are: recv tells what they mean
                    try:
                        data = conns[fd].recv(1024)
                    except OSError:
                        data = b""
                    if data:
                        conns[fd].sendall(data)
                    else:
                        epoll.unregister(fd)
                        conns.pop(fd).close()
    for conn in conns.values():
        conn.close()


EXERCISES = [
    Exercise(
        name="epoll-echo",
        chapter="05",
        about="Extend the short server until no client can hold it up: not one that resets its connection, and not one "
        "that does not read. Watch no client for `EPOLLOUT` without a reason, and none after it has left.",
        trials=(
            "echoes one message",
            "survives a reset between messages",
            "survives a reset in the middle of a reply",
            "survives clients that connect and leave",
            "answers a client that half-closes after asking",
            "gives nobody what was meant for another",
            "forgets clients that left",
            "returns 4 MiB whole to a client that reads late",
            "lives with a client that never reads",
            "waits for room when there is none",
            "sleeps when nobody talks",
            "sleeps beside a client that half-closed",
            "sleeps while a client does not read",
            "holds more than 1,024 clients",
            "returns when told to stop",
        ),
        hints=(
            "No call may wait except `epoll.poll`. Which others can, as the server stands? Make every socket "
            "nonblocking, and keep what `send` did not take in a second dictionary.",
            "Any event is a reason to try: send what is left, or else read. `recv` tells you whether it was bytes, the "
            "end or an error, and an error ends that client alone.",
            "Tell epoll when what you wait for changes: `modify` to `EPOLLOUT` when something is left over, back to "
            "`EPOLLIN` when it is gone. Never both, and never `EPOLLOUT` for nothing: it would wake you all the time.",
            "At the end of a client: unregister, then close, and take it out of every dictionary. "
            "The next client may get its number.",
        ),
        why="The conversation is that of the `select` server, word for word. New are `register`, `unregister` and "
        "`watch`: after each turn a client waits for `EPOLLIN`, or for `EPOLLOUT` while something is still to be sent, "
        "and epoll is told only when that changes.",
        functions=(epoll_echo,),
        start=start_of_epoll_echo,
        way="epoll",
    ),
    Exercise(
        name="picky",
        chapter="05",
        about="This server tests the mask as the article does. It serves its clients well until one of them resets its "
        "connection. From then on it is woken for nothing, again and again.",
        trials=(
            "echoes one message",
            "survives a reset before any data",
            "survives a reset between messages",
            "sleeps when nobody talks",
            "forgets clients that left",
        ),
        hints=(
            "Print `events` for a client that resets its connection. Are they equal to `EPOLLIN`?",
            "A mask is a sum of bits. A reset sets three of them: `EPOLLIN`, `EPOLLERR` and `EPOLLHUP`. "
            "The server passes over that client, and epoll reports it again at once.",
            "Any event is worth a `recv`. But after a reset `recv` raises, and that is the client's end, not the "
            "server's.",
        ),
        why="The mask is not compared any more: whatever the event, `recv` is tried, "
        "and an error from it ends that client and no other.",
        functions=(picky_server,),
        broken=variant(
            picky_server,
            "picky_server",
            "After a client has reset its connection it takes as much of a core as it can get, for nobody.",
            (
                "elif fd in conns:  # whatever the events are: recv tells what they mean",
                "elif events == select.EPOLLIN and fd in conns:",
            ),
            (
                """
                try:
                    data = conns[fd].recv(1024)
                except OSError:
                    data = b""
                if data:
                """,
                """
                data = conns[fd].recv(1024)
                if data:
                """,
            ),
        ),
    ),
]
