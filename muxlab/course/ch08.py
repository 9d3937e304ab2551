"""Exercises of chapter 08, End connections well."""

import heapq
import select
import socket
import time

from .ch05 import epoll_echo
from .exercises import Exercise
from .variant import variant


def stale_server(listener, stop, room=10_000):
    epoll = select.epoll()
    conns = {}  # for each descriptor, its socket; the oldest client first
    gone = []  # sockets to be closed at the end of the batch: until then their numbers stay taken

    def welcome():
        if len(conns) == room:
            drop(next(iter(conns)))  # the oldest client makes room
        conn, address = listener.accept()
        conn.setblocking(False)
        epoll.register(conn, select.EPOLLIN)
        conns[conn.fileno()] = conn

    def read_some(fd):
        data = conns[fd].recv(1024)
        if data:
            conns[fd].send(data)
        else:
            drop(fd)

    def drop(fd):
        epoll.unregister(fd)
        gone.append(conns.pop(fd))

    with epoll:
        epoll.register(stop, select.EPOLLIN)
        epoll.register(listener, select.EPOLLIN)
        while not stop.is_set():
            for fd, mask in epoll.poll():
                if fd == listener.fileno():
                    welcome()
                elif fd in conns and mask & select.EPOLLHUP:
                    drop(fd)  # broken off: nobody is left to answer
                elif fd in conns:
                    try:
                        read_some(fd)
                    except OSError:
                        drop(fd)
            while gone:
                gone.pop().close()
    for conn in conns.values():
        conn.close()


def tidy_server(listener, stop, idle=60.0, grace=0.5):
    listener.setblocking(False)
    epoll = select.epoll()
    conns = {}  # for each descriptor, its socket
    unsent = {}  # for each client, the bytes that still have to go
    watched = {}  # for each client, what epoll watches it for
    last_news = {}  # for each client, when it last did anything
    alarms = []  # a heap of (when, descriptor, client): the next alarm is alarms[0]
    leaving = set()  # clients that have been told that nothing more comes

    def welcome():
        try:
            conn, address = listener.accept()
        except OSError:
            return False  # the queue is empty, or no descriptor is left
        conn.setblocking(False)
        epoll.register(conn, select.EPOLLIN)
        conns[conn.fileno()] = conn
        unsent[conn] = b""
        watched[conn] = select.EPOLLIN
        last_news[conn] = time.monotonic()
        heapq.heappush(alarms, (last_news[conn] + idle, conn.fileno(), conn))
        return True

    def take_turn(conn):
        try:
            if unsent[conn]:
                flush(conn)
            else:
                read_some(conn)
        except OSError:
            drop(conn)

    def read_some(conn):
        try:
            data = conn.recv(65536)
        except BlockingIOError:
            if stop.is_set():
                say_goodbye(conn)  # all that had arrived is answered
            return
        last_news[conn] = time.monotonic()
        if not data:
            drop(conn)
        elif conn not in leaving:
            unsent[conn] = data
            flush(conn)

    def flush(conn):
        try:
            sent = conn.send(unsent[conn])
            last_news[conn] = time.monotonic()
        except BlockingIOError:
            sent = 0  # no room just now
        unsent[conn] = unsent[conn][sent:]
        wanted = select.EPOLLOUT if unsent[conn] else select.EPOLLIN
        if wanted != watched[conn]:
            epoll.modify(conn, wanted)
            watched[conn] = wanted

    def drop(conn):
        epoll.unregister(conn)
        del conns[conn.fileno()], unsent[conn], watched[conn], last_news[conn]
        leaving.discard(conn)
        conn.close()
        if len(alarms) > 2 * len(conns) + 10:  # most of them are of clients that have left
            alarms[:] = [alarm for alarm in alarms if alarm[2] in unsent]
            heapq.heapify(alarms)

    def ring():
        """Close the clients whose time is up; return the seconds until the next alarm, None if there is none."""
        now = time.monotonic()
        while alarms and alarms[0][0] <= now:
            when, fd, conn = heapq.heappop(alarms)
            if conn not in unsent:
                continue  # it has left
            if last_news[conn] + idle > now:
                heapq.heappush(alarms, (last_news[conn] + idle, fd, conn))  # there was news: another alarm
            else:
                drop(conn)
        return alarms[0][0] - now if alarms else None

    def say_goodbye(conn):
        if conn not in leaving:
            leaving.add(conn)
            conn.shutdown(socket.SHUT_WR)  # and read on until the client's end: to close now might reset it

    def take_leave(conn, end):
        take_turn(conn)
        while conn in unsent and not unsent[conn] and conn not in leaving and time.monotonic() < end:
            take_turn(conn)  # until nothing waits to be read

    with epoll:
        epoll.register(stop, select.EPOLLIN)
        epoll.register(listener, select.EPOLLIN)
        timeout = None
        while not stop.is_set():
            for fd, mask in epoll.poll(timeout):
                if fd == listener.fileno():
                    welcome()
                elif fd in conns:
                    take_turn(conns[fd])
            timeout = ring()

        epoll.unregister(stop)  # it stays readable from now on
        epoll.unregister(listener)
        end = time.monotonic() + grace
        while time.monotonic() < end and welcome():
            pass  # these are connected already: closing the listener would reset them
        listener.close()  # newcomers are refused
        for conn in list(conns.values()):
            take_leave(conn, end)
        while conns and time.monotonic() < end:
            for fd, mask in epoll.poll(max(0, end - time.monotonic())):
                if fd in conns:
                    take_leave(conns[fd], end)
    for conn in conns.values():
        conn.close()


