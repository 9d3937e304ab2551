"""Exercises of chapter 13, Look beyond."""

import select
import threading

from ..connection import Connection
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


def short_read(listener, stop):
    listener.setblocking(False)
    everything = select.EPOLLIN | select.EPOLLOUT | select.EPOLLRDHUP | select.EPOLLET
    over = select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR
    epoll = select.epoll()
    clients = {}  # for each descriptor, its client
    finished = set()  # clients that will send no more, whether or not we have read as far

    def welcome():
        try:
            sock, address = listener.accept()
        except OSError:
            return  # gone again already, or no descriptor left: chapter 9
        client = Connection(sock)
        clients[client.fileno()] = client
        epoll.register(client, everything)

    def talk(client):
        client.flush()
        while client.wants_read:
            data = client.receive()
            client.send(data)
            if len(data) < 65536 and client not in finished:
                break  # less than `receive` asks for: the queue is empty, and what comes next is an edge

    def drop(client):
        epoll.unregister(client)
        del clients[client.fileno()]
        finished.discard(client)
        client.close()

    with epoll:
        epoll.register(stop, select.EPOLLIN)
        epoll.register(listener, select.EPOLLIN)
        while not stop.is_set():
            for fd, mask in epoll.poll():
                if fd == listener.fileno():
                    welcome()
                elif fd in clients:
                    client = clients[fd]
                    if mask & over:
                        finished.add(client)
                    talk(client)
                    if client.done:
                        drop(client)
    for client in clients.values():
        client.close()


def start_of_short_read(listener, stop):
    listener.setblocking(False)
    everything = select.EPOLLIN | select.EPOLLOUT | select.EPOLLET
    epoll = select.epoll()
    clients = {}  # for each descriptor, its client

    def welcome():
        try:
            sock, address = listener.accept()
        except OSError:
            return  # gone again already, or no descriptor left: chapter 9
        client = Connection(sock)
        clients[client.fileno()] = client
        epoll.register(client, everything)

    def talk(client):
        client.flush()
        while client.wants_read:
            data = client.receive()
            client.send(data)
            if not data:
                break  # EAGAIN: the queue is empty, and what comes next is an edge

    def drop(client):
        epoll.unregister(client)
        del clients[client.fileno()]
        client.close()

    with epoll:
        epoll.register(stop, select.EPOLLIN)
        epoll.register(listener, select.EPOLLIN)
        while not stop.is_set():
            for fd, mask in epoll.poll():
                if fd == listener.fileno():
                    welcome()
                elif fd in clients:
                    client = clients[fd]
                    talk(client)
                    if client.done:
                        drop(client)
    for client in clients.values():
        client.close()


EXERCISES = [
    Exercise(
        name="one-shot",
        chapter="13",
        about="Four threads share one epoll, and EPOLLONESHOT sees to it that no two of them handle the same client at "
        "once. But each client is answered once, and never again. Repair it, and keep it so that no two threads handle "
        "the same client.",
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
    Exercise(
        name="short-read",
        chapter="13",
        about="This edge-triggered server reads until EAGAIN, so it reads twice for each short message. Extend it so "
        "that, like nginx, it reads once. It must not leave anything unread, nor keep a client that has said goodbye.",
        trials=(
            "answers question after question",
            "serves 64 clients in turn",
            "takes messages that come glued together",
            "returns 4 MiB whole to a client that reads late",
            "answers a client that half-closes after asking",
            "survives a reset in the middle of a reply",
            "sleeps beside a client that half-closed",
            "forgets clients that left",
        ),
        hints=(
            "`receive` asks for 65,536 bytes. When does what it returns tell you that the queue is empty?",
            "A read that returns as much as it asked for tells nothing: there may be more. Go on after such a read, "
            "and stop after any other.",
            "A client's end may be in the queue right behind its bytes, and no further edge will say so. But the mask "
            "of the event does, if you have asked for EPOLLRDHUP. Then read until the end has come.",
            "The mask says so once. `talk` may not get to the end at that time, because the client does not take its "
            "replies. So remember, for each client, that it has finished.",
        ),
        why="A read that returns less than was asked for has emptied the queue. What may still be behind it is the "
        "client's end, and of that the mask tells, once: `finished` remembers it, and `talk` goes on to the end then.",
        functions=(short_read,),
        start=start_of_short_read,
        way="short read",
    ),
]
