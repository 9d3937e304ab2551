"""Two wrong ideas: of what a call says, and of what a message is.

Their good servers are the solutions of exercises: these do without the course's `Connection`, so that every call is in
sight.
"""

import contextlib
import queue
import select
import socket
import threading
import weakref

from ...servers import epoll_server
from ..ch02 import polling_echo
from ..ch03 import never_stall
from ..ch06 import edge_echo
from ..variant import Exhibit, bug


def one_at_a_time(listener, stop):
    """It serves one client, and all others wait until that one leaves."""
    while not stop.is_set():
        conn, _ = listener.accept()
        try:
            while data := conn.recv(65536):
                conn.sendall(data)
        except OSError:
            pass
        conn.close()


def eight_at_a_time(listener, stop):
    """Eight clients that hold on to their connections take its eight threads, and all others wait."""
    conns = weakref.WeakSet()
    accepted = queue.SimpleQueue()

    def serve():
        while (conn := accepted.get()) is not None:
            try:
                while data := conn.recv(65536):
                    conn.sendall(data)
            except OSError:
                pass
            conn.close()

    pool = [threading.Thread(target=serve) for _ in range(8)]
    for thread in pool:
        thread.start()
    while not stop.is_set():
        readable, _, _ = select.select([listener, stop], [], [])
        if listener in readable:
            conn, _ = listener.accept()
            conns.add(conn)
            accepted.put(conn)
    for conn in list(conns):
        with contextlib.suppress(OSError):
            conn.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits for it
    for _ in pool:
        accepted.put(None)
    for thread in pool:
        thread.join()


CALLS = [
    Exhibit(one_at_a_time),
    Exhibit(eight_at_a_time),
    bug(
        epoll_server,
        "waits_for_the_rest_of_a_line",
        "A client that sends half a line holds up all others until it sends more.",
        (
            "echo(client)",
            """
            client.flush()
            if client.wants_read and (data := client.receive()):
                if not data.endswith(b"\\n"):
                    select.select([client], [], [])
                    data += client.receive()
                client.send(data)
            """,
        ),
    ),
    bug(
        never_stall,
        "dies_of_a_reset",
        "The first client that breaks off instead of closing ends the server, for all.",
        (
            """
            except BlockingIOError:
                pass  # no room: the bytes stay in `unsent`, and wait for it
            except OSError:
                drop(conn)
            """,
            """
            except BlockingIOError:
                pass  # no room: the bytes stay in `unsent`, and wait for it
            """,
        ),
    ),
    bug(
        polling_echo,
        "guards_recv_only",
        "A client that breaks off while its reply is on the way ends the server, for all.",
        (
            """
            if unsent[conn]:
                flush(conn)  # read nothing more from this client until the rest has gone
            else:
                read_some(conn)
            """,
            "if not unsent[conn]:\n    read_some(conn)",
        ),
        ("if unsent[conn]:\n    flush(conn)\nelse:\n    drop(conn)", "if not unsent[conn]:\n    drop(conn)"),
        (
            "except OSError:\n    drop(conn)  # a reset: the end of this client, and of no other",
            """
            except OSError:
                drop(conn)  # a reset: the end of this client, and of no other
            try:
                if unsent.get(conn):
                    flush(conn)
            except BlockingIOError:
                pass
            """,
        ),
    ),
    bug(
        polling_echo,
        "knows_one_error",
        "A client that breaks off in the middle of a long reply ends the server: for `send`, that is a broken pipe.",
        ("except OSError:\n    drop(conn)", "except ConnectionResetError:\n    drop(conn)"),
    ),
    bug(
        never_stall,
        "blocking_sendall",
        "One client that does not read its reply holds all others up.",
        ("conn.setblocking(False)", "conn.setblocking(True)"),
        (
            "sent = conn.send(unsent[conn])\nunsent[conn] = unsent[conn][sent:]",
            'conn.sendall(unsent[conn])\nunsent[conn] = b""',
        ),
    ),
    bug(
        polling_echo,
        "drops_what_send_did_not_take",
        "A client that is slow to read gets its reply with holes in it.",
        (
            "sent = conn.send(unsent[conn])\nunsent[conn] = unsent[conn][sent:]",
            'data, unsent[conn] = unsent[conn], b""\nconn.send(data)',
        ),
    ),
    bug(
        edge_echo,
        "drain_loop_on_a_blocking_socket",
        "The first client is answered, and then nobody is, until it speaks again.",
        ("conn.setblocking(False)\nconns", "conns"),
        ("select.EPOLLIN | select.EPOLLOUT | select.EPOLLET", "select.EPOLLIN | select.EPOLLET"),
    ),
    bug(
        polling_echo,
        "insists_on_accepting",
        "While there is no descriptor left for a new client, no other client is served.",
        (
            "except OSError:\n    return  # nobody is waiting, or no descriptor is left: ask again in the next round",
            "except BlockingIOError:\n    return",
        ),
        (
            "welcome()\nfor conn",
            "try:\n    welcome()\nexcept OSError:\n    continue  # again, until there is a descriptor\nfor conn",
        ),
    ),
]
"""The wrong call: these servers wait for the right things, and misread what a call says."""

MESSAGES = [
    bug(
        polling_echo,
        "answers_in_quotes",
        "Every reply has a b and a quotation mark before it, and one after it.",
        (
            "unsent[conn] = conn.recv(65536)",
            "data = conn.recv(65536)\nunsent[conn] = data and str(data).encode()",
        ),
    ),
    bug(
        polling_echo,
        "one_recv_is_one_line",
        "A line that arrives in two pieces is never answered.",
        (
            "unsent[conn] = conn.recv(65536)",
            """
            unsent[conn] = conn.recv(65536)
            if unsent[conn] and not unsent[conn].endswith(b"\\n"):
                unsent[conn] = b""
                return
            """,
        ),
    ),
    bug(
        polling_echo,
        "first_line_only",
        "Of two questions that arrive together, only the first is answered.",
        (
            "unsent[conn] = conn.recv(65536)",
            """
            data = conn.recv(65536)
            unsent[conn] = data[: data.find(b"\\n") + 1] or data
            """,
        ),
    ),
    bug(
        polling_echo,
        "looks_at_the_last_byte",
        "A client that connects and leaves without a word ends the server.",
        (
            "unsent[conn] = conn.recv(65536)",
            """
            unsent[conn] = conn.recv(65536)
            if unsent[conn][-1] != 10:
                unsent[conn] += b"\\n"
            """,
        ),
    ),
    bug(
        polling_echo,
        "reads_text",
        "Of the two bytes that end a line on some systems, one comes back.",
        ("conn.recv(65536)", 'conn.recv(65536).replace(b"\\r\\n", b"\\n")'),
    ),
    bug(
        polling_echo,
        "decodes_what_it_reads",
        "A letter with an accent, cut in two by the network, ends the server.",
        ("conn.recv(65536)", "conn.recv(65536).decode().encode()"),
    ),
]
"""The wrong idea of a message: TCP carries bytes. One recv is not one message."""
