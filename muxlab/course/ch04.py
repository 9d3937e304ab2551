"""Exercises of chapter 04, Hit the limits of select."""

import select

from .exercises import Exercise
from .variant import variant


def poll_echo(listener, stop):
    listener.setblocking(False)
    conns, unsent = {}, {}  # both by descriptor
    poll = select.poll()
    poll.register(stop, select.POLLIN)
    poll.register(listener, select.POLLIN)
    while not stop.is_set():
        for fd, mask in poll.poll():
            if fd == listener.fileno():
                conn, address = listener.accept()
                conn.setblocking(False)
                conns[conn.fileno()], unsent[conn.fileno()] = conn, b""
                poll.register(conn, select.POLLIN)
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
                    poll.unregister(fd)  # close does not: a closed number would be reported again and again
                    conns.pop(fd).close()
                    del unsent[fd]
                else:
                    poll.modify(fd, select.POLLOUT if unsent[fd] else select.POLLIN)
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
        about="Write the server that `select` cannot be: the same conversation over `select.poll`, "
        "for more than 1,024 clients at once.",
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
            "`select.poll()` gives an object with `register`, `modify`, `unregister` and `poll`. Its `poll` returns "
            "pairs of a descriptor number and a mask, so you need a dictionary from the number to the socket.",
            "Compare a mask bit by bit, or not at all: whatever `poll` says about a client, try to read; "
            "`recv` tells whether it is bytes, the end or an error.",
            "While bytes are owed to a client, watch it for `POLLOUT` instead of `POLLIN`: call `modify`, there and "
            "back.",
            "`poll` keeps its list on your side of the kernel. Unregister a client before you close it, "
            "or the dead number is reported again and again (`POLLNVAL`).",
        ),
        why="The `select` server with a list that does not end at 1,024: what changes is who keeps it. "
        "Between two calls the poll object does, and at each call the kernel still walks through all of it.",
        functions=(poll_echo,),
        way="poll",
    ),
    Exercise(
        name="ghost",
        chapter="04",
        about="This `poll` server is careful with every client. Then one leaves, politely even, and from that moment "
        "on a core is busy, for nobody. Whose number does `poll` report?",
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
            "When a client has left it takes a whole core, for nobody.",
            ("poll.unregister(fd)\nconns.pop(fd).close()", "conns.pop(fd).close()"),
        ),
    ),
]
