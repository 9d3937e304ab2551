"""Exercises of chapter 14, Review the article: its epoll server, and the bug that it has besides."""

from .ch06 import edge_echo
from .exercises import Exercise
from .variant import variant

articles_epoll_server = variant(
    edge_echo,
    "articles_epoll_server",
    "Of a crowd it answers one, of a long message it returns the beginning, and it keeps the sockets of those who are "
    "gone.",
    (
        """
        unsent = {}  # for each client, the bytes that still have to go
        unfinished = set()  # descriptors of clients that may have more for us, though no edge will say so
        """,
        "",
    ),
    (
        """
        while True:
            try:
                conn, address = listener.accept()
            except BlockingIOError:
                return  # the accept queue is empty: the next to come is an edge
            conn.setblocking(False)
            conns[conn.fileno()] = conn
            unsent[conn] = b""
            epoll.register(conn, select.EPOLLIN | select.EPOLLOUT | select.EPOLLET)
        """,
        """
        conn, address = listener.accept()
        conns[conn.fileno()] = conn
        epoll.register(conn, select.EPOLLIN | select.EPOLLET)
        """,
    ),
    (
        """
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
        """,
        """
        def read_some(conn):
            data = conn.recv(1024)
            if data:
                conn.send(data)
            else:
                drop(conn)

        def drop(conn):
            epoll.unregister(conn)
            conn.close()
        """,
    ),
    (
        """
        timeout = 0 if unfinished else None
        ready = {fd for fd, mask in epoll.poll(timeout)} | unfinished
        unfinished.clear()
        for fd in ready:
        """,
        "for fd, mask in epoll.poll():",
    ),
    (
        "elif fd in conns:\n    take_turn(conns[fd])",
        "elif fd in conns and mask == select.EPOLLIN:\n    read_some(conns[fd])",
    ),
)

enduring_echo = variant(
    edge_echo,
    "enduring_echo",
    "An edge-triggered server that lives through a lack of descriptors.",
    (
        """
        except BlockingIOError:
            return  # the accept queue is empty: the next to come is an edge
        """,
        """
        except BlockingIOError:
            return False  # the accept queue is empty: the next to come is an edge
        except OSError:
            return True  # no descriptor is left, and the others stay in the queue
        """,
    ),
    (
        "with epoll:",
        "crowded = False  # whether there was no descriptor for somebody in the accept queue\n\nwith epoll:",
    ),
    ("timeout = 0 if unfinished else None", "timeout = 0 if unfinished else 0.1 if crowded else None"),
    (
        "unfinished.clear()",
        """
        unfinished.clear()
        if crowded:
            ready.add(listener.fileno())  # no edge will come for those who are in the queue already
        """,
    ),
    (
        "if fd == listener.fileno():\n    welcome_all()",
        "if fd == listener.fileno():\n    crowded = welcome_all()",
    ),
)

EXERCISES = [
    Exercise(
        name="articles-epoll",
        chapter="14",
        about="This is the article's epoll server, with the bugs 7 to 11. Repair it, until it answers a crowd and long "
        "messages, is held up by nobody, and forgets those who are gone.",
        trials=(
            "echoes one message",
            "is not held up by a silent client",
            "takes messages that come glued together",
            "accepts a burst of 300",
            "returns 4 MiB whole to a client that reads late",
            "lives with a client that never reads",
            "survives a reset between messages",
            "survives clients that connect and leave",
            "forgets clients that left",
            "sleeps when nobody talks",
            "returns when told to stop",
        ),
        hints=(
            "Begin with the sockets: nothing that is edge-triggered can do without `setblocking(False)`. Then read, "
            "and accept, until `BlockingIOError`.",
            "`mask == select.EPOLLIN` is true for one of the many masks that say *read me*. Which question about the "
            "mask do you really have? Perhaps none: `recv` tells you all there is to know.",
            "`send` may take a part. Keep the rest, ask for EPOLLOUT as well when you register a client, and go on "
            "when the edge comes.",
            "What `welcome_all` puts into a dictionary, `drop` has to take out of it: before `close`, after which the "
            "number means nothing.",
        ),
        why="It is the answer of `edge-echo` again: every edge starts a turn, a turn ends with `BlockingIOError` or "
        "after eight pieces, and whoever is unfinished is remembered.",
        functions=(edge_echo,),
        broken=articles_epoll_server,
        way="epoll",
    ),
    Exercise(
        name="thirteenth",
        chapter="14",
        about="The repaired server dies when its process has no descriptor left for the next client. Let it serve "
        "those who are inside, let the others wait in the accept queue without taking a core, and let them in when "
        "there is room.",
        trials=(
            "echoes one message",
            "accepts a burst of 300",
            "is not held up by a silent client",
            "survives a reset between messages",
            "sleeps when nobody talks",
            "lives through a lack of descriptors",
            "returns when told to stop",
        ),
        hints=(
            "`accept` raises an `OSError` that is no `BlockingIOError`. The client stays in the queue, and for those "
            "who are in the queue already there will not be another edge. Who reminds you of them?",
            "Nobody does: you have to look again by yourself, a few times a second and no more. Which argument of "
            "`epoll.poll` is made for that?",
            "Let `welcome_all` return whether it ran out of descriptors. If it did, wait for a tenth of a second at "
            "most, and look at the listener in each round.",
        ),
        why="While there may be somebody in the queue, the wait has a timeout, and each round looks at the listener, "
        "whether or not epoll names it.",
        functions=(enduring_echo,),
        start=edge_echo,
        way="edge",
    ),
]
