"""Exercises of chapter 05, Scale with epoll."""

import select

from .exercises import Exercise
from .variant import variant


def epoll_echo(listener, stop):
    listener.setblocking(False)
    conns, unsent = {}, {}  # both by descriptor
    with select.epoll() as epoll:
        epoll.register(stop, select.EPOLLIN)
        epoll.register(listener, select.EPOLLIN)
        while not stop.is_set():
            for fd, mask in epoll.poll():
                if fd == listener.fileno():
                    conn, address = listener.accept()
                    conn.setblocking(False)
                    conns[conn.fileno()], unsent[conn.fileno()] = conn, b""
                    epoll.register(conn, select.EPOLLIN)
                elif fd in conns:  # whatever the mask says: try
                    try:
                        unsent[fd] = unsent[fd] or conns[fd].recv(65536)
                        ended = not unsent[fd]
                        unsent[fd] = unsent[fd][conns[fd].send(unsent[fd]) :]
                    except BlockingIOError:
                        ended = False
                    except OSError:
                        ended = True
                    if ended:
                        epoll.unregister(fd)  # before close: after it, the number may be another client's
                        conns.pop(fd).close()
                        del unsent[fd]
                    else:
                        epoll.modify(fd, select.EPOLLOUT if unsent[fd] else select.EPOLLIN)
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
                        conns[fd].send(data)
                    else:
                        epoll.unregister(fd)
                        conns.pop(fd).close()
    for conn in conns.values():
        conn.close()


EXERCISES = [
    Exercise(
        name="epoll-echo",
        chapter="05",
        about="Write the level-triggered epoll server from an empty cell. "
        "Watch no client for `EPOLLOUT` without a reason, and none after it has left.",
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
            "`epoll.poll` returns descriptor numbers: you need a dictionary from the number to the socket, "
            "and one from the number to the bytes that still have to go.",
            "Any event is a reason to try: flush what is owed, or else read. "
            "`recv` tells whether it was bytes, the end or an error.",
            "Tell epoll when what you wait for changes: `modify` to `EPOLLOUT` when something is left over, back to "
            "`EPOLLIN` when it is gone. Never both, and never `EPOLLOUT` for nothing: it would wake you all the time.",
            "At the end of a client: unregister, then close, and forget its number in every dictionary. "
            "The next client may get that number.",
        ),
        why="Two dictionaries by descriptor, and one wait at a time: `EPOLLIN`, or `EPOLLOUT` while bytes are owed.",
        functions=(epoll_echo,),
        way="epoll",
    ),
    Exercise(
        name="picky",
        chapter="05",
        about="This server tests the mask as the article does. It serves its clients well until one of them resets its "
        "connection. Then it is woken for nothing, again and again.",
        trials=(
            "echoes one message",
            "survives a reset before any data",
            "survives a reset between messages",
            "sleeps when nobody talks",
            "forgets clients that left",
        ),
        hints=(
            "Print the events of a client that resets its connection. Are they equal to `EPOLLIN`?",
            "A mask is a sum of bits. A reset sets three of them: `EPOLLIN`, `EPOLLERR` and `EPOLLHUP`. "
            "The server passes over that client, and epoll reports it again at once.",
            "Any event is worth a `recv`. But after a reset `recv` raises: that is the client's end, not the server's.",
        ),
        why="The mask is not compared any more: whatever the event, `recv` is tried, "
        "and an error from it ends that client and no other.",
        functions=(picky_server,),
        broken=variant(
            picky_server,
            "picky_server",
            "After a client has reset its connection it takes a whole core, for nobody.",
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
                "if data := conns[fd].recv(1024):",
            ),
        ),
    ),
]
