"""Exercises of chapter 06, Ride the edge."""

import select

from .exercises import Exercise
from .variant import variant


def edge_echo(listener, stop):
    listener.setblocking(False)
    epoll = select.epoll()
    conns = {}  # for each descriptor, its socket
    unsent = {}  # for each client, the bytes that still have to go
    unfinished = set()  # descriptors of clients that may have more for us, though no edge will say so

    def welcome_all():
        while True:
            try:
                conn, address = listener.accept()
            except BlockingIOError:
                return  # the accept queue is empty: the next to come is an edge
            conn.setblocking(False)
            conns[conn.fileno()] = conn
            unsent[conn] = b""
            epoll.register(conn, select.EPOLLIN | select.EPOLLOUT | select.EPOLLET)

    def read_some(conn):
        unsent[conn] = conn.recv(65536)
        if unsent[conn]:
            flush(conn)
        else:
            drop(conn)

    def flush(conn):
        sent = conn.send(unsent[conn])
        unsent[conn] = unsent[conn][sent:]

    def drop(conn):
        epoll.unregister(conn)
        del conns[conn.fileno()], unsent[conn]
        conn.close()

    def take_turn(conn):
        try:
            for piece in range(8):  # and no more: others have their turn, too
                if unsent[conn]:
                    flush(conn)
                else:
                    read_some(conn)
                if conn not in unsent:
                    return  # it has left
            unfinished.add(conn.fileno())
        except BlockingIOError:
            pass  # read to the end, or no room to send: an edge will come
        except OSError:
            drop(conn)  # a reset: the end of this client, and of no other

    with epoll:
        epoll.register(stop, select.EPOLLIN)
        epoll.register(listener, select.EPOLLIN | select.EPOLLET)
        while not stop.is_set():
            timeout = 0 if unfinished else None
            ready = {fd for fd, mask in epoll.poll(timeout)} | unfinished
            unfinished.clear()
            for fd in ready:
                if fd == listener.fileno():
                    welcome_all()
                elif fd in conns:
                    take_turn(conns[fd])
    for conn in conns.values():
        conn.close()


def start_of_edge_echo(listener, stop):
    conns = {}
    with select.epoll() as epoll:
        epoll.register(stop, select.EPOLLIN)
        epoll.register(listener, select.EPOLLIN)
        while not stop.is_set():
            for fd, mask in epoll.poll():
                if fd == listener.fileno():
                    conn, address = listener.accept()
                    conns[conn.fileno()] = conn
                    epoll.register(conn, select.EPOLLIN | select.EPOLLET)
                elif fd in conns:
                    data = conns[fd].recv(1024)
                    if data:
                        conns[fd].send(data)
                    else:
                        epoll.unregister(fd)
                        conns.pop(fd).close()
    for conn in conns.values():
        conn.close()


def burst_server(listener, stop):
    listener.setblocking(False)
    conns = {}
    with select.epoll() as epoll:
        epoll.register(stop, select.EPOLLIN)
        epoll.register(listener, select.EPOLLIN | select.EPOLLET)
        while not stop.is_set():
            for fd, mask in epoll.poll():
                if fd == listener.fileno():
                    while True:
                        try:
                            conn, address = listener.accept()
                        except BlockingIOError:
                            break
                        conn.setblocking(False)
                        conns[conn.fileno()] = conn
                        epoll.register(conn, select.EPOLLIN | select.EPOLLET)
                while fd in conns:
                    try:
                        data = conns[fd].recv(1024)
                    except BlockingIOError:
                        break
                    if data:
                        conns[fd].send(data)
                    else:
                        epoll.unregister(fd)
                        conns.pop(fd).close()
    for conn in conns.values():
        conn.close()


EXERCISES = [
    Exercise(
        name="edge-echo",
        chapter="06",
        about="Extend the server that forgets into one that remembers: it registers every client once, for `EPOLLIN`, "
        "`EPOLLOUT` and `EPOLLET`, and loses no byte. Make the listener edge-triggered too, if you like: the check "
        "sends it a crowd.",
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
            "So after each event go on until the socket, which has to be nonblocking, raises `BlockingIOError`: read "
            "and send in turn. The same holds for `accept`, if the listener is edge-triggered too.",
            "When `send` finds no room, keep the bytes and go on to the next client. An edge comes when there is room, "
            "because you asked for `EPOLLOUT`.",
            "A client that sends without pause never lets you reach `BlockingIOError`. Stop after some pieces, and put "
            "it into a set of unfinished clients. While that set is not empty, look with `poll(0)` instead of waiting.",
        ),
        why="Every event starts a turn, a turn ends with `BlockingIOError` or after eight pieces, "
        "and a client that has not raised `BlockingIOError` yet is remembered in `unfinished`.",
        functions=(edge_echo,),
        start=start_of_edge_echo,
        way="edge",
    ),
    Exercise(
        name="one-accept",
        chapter="06",
        about="This server reads until EAGAIN. Still, when a crowd connects at one instant, most of its clients are "
        "never answered.",
        trials=(
            "echoes one message",
            "serves 64 clients in turn",
            "accepts a burst of 300",
            "is not held up by a silent client",
        ),
        hints=(
            "Five clients in the accept queue can make one edge. How often does the server call `accept` for it?",
            "Accept until the queue is empty. How does `accept` tell you that?",
            "On a blocking listener `accept` waits instead of telling you: call `setblocking(False)`.",
        ),
        why="For each edge, `accept` is called until `BlockingIOError`, and the listener is nonblocking, so that it "
        "raises that. (A level-triggered listener would do as well: it is reported while a client waits in the queue.)",
        functions=(burst_server,),
        broken=variant(
            burst_server,
            "burst_server",
            "When a crowd connects at one instant, most of its clients are never answered.",
            ("listener.setblocking(False)\nconns = {}", "conns = {}"),
            (
                """
                while True:
                    try:
                        conn, address = listener.accept()
                    except BlockingIOError:
                        break
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
