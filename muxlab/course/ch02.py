"""Exercises of chapter 02, Poll without blocking."""

from .exercises import Exercise
from .variant import variant


def polling_echo(listener, stop):
    listener.setblocking(False)
    unsent = {}  # for each client, the bytes that still have to go

    def welcome():
        try:
            conn, address = listener.accept()
        except OSError:
            return  # nobody is waiting, or no descriptor is left: ask again in the next round
        conn.setblocking(False)  # not inherited from the listener
        unsent[conn] = b""

    def read_some(conn):
        unsent[conn] = conn.recv(65536)
        if unsent[conn]:
            flush(conn)
        else:
            drop(conn)  # b"": the client has sent its last byte, and is owed nothing

    def flush(conn):
        sent = conn.send(unsent[conn])
        unsent[conn] = unsent[conn][sent:]

    def drop(conn):
        del unsent[conn]
        conn.close()

    def echo(conn):
        try:
            if unsent[conn]:
                flush(conn)  # read nothing more from this client until the rest has gone
            else:
                read_some(conn)
        except BlockingIOError:
            pass  # nothing yet, or no room yet: ask again in the next round
        except OSError:
            drop(conn)  # a reset: the end of this client, and of no other

    while not stop.is_set():
        welcome()
        for conn in list(unsent):
            echo(conn)
    for conn in unsent:
        conn.close()


def start_of_polling_echo(listener, stop):
    listener.setblocking(False)
    clients = []
    while not stop.is_set():
        try:
            conn, address = listener.accept()
            conn.setblocking(False)
            clients.append(conn)
        except BlockingIOError:
            pass
        for conn in list(clients):
            try:
                data = conn.recv(1024)
            except BlockingIOError:
                continue
            except OSError:
                data = b""
            if data == b"":
                clients.remove(conn)
                conn.close()
            else:
                conn.send(data)
    for conn in clients:
        conn.close()


def buggy_server(listener, stop):
    listener.setblocking(False)
    clients = []
    while not stop.is_set():
        try:
            conn, address = listener.accept()
            conn.setblocking(False)
            clients.append(conn)
        except BlockingIOError:  # nobody is waiting, and nothing else
            pass
        for conn in list(clients):
            try:
                data = conn.recv(1024)
                if data:
                    conn.send(data)
                else:
                    clients.remove(conn)
                    conn.close()
            except BlockingIOError:  # nothing yet
                pass
            except OSError:  # a reset: this client's end
                clients.remove(conn)
                conn.close()
    for conn in clients:
        conn.close()


EXERCISES = [
    Exercise(
        name="polling-echo",
        chapter="02",
        about="Extend the polling server: it still asks everybody in turn and deals with each of the four answers of "
        "`recv`, and now it also keeps what `send` did not take, so that a long message comes back whole.",
        trials=(
            "echoes one message",
            "is not held up by a silent client",
            "serves 64 clients in turn",
            "survives clients that connect and leave",
            "survives a reset between messages",
            "survives a reset in the middle of a reply",
            "answers a client that half-closes after asking",
            "forgets clients that left",
            "returns 4 MiB whole to a client that reads late",
            "lives with a client that never reads",
            "waits for room when there is none",
            "returns when told to stop",
        ),
        hints=(
            "Turn the list of clients into a dictionary, `unsent`: its keys are the clients to ask, and its values are "
            "the bytes that each of them is still owed.",
            "`send` returns how many bytes the kernel took. Cut that many off the front of `unsent[conn]`, and read "
            "nothing more from this client until the rest has gone.",
            "So each round, a client gets one of two things: if it is owed bytes, a `send`; otherwise, a `recv`, with "
            'its four answers. `BlockingIOError`: nothing yet. Bytes: send them back. `b""`: the client has ended. Any '
            "other `OSError`: it is gone.",
            "Put what `recv` returned into `unsent[conn]` before you call `send`. When `send` raises `BlockingIOError` "
            "it has taken nothing, and bytes that are not stored by then are lost.",
        ),
        why="Each step has a name of its own, and one dictionary is enough: its keys are the clients to ask, its "
        "values the bytes that `send` did not take.",
        functions=(polling_echo,),
        start=start_of_polling_echo,
    ),
    Exercise(
        name="misspelt",
        chapter="02",
        about="This server answers its clients correctly, but it goes on asking every client that ever came. "
        "Find out why without guessing: take away what hides the reason, and read what is raised.",
        trials=(
            "echoes one message",
            "serves 64 clients in turn",
            "survives a reset between messages",
            "forgets clients that left",
        ),
        hints=(
            "The server never closes a connection. Which line should, and is it reached?",
            "`except Exception: pass` hides the reason. Let each `except` catch only what you expect there, "
            "run the check again, and read what is raised.",
            "Compare the names in the line with `append` and the line with `remove`, letter by letter. "
            "Then think of the client that resets its connection: it has to leave the list, too.",
        ),
        why="The name in `remove` is right now, and each `except` names what it expects: "
        "`BlockingIOError` means no answer yet, any other `OSError` is the end of that client.",
        functions=(buggy_server,),
        broken=variant(
            buggy_server,
            "buggy_server",
            "It goes on asking every client that ever came, and keeps all their sockets.",
            ("except BlockingIOError:  # nobody is waiting, and nothing else", "except Exception:"),
            ("else:\n    clients.remove(conn)", "else:\n    cleints.remove(conn)"),
            (
                """
                except BlockingIOError:  # nothing yet
                    pass
                except OSError:  # a reset: this client's end
                    clients.remove(conn)
                    conn.close()
                """,
                "except Exception:\n    pass",
            ),
        ),
    ),
]