EXERCISES = [
    Exercise(
        name="stale",
        chapter="08",
        about="This server holds at most `room` clients: when one more comes, the oldest one is closed to make room. "
        "Now and then a newcomer is thrown out at once, and nobody knows why.",
        trials=(
            "echoes one message",
            "survives a reset between messages",
            "survives clients that connect and leave",
            "forgets clients that left",
            "lets nobody pay for another's event",
        ),
        hints=(
            "`epoll.poll` returns a batch. Say that the listener is first in it, and the oldest client, which has "
            "just broken off, comes second. What does the server do at the first, and who has that number at the "
            "second?",
            "The newcomer got the number that the oldest had a moment ago. The mask is news of the one that is gone. "
            "Which line believes it?",
            "As long as a socket is open, nobody else can get its number. When, at the earliest, can no event of "
            "this batch be about it any more?",
        ),
        why="The sockets of clients that are gone are closed after the batch: until then nobody else can get their "
        "numbers, and `fd in conns` is false for what is left of their news. Other cures: believe no mask, and "
        "let a nonblocking `recv` tell what is true now; or end the batch there and ask epoll again.",
        functions=(stale_server,),
        broken=variant(
            stale_server,
            "stale_server",
            "Now and then it closes a newcomer's connection at once, for something that another client did.",
            (
                """
                conns = {}  # for each descriptor, its socket; the oldest client first
                gone = []  # sockets to be closed at the end of the batch: until then their numbers stay taken
                """,
                "conns = {}  # for each descriptor, its socket; the oldest client first",
            ),
            ("gone.append(conns.pop(fd))", "conns.pop(fd).close()"),
            ("while gone:\n    gone.pop().close()", ""),
        ),
    ),
    Exercise(
        name="tidy",
        chapter="08",
        about="Extend your epoll server until it ends connections as well as it holds them. A client that has been "
        "silent for `idle` seconds is closed, one that sends a byte now and then is kept, and nothing of a client "
        "that has left stays in your heap. When `stop` is set, those in the accept queue are still let in and "
        "nobody else, all that has arrived is answered, and after `grace` seconds at most the server returns.",
        trials=(
            "echoes one message",
            "survives a reset between messages",
            "answers a client that half-closes after asking",
            "forgets clients that left",
            "returns 4 MiB whole to a client that reads late",
            "sleeps beside silent clients",
            "returns when told to stop",
            "closes clients that are silent for too long",
            "keeps a client that is slow and alive",
            "closes nobody before the timeout",
            "loses no byte when it is stopped",
            "stops in time though a client does not read",
        ),
        hints=(
            "When will the next client have been silent for too long? That is how long `epoll.poll` may sleep. How do "
            "you find that moment without looking at every client?",
            "A heap of `(when, descriptor, client)` has it in front. What do you do when an alarm goes off, and the "
            "client has spoken since, or left, or its number has gone to another? And what stays in the heap of those "
            "that left?",
            "At the stop: unregister `stop`, which stays readable; accept what is in the queue; close the listener. "
            "Then go on serving, until each client has nothing unsent and its `recv` raises `BlockingIOError`. What "
            "do you wait for then?",
            "Say that nothing more comes with `shutdown(socket.SHUT_WR)`, and read on until the client ends its "
            "side, or the grace is over. What would `close` do while bytes wait to be read?",
        ),
        why="An alarm for each client lies in a heap, and the first one is the timeout of the wait. When it goes "
        "off, `last_news` tells whether it still counts. At the end each client is served until nothing from it "
        "waits to be read; then a half-close tells it that nothing more comes, and it has until the end of `grace` "
        "to end its own side.",
        functions=(tidy_server,),
        start=variant(
            epoll_echo,
            "tidy_server",
            "Echo with epoll: no timeout, and it hangs up on everybody when it is stopped.",
            ("(listener, stop):", "(listener, stop, idle=60.0, grace=0.5):"),
        ),
        way="epoll",
    ),
]
