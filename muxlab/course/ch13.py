"""Exercises of chapter 13, Look beyond."""

import select
import threading

from .exercises import Exercise
from .variant import variant


def one_shot(listener, stop):
    listener.setblocking(False)
    once = select.EPOLLIN | select.EPOLLONESHOT
    epoll = select.epoll()
    conns = {}  # for each descriptor, its socket

    def welcome():
        try:
            conn, address = listener.accept()
        except OSError:  # the client has left again
            return
        conns[conn.fileno()] = conn
        epoll.register(conn, once)

    def answer(conn):
        try:
            data = conn.recv(65536)
            conn.sendall(data)
        except OSError:  # a reset
            data = b""
        if data:
            epoll.modify(conn, once)  # now the next message may go to any thread
        else:
            drop(conn)

    def drop(conn):
        epoll.unregister(conn)
        del conns[conn.fileno()]
        conn.close()

    def work():
        while not stop.is_set():
            for fd, mask in epoll.poll(maxevents=1):  # one at a time: the other threads can have the rest
                if fd == listener.fileno():
                    welcome()
                    epoll.modify(listener, once)
                elif fd in conns:
                    answer(conns[fd])

    with epoll:
        epoll.register(stop, select.EPOLLIN)  # not just once: it has to wake all of them
        epoll.register(listener, once)
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for conn in conns.values():
        conn.close()


EXERCISES = [
    Exercise(
        name="one-shot",
        chapter="13",
        about="Four threads share one epoll, and EPOLLONESHOT keeps two of them from getting hold of one client. But "
        "each client is answered once, and never again. Repair it, and let no two threads have one client at a time.",
        trials=(
            "echoes one message",
            "answers question after question",
            "serves 64 clients in turn",
            "gives nobody what was meant for another",
            "survives a reset between messages",
            "forgets clients that left",
            "returns when told to stop",
        ),
        hints=(
            "The listener is watched with EPOLLONESHOT as well, and it goes on letting clients in. What does `work` do "
            "for it, and for nobody else?",
            "After one event, the client is still on the interest list, but it is watched for nothing: "
            "`muxlab.interest_list` would show `ONESHOT`, and no `IN`. `epoll.modify` arms it again.",
            "The place matters: as soon as it is armed, another thread may get the next message. Arm it when the reply "
            "has been sent, and with the same two flags as before.",
        ),
        why="A client is armed again when its reply has been sent, and not earlier. Until then no other thread hears "
        "of it, so its replies come in the order of its questions.",
        functions=(one_shot,),
        broken=variant(
            one_shot,
            "one_shot",
            "Each client is answered once, and never again.",
            (
                """
                if data:
                    epoll.modify(conn, once)  # now the next message may go to any thread
                else:
                    drop(conn)
                """,
                """
                if not data:
                    drop(conn)
                """,
            ),
        ),
    ),
]
