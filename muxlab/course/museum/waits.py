"""Three wrong ideas: of what to wait for, of what an edge is, and of what to keep.

Most of their good servers are reference servers (muxlab/servers): what they do with a client is the course's own
`Connection`, so that only the wait and what is kept differ.
"""

from ...servers import epoll_edge_server, epoll_server, poll_server
from ..ch10 import my_server
from ..variant import bug

EDGES = [
    bug(
        epoll_edge_server,
        "one_accept_for_each_edge",
        "Of a burst of clients one is served; the others wait in the accept queue until another one comes.",
        ("accepted = acceptor.accept()", "accepted = [Connection(listener.accept()[0])]"),
    ),
    bug(
        epoll_edge_server,
        "one_recv_for_each_edge",
        "A long message comes back in part; the rest comes when the client says something more.",
        (
            """
            for _ in range(TURNS):
                if not echo(client):
                    break
            else:
                unfinished.add(fd)
            """,
            "echo(client)",
        ),
    ),
    bug(
        epoll_edge_server,
        "four_recvs_for_each_edge",
        "Of a message much longer than four pieces, the rest comes when the client says something more.",
        (
            """
            for _ in range(TURNS):
                if not echo(client):
                    break
            else:
                unfinished.add(fd)
            """,
            """
            for _ in range(4):
                if not echo(client):
                    break
            """,
        ),
    ),
]
"""The wrong answer to an edge: these servers are told of news once, and do not read all of it."""

WAITS = [
    bug(
        my_server,
        "rests_after_each_event",
        "However fast the machine, it gives a few hundred answers a second, to all clients together.",
        ("data = conn.recv(65536)", 'data = conn.recv(65536)\ntime.sleep(0.001)  # "so that the processor can rest"'),
    ),
    bug(
        epoll_server,
        "always_writable",
        "It takes a whole core as soon as one client is connected, whether or not any client talks.",
        ("epoll.register(client, select.EPOLLIN)", "epoll.register(client, select.EPOLLIN | select.EPOLLOUT)"),
        ("epoll.modify(fd, client.wants)", "epoll.modify(fd, select.EPOLLIN | select.EPOLLOUT)"),
    ),
    bug(
        epoll_server,
        "still_watches_for_bytes",
        "It takes a whole core while one client does not read its reply.",
        ("epoll.modify(fd, client.wants)", "epoll.modify(fd, client.wants | select.EPOLLIN)"),
    ),
    bug(
        epoll_server,
        "watches_for_the_end",
        "While a client that has half-closed does not read its reply, it takes a whole core.",
        ("epoll.modify(fd, client.wants)", "epoll.modify(fd, client.wants | select.EPOLLRDHUP)"),
    ),
    bug(
        epoll_server,
        "stays_armed",
        "After one client was slow to read it takes a whole core, until that client leaves.",
        ("epoll.modify(fd, client.wants)", "epoll.modify(fd, client.wants | before & select.EPOLLOUT)"),
    ),
    bug(
        poll_server,
        "keeps_it_on_the_list",
        "After a client has broken off in the middle of a reply it takes a whole core, for nobody.",
        ("echo(client)", "owed = client.wants_write\necho(client)"),
        (
            "poll.unregister(fd)  # otherwise each poll reports POLLNVAL: the descriptor is not open",
            "if not (client.broken and owed):\n    poll.unregister(fd)",
        ),
    ),
    bug(
        epoll_server,
        "drains_one_client",
        "While one client sends without pause, no other is answered.",
        ("echo(client)", "while echo(client):\n    pass"),
    ),
    bug(
        epoll_server,
        "unregisters_after_close",
        "The first client that leaves ends the server.",
        (
            """
            epoll.unregister(fd)  # before close, after which the number may go to a new client
            del clients[fd]
            client.close()
            """,
            """
            client.close()
            epoll.unregister(fd)
            del clients[fd]
            """,
        ),
    ),
    bug(
        epoll_server,
        "deaf_to_stop",
        "It is told to stop, and it goes on sleeping.",
        ("epoll.register(stop, select.EPOLLIN)\nepoll.register(acc", "epoll.register(acc"),
    ),
]
"""The wrong wait: what these servers do with a client is right, and they wait for the wrong things."""

