"""Exercises of chapter 01, Block on one client."""

import contextlib
import os
import socket
import threading

from .exercises import Exercise
from .variant import variant


def patient_server(listener):
    def talk(conn):
        try:
            conn.settimeout(30)  # a client that is silent for half a minute is dropped
            while data := conn.recv(1_000_000):
                conn.sendall(data)
        except OSError:  # a reset, or half a minute of silence
            pass
        conn.close()

    while True:
        conn, address = listener.accept()
        threading.Thread(target=talk, args=[conn]).start()


def thread_for_each(listener, stop):
    conns = set()  # those whose clients are here

    def wake():
        os.read(stop.fileno(), 1)  # asleep until stop is set
        listener.shutdown(socket.SHUT_RDWR)  # accept returns, with an error

    def talk(conn):
        try:
            while data := conn.recv(65536):
                conn.sendall(data)
        except OSError:  # a reset: the end of this client, and of its thread
            pass
        conns.discard(conn)
        conn.close()

    waker = threading.Thread(target=wake)
    waker.start()
    while not stop.is_set():
        try:
            conn, address = listener.accept()
        except OSError:
            continue  # stop is set; or this client had gone before it was accepted
        conns.add(conn)
        threading.Thread(target=talk, args=[conn]).start()
    for conn in list(conns):
        with contextlib.suppress(OSError):  # it has just left by itself
            conn.shutdown(socket.SHUT_RDWR)  # its thread wakes up, and closes it
    waker.join()  # the listener is not ours any more once we have returned


def one_after_the_other(listener, stop):
    while not stop.is_set():
        conn, address = listener.accept()
        while data := conn.recv(65536):
            conn.sendall(data)
        conn.close()


EXERCISES = [
    Exercise(
        name="cut-short",
        chapter="01",
        about="This server gives each client a thread, and drops those that are silent for half a minute. Short "
        "messages come back whole. Of a long one, a piece is missing now and then: find out which call loses it.",
        trials=(
            "echoes one message",
            "is not held up by a silent client",
            "takes messages that come glued together",
            "returns 4 MiB whole to a client that reads late",
            "answers a client that half-closes after asking",
        ),
        hints=(
            "Which call of this server returns something that nobody looks at?",
            "The socket has a timeout. What did `send` return in section 2, when the other end read too little?",
            "`send` may take a part, and says how much that was. Either send the rest yourself, in a loop; or use the "
            "call that does that for you.",
        ),
        why="`sendall` calls `send` again and again, until the kernel has taken everything. With a timeout, a `send` "
        "may take a part; on a blocking socket without one, Linux happens to wait until all is taken.",
        functions=(patient_server,),
        broken=variant(
            patient_server,
            "patient_server",
            "A long message loses a piece when its client reads late.",
            ("conn.sendall(data)", "conn.send(data)"),
        ),
    ),
    Exercise(
        name="thread-for-each",
        chapter="01",
        about="This server is asleep in one client's `recv`, and deaf to everybody else and to `stop`. Give each "
        "client a thread; let a client's reset be the end of that client and of no other; and see to it that the "
        "function returns when `stop` is set, even while it is asleep in `accept`.",
        trials=(
            "echoes one message",
            "is not held up by a silent client",
            "serves 64 clients in turn",
            "gives nobody what was meant for another",
            "returns 4 MiB whole to a client that reads late",
            "lives with a client that never reads",
            "survives a reset before any data",
            "survives a reset between messages",
            "survives a reset in the middle of a reply",
            "survives clients that connect and leave",
            "answers a client that half-closes after asking",
            "forgets clients that left",
            "returns when told to stop",
        ),
        hints=(
            "Move the conversation into a function of its own, `talk(conn)`, and start a thread with it: "
            "`threading.Thread(target=talk, args=[conn]).start()`. Mind that `talk` is handed over, not called.",
            "A reset makes `recv` or `sendall` raise an `OSError`. Catch it in `talk`, and close `conn` whether or not "
            "there was one.",
            "The thread that accepts is asleep in `accept` when `stop` is set. Section 5 has a function `wake` for "
            "that; then `accept` raises an `OSError`, and the loop looks at `stop`.",
            "The threads of the clients are asleep as well. Keep their sockets in a set, and shut them down before you "
            'return: each `recv` then returns `b""`.',
        ),
        why="One thread for each client, and two ways out of a call that sleeps: what the client does, and a "
        "`shutdown` from another thread.",
        functions=(thread_for_each,),
        start=variant(one_after_the_other, "thread_for_each", "Serves one client after the other."),
    ),
]
