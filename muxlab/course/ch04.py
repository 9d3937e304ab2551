"""Exercises of chapter 04, Hit the limits of select."""

import select

from .exercises import Exercise
from .variant import variant


def poll_echo(listener, stop):
    listener.setblocking(False)
    poll = select.poll()
    conns = {}  # for each descriptor, its socket
    unsent = {}  # for each client, the bytes that still have to go

    def welcome():
        try:
            conn, address = listener.accept()
        except OSError:
            return  # the client has gone again, or no descriptor is left
        conn.setblocking(False)
        unsent[conn] = b""
        conns[conn.fileno()] = conn
        poll.register(conn, select.POLLIN)

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
        poll.unregister(conn)  # close does not: a closed number would be reported again and again
        del conns[conn.fileno()], unsent[conn]
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

    poll.register(stop, select.POLLIN)
    poll.register(listener, select.POLLIN)
    while not stop.is_set():
        for fd, mask in poll.poll():
            if fd == listener.fileno():
                welcome()
            elif fd in conns:  # whatever the mask says: try
                conn = conns[fd]
                echo(conn)
                if conn in unsent:  # it has not left
                    poll.modify(conn, select.POLLOUT if unsent[conn] else select.POLLIN)
    for conn in conns.values():
        conn.close()


def start_of_poll_echo(listener, stop):
    conns = {}
    poll = select.poll()
    poll.register(stop, select.POLLIN)
    poll.register(listener, select.POLLIN)
    while not stop.is_set():
        for fd, mask in poll.poll():
            if fd == listener.fileno():
                conn, address = listener.accept()
                conns[conn.fileno()] = conn
                poll.register(conn, select.POLLIN)
            elif fd in conns:
                data = conns[fd].recv(65536)
                if data:
                    conns[fd].sendall(data)
                else:
                    poll.unregister(fd)
                    conns.pop(fd).close()
    for conn in conns.values():
        conn.close()


def ghost_server(listener, stop):
    conns = {}  # by descriptor
    poll = select.poll()
    poll.register(stop, select.POLLIN)
    poll.register(listener, select.POLLIN)
    while not stop.is_set():
        for fd, mask in poll.poll():
            if fd == listener.fileno():
                conn, address = listener.accept()
                conns[conn.fileno()] = conn
                poll.register(conn, select.POLLIN)
            elif fd in conns:
                try:
                    data = conns[fd].recv(65536)
                except OSError:
                    data = b""
                if data:
                    conns[fd].sendall(data)
                else:
                    poll.unregister(fd)
                    conns.pop(fd).close()
    for conn in conns.values():
        conn.close()


EXERCISES = [
    Exercise(
        name="poll-echo",
        chapter="04",
        about="Extend the short server of `poll` with what chapter 3 did for `select`, until no client can hold it up: "
        "not one that resets its connection, and not one that does not read. It holds more than 1,024 clients at once.",
        trials=(
            "echoes one message",
            "survives a reset between messages",
            "survives a reset in the middle of a reply",
            "survives clients that connect and leave",
            "answers a client that half-closes after asking",
            "forgets clients that left",
            "returns 4 MiB whole to a client that reads late",
            "lives with a client that never reads",
            "waits for room when there is none",
            "sleeps when nobody talks",
            "sleeps while a client does not read",
            "holds more than 1,024 clients",
            "returns when told to stop",
        ),
        hints=(
            "No call may wait except `poll.poll`: make every socket nonblocking, and keep what `send` did not take in "
            "a second dictionary.",
            "Compare a mask bit by bit, or not at all: whatever `poll` says about a client, try; "
            "`recv` tells you whether it is bytes, the end or an error, and an error ends that client alone.",
            "As long as a client is owed bytes, watch it for `POLLOUT` instead of `POLLIN`: call `modify`, there and "
            "back.",
            "`poll` keeps its list on your side of the kernel. Unregister a client before you close it, "
            "or the dead number is reported again and again (`POLLNVAL`).",
        ),
        why="The `select` server with a list that does not end at 1,024. What changes is who keeps the list: between "
        "two calls the poll object does, and at each call the kernel still walks through all of it.",
        functions=(poll_echo,),
        start=start_of_poll_echo,
        way="poll",
    ),
    Exercise(
        name="ghost",
        chapter="04",
        about="This `poll` server is careful with every client. Then one of them leaves, quite politely, and from that "
        "moment on the server takes as much of a core as it can get. Whose number does `poll` report?",
        trials=(
            "echoes one message",
            "survives a reset between messages",
            "sleeps when nobody talks",
            "forgets clients that left",
        ),
        hints=(
            "Print what `poll` returns when a client has left: whose number is it, and which mask?",
            "A closed descriptor that is still on the list has `POLLNVAL` in its mask. "
            "epoll would have forgotten it at `close`; `poll` cannot, because its list holds only numbers.",
            "`close` and `unregister` belong together: unregister first, as after `close` the number may be another "
            "client's.",
        ),
        why="One line: a client is unregistered before it is closed. "
        "Without it, `poll` reports the dead number at once, every time.",
        functions=(ghost_server,),
        broken=variant(
            ghost_server,
            "ghost_server",
            "When a client has left it takes as much of a core as it can get, for nobody.",
            ("poll.unregister(fd)\nconns.pop(fd).close()", "conns.pop(fd).close()"),
        ),
    ),
]
