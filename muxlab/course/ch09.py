"""Exercises of chapter 09, Admit the crowd."""

import select
import time

from .ch10 import my_server
from .exercises import Exercise
from .variant import variant


def crowded_server(listener, stop):
    conns = {}  # by descriptor
    rest_until = None
    with select.epoll() as epoll:
        epoll.register(stop, select.EPOLLIN)
        epoll.register(listener, select.EPOLLIN)
        while not stop.is_set():
            news = epoll.poll(None if rest_until is None else max(0, rest_until - time.monotonic()))
            if rest_until is not None and time.monotonic() >= rest_until:
                epoll.modify(listener, select.EPOLLIN)
                rest_until = None
            for fd, mask in news:
                if fd == listener.fileno():
                    try:
                        conn, address = listener.accept()
                    except OSError:  # no descriptor left: leave the listener alone for a tenth of a second
                        epoll.modify(listener, 0)
                        rest_until = time.monotonic() + 0.1
                        continue
                    conns[conn.fileno()] = conn
                    epoll.register(conn, select.EPOLLIN)
                elif fd in conns:
                    try:
                        data = conns[fd].recv(65536)
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
        name="open-door",
        chapter="09",
        about="Write an epoll server for a crowd: it accepts 300 clients who come at one instant, holds more than "
        "1,024, keeps those inside from waiting for those outside, and lives through a lack of descriptors.",
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
            "Take several clients out of the accept queue at each event, but not all of them: "
            "the clients inside have their turn, too.",
            "`accept` can fail in two ways. `BlockingIOError`: the queue is empty. Any other `OSError`, EMFILE above "
            "all: a client is there, and stays there, and a level-triggered epoll tells you so at once, again and "
            "again.",
            "`epoll.modify(listener, 0)` makes epoll stop. Note down when to look again, "
            "and do not let `epoll.poll` sleep longer than that.",
        ),
        why="`accept` is called up to 64 times for an event, "
        "and after EMFILE the listener is left alone for a tenth of a second.",
        functions=(variant(my_server, "open_door", "Echo with epoll, for a crowd."),),
        way="epoll",
    ),
    Exercise(
        name="crowded",
        chapter="09",
        about="The restless server of section 4, without its counter: when no descriptor is left and a client waits in "
        "the accept queue, it takes a whole core. Let it rest.",
        trials=(
            "echoes one message",
            "survives a reset between messages",
            "forgets clients that left",
            "lives through a lack of descriptors",
        ),
        hints=(
            "The `except OSError` is right, but what follows it is not: where is the client after a failed `accept`?",
            "It is still in the accept queue, so the listener is still readable, and `epoll.poll` returns at once.",
            "Watch the listener for nothing, `epoll.modify(listener, 0)`, until a tenth of a second later. "
            "`epoll.poll` takes a timeout.",
        ),
        why="A failed `accept` leaves the client in the queue. So the server leaves the listener alone for a tenth of "
        "a second, and goes on with the clients inside.",
        functions=(crowded_server,),
        broken=variant(
            crowded_server,
            "crowded_server",
            "When no descriptor is left, and a client waits in the accept queue, it takes a whole core.",
            ("conns = {}  # by descriptor\nrest_until = None", "conns = {}  # by descriptor"),
            (
                """
                news = epoll.poll(None if rest_until is None else max(0, rest_until - time.monotonic()))
                if rest_until is not None and time.monotonic() >= rest_until:
                    epoll.modify(listener, select.EPOLLIN)
                    rest_until = None
                for fd, mask in news:
                """,
                "for fd, mask in epoll.poll():",
            ),
            (
                """
                except OSError:  # no descriptor left: leave the listener alone for a tenth of a second
                    epoll.modify(listener, 0)
                    rest_until = time.monotonic() + 0.1
                    continue
                """,
                """
                except OSError:  # no descriptor left: better luck next time
                    continue
                """,
            ),
        ),
    ),
]
