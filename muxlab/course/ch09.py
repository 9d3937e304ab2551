"""Exercises of chapter 09, Admit the crowd."""

import select
import time

from .ch10 import my_server
from .exercises import Exercise
from .variant import variant


def crowded_server(listener, stop):
    epoll = select.epoll()
    conns = {}  # for each descriptor, its socket
    rest_until = None  # when no descriptor was left: when to look at the listener again

    def welcome():
        conn, address = listener.accept()
        epoll.register(conn, select.EPOLLIN)
        conns[conn.fileno()] = conn

    def answer(conn):
        try:
            data = conn.recv(65536)
        except OSError:  # a reset
            data = b""
        if data:
            conn.sendall(data)
        else:
            drop(conn)

    def drop(conn):
        epoll.unregister(conn)
        del conns[conn.fileno()]
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
                    try:
                        welcome()
                    except OSError:  # no descriptor is left: leave the listener alone for a tenth of a second
                        epoll.modify(listener, 0)
                        rest_until = time.monotonic() + 0.1
                elif fd in conns:
                    answer(conns[fd])
    for conn in conns.values():
        conn.close()


NO_REST = (
    """
    timeout = None if rest_until is None else max(0, rest_until - time.monotonic())
    news = epoll.poll(timeout)
    if rest_until is not None and time.monotonic() >= rest_until:
        epoll.modify(listener, select.EPOLLIN)
        rest_until = None
    for fd, mask in news:
    """,
    "for fd, mask in epoll.poll():",
)
"""The change that takes the rest out of a server's loop."""

EXERCISES = [
    Exercise(
        name="crowded",
        chapter="09",
        about="The stubborn server of section 4: when no descriptor is left and a client waits in the accept queue, it "
        "takes as much of a core as it can get. Let it rest, and let the client in as soon as there is room again.",
        trials=(
            "echoes one message",
            "survives a reset between messages",
            "forgets clients that left",
            "lives through a lack of descriptors",
        ),
        hints=(
            "The `except OSError` is right, but what follows it is not. Where is the client after a failed `accept`?",
            "It is still in the accept queue, so the listener is still readable, and `epoll.poll` returns at once.",
            "Watch the listener for nothing, `epoll.modify(listener, 0)`, and note down the time at which to watch it "
            "again. `epoll.poll` takes a timeout, so it need not sleep past that time.",
        ),
        why="A failed `accept` leaves the client in the queue. So the server leaves the listener alone for a tenth of "
        "a second, and goes on with the clients inside.",
        functions=(crowded_server,),
        broken=variant(
            crowded_server,
            "crowded_server",
            "With no descriptor left, and a client in the accept queue, it takes as much of a core as it can get.",
            (
                "conns = {}  # for each descriptor, its socket\n"
                "rest_until = None  # when no descriptor was left: when to look at the listener again",
                "conns = {}  # for each descriptor, its socket",
            ),
            (
                """
                except OSError:  # no descriptor is left: leave the listener alone for a tenth of a second
                    epoll.modify(listener, 0)
                    rest_until = time.monotonic() + 0.1
                """,
                """
                except OSError:  # no descriptor is left: better luck next time
                    pass
                """,
            ),
            NO_REST,
        ),
    ),
    Exercise(
        name="open-door",
        chapter="09",
        about="Make the server of chapter 5 ready for a crowd: it lets in 300 clients that arrive at once, never makes "
        "those inside wait for those outside, and survives running out of descriptors.",
        trials=(
            "echoes one message",
            "accepts a burst of 300",
            "is fair while one client floods",
            "survives a reset before any data",
            "survives clients that connect and leave",
            "forgets clients that left",
            "lives through a lack of descriptors",
            "holds more than 1,024 clients",
            "returns when told to stop",
        ),
        hints=(
            "All that is missing is in `welcome` and around `epoll.poll`. At each event, take several clients out of "
            "the accept queue, but not all of them: the clients inside have their turn, too.",
            "`accept` can fail in two ways. `BlockingIOError`: the queue is empty. Any other `OSError`, EMFILE above "
            "all: a client is there, and stays there, and a level-triggered epoll tells you so at once, again and "
            "again.",
            "What you did for `crowded` helps here as well: `epoll.modify(listener, 0)`, the time at which to look "
            "again, and a wait that does not sleep past it.",
        ),
        why="`accept` is called up to 64 times for an event, "
        "and after EMFILE the listener is left alone for a tenth of a second.",
        functions=(variant(my_server, "open_door", "Echo with epoll, for a crowd at the door."),),
        start=variant(
            my_server,
            "open_door",
            "The server of chapter 5: a lack of descriptors ends it.",
            (
                "watched = {}  # for each client, what epoll watches it for\n"
                "rest_until = None  # when no descriptor was left: when to look at the listener again",
                "watched = {}  # for each client, what epoll watches it for",
            ),
            (
                """
                \"\"\"Let in a few of those who wait; return False when no descriptor is left for the next one.\"\"\"
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
                """,
                """
                conn, address = listener.accept()
                conn.setblocking(False)
                epoll.register(conn, select.EPOLLIN)
                conns[conn.fileno()] = conn
                unsent[conn] = b""
                watched[conn] = select.EPOLLIN
                """,
            ),
            (
                """
                if not welcome():  # leave the listener alone for a tenth of a second
                    epoll.modify(listener, 0)
                    rest_until = time.monotonic() + 0.1
                """,
                "welcome()",
            ),
            NO_REST,
        ),
        way="epoll",
    ),
]
