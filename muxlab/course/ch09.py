"""Exercises of chapter 09, Admit the crowd."""

import select
import time

from .ch06 import my_server
from .exercise import Exercise
from .museum import chapters


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
                    except OSError:  # no descriptor left: do not look at the door for a tenth of a second
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


TASKS = [
    Exercise(
        name="open-door",
        chapter="09",
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
            "Take several clients out of the accept queue at each event, and not all of them: "
            "those inside have their turn, too.",
            "accept can fail in two ways. BlockingIOError: nobody is there. Any other OSError, EMFILE above all: "
            "somebody is there, and stays, and a level-triggered epoll tells you so at once, again and again.",
            "epoll.modify(listener, 0) stops the telling. Note down when to look again, "
            "and do not let epoll sleep longer than that.",
        ),
        why="accept is called up to 64 times for an event, "
        "and after EMFILE nobody looks at the door for a tenth of a second.",
        functions=(my_server,),
        way="epoll",
    ),
    Exercise(
        name="crowded",
        chapter="09",
        trials=(
            "echoes one message",
            "survives a reset between messages",
            "forgets clients that left",
            "lives through a lack of descriptors",
        ),
        hints=(
            "The `except OSError` is right, and what follows it is not: where is the client after a failed accept?",
            "It is still in the accept queue, so the listener is still readable, and epoll.poll returns at once.",
            "Watch the listener for nothing, epoll.modify(listener, 0), until a tenth of a second later. "
            "epoll.poll takes a timeout.",
        ),
        why="A failed accept changes nothing at the door. So the server does not look there for a tenth of a second, "
        "and goes on with those inside.",
        functions=(crowded_server,),
        exhibit=chapters.crowded_server,
    ),
]