MEMORY = [
    bug(
        epoll_server,
        "repeats_the_tail",
        "After a long question, the reply to a short one ends in what is left of the long one.",
        ("acceptor = Acceptor(listener)", "acceptor = Acceptor(listener)\nbuffers = {}"),
        (
            "echo(client)",
            """
            client.flush()
            if client.wants_read and (data := client.receive()):
                buffers[fd] = data + buffers.get(fd, b"")[len(data) :]
                client.send(buffers[fd])
            """,
        ),
        ("del clients[fd]", "del clients[fd]\nbuffers.pop(fd, None)"),
    ),
    bug(
        epoll_server,
        "spins_without_descriptors",
        "When the process has no descriptor left, it takes a whole core until a client leaves.",
        ("epoll.modify(fd, 0)", "pass  # no descriptor left: better luck next time"),
    ),
    bug(
        epoll_server,
        "a_thousand_at_most",
        "The 1,001st client is turned away.",
        ("if client.done:", "if client.done or len(clients) > 1000:"),
    ),
    bug(
        epoll_server,
        "never_forgets",
        "With every client that comes and leaves it takes a little more memory.",
        ("acceptor = Acceptor(listener)", "acceptor = Acceptor(listener)\ngone = []"),
        ("if client.done:\n", "if client.done:\n    gone.append(client)\n"),
    ),
    bug(
        epoll_server,
        "remembers_who_broke_off",
        "With every client that breaks off it takes a little more memory.",
        ("acceptor = Acceptor(listener)", "acceptor = Acceptor(listener)\nturns = {}"),
        ("echo(client)", "echo(client)\nturns[client] = turns.get(client, 0) + 1"),
        ("del clients[fd]", "del clients[fd]\nif client.ended:\n    del turns[client]"),
    ),
    bug(
        epoll_server,
        "still_owes",
        "With every client that breaks off in the middle of a reply it takes a little more memory.",
        ("acceptor = Acceptor(listener)", "acceptor = Acceptor(listener)\nowed = set()"),
        (
            "epoll.modify(fd, client.wants)",
            "epoll.modify(fd, client.wants)\n(owed.add if client.unsent else owed.discard)(client)",
        ),
    ),
    bug(
        epoll_server,
        "reads_without_end",
        "A client that sends and never reads fills the memory.",
        ("echo(client)", "client.flush()\nclient.send(client.receive())"),
        ("epoll.modify(fd, client.wants)", "epoll.modify(fd, client.wants | select.EPOLLIN)"),
    ),
    bug(
        epoll_server,
        "too_generous",
        "A client that never reads costs four megabytes of memory, and a thousand of them four gigabytes.",
        (
            "echo(client)",
            """
            client.flush()
            room = not client.ended and len(client.unsent) < 4 * 2**20
            if room:
                client.send(client.receive())
            """,
        ),
        (
            """
            elif client.wants != before:
                epoll.modify(fd, client.wants)
            """,
            """
            else:
                reading = (room and not client.ended) * select.EPOLLIN
                epoll.modify(fd, reading | client.wants_write * select.EPOLLOUT)
            """,
        ),
    ),
    bug(
        epoll_server,
        "leaves_before_the_end",
        "A client that half-closes after a long question gets part of the reply.",
        ("if client.done:", "if client.done or client.ended:"),
    ),
    bug(
        my_server,
        "remembers_by_descriptor",
        "A new client is sent what was meant for another, which had left before it was read.",
        ('unsent[conn] = b""', 'unsent[conn] = left.get(conn.fileno(), b"")'),
        (
            "watched = {}  # for each client, what epoll watches it for",
            "watched = {}\nleft = {}  # of clients that left",
        ),
        (
            "del conns[conn.fileno()], unsent[conn], watched[conn]",
            "left[conn.fileno()] = unsent.pop(conn)\ndel conns[conn.fileno()], watched[conn]",
        ),
    ),
    bug(
        epoll_server,
        "asks_who_it_is",
        "A client that is gone before the server looks at the accept queue ends the server.",
        (
            "clients[client.fileno()] = client",
            "clients[client.fileno()] = client\npeer = client.sock.getpeername()  # for the log",
        ),
    ),
]
"""The wrong memory: these servers wait for the right things, and keep too much, too little or too long."""
