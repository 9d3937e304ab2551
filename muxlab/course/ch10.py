"""The exercise of chapter 10, Race the servers."""

import select

from .exercise import Exercise
from .museum import chapters


def heir_server(listener, stop):
    listener.setblocking(False)
    conns, unsent = {}, {}  # both by descriptor
    with select.epoll() as epoll:
        epoll.register(stop, select.EPOLLIN)
        epoll.register(listener, select.EPOLLIN)
        while not stop.is_set():
            for fd, mask in epoll.poll():
                if fd == listener.fileno():
                    conn, address = listener.accept()
                    conn.setblocking(False)
                    conns[conn.fileno()] = conn
                    epoll.register(conn, select.EPOLLIN)
                elif fd in conns:
                    try:
                        unsent[fd] = unsent.get(fd) or conns[fd].recv(65536)
                        ended = not unsent[fd]
                        unsent[fd] = unsent[fd][conns[fd].send(unsent[fd]) :]
                    except BlockingIOError:
                        ended = False
                    except OSError:
                        ended = True
                    if ended:
                        epoll.unregister(fd)
                        conns.pop(fd).close()
                        unsent.pop(fd, None)  # the number will be somebody else's
                    else:
                        epoll.modify(fd, select.EPOLLOUT if unsent.get(fd) else select.EPOLLIN)
    for conn in conns.values():
        conn.close()


TASKS = [
    Exercise(
        name="heir",
        chapter="10",
        trials=(
            "echoes one message",
            "gives nobody what was meant for another",
            "survives a reset before any data",
            "survives a reset in the middle of a reply",
            "answers a client that half-closes after asking",
            "forgets clients that left",
            "returns 4 MiB whole to a client that reads late",
        ),
        hints=(
            "Nobody is mixed up as long as everybody stays. Let one client ask for much and reset its connection "
            "before it has read the reply; then let another one come.",
            "Which descriptor did the first one have, and which one does the newcomer get? "
            "The kernel gives out the lowest that is free.",
            "Two dictionaries go by that number. At the end of a client, which of them still knows it?",
        ),
        why="What is noted down under a descriptor's number ends with the descriptor: the next client gets the number.",
        functions=(heir_server,),
        exhibit=chapters.heir_server,
    ),
]
