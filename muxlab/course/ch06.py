"""Exercises of chapter 06, Ride the edge."""

import select

from .exercises import Exercise
from .variant import variant


def edge_echo(listener, stop):
    listener.setblocking(False)
    conns, unsent, unfinished = {}, {}, set()  # by descriptor; unfinished: not read until EAGAIN since the last edge
    with select.epoll() as epoll:
        epoll.register(stop, select.EPOLLIN)
        epoll.register(listener, select.EPOLLIN | select.EPOLLET)
        while not stop.is_set():
            news = {fd for fd, mask in epoll.poll(0 if unfinished else None)} | unfinished
            for fd in news:
                unfinished.discard(fd)
                if fd == listener.fileno():
                    for conn in all_at_the_door(listener):
                        conn.setblocking(False)
                        conns[conn.fileno()], unsent[conn.fileno()] = conn, b""
                        epoll.register(conn, select.EPOLLIN | select.EPOLLOUT | select.EPOLLET)
                elif fd in conns:
                    outcome = take_turn(conns[fd], unsent)
                    if outcome == "unfinished":
                        unfinished.add(fd)  # there may be more, and no edge will tell
                    elif outcome == "ended":
                        epoll.unregister(fd)
                        conns.pop(fd).close()
                        del unsent[fd]
    for conn in conns.values():
        conn.close()


def all_at_the_door(listener):
    while True:
        try:
            yield listener.accept()[0]
        except BlockingIOError:
            return


def take_turn(conn, unsent, pieces=8):
    fd = conn.fileno()
    try:
        for _ in range(pieces):  # and no more: others have their turn, too
            unsent[fd] = unsent[fd] or conn.recv(65536)
            if not unsent[fd]:
                return "ended"
            unsent[fd] = unsent[fd][conn.send(unsent[fd]) :]
        return "unfinished"
    except BlockingIOError:
        return "waiting"  # read to the end, or no room to send: an edge will come
    except OSError:
        return "ended"


def burst_server(listener, stop):
    listener.setblocking(False)
    conns = {}
    with select.epoll() as epoll:
        epoll.register(stop, select.EPOLLIN)
        epoll.register(listener, select.EPOLLIN | select.EPOLLET)
        while not stop.is_set():
            for fd, mask in epoll.poll():
                if fd == listener.fileno():
                    for conn in all_at_the_door(listener):
                        conn.setblocking(False)
                        conns[conn.fileno()] = conn
                        epoll.register(conn, select.EPOLLIN | select.EPOLLET)
                while fd in conns:
                    try:
                        data = conns[fd].recv(1024)
                    except BlockingIOError:
                        break
                    if not data:
                        epoll.unregister(fd)
                        conns.pop(fd).close()
                    else:
                        conns[fd].send(data)
    for conn in conns.values():
        conn.close()


EXERCISES = [
    Exercise(
        name="edge-echo",
        chapter="06",
        about="Write the server that remembers: every client is registered once, for `EPOLLIN`, `EPOLLOUT` and "
        "`EPOLLET`. Make the listener edge-triggered too, if you like: the check sends it a crowd.",
        trials=(
            "echoes one message",
            "is not held up by a silent client",
            "takes messages that come glued together",
            "accepts a burst of 300",
            "returns 4 MiB whole to a client that reads late",
            "lives with a client that never reads",
            "waits for room when there is none",
            "is fair while one client floods",
            "survives a reset in the middle of a reply",
            "answers a client that half-closes after asking",
            "forgets clients that left",
            "sleeps when nobody talks",
            "returns when told to stop",
        ),
        hints=(
            "Register each client once, for `EPOLLIN | EPOLLOUT | EPOLLET`. epoll tells you once, when something "
            "arrives.",
            "So after each event go on until the socket raises `BlockingIOError`: read and send in turn. "
            "The same holds for `accept`, if the listener is edge-triggered too.",
            "A client that sends without pause never lets you reach `BlockingIOError`. Stop after some pieces, and put "
            "it into a set of unfinished clients. While that set is not empty, look with `poll(0)` instead of waiting.",
            "When `send` finds no room, keep the bytes and go on to the next client. An edge comes when there is room, "
            "because you asked for `EPOLLOUT`.",
        ),
        why="Every event starts a turn, a turn ends with `BlockingIOError` or after eight pieces, "
        "and a client that has not raised `BlockingIOError` yet is remembered in `unfinished`.",
        functions=(edge_echo, all_at_the_door, take_turn),
        way="edge",
    ),
    Exercise(
        name="one-accept",
        chapter="06",
        about="This server reads until EAGAIN. Still, of a crowd that connects at one instant, most are never "
        "answered.",
        trials=(
            "echoes one message",
            "serves 64 clients in turn",
            "accepts a burst of 300",
            "is not held up by a silent client",
        ),
        hints=(
            "Five clients in the accept queue make one edge. How often does the server call `accept` for it?",
            "Accept until the queue is empty. How does `accept` tell you that?",
            "On a blocking listener `accept` waits instead of telling you: call `setblocking(False)`.",
        ),
        why="For each edge, `accept` is called until `BlockingIOError`, and the listener is nonblocking, so that it "
        "raises that. (A level-triggered listener would do as well: it is reported while a client waits in the queue.)",
        functions=(burst_server, all_at_the_door),
        broken=variant(
            burst_server,
            "burst_server",
            "Of a crowd that connects at one instant, most are never answered.",
            ("listener.setblocking(False)\nconns = {}", "conns = {}"),
            (
                """
                for conn in all_at_the_door(listener):
                    conn.setblocking(False)
                    conns[conn.fileno()] = conn
                    epoll.register(conn, select.EPOLLIN | select.EPOLLET)
                """,
                """
                conn, address = listener.accept()
                conn.setblocking(False)
                conns[conn.fileno()] = conn
                epoll.register(conn, select.EPOLLIN | select.EPOLLET)
                """,
            ),
        ),
    ),
]
