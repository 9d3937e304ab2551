"""Exercises of chapter 03, Wait with select."""

import select

from .exercises import Exercise
from .variant import variant


def never_stall(listener, stop):
    listener.setblocking(False)
    unsent = {}  # for each client, the bytes that still have to go

    def welcome():
        try:
            conn, address = listener.accept()
        except OSError:
            return  # the client has gone again, or no descriptor is left
        conn.setblocking(False)
        unsent[conn] = b""

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
        del unsent[conn]
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
            drop(conn)

    while not stop.is_set():
        reading = [conn for conn in unsent if not unsent[conn]]
        writing = [conn for conn in unsent if unsent[conn]]
        readable, writable, _ = select.select([stop, listener, *reading], writing, [])
        for sock in readable + writable:
            if sock is listener:
                welcome()
            elif sock is not stop:
                echo(sock)
    for conn in unsent:
        conn.close()


def restless_server(listener, stop):
    socks = [stop, listener]
    while not stop.is_set():
        readable, _, _ = select.select(socks, [], [])
        for sock in readable:
            if sock is listener:
                conn, address = listener.accept()
                socks.append(conn)
            elif sock is not stop:
                try:
                    data = sock.recv(1024)
                except OSError:  # a reset
                    data = b""
                if data:
                    sock.sendall(data)
                else:
                    socks.remove(sock)
                    sock.close()
    for sock in socks[2:]:
        sock.close()


EXERCISES = [
    Exercise(
        name="never-stall",
        chapter="03",
        about="Extend the repaired server so that no client can hold it up: not one that does not read, not one that "
        "resets its connection, not one that is silent. Its memory stays bounded, and no byte is lost.",
        trials=(
            "echoes one message",
            "is not held up by a silent client",
            "lives with a client that never reads",
            "waits for room when there is none",
            "returns 4 MiB whole to a client that reads late",
            "survives a reset in the middle of a reply",
            "answers a client that half-closes after asking",
            "forgets clients that left",
            "sleeps when nobody talks",
            "sleeps while a client does not read",
            "returns when told to stop",
        ),
        hints=(
            "Only `select` may block. Which of your calls could, besides it? `sendall` is one of them.",
            "`send` on a nonblocking socket takes a part and returns how much. Keep the rest for that client, "
            "and put the client into the second list of `select` for as long as it is owed something.",
            "A client that is owed something does not belong in the first list. If you go on reading from a client "
            "that does not read, your memory grows.",
            "Store what `recv` returned before you call `send`, so that a `BlockingIOError` loses nothing; "
            "any other `OSError` is the end of that client alone.",
        ),
        why="A client stands in the first list while nothing is owed to it, and in the second while something is. "
        "No call blocks but `select`.",
        functions=(never_stall,),
        start=restless_server,
        way="select",
    ),
    Exercise(
        name="restless",
        chapter="03",
        about="This server answers every client correctly. Yet when its clients have left, it is woken thousands of "
        "times a second, by nobody. Find out why; and while you are at it, let a reset end one client only.",
        trials=(
            "echoes one message",
            "sleeps when nobody talks",
            "sleeps beside a client that half-closed",
            "survives a reset between messages",
            "forgets clients that left",
        ),
        hints=(
            "Which sockets are readable when all clients have gone? Print `readable`.",
            'A socket at its end stays readable: `recv` returns `b""` at once, as often as you call it. '
            "What does the server do then?",
            'There is an `if` for bytes and nothing for `b""`. That client has to leave the list, and to be closed. '
            "The same holds for one that resets its connection: there `recv` raises.",
        ),
        why='The missing branch: at `b""`, or at a reset, the client leaves the list and is closed. '
        "Before, its socket stayed readable, and `select` returned at once, every time.",
        functions=(restless_server,),
        broken=variant(
            restless_server,
            "restless_server",
            "When its clients have left it takes a whole core, for nobody.",
            (
                """
                try:
                    data = sock.recv(1024)
                except OSError:  # a reset
                    data = b""
                if data:
                    sock.sendall(data)
                else:
                    socks.remove(sock)
                    sock.close()
                """,
                """
                data = sock.recv(1024)
                if data:
                    sock.sendall(data)
                """,
            ),
        ),
    ),
]
