"""The exercise of chapter 10, Race the servers."""

from .ch05 import epoll_echo
from .exercises import Exercise
from .variant import variant

heir_server = variant(
    epoll_echo,
    "heir_server",
    "Echo with epoll; what is owed to a client is noted down once the client has spoken.",
    ('conns[conn.fileno()], unsent[conn.fileno()] = conn, b""', "conns[conn.fileno()] = conn"),
    ("elif fd in conns:  # whatever the mask says: try", "elif fd in conns:"),
    ("unsent[fd] or conns", "unsent.get(fd) or conns"),
    ("epoll.unregister(fd)  # before close: after it, the number may be another client's", "epoll.unregister(fd)"),
    ("del unsent[fd]", "unsent.pop(fd, None)  # the number will be another client's"),
    ("if unsent[fd] else", "if unsent.get(fd) else"),
)

EXERCISES = [
    Exercise(
        name="heir",
        chapter="10",
        about="As long as every client stays, this server makes no mistake. With clients that come and go, now and "
        "then one of them gets what was meant for another.",
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
            "No client is mistaken for another as long as all of them stay. Let one ask for much and reset its "
            "connection before it has read the reply; then let another one come.",
            "Which descriptor did the first one have, and which one does the newcomer get? "
            "The kernel gives out the lowest that is free.",
            "Two dictionaries go by that number. At the end of a client, which of them still knows it?",
        ),
        why="What is noted down under a descriptor's number ends with the descriptor: the next client gets the number.",
        functions=(heir_server,),
        broken=variant(
            heir_server,
            "heir_server",
            "After a client has broken off, another one gets the rest of its reply.",
            (
                "conns.pop(fd).close()\nunsent.pop(fd, None)  # the number will be another client's",
                "conns.pop(fd).close()",
            ),
        ),
    ),
]
