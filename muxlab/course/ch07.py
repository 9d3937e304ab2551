"""Exercises of chapter 07, Write without stalling."""

import select

from .exercises import Exercise
from .variant import variant


def impatient_server(listener, stop):
    listener.setblocking(False)
    epoll = select.epoll()
    conns = {}  # for each descriptor, its socket
    unsent = {}  # for each client, the bytes that still have to go

    def welcome():
        conn, address = listener.accept()
        conn.setblocking(False)
        epoll.register(conn, select.EPOLLIN)
        conns[conn.fileno()] = conn
        unsent[conn] = b""

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
        epoll.modify(conn, select.EPOLLOUT if unsent[conn] else select.EPOLLIN)

    def drop(conn):
        epoll.unregister(conn)
        del conns[conn.fileno()], unsent[conn]
        conn.close()

    with epoll:
        epoll.register(stop, select.EPOLLIN)
        epoll.register(listener, select.EPOLLIN)
        while not stop.is_set():
            for fd, mask in epoll.poll():
                if fd == listener.fileno():
                    welcome()
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
                        drop(conn)
    for conn in conns.values():
        conn.close()


def high_water_server(listener, stop):
    high, low = 65536, 16384  # bytes
    listener.setblocking(False)
    epoll = select.epoll()
    conns = {}  # for each descriptor, its socket
    unsent = {}  # for each client, the bytes that still have to go
    watched = {}  # for each client, what epoll watches it for
    ended = set()  # clients that have sent their last byte
    paused = set()  # clients that have to read first

    def welcome():
        conn, address = listener.accept()
        conn.setblocking(False)
        epoll.register(conn, select.EPOLLIN)
        conns[conn.fileno()] = conn
        unsent[conn] = b""
        watched[conn] = select.EPOLLIN

    def read_some(conn):
        data = conn.recv(65536)
        unsent[conn] += data
        if not data:
            ended.add(conn)

    def flush(conn):
        try:
            sent = conn.send(unsent[conn])
        except BlockingIOError:
            sent = 0  # no room just now
        unsent[conn] = unsent[conn][sent:]

    def watch(conn):
        if len(unsent[conn]) > high:
            paused.add(conn)
        elif len(unsent[conn]) <= low:
            paused.discard(conn)
        wanted = 0
        if conn not in ended and conn not in paused:
            wanted |= select.EPOLLIN
        if unsent[conn]:
            wanted |= select.EPOLLOUT
        if wanted != watched[conn]:
            epoll.modify(conn, wanted)
            watched[conn] = wanted

    def drop(conn):
        epoll.unregister(conn)
        del conns[conn.fileno()], unsent[conn], watched[conn]
        ended.discard(conn)
        paused.discard(conn)
        conn.close()

    with epoll:
        epoll.register(stop, select.EPOLLIN)
        epoll.register(listener, select.EPOLLIN)
        while not stop.is_set():
            for fd, mask in epoll.poll():
                if fd == listener.fileno():
                    welcome()
                elif fd in conns:
                    conn = conns[fd]
                    try:
                        if mask & select.EPOLLIN:
                            read_some(conn)
                        if unsent[conn]:
                            flush(conn)
                        if conn in ended and not unsent[conn]:
                            drop(conn)
                        else:
                            watch(conn)
                    except BlockingIOError:
                        pass  # nothing to read after all
                    except OSError:
                        drop(conn)
    for conn in conns.values():
        conn.close()


EXERCISES = [
    Exercise(
        name="impatient",
        chapter="07",
        about="This server never asks for `EPOLLOUT`. As long as one client does not read its reply, it wakes two "
        "hundred times a second to see whether there is room. Let the kernel tell it.",
        trials=(
            "echoes one message",
            "serves 64 clients in turn",
            "returns 4 MiB whole to a client that reads late",
            "waits for room when there is none",
            "lives with a client that never reads",
            "survives a reset in the middle of a reply",
            "forgets clients that left",
            "sleeps while a client does not read",
            "sleeps again after a long reply",
            "sleeps until there is room",
            "returns when told to stop",
        ),
        hints=(
            "A client that does not read makes the server busy, and no bytes move. Which number decides how often it "
            "wakes? And who knows, without trying, when there is room?",
            "With a mask of 0, epoll tells you nothing about a client's send queue. Which event could you watch for "
            "instead, and for how long?",
            "Once `modify` asks for `EPOLLOUT` while something is left: do you still need the timeout of `epoll.poll`, "
            "and the list of the clients that are owed something?",
        ),
        why="While something is left for a client, epoll watches it for `EPOLLOUT` instead of for nothing. So the wait "
        "needs no timeout, and the server tries only the clients that epoll reports.",
        functions=(impatient_server,),
        broken=variant(
            impatient_server,
            "impatient_server",
            "While one client does not read its reply, it wakes two hundred times a second to try again.",
            ("epoll.modify(conn, select.EPOLLOUT if", "epoll.modify(conn, 0 if"),
            (
                "for fd, mask in epoll.poll():",
                """
                owing = [conn.fileno() for conn in unsent if unsent[conn]]
                events = epoll.poll(0.005 if owing else None)
                for fd in {fd for fd, mask in events}.union(owing):
                """,
            ),
        ),
        way="epoll",
    ),
    Exercise(
        name="high-water",
        chapter="07",
        about="This server goes on reading, whether or not its replies are taken. Give it two marks: when a client has "
        "more than `high` bytes unsent, the server stops reading from it, and starts again only when they have "
        "fallen to `low` or less.",
        trials=(
            "echoes one message",
            "is not held up by a silent client",
            "returns 4 MiB whole to a client that reads late",
            "waits for room when there is none",
            "lives with a client that never reads",
            "holds at most 1 MiB for a client that never reads",
            "survives a reset in the middle of a reply",
            "answers a client that half-closes after asking",
            "forgets clients that left",
            "forgets clients that broke off",
            "sleeps while a client does not read",
            "sleeps again after a long reply",
            "returns when told to stop",
        ),
        hints=(
            "Which event must epoll not report while a client is above the mark? And which one must it still report, "
            "so that the client can come down again?",
            "Between the two marks, the number of unsent bytes does not tell you whether you had stopped. Where do you "
            "keep that, for each client? And where is it forgotten when the client leaves?",
            "The mask is worked out in `watch`, each time. Put a client into a set of paused clients when it is above "
            "`high`, take it out at `low` or below, and ask for `EPOLLIN` only for clients outside the set.",
        ),
        why="`paused` remembers the clients that have to read first: a client enters it above `high`, and leaves it at "
        "`low`. A client in there is watched for `EPOLLOUT` alone.",
        functions=(high_water_server,),
        start=variant(
            high_water_server,
            "high_water_server",
            "A client that sends and never reads fills the memory.",
            ("high, low = 65536, 16384  # bytes\nlistener", "listener"),
            (
                """
                ended = set()  # clients that have sent their last byte
                paused = set()  # clients that have to read first
                """,
                "ended = set()  # clients that have sent their last byte",
            ),
            (
                """
                if len(unsent[conn]) > high:
                    paused.add(conn)
                elif len(unsent[conn]) <= low:
                    paused.discard(conn)
                wanted = 0
                if conn not in ended and conn not in paused:
                """,
                "wanted = 0\nif conn not in ended:",
            ),
            ("ended.discard(conn)\npaused.discard(conn)", "ended.discard(conn)"),
        ),
        way="epoll",
    ),
]
